"""What was kept in groups that became part of another one: it stays where it is, and is found from there."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Table, select
from sqlalchemy import Text as Words
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group
from esnbot.features.group import groups_of
from esnbot.features.text.records import kept_text
from esnbot.provisioning import wanted
from esnbot.store.tables import metadata
from esnbot.store.upsert import upsert

DEEPEST: Final = 8
"""Groups that became part of groups that became part of one are looked up so far."""

text_heir = Table(
    "text_heir",
    metadata,
    # The group that ended, and the one that it became part of.
    Column("place", Words, primary_key=True),
    Column("heir", Words, nullable=False, index=True),
)


async def became(conn: AsyncConnection, place: str, heir: str) -> None:
    """Note that a group became part of another one."""
    await upsert(conn, text_heir, {"place": place, "heir": heir})


async def came_with(conn: AsyncConnection, place: str, kind: str) -> list[Group]:
    """The groups that became part of one, still are, and kept texts of a kind; the nearest first."""
    known, nearest, ended = {place}, [place], list[Group]()
    for _ in range(DEEPEST):
        rows = await conn.execute(select(text_heir.c.place).where(text_heir.c.heir.in_(nearest)))
        found = [await wanted.get(conn, key) for key in sorted(set(rows.scalars()) - known)]
        # What is opened again is a group of its own again.
        still = [one for one in found if isinstance(one, Group) and one.archived]
        ended += still
        nearest = [one.key for one in still]
        known.update(nearest)
        if not nearest:
            break
    groups = [part for one in ended for part in await groups_of(conn, one.key)]
    having = await _having(conn, [group.key for group in groups], kind)
    return [group for group in groups if group.key in having]


async def _having(conn: AsyncConnection, places: list[str], kind: str) -> set[str]:
    standing = (kept_text.c.kind == kind) & kept_text.c.gone.is_(False)
    query = select(kept_text.c.place).where(kept_text.c.place.in_(places), standing).distinct()
    return set((await conn.execute(query)).scalars()) if places else set()
