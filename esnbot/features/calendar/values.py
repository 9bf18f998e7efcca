"""What people write about entries: days in a row, rules, lines, and 'on Tuesday 10am in #atelier'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar, Final, Literal

from esnbot.commands.reading import Kind, Problem, Reading
from esnbot.commands.values import Choice, Discreet, GroupValue, Moment
from esnbot.commands.words import fold
from esnbot.community.group import Group
from esnbot.features.calendar import rule_words
from esnbot.features.calendar.recurrence import BadRule
from esnbot.speech import MomentError, Quoted, clean, later, parse_moment, parse_span

NEVER: Final = frozenset({"never", "none", "no", "jamais", "aucun", "aucune", "non"})
"""What takes a value off again."""
_PLACES: Final = frozenset({"in", "into", "dans", "en", "sur"})
_AND: Final = frozenset({"and", "et", ",", "&"})
_LONGEST: Final = 6
"""Words of a group's name that is not in quotation marks."""


@dataclass(frozen=True, slots=True)
class Raw(Kind):
    """A word, or what stands in quotation marks, as it is."""

    async def read(self, text: str, reading: Reading) -> str:
        """The text."""
        return clean(text).strip()


@dataclass(frozen=True, slots=True)
class Rule(Kind):
    """A recurrence, in words or as RFC 5545 writes it; '' for none."""

    words: ClassVar[Literal["one", "longest", "all"]] = "all"

    async def read(self, text: str, reading: Reading) -> str:
        """The rule as it is kept."""
        if fold(text) in NEVER:
            return ""
        try:
            return rule_words.read(text, reading.voice.language, reading.now, reading.community.zone)
        except BadRule as error:
            raise Problem(error.reason) from error


@dataclass(frozen=True, slots=True)
class Days(Kind):
    """Days, with commas between them; none takes them all off."""

    words: ClassVar[Literal["one", "longest", "all"]] = "all"

    async def read(self, text: str, reading: Reading) -> tuple[str, ...]:
        """Local days (ISO), sorted."""
        if fold(text) in NEVER:
            return ()
        return tuple(sorted({self._day(part.strip(), reading).isoformat() for part in text.split(",") if part.strip()}))

    def _day(self, text: str, reading: Reading) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
        try:
            found = parse_moment(text, reading.voice.language, reading.now, reading.community.zone, past=True)
        except MomentError as error:
            raise Problem(error.reason, examples=error.examples) from error
        return found.date()


@dataclass(frozen=True, slots=True)
class Limit(Kind):
    """A moment, or a length of time; False for none."""

    words: ClassVar[Literal["one", "longest", "all"]] = "all"
    spans: bool = True

    async def read(self, text: str, reading: Reading) -> datetime | timedelta | bool:
        """The moment (aware) or the span."""
        if fold(text) in NEVER:
            return False
        if self.spans:
            try:
                span = parse_span(text, reading.voice.language)
            except MomentError:
                pass
            except OverflowError as error:
                raise Problem(later("This is too long.")) from error
            else:
                if not timedelta(minutes=1) <= span <= timedelta(days=3660):
                    raise Problem(later("This is too long."))
                return span
        return await Moment().read(text, reading)


@dataclass(frozen=True, slots=True)
class LineValue(Choice):
    """An editorial line, or '' for none."""

    async def read(self, text: str, reading: Reading) -> str:
        """The key."""
        if fold(text) in NEVER:
            return ""
        if not self.of:
            raise Problem(later("This community has no editorial lines. They stand in its configuration."))
        return await Choice.read(self, text, reading)


@dataclass(frozen=True, slots=True)
class AudienceValue(Discreet):
    """An audience, or '' for whoever reads the places."""

    async def read(self, text: str, reading: Reading) -> str:
        """The key."""
        return "" if fold(text) in (*NEVER, "all", "tous") else await Discreet.read(self, text, reading)


@dataclass(frozen=True, slots=True)
class Plan:
    """When and where."""

    at: datetime | None
    """Aware; None when no time is said."""
    groups: tuple[Group, ...]


async def plan(words: Sequence[str], reading: Reading) -> Plan:
    """'on tuesday 10am in #atelier and "The café"', in whichever order. Raises ``Problem``."""
    moment: list[str] = []
    groups: list[Group] = []
    unknown: Problem | None = None
    position = 0
    while position < len(words):
        word = words[position]
        begins = fold(word) in _PLACES or (fold(word) in _AND and bool(groups))
        if begins and position + 1 < len(words):
            taken, problem = await _group(words[position + 1 :], reading, groups)
            unknown = unknown or problem
            if taken:
                position += 1 + taken
                continue
        named = word.startswith(("#", "!", "https://matrix.to/"))
        if named or (groups and words[position - 1].endswith(",")):
            taken, problem = await _group(words[position:], reading, groups)
            if problem is not None and not taken and named:
                raise problem
            unknown = unknown or problem
            position += taken
            if taken:
                continue
        if word.strip(",") or not groups:
            moment.append(word)
        position += 1
    if not moment:
        return Plan(None, tuple(dict.fromkeys(groups)))
    try:
        at = await Moment().read(" ".join(moment), reading)
    except Problem as problem:
        raise (unknown or problem) from None
    return Plan(at.replace(second=0, microsecond=0), tuple(dict.fromkeys(groups)))


async def _group(words: Sequence[str], reading: Reading, groups: list[Group]) -> tuple[int, Problem | None]:
    """How many words name the next group, which is added; and what is wrong with the first of them."""
    problem: Problem | None = None
    for length in range(min(_LONGEST, len(words)), 0, -1):
        text = " ".join(words[:length]).rstrip(",")
        try:
            found = await GroupValue(spaces=True).read(text, reading)
        except Problem as error:
            problem = error
            continue
        if not isinstance(found, Group):
            name = Quoted(found.name)
            raise Problem(later("{name} is a space, and nobody talks in a space. Name its groups.", name=name))
        groups.append(found)
        return length, None
    return 0, problem
