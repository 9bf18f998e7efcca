"""What changed from one version to the next, in words, to be read with colours and without. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from esnbot.features.text import lines_of, same, tokens_of

AROUND: Final = 2
"""Lines that are shown before and after a change."""


class How(StrEnum):
    """What became of a stretch of text."""

    kept = "kept"
    added = "added"
    removed = "removed"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some words, and what became of them."""

    how: How
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line with what changed in it; ``skipped`` stands for so many lines in which nothing did."""

    stretches: tuple[Stretch, ...] = ()
    skipped: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything in it did."""
        return any(stretch.how is not How.kept for stretch in self.stretches)


def differences(before: str, after: str) -> list[Stretch]:
    """The whole text, with what was removed and added: changed lines are looked at word by word."""
    found: list[Stretch] = []
    old, new = lines_of(before), lines_of(after)
    at = to = 0
    for start, begins, length in [*same(old, new), (len(old), len(new), 0)]:
        found += _words("".join(old[at:start]), "".join(new[to:begins]))
        if length:
            found.append(Stretch(How.kept, "".join(old[start : start + length])))
        at, to = start + length, begins + length
    return _joined(found)


def _words(before: str, after: str) -> list[Stretch]:
    if not before or not after:
        return _stretches(before, after)
    old, new = tokens_of(before), tokens_of(after)
    blocks = same(old, new)
    # Where little more than spaces and signs are the same, one reads the two better apart.
    if 4 * sum(length for _, _, length in blocks) < len(old) + len(new):
        return _stretches(before, after)
    # A space that stayed between two words that did not would only tear them apart.
    blocks = [
        (start, begins, length)
        for start, begins, length in blocks
        if "".join(old[start : start + length]).strip(" ") or not start or start + length == len(old)
    ]
    found: list[Stretch] = []
    at = to = 0
    for start, begins, length in [*blocks, (len(old), len(new), 0)]:
        found += _stretches("".join(old[at:start]), "".join(new[to:begins]))
        if length:
            found.append(Stretch(How.kept, "".join(old[start : start + length])))
        at, to = start + length, begins + length
    return found


def _stretches(before: str, after: str) -> list[Stretch]:
    removed = [Stretch(How.removed, before)] if before else []
    return removed + ([Stretch(How.added, after)] if after else [])


def _joined(found: Sequence[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for stretch in found:
        if joined and joined[-1].how is stretch.how:
            joined[-1] = Stretch(stretch.how, joined[-1].text + stretch.text)
        else:
            joined.append(stretch)
    return joined


def in_lines(stretches: Iterable[Stretch], around: int = AROUND) -> list[Line]:
    """The lines that changed with a few around them; the others are counted."""
    lines: list[Line] = []
    current: list[Stretch] = []
    for stretch in stretches:
        for text in lines_of(stretch.text):
            current.append(Stretch(stretch.how, text.rstrip("\n") if text.endswith("\n") else text))
            if text.endswith("\n"):
                lines.append(Line(tuple(current)))
                current = []
    if current:
        lines.append(Line(tuple(current)))
    near = {index + step for index, line in enumerate(lines) if line.changed for step in range(-around, around + 1)}
    shown: list[Line] = []
    for index, line in enumerate(lines):
        if index in near:
            shown.append(line)
        elif shown and shown[-1].skipped:
            shown[-1] = Line(skipped=shown[-1].skipped + 1)
        else:
            shown.append(Line(skipped=1))
    return shown


def counted(stretches: Iterable[Stretch]) -> tuple[int, int]:
    """How many words were added and removed."""
    added = removed = 0
    for stretch in stretches:
        words = sum(1 for token in tokens_of(stretch.text) if token[0].isalnum() or token[0] == "_")
        if stretch.how is How.added:
            added += words
        elif stretch.how is How.removed:
            removed += words
    return added, removed
