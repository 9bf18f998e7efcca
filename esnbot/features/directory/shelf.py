"""All groups as the directory looks at them, kept in memory and brought up to date by what has changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group, Place
from esnbot.community.model import Community
from esnbot.features.directory.model import Entry, entry_of
from esnbot.features.group import further
from esnbot.provisioning import versions, wanted
from esnbot.provisioning.versions import Mark

AT_ONCE: Final = 500
"""So many changed objects are read at once."""


class Shelf:
    """The groups that have a room, in the order of their names; one is read again when it has changed."""

    def __init__(self, community: Community) -> None:
        self._community = community
        self._mark: Mark | None = None
        self._versions: dict[str, tuple[int, int]] = {}
        self._spaces: dict[str, Place] = {}
        self._entries: dict[str, Entry] = {}
        self._order: list[Entry] = []

    async def entries(self, conn: AsyncConnection) -> list[Entry]:
        """Every group with a room, archived ones too."""
        mark = await versions.mark(conn)
        if mark != self._mark:
            await self._catch_up(conn)
            self._mark = mark
        # A group of several rooms is there once, as its first room.
        hidden = await versions.roomless(conn) | await further(conn)
        if not hidden:
            return self._order
        return [entry for entry in self._order if entry.group.key not in hidden]

    async def _catch_up(self, conn: AsyncConnection) -> None:
        now = await versions.versions(conn)
        changed = [key for key, version in now.items() if self._versions.get(key) != version]
        groups = {key: entry.group for key, entry in self._entries.items() if key in now}
        read: dict[str, Group] = {}
        for start in range(0, len(changed), AT_ONCE):
            for one in await wanted.some(conn, changed[start : start + AT_ONCE]):
                if isinstance(one.place, Group):
                    read[one.key] = one.place
        spaces = await wanted.spaces(conn)
        again: Iterable[Group] = (groups | read).values() if spaces != self._spaces else read.values()
        entries = {key: entry for key, entry in self._entries.items() if key in groups}
        entries |= {group.key: entry_of(group, spaces, self._community) for group in again}
        # Nothing is awaited from here on: whoever asks meanwhile sees all of it or nothing.
        self._versions, self._spaces, self._entries = now, spaces, entries
        self._order = sorted(entries.values(), key=lambda entry: entry.order)
