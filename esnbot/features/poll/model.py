"""What a vote is and how votes are counted, whichever way they were cast. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Any, Final

from esnbot.commands.words import fold

LEAST: Final = 2
MOST: Final = 10
"""Answers that a poll has: no more than there are numbers to react with."""
LONGEST_QUESTION: Final = 300
LONGEST_ANSWER: Final = 150
"""Characters."""
CALM: Final = timedelta(seconds=30)
"""The count that people see changes no more often than this."""
AHEAD: Final = timedelta(days=1)
"""What was written further ahead of the clock was written by another clock: ours was moved."""

_PRESENTATION: Final = "\ufe0f"
_KEYCAP: Final = "\u20e3"
_TEN: Final = "\U0001f51f"


class Problem(Enum):
    """Why a poll cannot be held as it was asked for."""

    few = auto()
    many = auto()
    double = auto()
    unquoted = auto()
    option = auto()


class Unusable(ValueError):
    """A poll cannot be held as it was asked for; ``text`` is the answer that is at fault, if one is."""

    def __init__(self, problem: Problem, text: str = "") -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.text = text


class Way(StrEnum):
    """How a vote was cast."""

    response = "response"
    """In the poll itself; one says all that its author chose."""
    reaction = "reaction"
    """By a reaction with a number; one says one answer."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """One thing that somebody did to vote, and that still stands."""

    person: str
    way: Way
    cast: int
    """Milliseconds."""
    seq: int
    """Arrival; decides between two of one moment."""
    answers: tuple[int, ...]
    """Numbers of the answers, from 1; none: the vote is withdrawn, or spoilt."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What came out."""

    totals: tuple[int, ...]
    voters: int = 0
    by_reaction: int = 0
    """How many of the voters have voted by reaction."""

    @property
    def leading(self) -> tuple[int, ...]:
        """Numbers of the answers with the most votes; none when nobody voted."""
        most = max(self.totals, default=0)
        return tuple(number for number, count in enumerate(self.totals, 1) if most and count == most)


