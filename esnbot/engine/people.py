"""One person in the engine's books and in all modules: what is kept about them, and forgetting it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Text, delete, or_, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import effects_in
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import direct
from esnbot.engine.feature import Context, Module
from esnbot.engine.tables import State, dead_letter, inbox, outbox
from esnbot.store import bindings
from esnbot.store.rooms import room_state

ENGINE: Final = "engine"


async def collect(modules: Iterable[Module], conn: AsyncConnection, user: str) -> dict[str, Mapping[str, Any]]:
    """Module to what it keeps about a person, as JSON values; the engine's own books stand under ``engine``."""
    found: dict[str, Mapping[str, Any]] = {ENGINE: await _in_the_books(conn, user)}
    for module in modules:
        if module.export is not None:
            found[module.name] = await module.export(conn, user)
    return found


async def erase(modules: Iterable[Module], ctx: Context, user: str) -> frozenset[str]:
    """Make every module forget a person, then the engine's books; returns the machines to wake after the commit."""
    wake: set[str] = set()
    now = milliseconds(ctx.now)
    for module in modules:
        if module.erase is not None:
            effects = await module.erase(ctx, user)
            # No two times of forgetting are the same cause: what a person does later can be forgotten again.
            wake |= await effects_in.put(ctx.conn, module.name, f"erase:{now}", effects, now)
    await _strike_out(ctx.conn, user)
    return frozenset(wake)


async def rooms_of(conn: AsyncConnection, user: str) -> dict[str, str]:
    """Room id to membership, of the rooms that the bot knows. What was written there is on the homeserver only."""
    query = select(room_state.c.room_id, room_state.c.content).where(
        room_state.c.type == "m.room.member", room_state.c.state_key == user
    )
    rows = await conn.execute(query.order_by(room_state.c.room_id))
    return {room: str(member.get("membership", "leave")) for room, member in rows if isinstance(member, dict)}


async def _in_the_books(conn: AsyncConnection, user: str) -> dict[str, Any]:
    waiting = select(outbox.c.kind, outbox.c.made).where(outbox.c.room == direct(user), outbox.c.state == State.waiting)
    sent = select(outbox.c.made).where(outbox.c.room == direct(user), outbox.c.state == State.done)
    return {
        "rooms": await rooms_of(conn, user),
        "direct_chat": await bindings.room_of(conn, direct(user)),
        "to_be_sent": [{"kind": row.kind, "made": row.made} for row in await conn.execute(waiting)],
        "sent_in_private": sorted((await conn.execute(sent)).scalars()),
        "events_waiting": [body for _, body in await _written_by(conn, user, inbox.c.event_id, inbox.c.body)],
        "dead_letters": [body for _, body in await _written_by(conn, user, dead_letter.c.id, dead_letter.c.body)],
    }


async def _written_by(conn: AsyncConnection, user: str, id_column: Any, body_column: Any) -> list[tuple[Any, Any]]:
    """Bodies in which the person is the sender, or that are for them."""
    query = select(id_column, body_column).where(_names(body_column, user))
    return [(id, _read(body)) for id, body in await conn.execute(query)]


def _names(body: Any, user: str) -> ColumnElement[bool]:
    """Whether a JSON text names the person: their id as a whole string."""
    return type_coerce(body, Text).contains(orjson.dumps(user).decode(), autoescape=True)


def _read(body: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body


async def _strike_out(conn: AsyncConnection, user: str) -> None:
    """Take the person out of the books. Membership of rooms is the homeserver's, and stays for as long as it is so."""
    await bindings.unbind(conn, direct(user))
    # One whose words are not kept names its room only.
    about_them = or_(_names(dead_letter.c.body, user), dead_letter.c.room == direct(user))
    await conn.execute(delete(dead_letter).where(about_them))
    for_them = or_(outbox.c.room == direct(user), _names(outbox.c.body, user))
    await conn.execute(delete(outbox).where(for_them, outbox.c.state != State.waiting))
    # What waits for them is not said any more; the row keeps its key, so that nothing makes it anew.
    waiting = update(outbox).where(outbox.c.room == direct(user), outbox.c.state == State.waiting)
    await conn.execute(waiting.values(state=State.done, body=None, room=""))
