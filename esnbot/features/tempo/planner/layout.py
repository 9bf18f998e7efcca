"""Lays out the coming weeks, room by room.

In each room, in this order:

1. **What has a date.** What weighs more comes first, then what has a time, then what is earlier. It stands at its time,
   or (with a day only) at the room's hour, later on that day if another post is too close; where the room does not bear
   it, it is left out. It is never moved to another day: somebody chose it. What was to come within the last day and did
   not (people were talking, say) comes as soon as the room bears it.
2. **The lines, by their weights**, week by week (Monday to Sunday), each week until the room bears no more. What can
   wait no longer than this week goes first, by its last day. Of the others, the line goes next that is furthest
   behind its share, counted over the last four weeks of what the room had and will have: of ``n`` posts of the lines
   that have something waiting, a line of weight ``w`` should have ``n·w/Σw``, and the one that lacks most of its
   share of the next post takes it (largest remainder, in whole numbers; what weighs more, then the name decides
   between equals). So a line of weight 3 gets three posts where one of weight 1 gets one, a line that is new or was
   silent catches up within four weeks and not for ever, and a flood of one line waits in its own queue. Within a
   line, what must come sooner goes first, then what weighs more, then its name. It takes the first day of the week
   that is as far from other posts as the week's bound suggests (two posts: three days), else the day farthest from
   any; never a day that has a post, and weekends only where the tempo allows them.
3. **Gaps, with prompts**: at their occasions, where the room bears one more and the day has nothing else. As they come
   last, they displace nothing.

Nothing depends on a clock, a random number or the order of the input, and rooms do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from esnbot.features.tempo.model import Post, RoomTempo
from esnbot.features.tempo.planner.room import RoomPlan
from esnbot.features.tempo.planner.slots import Slots
from esnbot.features.tempo.planner.wishes import Layout, LeftOut, Placed, Wish
from esnbot.speech import later


def lay_out(
    wishes: Iterable[Wish],
    bounds: Mapping[str, RoomTempo],
    lines: Mapping[str, int],
    past: Mapping[str, Sequence[Post]],
    since: datetime,
    until: datetime,
) -> Layout:
    """What is posted where and when, from ``since`` (included) to ``until`` (not), both aware.

    ``bounds`` and ``past`` are by the key of a room; ``past`` should reach back four weeks. ``lines`` are weights, 1
    where none is said. What lies outside of ``since`` and ``until`` is no part of the layout; what was to be posted
    more than a day before ``since`` is left out.
    """
    by_room: dict[str, list[Wish]] = {}
    for wish in sorted(wishes, key=lambda one: one.order):
        for room in dict.fromkeys(wish.targets):
            by_room.setdefault(room, []).append(wish)
    placed: list[Placed] = []
    left_out: list[LeftOut] = []
    slots = Slots(since, until)
    for room in sorted(by_room):
        tempo = bounds.get(room)
        if tempo is None:
            unknown = later("There is no such group or space.")
            left_out += [LeftOut(wish, room, unknown) for wish in by_room[room]]
            continue
        plan = RoomPlan(room, tempo, lines, past.get(room, ()), slots)
        plan.take(by_room[room])
        placed += plan.placed
        left_out += plan.left_out
    placed.sort(key=lambda one: (one.at, one.room, one.wish.order))
    left_out.sort(key=lambda one: (one.room, one.wish.order))
    return Layout(tuple(placed), tuple(left_out))
