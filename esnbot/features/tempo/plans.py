"""The coming weeks, from what is kept: wishes, what rooms had and bear, and the occasions of their prompts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group, Place
from esnbot.community.model import Community
from esnbot.features import calm
from esnbot.features.hours import Beat
from esnbot.features.tempo import records
from esnbot.features.tempo.model import RoomTempo, room_tempo
from esnbot.features.tempo.planner import Layout, Wish, lay_out
from esnbot.features.tempo.verdicts import LOOK_BACK
from esnbot.provisioning import wanted

PROMPT = "prompt"
"""The feature whose posts fill gaps."""


async def plan(
    conn: AsyncConnection,
    community: Community,
    since: datetime,
    until: datetime,
    *,
    keys: Collection[str] | None = None,
    prompts: bool = True,
) -> Layout:
    """What is posted in these rooms (by key; None: all) from ``since`` to ``until`` (aware), as it looks now.

    All wishes of all features are in it, and the prompts that fill gaps, as wishes of the feature ``prompt``, unless
    ``prompts`` is False (they displace nothing, so the rest is the same). A feature gives what concerns it a date from
    here, as ``wish(…, at=…)``, once it is near.
    """
    spaces = await wanted.spaces(conn)
    wishes = await records.wished(conn)
    if keys is not None:
        wishes = [one for one in wishes if one.targets[0] in keys]
    concerned = {one.targets[0] for one in wishes}
    bounds: dict[str, RoomTempo] = {}
    async for place in wanted.each_place(conn):
        if keys is not None and place.key not in keys:
            continue
        if isinstance(place, Group) and place.archived:
            continue
        has_prompts = prompts and isinstance(place, Group) and place.tempo is not None and place.tempo.weekdays
        if not has_prompts and place.key not in concerned:
            continue
        tempo = bounds[place.key] = room_tempo(place, spaces, community)
        if has_prompts and not await calm.is_silenced(conn, place.key, PROMPT):
            wishes += _prompts(place, tempo, since, until)
    past = await records.all_posts(conn, bounds, since - LOOK_BACK)
    return lay_out(wishes, bounds, await records.line_weights(conn), past, since, until)


def _prompts(place: Place, tempo: RoomTempo, since: datetime, until: datetime) -> Iterator[Wish]:
    """The occasions of a group's prompts."""
    if place.tempo is None:
        return
    beat = Beat(place.tempo, tempo.zone, tempo.off, tempo.bounds.quiet_hours)
    for at in beat.after(since - timedelta(microseconds=1)):
        if at >= until:
            return
        yield Wish(of=PROMPT, ref=f"{place.key}:{at:%Y-%m-%d}", targets=(place.key,), at=at, prompt=True)
