"""What people change by hand in rooms: which of it became desired state, and which is drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Place
from esnbot.provisioning.compare import Action, Change
from esnbot.provisioning.desired import DesiredRoom
from esnbot.provisioning.hands import field_value
from esnbot.provisioning.observer import load_rooms
from esnbot.provisioning.plan import Plan, make_plan
from esnbot.provisioning.seen import CHARTER, OWNED, Content, Fact, Observed, SeenRoom
from esnbot.store.rooms import room_state

WATCHED: Final = frozenset(OWNED) - {"m.room.create", "m.room.tombstone"}
"""Types of state in which a change by hand may be drift."""

SOFT: Final = {"m.room.name": "name", "m.room.topic": "topic", "m.room.avatar": "avatar"}
"""Types of state that become desired state where the file does not state the field."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """One state event that somebody else than the bot sent."""

    room_id: str
    type: str
    state_key: str
    fact: Fact


async def since(conn: AsyncConnection, bot: str, room: SeenRoom, spaces: Iterable[SeenRoom]) -> list[ByHand]:
    """What the store knows of changes by hand that a picture of a room, and of the spaces around it, does not show."""
    pictures = {space.room_id: space for space in spaces} | {room.room_id: room}
    own = and_(room_state.c.room_id == room.room_id, room_state.c.type.in_(WATCHED - {"m.space.child"}))
    place = and_(
        room_state.c.room_id.in_(list(pictures)),
        room_state.c.type == "m.space.child",
        room_state.c.state_key == room.room_id,
    )
    rows = await conn.execute(select(room_state).where(room_state.c.sender != bot, or_(own, place)))
    found = [ByHand(row.room_id, row.type, row.state_key, Fact(row.content, row.sender, row.ts)) for row in rows]
    return [one for one in found if pictures[one.room_id].state.get((one.type, one.state_key)) != one.fact]


async def look(
    conn: AsyncConnection,
    key: str,
    desired: Mapping[str, DesiredRoom],
    ids: Mapping[str, str],
    *,
    bot: str,
    server: str,
    media: Mapping[str, str] | None = None,
) -> Plan | None:
    """How a room differs, as the store has it; ``desired`` and ``ids`` name it and its spaces. None: it is not known.

    Of a room whose creation is not known nobody can say what power anybody has.
    """
    rooms = await load_rooms(conn, bot, list(ids.values()))
    room = rooms.get(ids.get(key, ""))
    if room is None or not room.whole:
        return None
    observed = Observed(rooms=rooms, bindings=ids, ready=frozenset(ids), media=media or {})
    return make_plan(desired, observed, bot, server, keys=[key])


def told(plan: Plan, type: str, state_key: str) -> list[Change]:
    """The changes of a plan that come from one state event, as far as they are drift."""
    types = (type, CHARTER) if type == "m.room.pinned_events" else (type,)
    return [
        change
        for change in plan.changes
        if change.type in types and change.state_key in ("", state_key) and change.action is Action.change
    ]


def accepted(desired: DesiredRoom, place: Place, type: str, content: Content) -> tuple[str, Any] | None:
    """Field and value that become desired state when an owner sets this by hand, else None.

    ``place`` is what is wanted now, and ``desired`` what was compared with: what was declared meanwhile is not undone.
    """
    field = SOFT.get(type)
    if field is None or desired.states(field) or desired.archived:
        return None
    value, wanted = field_value(field, content), getattr(place, field)
    if value == wanted or wanted != getattr(desired.place, field) or (field == "name" and not str(value).strip()):
        return None
    return field, value


__all__ = ["SOFT", "WATCHED", "ByHand", "accepted", "look", "since", "told"]
