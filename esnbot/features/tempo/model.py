"""What a room bears, and when: the rules in their order, what is said about each, and when it is worth trying again.

Pure. Days are local ones. A week is any seven days in a row, counted as dates: what holds for all of these holds for
every calendar week, a Friday and the Monday after it are not two weeks apart, and a post that comes an hour late does
not push that of the next week. A least gap is one on the wall, whatever the clocks do in between, and counted in days
if it is one of whole days, for the same reason.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from esnbot.community.group import Place
from esnbot.community.model import Community
from esnbot.community.reach import bounds_of
from esnbot.community.tempo import Bounds
from esnbot.features.hours import SATURDAY, DayOff, public_holidays
from esnbot.speech import Later, at_wall_clock, later, later_plural

WEEK: Final = 7
"""Days that are a week."""
DAY: Final = timedelta(days=1)
HORIZON: Final = 92
"""Days that are looked at for the next time at which a post may appear."""
AFTER_THE_LAST_WORD: Final = timedelta(minutes=15)
"""So long after the last word a conversation is over, and a post may follow it."""
TALK_HOLDS: Final = timedelta(hours=3)
"""A conversation holds posts no longer than this, from its beginning."""
OVERDUE: Final = DAY
"""What had a date and was not posted then is waited for so long: it comes once the room bears it."""
PAUSED_AGAIN: Final = timedelta(minutes=15)
"""Nobody knows how long a pause is: it is worth looking again so often."""


USUAL_HOUR: Final = time(10)
"""The local hour of what only has a day, where no other is usual."""


class Rule(StrEnum):
    """Why something may not be posted now, in the order in which this is looked at."""

    pause = "pause"
    quiet = "quiet"
    weekend = "weekend"
    holiday = "holiday"
    gap = "gap"
    week = "week"
    promotional = "promotional"
    filling = "filling"
    """A prompt fills gaps: what has a date comes before it, and one day has one of the two."""
    talk = "talk"


@dataclass(frozen=True, slots=True)
class Post:
    """Something that was, or will be, posted unasked in a room."""

    at: datetime
    """Aware."""
    promotional: bool = False
    line: str = ""
    """The editorial line; '' for none."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A lively conversation: when it began, and its last word."""

    begun: datetime
    last: datetime

    @property
    def over(self) -> datetime:
        """When it holds nothing any more."""
        return min(self.last + AFTER_THE_LAST_WORD, self.begun + TALK_HOLDS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something may be posted now."""

    free: bool
    until: datetime | None = None
    """When it is worth trying again (UTC), if not free; None: not within the next three months."""
    because: Later | str = ""
    """One sentence for animators."""
    rule: Rule | None = None
    """What holds it; None when free."""


@dataclass(frozen=True, slots=True)
class RoomTempo:
    """The bounds of one room, and the calendar that they are counted in."""

    bounds: Bounds
    zone: ZoneInfo
    off: DayOff = field(default=lambda day: False)

    def wall(self, instant: datetime) -> datetime:
        """The local time of an instant, as it is on the wall: naive."""
        return instant.astimezone(self.zone).replace(tzinfo=None)

    def instant(self, wall: datetime) -> datetime:
        """The instant (UTC) of a local time."""
        return at_wall_clock(wall.date(), wall.time(), self.zone).astimezone(UTC)

    def step(self, wall: datetime) -> datetime:
        """On what the least gap is counted: a gap of whole days in days, any other to the minute."""
        return datetime.combine(wall.date(), time(0)) if not self.bounds.least_gap % DAY else wall

    def closed_day(self, day: date, *, own_date: bool = True) -> Rule | None:
        """Why nothing is posted on a day; what has no date of its own is kept off weekends nobody spoke of."""
        if day.weekday() >= SATURDAY and not (self.bounds.weekends or (own_date and self.bounds.weekends is None)):
            return Rule.weekend
        if not self.bounds.holidays and self.off(day):
            return Rule.holiday
        return None

    def closed(self, wall: datetime) -> Rule | None:
        """Why nothing is posted at a local time, whatever else was posted."""
        quiet = self.bounds.quiet_hours
        if quiet is not None and quiet.covers(wall.time()):
            return Rule.quiet
        return self.closed_day(wall.date())

    def opens(self, wall: datetime) -> datetime | None:
        """The first local time from then on at which something may be posted, whatever else was; None: not soon."""
        quiet = self.bounds.quiet_hours
        for _ in range(2 * HORIZON):
            if self.closed_day(wall.date()) is not None:
                wall = datetime.combine(wall.date() + DAY, time(0))
            elif quiet is not None and quiet.covers(wall.time()):
                day = wall.date() if wall.time() < quiet.end else wall.date() + DAY
                wall = datetime.combine(day, quiet.end)
            else:
                return wall
        return None


def room_tempo(place: Place, spaces: dict[str, Place], community: Community) -> RoomTempo:
    """What the room of a place bears."""
    return RoomTempo(bounds_of(place, spaces, community), community.zone, public_holidays(community.country))


@dataclass(frozen=True, slots=True)
class Had:
    """What a room had, and what is sure to come, for the rules."""

    walls: tuple[datetime, ...]
    """Local times of all posts, in order."""
    promotional: tuple[date, ...]
    """Days of the promotional ones, in order."""
    ahead: tuple[datetime, ...] = ()
    """Local times of what is still to come: a prompt leaves room for it."""

    @classmethod
    def of(cls, tempo: RoomTempo, posts: Iterable[Post], ahead: Iterable[datetime] = ()) -> Had:
        """From posts in any order."""
        known = list(posts)
        return cls(
            tuple(sorted(tempo.wall(post.at) for post in known)),
            tuple(sorted(tempo.wall(post.at).date() for post in known if post.promotional)),
            tuple(sorted(map(tempo.wall, ahead))),
        )


def judge(
    tempo: RoomTempo,
    had: Had,
    at: datetime,
    *,
    promotional: bool = False,
    prompt: bool = False,
    talk: Talk | None = None,
) -> Verdict:
    """Whether a room bears one more post at an instant, given what it had; else why not, and until when."""
    first: tuple[Rule, datetime | None] | None = None
    begin = wall = tempo.wall(at)
    limit = begin + timedelta(days=HORIZON)
    while True:
        found = _held(tempo, had, wall, promotional=promotional, prompt=prompt, talk=talk)
        if found is None:
            break
        first = first or found
        if found[1] is None or found[1] > limit:
            return Verdict(False, None, reason(first[0], tempo.bounds, talk), first[0])
        wall = found[1]
    if first is None:
        return Verdict(True)
    # In the hour that comes twice, the wall may show what is past already.
    until = max(tempo.instant(wall), at + timedelta(minutes=1))
    return Verdict(False, until, reason(first[0], tempo.bounds, talk), first[0])


def _held(
    tempo: RoomTempo, had: Had, wall: datetime, *, promotional: bool, prompt: bool, talk: Talk | None
) -> tuple[Rule, datetime | None] | None:
    """The first rule that holds a post at a local time, and from when on it does no more (later than that time)."""
    closed = tempo.closed(wall)
    if closed is not None:
        return closed, tempo.opens(wall)
    bounds, day = tempo.bounds, wall.date()
    before = had.walls[: bisect_right(had.walls, wall)]
    if before and tempo.step(wall) - tempo.step(before[-1]) < bounds.least_gap:
        return Rule.gap, tempo.step(before[-1]) + bounds.least_gap
    held = _week([one.date() for one in before], day, bounds.posts_a_week)
    if held is not None:
        return Rule.week, held[0]
    if promotional:
        held = _week(had.promotional[: bisect_right(had.promotional, day)], day, bounds.promotional_a_week)
        if held is not None:
            return Rule.promotional, held[0]
    if prompt:
        later_on = _filling(tempo, had, before, wall)
        if later_on is not None:
            return Rule.filling, later_on
    if talk is not None and wall < tempo.wall(talk.over):
        return Rule.talk, tempo.wall(talk.over)
    return None


def _week(days: Sequence[date], day: date, most: int | None) -> tuple[datetime | None] | None:
    """Whether the six days before a day and the day itself have all that a week bears, and when they have less."""
    if most is None:
        return None
    recent = days[bisect_left(days, day - (WEEK - 1) * DAY) :]
    if len(recent) < most:
        return None
    # With the one that is asked for there would be one more: that many of the oldest must be a week ago.
    return (datetime.combine(recent[len(recent) - most] + WEEK * DAY, time(0)) if most else None,)


def _filling(tempo: RoomTempo, had: Had, before: Sequence[datetime], wall: datetime) -> datetime | None:
    """From when on a prompt may fill a gap, later than a local time; None: it fills one then.

    What is to come counts as posted.
    """
    bounds, day = tempo.bounds, wall.date()
    tomorrow = datetime.combine(day + DAY, time(0))
    known = sorted([*before, *had.ahead])
    if any(one.date() == day for one in known):
        return tomorrow
    near = [one for one in known if abs(tempo.step(one) - tempo.step(wall)) < bounds.least_gap]
    if near:
        return tempo.step(near[-1]) + bounds.least_gap if near[-1] <= wall else tomorrow
    if bounds.posts_a_week is not None:
        days = sorted([*(one.date() for one in known), day])
        if most_in_a_week(days, day) > bounds.posts_a_week:
            return tomorrow
    return None


def most_in_a_week(days: Sequence[date], day: date) -> int:
    """How many of these days (in order) lie at most in seven days in a row that a day is among."""
    return max(
        bisect_right(days, begin + (WEEK - 1) * DAY) - bisect_left(days, begin)
        for begin in (day - number * DAY for number in range(WEEK))
    )


def reason(rule: Rule, bounds: Bounds, talk: Talk | None = None) -> Later:
    """What is said about a rule that holds a post, in one sentence for animators."""
    if rule is Rule.gap:
        return later("Two posts are at least {gap} apart here.", gap=bounds.least_gap)
    if rule is Rule.week and not bounds.posts_a_week:
        return later("Nothing is posted here unasked.")
    if rule is Rule.promotional and not bounds.promotional_a_week:
        return later("Nothing promotional is posted here.")
    if rule is Rule.week:
        return later_plural(
            "This room takes one post in seven days, and has it.",
            "This room takes {n} posts in seven days, and has them.",
            bounds.posts_a_week or 0,
        )
    if rule is Rule.promotional:
        return later_plural(
            "This room takes one promotional post in seven days, and has it.",
            "This room takes {n} promotional posts in seven days, and has them.",
            bounds.promotional_a_week or 0,
        )
    return _REASONS[rule]


_REASONS: Final = {
    Rule.pause: later("I am paused."),
    Rule.quiet: later("These are quiet hours here."),
    Rule.weekend: later("Nothing is posted here at weekends."),
    Rule.holiday: later("It is a public holiday."),
    Rule.filling: later("Something else comes that day or soon after, so there is no gap for a prompt."),
    Rule.talk: later("People are talking here, so I wait until they have been quiet for a while."),
}


def hour_of(tempo: RoomTempo) -> time:
    """The local hour at which something is posted in a room that only has a day: that of its prompts, or ten."""
    return tempo.bounds.at or USUAL_HOUR


def on_day(tempo: RoomTempo, day: date) -> datetime:
    """The instant (UTC) at which something is posted that only has a day."""
    return tempo.instant(datetime.combine(day, hour_of(tempo)))
