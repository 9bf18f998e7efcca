"""The coming weeks of one room: what it had, what it gets, and what its tempo says about one post more."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from esnbot.features.tempo.model import DAY, OVERDUE, WEEK, Post, RoomTempo, Rule, hour_of, reason
from esnbot.features.tempo.planner.slots import Slot, Slots, Week
from esnbot.features.tempo.planner.wishes import LeftOut, Placed, Wish
from esnbot.speech import Later, Quoted, later

LOOK_BACK: Final = 4 * WEEK
"""Days over which lines are counted against their weights."""
MOST_STEPS: Final = 50
"""Times that are tried for what only has a day, or is overdue."""
NEVER: Final = date.max.toordinal()


class _Counts:
    """Posts by day, and how many any seven days in a row have; about one post more it answers in a single look."""

    def __init__(self, first: int, last: int, most: int | None) -> None:
        self._first = first - WEEK
        self._most = most
        # Number i is what begins i days after ``first - 7``: that day, and that window.
        self.days = [0] * (last - first + 3 * WEEK)
        self._windows = [0] * (last - first + 3 * WEEK)

    def add(self, day: int) -> None:
        """One post more on a day; one that is long ago does not count any more."""
        at = day - self._first
        if at < 0 or at >= len(self.days):
            return
        self.days[at] += 1
        for window in range(max(0, at - WEEK + 1), at + 1):
            self._windows[window] += 1

    def full(self, day: int) -> bool:
        """Whether a post on that day would be one too many."""
        if self._most is None:
            return False
        at = day - self._first
        return max(self._windows[at - WEEK + 1 : at + 1]) >= self._most

    def distance(self, day: int, most: int) -> int:
        """Days to the nearest post, ``most`` if it is as far or farther."""
        at, days = day - self._first, self.days
        for number in range(most):
            if days[at - number] or days[at + number]:
                return number
        return most


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A wish without a date, with the first and the last day that will do."""

    wish: Wish
    begin: int
    end: int


