"""Places that belong together: a group of several rooms, and the space that was made for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sqlalchemy import Column, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group, Joining, Origin, Place, Space
from esnbot.community.reach import audiences_of
from esnbot.engine.effects import Effect, Invite, room
from esnbot.features.group import plans
from esnbot.features.group.plans import SPACE
from esnbot.provisioning import wanted
from esnbot.store.database import savepoint
from esnbot.store.tables import metadata
from esnbot.store.upsert import upsert

_ADDRESSES: Final = 9
"""So many addresses are tried for a room whose group stands already."""

part = Table(
    "group_part",
    metadata,
    # The natural key of a room or of the space around it.
    Column("key", Text, primary_key=True),
    # The key of the group's first room: people know the group by it, and commands name it.
    Column("family", Text, nullable=False, index=True),
    # The key of the room in the template; SPACE for the space around them.
    Column("part", Text, nullable=False),
)


async def family(conn: AsyncConnection, key: str) -> list[Place]:
    """The places that belong together with the one of this key: the group's first room, the space, further rooms.

    What is archived, revived, renamed or handed over is all of them. A group of one room is alone; nothing for a key
    that nobody has.
    """
    keys = list(await parts(conn, key)) or [key]
    found = {entry.key: entry.place for entry in await wanted.some(conn, keys)}
    return [found[one] for one in keys if one in found]


async def groups_of(conn: AsyncConnection, key: str) -> list[Group]:
    """The rooms among them."""
    return [place for place in await family(conn, key) if isinstance(place, Group)]


async def space_of(conn: AsyncConnection, key: str) -> Space | None:
    """The space that was made for a group of several rooms."""
    return next((place for place in await family(conn, key) if isinstance(place, Space)), None)


async def invitations(conn: AsyncConnection, key: str, person: str, reason: str) -> list[Effect]:
    """Invite somebody into a group: its space, its first room, and the rooms that its space does not open."""
    head = await head_of(conn, key)
    there = await parts(conn, head) or {head: ""}
    group = await wanted.get(conn, head)
    opens = group is not None and group.joining in (Joining.space, Joining.public)
    keys = [one for one, what in there.items() if one == head or what == SPACE or not opens]
    # The space first: clients show rooms in it.
    keys.sort(key=lambda one: there[one] != SPACE)
    return [Invite(room=room(one), user=person, reason=reason) for one in keys]


async def head_of(conn: AsyncConnection, key: str) -> str:
    """The key by which the whole is known: that of its first room, or the key itself."""
    return (await conn.execute(select(part.c.family).where(part.c.key == key))).scalar_one_or_none() or key


async def parts(conn: AsyncConnection, key: str) -> dict[str, str]:
    """Key to what it is in the family (the template's key of the room, or ``SPACE``), the first room first."""
    head = await head_of(conn, key)
    rows = (await conn.execute(select(part.c.key, part.c.part).where(part.c.family == head))).all()
    ordered = sorted(rows, key=lambda row: (row.key != head, row.part != SPACE, row.key))
    return {row.key: row.part for row in ordered}


async def further(conn: AsyncConnection) -> set[str]:
    """Keys of everything that is a part of a group and not its first room: what lists of groups leave out."""
    rows = await conn.execute(select(part.c.key).where(part.c.key != part.c.family))
    return set(rows.scalars())


async def keep(conn: AsyncConnection, head: str, found: Iterable[tuple[str, str]]) -> None:
    """Note which keys belong together, each with what it is in the family."""
    await upsert(conn, part, [{"key": key, "family": head, "part": what} for key, what in found])


async def forget(conn: AsyncConnection, keys: Iterable[str]) -> None:
    """Forget places that are wanted no more."""
    await conn.execute(delete(part).where(part.c.key.in_(list(keys))))


# --- what is done to the whole --------------------------------------------------------------------------------------


async def want(conn: AsyncConnection, group: Group, by: str, now_ms: int) -> None:
    """Like ``wanted.want``; what changes of a group of several rooms changes of all of them, and of their space.

    Raises ``Owned`` when the file has the say.
    """
    before = await wanted.get(conn, group.key)
    await wanted.want(conn, group, by, now_ms)
    if not isinstance(before, Group) or await head_of(conn, group.key) != group.key:
        return
    for place in await family(conn, group.key):
        if place.key == group.key:
            continue
        if (changed := plans.carried_over(before, group, place)) != place:
            await wanted.want(conn, changed, by, now_ms)


async def archive(conn: AsyncConnection, key: str, now_ms: int) -> None:
    """Archive a group with all its rooms and their space. Raises ``Owned`` for one of the file."""
    spaces = await wanted.spaces(conn)
    for place in await family(conn, key):
        if not place.audiences and await parts(conn, key) and (meant := audiences_of(place, spaces)):
            # Its space is archived with it: whom it is for must not be forgotten with that.
            await wanted.want(conn, replace(place, audiences=meant), by="", now_ms=now_ms)
        await wanted.archive(conn, place.key, now_ms)


async def revive(conn: AsyncConnection, key: str, now_ms: int) -> None:
    """Open an archived group again, with all its rooms and their space. Raises ``Owned`` for one of the file."""
    places = await family(conn, key)
    for place in places:
        await wanted.revive(conn, place.key, now_ms)
    spaces = await wanted.spaces(conn)
    for place in places:
        around = spaces.get(place.parent or "")
        if len(places) > 1 and around is not None and set(audiences_of(around, spaces)) == set(place.audiences):
            open_again = await wanted.get(conn, place.key)
            if open_again is not None:
                await wanted.want(conn, replace(open_again, audiences=()), by="", now_ms=now_ms)


async def withdraw(conn: AsyncConnection, key: str) -> bool:
    """Take back a wish of chat that came to nothing, with all its places, and free their keys; all of it or nothing."""
    keys = list(await parts(conn, key)) or [key]
    try:
        async with savepoint(conn):
            for one in keys:
                revision = await wanted.revision_of(conn, one)
                if revision is None or not await wanted.withdraw(conn, one, revision):
                    raise _SomethingStands
            await forget(conn, keys)
    except _SomethingStands:
        return False
    return True


async def readdress(conn: AsyncConnection, key: str, now_ms: int) -> bool:
    """Give a place whose address is taken another one; whether there is one left to try."""
    place = await wanted.get(conn, key)
    if place is None or place.origin is not Origin.chat:
        return False
    number = int(place.alias.rpartition("-")[2]) + 1 if place.alias else 2
    if number > _ADDRESSES:
        return False
    await wanted.want(conn, replace(place, alias=f"{key}-{number}"), by="", now_ms=now_ms)
    return True


class _SomethingStands(Exception):
    """A room of it is there, or is being made."""
