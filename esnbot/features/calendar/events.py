"""What the editorial calendar tells other features, and what they can ask of it."""

from __future__ import annotations

from typing import Final

ENTRY_WANTED: Final = "org.esnbot.entry_wanted"
"""Domain event: put a draft into the calendar.

Content: ``title``, ``words`` (Markdown), ``line`` (key, '' for none), ``language`` ('en', 'fr', '' for the
community's), ``targets`` (keys of groups and spaces), ``link`` (URL), ``credit`` (whose it is, plain text), ``by`` (user
id, '' for nobody), ``of`` (the feature that asks, such as 'watch').
"""

ENTRY_PUBLISHED: Final = "org.esnbot.entry_published"
"""Domain event: an entry is in a room; content: ``entry`` (its number), ``occurrence`` (local day, '2026-12-01'),
``key`` (of the group or space), ``room`` (room id)."""
