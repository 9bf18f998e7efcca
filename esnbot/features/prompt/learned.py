"""What worked here, family by family, and the draw that leans on it. Pure.

A prompt worked when it started a conversation. Prompts are few and families many, so a family's share is smoothed: it
begins with the share of all prompts together, as if ``PRIOR`` prompts of it had gone as all of them did, and moves
away from that as it gathers prompts of its own. The draw takes a share at random from what is plausible for a family
(Thompson sampling), so that what is hardly known is tried as well, and what is known to work comes more often early.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from random import Random
from typing import Final

PRIOR: Final = 6
"""So many prompts of its own weigh as much in a family's share as all prompts together."""
ENOUGH: Final = 3
"""Of fewer prompts nothing is said."""
MESSAGES: Final = 3
PEOPLE: Final = 2
"""A conversation: at least so many messages by so many people, besides the bot."""
MEMBERS: Final = 5
"""In smaller groups nothing is counted: they are too small for a figure."""


@dataclass(frozen=True, slots=True)
class Count:
    """How the prompts of a family went."""

    worked: int = 0
    silent: int = 0

    @property
    def tried(self) -> int:
        """All of them."""
        return self.worked + self.silent


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the prompts of a family went in one month."""

    family: str
    month: str
    """'2026-03'."""
    count: Count


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of the families."""

    families: Mapping[str, Count] = field(default_factory=dict)

    def overall(self) -> float:
        """The share of all prompts that worked, in (0, 1); a half where nothing is known."""
        worked = sum(count.worked for count in self.families.values())
        tried = sum(count.tried for count in self.families.values())
        return (worked + 1) / (tried + 2)

    def beliefs(self, family: str) -> tuple[float, float]:
        """The two parameters of the Beta distribution of a family's share."""
        count, overall = self.families.get(family, Count()), self.overall()
        return PRIOR * overall + count.worked, PRIOR * (1 - overall) + count.silent

    def share(self, family: str) -> float:
        """The smoothed share of a family's prompts that worked."""
        worked, silent = self.beliefs(family)
        return worked / (worked + silent)

    def draw(self, family: str, seed: str) -> float:
        """A plausible share of a family, the same for the same seed."""
        number = int.from_bytes(sha256(f"{seed}\n{family}".encode()).digest()[:8])
        return Random(number).betavariate(*self.beliefs(family))


NOTHING: Final = Learned()


def month_of(day: date) -> str:
    """The month of a day, as outcomes are kept by it."""
    return f"{day.year:04}-{day.month:02}"


def before(outcomes: Iterable[Outcome], day: date | None = None) -> Learned:
    """What was known when a day's month began; all that is known, without a day.

    Within a month nothing changes what is chosen, so that what is shown in advance is what comes.
    """
    families: dict[str, Count] = {}
    for one in outcomes:
        if day is None or one.month < month_of(day):
            known = families.get(one.family, Count())
            families[one.family] = Count(known.worked + one.count.worked, known.silent + one.count.silent)
    return Learned(families)
