"""The planner: ten thousand entries over five hundred rooms for eight weeks; what hearing that people talk costs."""

from __future__ import annotations

import gc
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.rows import Row, at_most
from esnbot.community.tempo import Bounds, QuietHours
from esnbot.engine.clock import SystemClock
from esnbot.engine.event import Event
from esnbot.features.hours import public_holidays
from esnbot.features.tempo.model import Post, RoomTempo
from esnbot.features.tempo.planner import Layout, Wish, lay_out
from esnbot.features.tempo.talk import Talks

BOT = "@bot:bench.test"
SINCE = datetime(2026, 3, 2, 6, tzinfo=UTC)
LINES = {"craft": 5, "life": 3, "news": 2, "people": 1}
GOAL_S = 5.0
GOAL_RATIO = 5.0


async def main(quick: bool) -> list[Row]:
    """The best of some rounds each, in turn; the naive one keeps the weeks' bounds, and explains and weighs nothing."""
    entries, rooms, weeks, rounds = (2_000, 100, 8, 3) if quick else (10_000, 500, 8, 5)
    wishes, bounds, past = a_calendar(entries, rooms, weeks)
    until = SINCE + timedelta(weeks=weeks)

    def ours() -> Layout:
        return lay_out(wishes, bounds, LINES, past, SINCE, until)

    def naive() -> int:
        return first_fit(wishes, bounds, past, until)

    def sort() -> int:
        return len(sorted(wishes, key=lambda one: (one.at or SINCE, one.weight, one.ref)))

    taken: dict[str, list[float]] = defaultdict(list)
    layout = ours()
    for _ in range(rounds):
        for name, run in (("ours", ours), ("naive", naive), ("sort", sort)):
            taken[name].append(_seconds(run))
    best = {name: min(seconds) for name, seconds in taken.items()}
    posts = sum(len(one.targets) for one in wishes)
    what = f"{entries:,} entries ({posts:,} posts, {len(layout.placed):,} placed) over {rooms} rooms for {weeks} weeks"
    ratio = best["ours"] / best["naive"]
    goal, met = at_most(ratio, GOAL_RATIO)
    return [
        Row(
            f"laying out {what}",
            best["ours"],
            "s",
            f"first fit, without lines, gaps or reasons: {best['naive']:.3f} s",
            ratio,
            f"under {GOAL_S:g} s; {goal}",
            best["ours"] < GOAL_S and met,
        ),
        Row("the same, beside sorting the entries", best["ours"], "s", f"sorting {best['sort'] * 1000:.1f} ms"),
        _flood(quick=quick),
        _hearing(),
    ]


def a_calendar(entries: int, rooms: int, weeks: int) -> tuple[list[Wish], dict[str, RoomTempo], dict[str, list[Post]]]:
    """Entries of all sorts, rooms of three tempos, and four weeks of past posts, from a seed."""
    draw = random.Random(7)
    names = [f"room-{number}" for number in range(rooms)]
    zone, off, quiet = ZoneInfo("Europe/Paris"), public_holidays("FR"), QuietHours(hour(19), hour(8))
    tempos = [
        RoomTempo(Bounds(posts_a_week=most, promotional_a_week=1, least_gap=gap, quiet_hours=quiet, at=at), zone, off)
        for most, gap, at in (
            (3, timedelta(hours=4), hour(9, 30)),
            (5, timedelta(days=1), hour(14)),
            (2, timedelta(0), None),
        )
    ]
    bounds = {name: draw.choice(tempos) for name in names}
    past = {name: [Post(SINCE - timedelta(days=draw.randrange(1, 28))) for _ in range(6)] for name in names}
    return [_entry(draw, number, names, weeks) for number in range(entries)], bounds, past


def _entry(draw: random.Random, number: int, names: Sequence[str], weeks: int) -> Wish:
    at = SINCE + timedelta(hours=draw.randrange(weeks * 7 * 24))
    day = at.date()
    sort: dict[str, Any] = draw.choice(
        [{"at": at.replace(hour=draw.randrange(8, 17))}, {"day": day}, {"begin": day}, {"end": day}, {}, {}]
    )
    return Wish(
        of="calendar",
        ref=str(number),
        targets=tuple(draw.sample(names, draw.choice([1, 1, 1, 1, 3]))),
        line=draw.choice(["", *LINES]),
        promotional=draw.random() < 0.2,
        weight=draw.choice([0, 0, 0, 1]),
        **sort,
    )


def first_fit(
    wishes: Sequence[Wish], bounds: dict[str, RoomTempo], past: dict[str, list[Post]], until: datetime
) -> int:
    """What one would write first: each entry on the first working day with room in its calendar week."""
    days: dict[str, set[date]] = {room: {post.at.date() for post in posts} for room, posts in past.items()}
    a_week: dict[tuple[str, int], int] = defaultdict(int)
    last, placed = until.date(), 0
    for wish in sorted(wishes, key=lambda one: (one.at is None and one.day is None, one.at or SINCE, one.ref)):
        for room in wish.targets:
            own = days[room]
            most = bounds[room].bounds.posts_a_week or 7
            day = wish.day or (wish.at.date() if wish.at else wish.begin or SINCE.date())
            dated, end = wish.dated, wish.end or last
            while day <= end and day < last:
                week = day.toordinal() // 7
                free = day not in own and a_week[room, week] < most
                if free and day.weekday() < 5 and not bounds[room].off(day):
                    own.add(day)
                    a_week[room, week] += 1
                    placed += 1
                    break
                if dated:
                    break
                day += timedelta(days=1)
    return placed


def _flood(*, quick: bool) -> Row:
    """One room that is asked for far more than it bears."""
    count = 2_000 if quick else 10_000
    draw = random.Random(3)
    wishes = [
        Wish(of="calendar", ref=str(n), targets=("cafe",), line=draw.choice([*LINES]), promotional=n % 2 == 0)
        for n in range(count)
    ]
    room = {"cafe": RoomTempo(Bounds(posts_a_week=3, promotional_a_week=1), ZoneInfo("Europe/Paris"))}
    taken = min(_seconds(lambda: lay_out(wishes, room, LINES, {}, SINCE, SINCE + timedelta(weeks=8))) for _ in range(3))
    return Row(f"spreading a flood of {count:,} entries in one room", taken, "s")


def _hearing() -> Row:
    """What looking at one ordinary message costs, when nothing has to be written."""
    now = int(time.time() * 1000)
    events = [
        Event(
            event_id=f"$e{n}",
            room_id=f"!r{n % 20}",
            type="m.room.message",
            sender=f"@p{n % 7}:bench.test",
            ts=now + n,
            content={"msgtype": "m.text", "body": "x"},
        )
        for n in range(100_000)
    ]
    talks = Talks(BOT, SystemClock())
    written = 0
    started = time.perf_counter()
    for event in events:
        if talks.hears(event):
            talks.take(event.room_id)
            written += 1
    taken = (time.perf_counter() - started) / len(events) * 1_000_000
    return Row(f"hearing whether people talk, a message ({written} writes in {len(events):,})", taken, "µs")


def _seconds(run: Callable[[], object]) -> float:
    gc.collect()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


__all__ = ["a_calendar", "first_fit", "main"]
