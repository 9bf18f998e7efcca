"""Domain events of groups made in chat."""

from __future__ import annotations

from typing import Final

ASKED_FOR: Final = "org.esnbot.group_asked_for"
"""Somebody asked for a group, and it is written down as wanted; content: ``key``."""

GROUP_BORN: Final = "org.esnbot.group_born"
"""A group that people asked for in chat stands, with all its rooms; once for each group.

Content:

- ``key``: the natural key of the group, which is that of its first room;
- ``template``: the key of its template in ``Community.templates`` (its ``pages`` and ``notes`` are what features make
  of it), '' when there is none;
- ``kind``, ``language`` (of the group: its texts are taken in this language), ``owners`` (user ids, sorted);
- ``space``: the key of the space that was made for it, '' for a group of one room;
- ``rooms``: the template's key of each room to the natural key of the place, ``{}`` for a group of one room.

The event's ``room_id`` is the group's first room.
"""

OWNER_GONE: Final = "org.esnbot.group_owner_gone"
"""An owner of a group left it, or was taken off its owners; content: ``key``, ``person``."""

MERGED: Final = "org.esnbot.group_merged"
"""A group became part of another one, and is archived; content: ``from``, ``into`` (keys)."""


GROUP_WISHED: Final = "org.esnbot.group_wished"
"""Several people wish for a group, which another feature says for them; content:

- ``ref``: what comes back in ``GROUP_GRANTED``;
- ``name``, ``language``;
- ``people``: user ids; the first of them who may make groups owns it;
- ``near``: the key of the group that they are in: the new one stands beside it, and is no wider.
"""
GROUP_GRANTED: Final = "org.esnbot.group_granted"
"""What came of ``GROUP_WISHED``; content: ``ref``, ``key`` (of the group that is wanted now, '' when there is none)."""


FOUNDING_ASKED: Final = "org.esnbot.group_founding_asked"
"""A group waits for its second founder, who is to be asked; content: ``id``."""
FOUNDING_OVER: Final = "org.esnbot.group_founding_over"
"""It waits no more; content: ``id``."""


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
