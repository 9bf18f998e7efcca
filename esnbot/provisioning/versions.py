"""How the declared objects stand, without reading what they are: for whoever keeps them in memory."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.provisioning.tables import desired_object, withdrawn
from esnbot.store.bindings import binding


@dataclass(frozen=True, slots=True)
class Mark:
    """The same as long as nothing that is declared has changed."""

    objects: int
    revisions: int
    changed: int
    withdrawn: int


async def mark(conn: AsyncConnection) -> Mark:
    """How everything declared stands now; each change counts a revision on, and what is withdrawn is counted, too."""
    columns = func.count(), func.sum(desired_object.c.revision), func.max(desired_object.c.changed)
    objects, revisions, changed = (await conn.execute(select(*columns).select_from(desired_object))).one()
    gone = (await conn.execute(select(func.sum(withdrawn.c.revision)))).scalar_one_or_none()
    return Mark(objects, int(revisions or 0), changed or 0, int(gone or 0))


async def versions(conn: AsyncConnection) -> dict[str, tuple[int, int]]:
    """Key to revision and time of the last change, of everything declared."""
    query = select(desired_object.c.key, desired_object.c.revision, desired_object.c.changed)
    return {row.key: (row.revision, row.changed) for row in await conn.execute(query)}


async def roomless(conn: AsyncConnection) -> frozenset[str]:
    """Keys of what is declared and has no room yet."""
    query = select(desired_object.c.key).join(binding, binding.c.key == desired_object.c.key, isouter=True)
    return frozenset((await conn.execute(query.where(binding.c.key.is_(None)))).scalars())