def one_line(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def proper(question: str, answers: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Question and answers as they are posted. Raises Unusable."""
    asked, lines = one_line(question), tuple(one_line(answer) for answer in answers)
    if " " not in asked and not asked.endswith("?") and any(line.endswith("?") for line in lines):
        # The question went on: its words were taken for answers.
        raise Unusable(Problem.unquoted)
    for line in lines:
        if line.startswith(("--", "—")):
            # As `--jusqu'à`: meant as an option, and no name of one.
            raise Unusable(Problem.option, line)
    if len(lines) < LEAST:
        raise Unusable(Problem.few)
    if len(lines) > MOST:
        raise Unusable(Problem.many)
    seen: set[str] = set()
    for line in lines:
        # Signs alone are not folded away: a poll may choose between two emojis.
        key = fold(line) or line
        if key in seen:
            raise Unusable(Problem.double, line)
        seen.add(key)
    return asked, lines


def sign(number: int) -> str:
    """The emoji of an answer, 1️⃣ to 🔟."""
    return _TEN if number == 10 else f"{number}{_PRESENTATION}{_KEYCAP}"


_NUMBERS: Final = {sign(number).replace(_PRESENTATION, ""): number for number in range(1, MOST + 1)}


def number_of(emoji: str) -> int | None:
    """The number that an emoji shows, with or without the variation selector that some keyboards leave out."""
    return _NUMBERS.get(emoji.replace(_PRESENTATION, ""))


def selection(ids: object, answers: int, several: int) -> tuple[int, ...]:
    """What a poll response chooses (MSC3381); () for one that is empty or spoilt by an answer that there is not."""
    if not isinstance(ids, list):
        return ()
    known = {str(number): number for number in range(1, answers + 1)}
    if not all(isinstance(id, str) and id in known for id in ids):
        return ()
    return tuple(dict.fromkeys(known[id] for id in ids[:several]))


def vote(ballots: Iterable[Ballot], several: int) -> tuple[frozenset[int], Way | None]:
    """What one person votes for, of all that they did and did not take back; the last counts, whichever way.

    A response says all that its author chooses, and what was done before it counts no more. Of the reactions after it
    the last few count, as many as one may choose.
    """
    chosen: tuple[int, ...] = ()
    way: Way | None = None
    for ballot in sorted(ballots, key=lambda one: (one.cast, one.seq)):
        if ballot.way is Way.response:
            chosen, way = ballot.answers[:several], Way.response
        else:
            before = chosen if way is Way.reaction else ()
            kept = tuple(number for number in before if number not in ballot.answers)
            chosen, way = (*kept, *ballot.answers), Way.reaction
    return frozenset(chosen[-several:]), (way if chosen else None)


def tally(ballots: Iterable[Ballot], answers: int, several: int, until: int | None = None) -> Tally:
    """The count: one vote a person; what was cast after ``until`` (milliseconds) does not count."""
    by_person: dict[str, list[Ballot]] = {}
    for ballot in ballots:
        if until is None or ballot.cast <= until:
            by_person.setdefault(ballot.person, []).append(ballot)
    totals = [0] * answers
    voters = by_reaction = 0
    for own in by_person.values():
        numbers, way = vote(own, several)
        counted = [number for number in numbers if 1 <= number <= answers]
        for number in counted:
            totals[number - 1] += 1
        voters += bool(counted)
        by_reaction += bool(counted) and way is Way.reaction
    return Tally(tuple(totals), voters, by_reaction)


def cast_at(written: datetime, now: datetime) -> datetime:
    """When a vote counts as cast: when it was written, unless our clock was moved back (in a demo)."""
    return written if written <= now + AHEAD else now


def next_showing(now: datetime, last: datetime | None) -> datetime:
    """When the count that people see may change next."""
    return now if last is None or last > now else max(now, last + CALM)


# --- MSC3381 as clients know it; a stable `m.poll.start` shows as an empty tile in Element -------------------------

START: Final = "org.matrix.msc3381.poll.start"
END: Final = "org.matrix.msc3381.poll.end"
RESPONSES: Final = ("org.matrix.msc3381.poll.response", "m.poll.response")
_TEXT: Final = "org.matrix.msc1767.text"
_UNDISCLOSED: Final = "org.matrix.msc3381.poll.undisclosed"


def start_content(question: str, answers: Sequence[str], several: int) -> dict[str, Any]:
    """Content of the poll. Clients count only what was cast in it, so they are told to show no count of their own."""
    lines = [f"{sign(number)} {answer}" for number, answer in enumerate(answers, 1)]
    return {
        START: {
            "question": {_TEXT: question, "body": question, "msgtype": "m.text"},
            "kind": _UNDISCLOSED,
            "max_selections": several,
            "answers": [{"id": str(number), _TEXT: line} for number, line in enumerate(lines, 1)],
        },
        _TEXT: "\n".join([question, *lines]),
        "m.mentions": {},
    }


def end_content(text: str, totals: Sequence[int]) -> dict[str, Any]:
    """Content of the event that closes a poll, with the whole count for clients that look there."""
    return {
        END: {},
        _TEXT: text,
        "m.poll.results": {str(number): count for number, count in enumerate(totals, 1)},
        "m.mentions": {},
    }


def responded(content: Mapping[str, Any]) -> object:
    """The ids that a response chooses, of either version of the event; nothing of the kind is None."""
    if "m.selections" in content:
        return content["m.selections"]
    for type in RESPONSES:
        inner = content.get(type)
        if isinstance(inner, Mapping):
            return inner.get("answers")
    return None


def target(content: Mapping[str, Any], relation: str) -> str:
    """The event that a content relates to in that way, '' for none."""
    relates = content.get("m.relates_to")
    if not isinstance(relates, Mapping) or relates.get("rel_type") != relation:
        return ""
    event = relates.get("event_id")
    return event if isinstance(event, str) else ""
