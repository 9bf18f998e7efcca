"""How much a person hears, and when. Pure: instants and words in, instants and words out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from esnbot.community.model import Community
from esnbot.community.tempo import Tempo
from esnbot.features.hours import Beat, public_holidays

WEEK: Final = timedelta(days=7) - timedelta(minutes=15)
"""A message counts for so long. The last one left some seconds after its hour: with seven whole days, each week would
come a day later than the one before it."""
WORKING_DAYS: Final = (0, 1, 2, 3, 4)
EVERYTHING: Final = "*"
"""Stands for all features."""


@dataclass(frozen=True, slots=True)
class Word:
    """A private word that waits."""

    feature: str
    about: str
    words: Any
    otherwise: Any
    useful: int
    soon: bool
    made: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Silence:
    """A feature that keeps quiet in a room."""

    feature: str
    by: str
    firm: bool
    since: int


@dataclass(frozen=True, slots=True)
class Budget:
    """So many messages in a week, and what was sent in it."""

    a_week: int
    sent: Sequence[int]
    """Milliseconds, oldest first, of the last ``WEEK``."""

    @property
    def room(self) -> bool:
        """Whether there is room for a message now."""
        return len(self.sent) < self.a_week

    def room_from(self, now: datetime) -> datetime:
        """The last instant before there is room for one, or now; needs a budget that is more than nothing."""
        if self.room:
            return now
        frees = datetime.fromtimestamp(self.sent[len(self.sent) - self.a_week] / 1000, UTC) + WEEK
        return max(now, frees - timedelta(milliseconds=1))


def good_hours(community: Community, at: time) -> Beat:
    """When words may come that can wait: on working days at that hour, outside quiet hours."""
    zone: ZoneInfo = community.zone
    return Beat(Tempo(WORKING_DAYS, at), zone, public_holidays(community.country), community.quiet_hours)


def chosen(words: Iterable[Word], most: int) -> list[Word]:
    """What one message says: the most useful first, then the newest."""
    return sorted(words, key=lambda word: (-word.useful, -word.made, word.feature, word.about))[:most]


def is_over(word: Word, lasts: timedelta, now_ms: int) -> bool:
    """Whether nobody needs a word any more."""
    until = word.until if word.until is not None else word.made + int(lasts.total_seconds() * 1000)
    return now_ms > until
