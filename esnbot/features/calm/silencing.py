"""What a group has silenced, and how the engine is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Names
from esnbot.engine import silence
from esnbot.features.calm import model, records
from esnbot.features.contract import Declaration


class Silencing:
    """Knows what can be silenced, and keeps the engine's list in step with what groups decided."""

    def __init__(self, declared: Mapping[str, Declaration]) -> None:
        self.features: dict[str, Names] = {
            name: one.called for name, one in sorted(declared.items()) if one.posts and one.called is not None
        }
        """What can be silenced in a group, with what people call it."""

    def covered(self, silenced: Collection[str]) -> set[str]:
        """The features that keep quiet."""
        if model.EVERYTHING in silenced:
            return set(self.features)
        return set(silenced) & self.features.keys()

    async def tell(self, conn: AsyncConnection, room_id: str) -> None:
        """Let the engine know what is silenced in a room now."""
        await silence.silence(conn, room_id, self.covered(await records.silences(conn, room_id)))

    async def refresh(self, conn: AsyncConnection) -> None:
        """The same for all rooms: 'everything' covers a feature that came with an update, too."""
        for room_id, silenced in (await records.rooms_with_silences(conn)).items():
            await silence.silence(conn, room_id, self.covered(silenced))
