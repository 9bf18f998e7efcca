"""Domain events of search."""

from __future__ import annotations

from typing import Final

REBUILD: Final = "org.esnbot.search_rebuild"
"""The index is made anew: every feature that puts something in puts all of its own again; no content."""
