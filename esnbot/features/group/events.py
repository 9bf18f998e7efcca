"""Domain events of groups made in chat."""

from __future__ import annotations

from typing import Final

ASKED_FOR: Final = "org.esnbot.group_asked_for"
"""Somebody asked for a group, and it is written down as wanted; content: ``key``."""

OWNER_GONE: Final = "org.esnbot.group_owner_gone"
"""An owner of a group left it, or was taken off its owners; content: ``key``, ``person``."""

MERGED: Final = "org.esnbot.group_merged"
"""A group became part of another one, and is archived; content: ``from``, ``into`` (keys)."""


def waits_for(key: str) -> str:
    """What whoever asked for a group waits for (``esnbot.commands.waiting``)."""
    return f"group:{key}"


def said_later(key: str, revision: int, asked: int) -> list[str]:
    """The effects that answer a wish once its room is there, or is not, as the outbox has them."""
    return [
        f"group/ready:{key}",
        f"group/failed:{key}:{revision}",
        f"group/given_up:{key}:{revision}",
        f"group/slow:{key}:{asked}",
    ]
