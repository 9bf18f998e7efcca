"""Two people changed one text: both changes together, or where they cannot be had together. Pure.

The way of diff3: what only one has changed is taken, in lines first and then, where both changed the same lines, in
words. Where both changed the same words, or words that touch, nobody but a person can say what is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from esnbot.features.text.sequences import Same, lines_of, same, tokens_of


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text that is settled, or (``settled`` None) one that two people changed in two ways."""

    settled: str | None
    base: str = ""
    first: str = ""
    second: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """Two versions that began from the same one, together."""

    pieces: tuple[Piece, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is left for a person to decide."""
        return all(piece.settled is not None for piece in self.pieces)

    @property
    def text(self) -> str:
        """The whole text; where both changed the same, first the one's words and then the other's."""
        return "".join(
            piece.settled if piece.settled is not None else _both(piece.first, piece.second) for piece in self.pieces
        )

    def chosen(self, *, first: bool) -> str:
        """The whole text, with the one's or the other's words where both changed the same."""
        return "".join(
            piece.settled if piece.settled is not None else piece.first if first else piece.second
            for piece in self.pieces
        )

    @property
    def conflicts(self) -> tuple[Piece, ...]:
        """What is left for a person to decide."""
        return tuple(piece for piece in self.pieces if piece.settled is None)


def merge(base: str, first: str, second: str) -> Merged:
    """Put together what two people made of ``base``."""
    if first == second or second == base:
        return Merged((Piece(first),))
    if first == base:
        return Merged((Piece(second),))
    pieces: list[Piece] = []
    for chunk in _chunks(lines_of(base), lines_of(first), lines_of(second)):
        pieces += [chunk] if chunk.settled is not None else _in_words(chunk)
    return Merged(tuple(_joined(pieces)))


def _in_words(piece: Piece) -> list[Piece]:
    """A stretch of lines that both changed, looked at word by word."""
    words = list(_chunks(tokens_of(piece.base), tokens_of(piece.first), tokens_of(piece.second)))
    return words if all(word.settled is not None for word in words) else [piece]


def _both(first: str, second: str) -> str:
    return first + ("" if not first or not second or first.endswith("\n") else "\n") + second


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    settled: list[str] = []
    for piece in pieces:
        if piece.settled is not None:
            settled.append(piece.settled)
            continue
        if settled:
            yield Piece("".join(settled))
            settled = []
        yield piece
    if settled:
        yield Piece("".join(settled))


def _chunks(base: Sequence[str], first: Sequence[str], second: Sequence[str]) -> Iterator[Piece]:
    """The text cut where all three agree; between those places one or both have changed something."""
    at, one, two = 0, 0, 0
    text: Callable[[Sequence[str]], str] = "".join
    for start, in_first, in_second, length in _agreed(same(base, first), same(base, second)):
        yield from _between(text(base[at:start]), text(first[one:in_first]), text(second[two:in_second]))
        yield Piece(text(base[start : start + length]))
        at, one, two = start + length, in_first + length, in_second + length
    yield from _between(text(base[at:]), text(first[one:]), text(second[two:]))


def _between(base: str, first: str, second: str) -> Iterator[Piece]:
    if first == second:
        yield Piece(first)
    elif first == base:
        yield Piece(second)
    elif second == base:
        yield Piece(first)
    else:
        yield Piece(None, base, first, second)


def _agreed(first: Sequence[Same], second: Sequence[Same]) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of the base that both have: where they begin in each, and how long they are."""
    i = j = 0
    while i < len(first) and j < len(second):
        (start_one, in_first, length_one), (start_two, in_second, length_two) = first[i], second[j]
        start, end = max(start_one, start_two), min(start_one + length_one, start_two + length_two)
        if start < end:
            yield start, in_first + start - start_one, in_second + start - start_two, end - start
        if start_one + length_one <= start_two + length_two:
            i += 1
        else:
            j += 1
