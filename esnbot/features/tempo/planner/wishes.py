"""What the planner is asked, and what it answers. Plain values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from esnbot.features.tempo.model import Rule
from esnbot.speech import Later


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Something that a feature would like to post in some rooms.

    It has ``at`` (a date and a time), or ``day`` (a date; the room's hour is taken), or a window of days from ``begin``
    to ``end`` (either may be missing), or nothing of it: then any time will do.
    """

    of: str
    """The feature."""
    ref: str
    """What of it; with ``of`` its name, for ever. An occurrence of something recurring has a name of its own."""
    targets: tuple[str, ...]
    """Keys of groups or spaces."""
    at: datetime | None = None
    """Aware."""
    day: date | None = None
    """A local day."""
    begin: date | None = None
    """The first local day."""
    end: date | None = None
    """The last local day."""
    expires: datetime | None = None
    """It is of no use from then on; aware."""
    line: str = ""
    """The editorial line; '' for none."""
    promotional: bool = False
    weight: int = 0
    """What weighs more goes before others of its sort."""
    prompt: bool = False
    """It only fills gaps; it has ``at``."""

    @property
    def name(self) -> tuple[str, str]:
        """The feature, and what of it."""
        return self.of, self.ref

    @property
    def order(self) -> tuple[str, int, str]:
        """What decides between equals: numbers come as they were given, 9 before 10."""
        return self.of, len(self.ref), self.ref

    @property
    def dated(self) -> bool:
        """Whether its day is settled."""
        return self.at is not None or self.day is not None


@dataclass(frozen=True, slots=True)
class Placed:
    """A wish that has its time in a room."""

    wish: Wish
    room: str
    """The key of the group or space."""
    at: datetime
    """UTC."""
    because: Later
    """One sentence for animators."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A wish that finds no time in a room within what was planned."""

    wish: Wish
    room: str
    because: Later
    """One sentence for animators."""
    rule: Rule | None = None
    """The rule that its own date would break; None when it has none of its own."""
    waits: bool = False
    """Whether there may be a time for it afterwards."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The coming weeks."""

    placed: tuple[Placed, ...] = ()
    """By time, then room, then wish."""
    left_out: tuple[LeftOut, ...] = ()
    """By room, then wish."""

    def of(self, feature: str) -> Layout:
        """What a feature wished for."""
        return Layout(
            tuple(one for one in self.placed if one.wish.of == feature),
            tuple(one for one in self.left_out if one.wish.of == feature),
        )

    def within(self, rooms: Collection[str]) -> Layout:
        """What concerns some rooms."""
        return Layout(
            tuple(one for one in self.placed if one.room in rooms),
            tuple(one for one in self.left_out if one.room in rooms),
        )
