"""What is taken of what sources bring, what is the same in two of them, and what is shown when. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from rapidfuzz import fuzz

from esnbot.features.search import fold, forms, is_stop, tokens

TAKE, LATER, AWAY = "✅", "⏰", "🗑"
"""The buttons below a find, without the selector that some keyboards add."""
SHOWN_AS: Final = {TAKE: "✅", LATER: "⏰", AWAY: "🗑️"}
MOST_WORDS: Final = 60
"""Words to take or to leave, of one source or line."""
LONGEST_WORDS: Final = 100
_LIKE: Final = 90.0
"""Out of 100: titles that are so much alike mean the same text."""
_FEWEST: Final = 4
"""Words that a title needs to be compared: 'Press release' says nothing."""
_SITE: Final = re.compile(r"\s+[|–—·•»-]\s+")


class State(StrEnum):
    """What became of a find."""

    waiting = "waiting"
    """It has not been shown yet."""
    shown = "shown"
    later = "later"
    picked = "picked"
    away = "away"
    """An animator put it away."""
    expired = "expired"
    """Nobody wanted it in time."""


class Press(StrEnum):
    """What a button does."""

    take = TAKE
    later = LATER
    away = AWAY


# --- words -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filter:
    """Words to take, and words to leave; each one or several in a row, whatever their accents and endings."""

    take: tuple[str, ...] = ()
    """One of them is enough; none: everything is taken."""
    leave: tuple[str, ...] = ()
    """One of them is enough to leave it."""

    def wants(self, text: str) -> bool:
        """Whether a text is taken."""
        if not self.take and not self.leave:
            return True
        said = [_Said(fold(word), frozenset(forms(word))) for word in tokens(text)]
        if any(_stands_in(phrase, said) for phrase in self.leave):
            return False
        return not self.take or any(_stands_in(phrase, said) for phrase in self.take)


@dataclass(frozen=True, slots=True)
class _Said:
    folded: str
    forms: frozenset[str]


def _stands_in(phrase: str, said: Sequence[_Said]) -> bool:
    words = list(tokens(phrase))
    if not words:
        return False
    open_end = phrase.rstrip().endswith("*")
    last = len(words) - 1

    def fits(number: int, one: _Said) -> bool:
        word = words[number]
        if open_end and number == last:
            return one.folded.startswith(fold(word))
        return one.folded == fold(word) or not one.forms.isdisjoint(forms(word))

    return any(
        all(fits(number, said[first + number]) for number in range(len(words)))
        for first in range(len(said) - len(words) + 1)
    )


def listed(text: str) -> tuple[str, ...]:
    """Words as somebody lists them, set apart by commas; each once. Raises ``ValueError`` when there are too many."""
    found: dict[str, str] = {}
    for part in re.split(r"[,;\n]", text):
        phrase = " ".join(part.strip().strip("\"'«»“”").split())
        if phrase and any(tokens(phrase)):
            found.setdefault(fold(phrase) + ("*" if phrase.endswith("*") else ""), phrase)
    if len(found) > MOST_WORDS or any(len(one) > LONGEST_WORDS for one in found.values()):
        raise ValueError("too many words")
    return tuple(found.values())


# --- what is the same --------------------------------------------------------------------------------------------


def gist(title: str) -> str:
    """What of a title is compared: without the site's name, small words and endings. '' where that is too little."""
    parts = _SITE.split(title)
    while len(parts) > 1 and len(parts[-1].split()) <= _FEWEST and len(" ".join(parts[:-1]).split()) >= _FEWEST:
        parts.pop()
    words = [word for word in tokens(" ".join(parts)) if not is_stop(word)]
    return " ".join(forms(word)[0] if forms(word) else word for word in words) if len(words) >= _FEWEST else ""


def same(gist_: str, others: Iterable[tuple[int, str]]) -> int | None:
    """The number of the first other whose title means the same; None for none. Other numbers in it: another text."""
    if not gist_:
        return None
    digits = _digits(gist_)
    for number, other in others:
        if other == gist_:
            return number
        if not other or _digits(other) != digits:
            continue
        if fuzz.token_sort_ratio(gist_, other) >= _LIKE:
            return number
    return None


def _digits(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\d+", text))


# --- what is shown -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Queued:
    """A find that waits: whose it is, and when it was published or came back (milliseconds)."""

    id: int
    source: int
    moment: int
    back: bool = False
    """It was put off, and its time has come."""


def batch(queue: Sequence[Queued], most: int, of_one_source: int) -> list[int]:
    """The finds that are shown next: what was put off first, then each source in turn, the newest first.

    So a source that brings a hundred a day does not hide one that brings one a week.
    """
    chosen = [one.id for one in sorted(queue, key=lambda one: (one.moment, one.id)) if one.back][:most]
    by_source: dict[int, list[Queued]] = {}
    for one in sorted(queue, key=lambda one: (-one.moment, one.id)):
        if not one.back and len(by_source.setdefault(one.source, [])) < of_one_source:
            by_source[one.source].append(one)
    # Whoever brings little comes first.
    turns = sorted(by_source.values(), key=lambda mine: (len(mine), -mine[0].moment, mine[0].source))
    for number in range(of_one_source):
        for mine in turns:
            if number < len(mine) and len(chosen) < most:
                chosen.append(mine[number].id)
    return chosen


def put_off(round: int, spans: Sequence[timedelta]) -> timedelta:
    """How long a find stays away that is put off; ``round`` counts how often it was shown, from 1."""
    return spans[min(round, len(spans)) - 1]


def pressed(emoji: str) -> Press | None:
    """The button that an emoji is."""
    return _BUTTONS.get(emoji)


_BUTTONS: Final[Mapping[str, Press]] = {press.value: press for press in Press}

_FROM: Final[Mapping[Press, frozenset[State]]] = {
    # Who changes their mind may: what was put away can be taken, and what is taken is the calendar's. What waits to be
    # shown in the room stands on the board already.
    Press.take: frozenset({State.waiting, State.shown, State.later, State.away, State.expired}),
    Press.later: frozenset({State.waiting, State.shown, State.away, State.expired}),
    Press.away: frozenset({State.waiting, State.shown, State.later}),
}


def may(press: Press, state: State) -> bool:
    """Whether a button does something to a find as it is."""
    return state in _FROM[press]
