"""What other features ask before they post unasked, and what they say once they do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Place
from esnbot.community.model import Community
from esnbot.community.tempo import Bounds
from esnbot.engine.feature import Context
from esnbot.features.status import is_paused
from esnbot.features.tempo import model, records
from esnbot.features.tempo.model import Had, Post, RoomTempo, Rule, Verdict
from esnbot.features.tempo.planner import Wish, lay_out
from esnbot.provisioning import wanted
from esnbot.store import bindings

LOOK_BACK: Final = timedelta(weeks=5)
"""So far back the planner looks."""


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
    had = await had_by(conn, tempo, key, at, prompt=prompt)
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
    around: dict[str, Place] = {}
    at: Place | None = place
    # Few stand around one room: many prompts are due at the same time, and a community may have hundreds of spaces.
    while at is not None and at.parent and at.parent not in around:
        at = await wanted.get(conn, at.parent)
        if at is not None:
            around[at.key] = at
    return model.room_tempo(place, around, community)


async def had_by(conn: AsyncConnection, tempo: RoomTempo, key: str, at: datetime, *, prompt: bool = False) -> Had:
    """What a room had of late; for a prompt also what comes, as the planner sees it."""
    wishes = await records.wished(conn, key) if prompt else []
    if not wishes:
        return Had.of(tempo, await records.posts(conn, key, at - timedelta(days=model.WEEK + 1)))
    posts = await records.posts(conn, key, at - LOOK_BACK)
    until = at + timedelta(days=model.WEEK + 1) + tempo.bounds.least_gap
    lines = await records.line_weights(conn)
    layout = lay_out(wishes, {key: tempo}, lines, {key: posts}, at, until)
    return Had.of(tempo, posts, [one.at for one in layout.placed])