class RoomPlan:
    """One room while it is planned."""

    def __init__(
        self, room: str, tempo: RoomTempo, lines: Mapping[str, int], past: Sequence[Post], slots: Slots
    ) -> None:
        self.placed: list[Placed] = []
        self.left_out: list[LeftOut] = []
        self._room, self._tempo, self._weights, self._slots = room, tempo, lines, slots
        bounds = tempo.bounds
        self._first, self._last = slots.days(tempo)
        self._all = _Counts(self._first, self._last, bounds.posts_a_week)
        self._promotional = _Counts(self._first, self._last, bounds.promotional_a_week)
        self._gap = bounds.least_gap
        self._steps: list[datetime] = []
        self._lines: dict[str, list[int]] = {}
        # Two posts a week are three days apart: the week is not used up on its first days.
        self._spacing = max(1, WEEK // bounds.posts_a_week) if bounds.posts_a_week else 1
        for post in past:
            self._note(tempo.wall(post.at), post.line, promotional=post.promotional)

    def take(self, wishes: Iterable[Wish]) -> None:
        """Plan all that is wished for this room."""
        fixed: list[Wish] = []
        free: list[Wish] = []
        prompts: list[Wish] = []
        for wish in wishes:
            (prompts if wish.prompt else fixed if wish.dated else free).append(wish)
        for wish in sorted(fixed, key=lambda one: (-one.weight, one.at is None, self._date_of(one), one.order)):
            self._take_dated(wish)
        self._take_lines(free)
        for wish in sorted(prompts, key=lambda one: (self._date_of(one), one.order)):
            self._take_prompt(wish)

    # --- what has a date -------------------------------------------------------------------------------------------

    def _date_of(self, wish: Wish) -> datetime:
        if wish.at is not None:
            return wish.at.astimezone(UTC)
        return self._tempo.instant(datetime.combine(wish.day or date.max, hour_of(self._tempo)))

    def _take_dated(self, wish: Wish) -> None:
        at, since = self._date_of(wish), self._slots.since
        overdue = wish.at is not None and since - OVERDUE < at < since
        if overdue or (wish.day is not None and wish.day.toordinal() == self._first):
            # Today's hour may be over: the day is not. And whoever is late tries again, for a while.
            at = max(at, _whole_minute(since))
        if at >= self._slots.until:
            return
        if at < since or (wish.expires is not None and at >= wish.expires):
            self.left_out.append(LeftOut(wish, self._room, later("Its time is over.")))
            return
        wall = self._tempo.wall(at)
        rule = self._breaks(wall, promotional=wish.promotional)
        because = later("It has this date, and there is room for it.")
        if overdue:
            because = later("It was to come before, and comes as soon as there is room.")
        if rule is not None and (overdue or wish.at is None):
            end = wall + OVERDUE if overdue else datetime.combine(wall.date(), time.max)
            found = self._once_free(wall, end, wish)
            if found is not None:
                wall, at, rule = found, self._tempo.instant(found), None
                if not overdue:
                    because = later("It has this day, and comes as soon as there is room.")
        if rule is not None:
            self.left_out.append(LeftOut(wish, self._room, reason(rule, self._tempo.bounds), rule))
            return
        self._place(wish, wall, at, because)

    def _once_free(self, wall: datetime, end: datetime, wish: Wish) -> datetime | None:
        """The first local time from then on, to the end, at which the room bears a wish."""
        for _ in range(MOST_STEPS):
            rule = self._breaks(wall, promotional=wish.promotional)
            if rule is None:
                at = self._tempo.instant(wall)
                fits = self._slots.since <= at < self._slots.until and (wish.expires is None or at < wish.expires)
                return wall if fits and self._tempo.wall(at) == wall else None
            if rule is Rule.gap:
                following: datetime | None = max(self._near(wall)) + self._gap
            elif rule in (Rule.week, Rule.promotional):
                following = datetime.combine(wall.date() + DAY, time(0))
            else:
                following = self._tempo.opens(wall)
            if following is None or following > end:
                return None
            wall = following
        return None

    # --- lines -----------------------------------------------------------------------------------------------------

    def _take_lines(self, wishes: Iterable[Wish]) -> None:
        waiting: dict[str, list[_Waiting]] = {}
        for wish in wishes:
            begin = wish.begin.toordinal() if wish.begin is not None else 0
            if begin <= self._last:
                waiting.setdefault(wish.line, []).append(_Waiting(wish, begin, self._end(wish)))
        for queue in waiting.values():
            queue.sort(key=lambda one: (one.end, -one.wish.weight, one.wish.order))
        for week in self._slots.weeks(self._tempo):
            self._fill(week, waiting)
        for one in (one for queue in waiting.values() for one in queue):
            waits = one.end > self._last
            because = (
                later("There is no room for it here in this time: it comes later.")
                if waits
                else later("There is no room for it here before it expires.")
            )
            self.left_out.append(LeftOut(one.wish, self._room, because, waits=waits))

    def _fill(self, week: Week, waiting: dict[str, list[_Waiting]]) -> None:
        """Give a week all that it bears, each that waits looked at once."""
        turns = {line: iter([one for one in queue if one.begin <= week.end]) for line, queue in waiting.items()}
        had = {line: self._had(line, week) for line in waiting}
        heads = {line: head for line, turn in turns.items() if (head := next(turn, None)) is not None}
        placed: set[int] = set()
        no_more_promotional = False
        while heads:
            line = self._next_line(week, heads, had)
            one = heads[line]
            following = next(turns[line], None)
            if following is not None:
                heads[line] = following
            else:
                del heads[line]
            if no_more_promotional and one.wish.promotional:
                continue
            slot = self._slot_for(one, week)
            if slot is not None:
                placed.add(id(one))
                self._place(one.wish, slot.wall, slot.at, self._because(one, week))
                had[line] += 1
            elif one.begin <= week.begin and one.end >= week.end and one.wish.expires is None:
                # What could have had any day found none: nobody else of its sort will.
                if not one.wish.promotional:
                    break
                no_more_promotional = True
        for line, queue in waiting.items():
            waiting[line] = [one for one in queue if id(one) not in placed]

    def _next_line(self, week: Week, heads: Mapping[str, _Waiting], had: Mapping[str, int]) -> str:
        """Whose turn it is: who can wait no longer, then who is furthest behind its share."""
        total = sum(had[line] for line in heads) + 1
        weights = sum(map(self._weight, heads))

        def turn(line: str) -> tuple[int, int, int, str]:
            end, weight = heads[line].end, self._weight(line)
            return (end if end <= week.end else NEVER), had[line] * weights - weight * total, -weight, line

        return min(heads, key=turn)

    def _slot_for(self, one: _Waiting, week: Week) -> Slot | None:
        best, farthest, wish = None, 0, one.wish
        for slot in week.slots:
            if not one.begin <= slot.day <= one.end or (wish.expires is not None and slot.at >= wish.expires):
                continue
            far = self._all.distance(slot.day, self._spacing)
            if far <= farthest or self._all.full(slot.day) or self._close(slot.wall):
                continue
            if wish.promotional and self._promotional.full(slot.day):
                continue
            if far == self._spacing:
                return slot
            best, farthest = slot, far
        return best

    def _because(self, one: _Waiting, week: Week) -> Later:
        wish = one.wish
        if one.end <= week.end:
            return later("It can wait no longer than this week.")
        if not wish.line:
            return later("It has neither date nor line, and there is room for one more.")
        if not any(week.begin <= day <= week.end for day in self._lines.get(wish.line, ())):
            return later(
                "The line {line} had nothing here this week, and there is room for one more.", line=Quoted(wish.line)
            )
        return later(
            "The line {line} had less than its share here, and there is room for one more.", line=Quoted(wish.line)
        )

    def _weight(self, line: str) -> int:
        return max(0, self._weights.get(line, 1))

    def _had(self, line: str, week: Week) -> int:
        return sum(week.begin - LOOK_BACK <= day <= week.end for day in self._lines.get(line, ()))

    def _end(self, wish: Wish) -> int:
        """The last local day that will do."""
        end = wish.end.toordinal() if wish.end is not None else NEVER
        return end if wish.expires is None else min(end, self._tempo.wall(wish.expires).date().toordinal())

    # --- prompts ---------------------------------------------------------------------------------------------------

    def _take_prompt(self, wish: Wish) -> None:
        if wish.at is None or not self._slots.since <= wish.at < self._slots.until:
            return
        wall = self._tempo.wall(wish.at)
        if self._all.distance(wall.date().toordinal(), 1) == 0:
            rule: Rule | None = Rule.filling
        else:
            rule = self._breaks(wall, promotional=wish.promotional)
        if rule is not None:
            self.left_out.append(LeftOut(wish, self._room, reason(rule, self._tempo.bounds), rule))
            return
        because = later("Nothing else comes that day, and there is room for one more.")
        self._place(wish, wall, wish.at.astimezone(UTC), because)

    # --- the rules -------------------------------------------------------------------------------------------------

    def _breaks(self, wall: datetime, *, promotional: bool) -> Rule | None:
        """The first rule that a post at a local time would break."""
        closed = self._tempo.closed(wall)
        if closed is not None:
            return closed
        day = wall.date().toordinal()
        if self._close(wall):
            return Rule.gap
        if self._all.full(day):
            return Rule.week
        return Rule.promotional if promotional and self._promotional.full(day) else None

    def _close(self, wall: datetime) -> bool:
        """Whether a post at a local time would be too close to another."""
        return bool(self._gap) and bool(self._near(wall))

    def _near(self, wall: datetime) -> list[datetime]:
        """The posts before and after a local time that are too close to it."""
        step = self._tempo.step(wall)
        at = bisect_left(self._steps, step)
        return [other for other in self._steps[max(0, at - 1) : at + 1] if abs(step - other) < self._gap]

    def _place(self, wish: Wish, wall: datetime, at: datetime, because: Later) -> None:
        self.placed.append(Placed(wish, self._room, at, because))
        self._note(wall, wish.line, promotional=wish.promotional)

    def _note(self, wall: datetime, line: str, *, promotional: bool) -> None:
        day = wall.date().toordinal()
        self._all.add(day)
        if promotional:
            self._promotional.add(day)
        if self._gap:
            insort(self._steps, self._tempo.step(wall))
        self._lines.setdefault(line, []).append(day)


def _whole_minute(instant: datetime) -> datetime:
    """The minute that begins then or next."""
    begun = instant.replace(second=0, microsecond=0)
    return begun if begun == instant else begun + timedelta(minutes=1)
