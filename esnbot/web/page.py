"""A page as a feature declares it; the frame mounts it and puts its errors into words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Page:
    """One address of the board."""

    path: str
    """Below the frame's root, such as ``/calendar/{entry}`` (aiohttp's syntax)."""
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]]
    method: str = "GET"
