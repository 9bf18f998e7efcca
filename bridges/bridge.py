"""What every bridge is to the rest: something outside that brings events in, and that effects go out to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

Enter = Callable[[str, str, Mapping[str, Any]], Awaitable[bool]]
"""Enters something by the one door: an id that is the same when it is brought again, a type that begins with
``org.esnbot.``, and its content. Returns, once that is committed, whether it was new."""


class Bridge(Protocol):
    """One outside network: feeds, e-mail, webhooks, calendars, a directory."""

    @property
    def name(self) -> str:
        """Name of its folder, and of its section in the configuration."""
        ...

    async def run(self, enter: Enter) -> None:
        """Bring what happens outside until cancelled; what could not be entered is brought again."""
        ...

    async def deliver(self, key: str, content: Mapping[str, Any]) -> None:
        """Put something out, safe to repeat: ``key`` is the other side's own (a Message-ID, a delivery id, a UID)."""
        ...
