"""What other features ask before they post unasked, and what they say once they do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Place
from esnbot.community.model import Community
from esnbot.community.tempo import Bounds
from esnbot.engine.feature import Context
from esnbot.features.status import is_paused
from esnbot.features.tempo import model, records
from esnbot.features.tempo.model import Had, Post, RoomTempo, Rule, Verdict
from esnbot.features.tempo.planner import Wish
from esnbot.provisioning import wanted
from esnbot.store import bindings


async def may_post(
    ctx_or_conn: Context | AsyncConnection,
    community: Community,
    key: str,
    at: datetime,
    *,
    promotional: bool = False,
    prompt: bool = False,
) -> Verdict:
    """Whether something that nobody asked for may be posted in the room of a group or space at ``at`` (aware).

    If not, ``until`` says when it is worth asking again and ``because`` why, by the first of these that holds it: the
    pause, quiet hours, weekends, public holidays, the least gap, the posts of a week, the promotional ones, for a
    ``prompt`` what else comes, and people who are talking. Ask in the transaction in which you post, and note with
    ``posted`` that you do: until it is over, nobody else is told that the room is free.
    """
    conn = ctx_or_conn.conn if isinstance(ctx_or_conn, Context) else ctx_or_conn
    if await is_paused(conn):
        return Verdict(False, at + model.PAUSED_AGAIN, model.reason(Rule.pause, Bounds()), Rule.pause)
    await records.take_turn(conn, key)
    tempo = await tempo_of(conn, community, key)
    had = await had_by(conn, tempo, key, at)
    room_id = await bindings.room_of(conn, key)
    talk = None if room_id is None else await records.talk_in(conn, room_id)
    if talk is not None and talk.begun > at:
        # The clock was wrong when that was noted.
        talk = None
    return model.judge(tempo, had, at, promotional=promotional, prompt=prompt, talk=talk)


async def posted(
    conn: AsyncConnection, key: str, at: datetime, *, of: str, ref: str, promotional: bool = False, line: str = ""
) -> None:
    """Note that something is posted unasked in a room, in the transaction that says it.

    ``of`` is the feature and ``ref`` what of it: the same one twice is one post. A wish of that name is fulfilled in
    this room, and gives the line when none is said. ``ref`` is kept for two months: no person's id, no words.
    """
    post = Post(at, promotional, line or await records.line_of(conn, of, ref, key))
    await records.put_posted(conn, key, post, of, ref)
    await records.drop_wish(conn, of, ref, key)


async def wish(conn: AsyncConnection, wish: Wish) -> None:
    """Have the planner know that something is to be posted; what was wished under its name before is replaced."""
    await records.put_wish(conn, wish)


async def unwish(conn: AsyncConnection, of: str, ref: str) -> None:
    """Take a wish back."""
    await records.drop_wish(conn, of, ref)


async def unwish_under(conn: AsyncConnection, of: str, beginning: str) -> None:
    """Take back all wishes of a feature whose ``ref`` begins so."""
    await records.drop_wishes_under(conn, of, beginning)


async def weigh(conn: AsyncConnection, lines: Mapping[str, int]) -> None:
    """Say how the editorial lines are weighed, all of them: the higher, the more of it. Unknown lines weigh 1."""
    await records.put_weights(conn, lines)


async def tempo_of(conn: AsyncConnection, community: Community, key: str) -> RoomTempo:
    """What the room of a key bears; of one that nobody wants any more, what the community says of all."""
    place = await wanted.get(conn, key)
    if place is None:
        return model.room_tempo(Place(key=key, name=key), {}, community)
    spaces = await wanted.spaces(conn) if place.parent else {}
    return model.room_tempo(place, spaces, community)


async def had_by(conn: AsyncConnection, tempo: RoomTempo, key: str, at: datetime) -> Had:
    """What a room had of late, and what is sure to come."""
    since = at - timedelta(days=model.WEEK + 1)
    ahead = []
    for one in await records.wished(conn, key):
        due = one.at if one.day is None else model.on_day(tempo, one.day)
        if due is not None and due > at - model.OVERDUE:
            # What is overdue waits, too, and comes at any moment.
            ahead.append(max(due, at))
    return Had.of(tempo, await records.posts(conn, key, since), ahead)
