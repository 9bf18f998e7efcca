"""When a prompt is due, and which one it is. Pure: days, times and keys in, instants and keys out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from esnbot.community.group import Group
from esnbot.community.model import Community, Prompt
from esnbot.community.tempo import QuietHours, Tempo
from esnbot.features.hours import DayOff, public_holidays
from esnbot.speech import Markdown, at_wall_clock

HORIZON: Final = 366
"""Days that are looked at for the next occurrence; a tempo that has none in a year has none."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A tempo with all that decides about its occurrences."""

    tempo: Tempo
    zone: ZoneInfo
    off: DayOff
    quiet: QuietHours | None = None

    def after(self, instant: datetime, last: datetime | None = None) -> Iterator[datetime]:
        """The occurrences later than an instant, aware, in UTC, for a year; ``last`` is the last one that was kept.

        Local wall-clock time decides, whatever the offset from UTC does: a time that the clocks skip is moved forward,
        of a time that comes twice the first is meant.
        """
        first = instant.astimezone(self.zone).date()
        if last is not None and last > instant:
            # The clock was wrong when that was kept.
            last = None
        for day in (first + timedelta(days=number) for number in range(HORIZON)):
            due = self.on(day)
            if due is None or due <= instant or (last is not None and self._too_soon(due, last)):
                continue
            yield due
            last = due

    def next(self, instant: datetime, last: datetime | None = None) -> datetime | None:
        """The first occurrence later than an instant."""
        return next(self.after(instant, last), None)

    def on(self, day: date) -> datetime | None:
        """The occurrence of a local day, in UTC, when there is one."""
        if day.weekday() not in self.tempo.weekdays or self.off(day):
            return None
        due = at_wall_clock(day, self.tempo.at, self.zone)
        if self.quiet is not None and self.quiet.covers(due.time()):
            # It waits for the end of the quiet hours, unless that is another day.
            due = at_wall_clock(day, self.quiet.end, self.zone)
            if due.time() < self.tempo.at or self.quiet.covers(due.time()):
                return None
        return due.astimezone(UTC) if due.date() == day else None

    def _too_soon(self, due: datetime, last: datetime) -> bool:
        """On the wall: three days are three days, also when the clocks change in between."""
        here, there = (instant.astimezone(self.zone).replace(tzinfo=None) for instant in (due, last))
        return here - there < self.tempo.least_gap

    def allows(self, instant: datetime) -> bool:
        """Whether something that comes a little late may still appear."""
        local = instant.astimezone(self.zone)
        return not self.off(local.date()) and (self.quiet is None or not self.quiet.covers(local.time()))


def beat_of(group: Group, community: Community) -> Beat | None:
    """The beat of a group; None without a tempo or when it is archived."""
    if group.tempo is None or group.archived:
        return None
    return Beat(group.tempo, community.zone, public_holidays(community.country), community.quiet_hours)


def signature(group: Group, community: Community) -> str:
    """Changes whenever something changes that the next occurrence depends on."""
    tempo, quiet = group.tempo, community.quiet_hours
    if tempo is None:
        return ""
    hours = f"{_clock(quiet.begin)}-{_clock(quiet.end)}" if quiet else "none"
    days = "".join(map(str, sorted(tempo.weekdays)))
    gap = int(tempo.least_gap.total_seconds())
    return f"{days} {_clock(tempo.at)} {gap} {community.zone.key} {community.country or 'nowhere'} {hours}"


def _clock(at: time) -> str:
    return at.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Used:
    """A prompt that a group has had, in which round."""

    key: str
    round: int


def suited(group: Group, community: Community, language: str) -> list[Prompt]:
    """The prompts that a group can have: its template's own, and those for its kind, written in its language."""
    template = community.template_of(group)
    fit = [p for p in community.prompts if not p.kinds or group.kind in p.kinds]
    return [p for p in (*(template.prompts if template else ()), *fit) if p.texts.get(language, "").strip()]


def choose(group: str, prompts: Sequence[Prompt], used: Sequence[Used]) -> Used | None:
    """The next prompt of a group and its round; ``used`` in the order in which they appeared.

    Within a round none appears twice, and a new round begins when all suited ones have appeared. The order of a round
    is drawn from group and round, so that it is the same whoever computes it; those of the group's template come first.
    Two of one family do not follow each other, and a round does not begin with what ended the last one, where there is
    a choice.
    """
    if not prompts:
        return None
    round_ = used[-1].round if used else 1
    had = {one.key for one in used if one.round == round_}
    left = [prompt for prompt in prompts if prompt.key not in had]
    if not left:
        round_, left = round_ + 1, list(prompts)
    last = used[-1].key if used else ""
    families = {prompt.key: prompt.family for prompt in prompts}
    family = families.get(last, "")
    drawn = sorted(left, key=lambda one: (not one.template, _draw(group, round_, one.key)))
    others = [p for p in drawn if p.key != last and not (family and p.family == family)]
    others = others or [p for p in drawn if p.key != last] or drawn
    return Used(others[0].key, round_)


def _draw(group: str, round_: int, key: str) -> bytes:
    return sha256(f"{group}\n{round_}\n{key}".encode()).digest()


def coming(group: str, prompts: Sequence[Prompt], used: Sequence[Used], count: int) -> list[Used]:
    """The next prompts of a group, in order."""
    known = list(used)
    for _ in range(count):
        chosen = choose(group, prompts, known)
        if chosen is None:
            break
        known.append(chosen)
    return known[len(used) :]


def headline(markdown: str) -> Markdown:
    """The prompt as it is posted: its first line bold and standing alone, what follows as it is written."""
    first, _, rest = markdown.strip().partition("\n")
    first = first.strip().lstrip("#").strip()
    bold = first if first.startswith("**") and first.endswith("**") else f"**{first.replace('**', '')}**"
    return Markdown(f"{bold}\n\n{rest.strip()}" if rest.strip() else bold)
