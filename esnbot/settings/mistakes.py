"""Mistakes in what people wrote: where it stands, what was found, what was expected, and the word that was meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from rapidfuzz import fuzz, process

from esnbot.community.group import Source
from esnbot.community.model import Community

_NEAR: Final = 62.0
"""The least similarity (0 to 100) at which a word counts as a slip for another."""
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake. ``path`` is dotted (``spaces.lake.groups.photo.kind``), '' for the whole file."""

    source: Source
    path: str
    found: str
    expected: str
    suggestion: str | None = None

    def __str__(self) -> str:
        where = f"{self.source}: {self.path}: " if self.path else f"{self.source}: "
        meant = f"; did you mean '{self.suggestion}'?" if self.suggestion else ""
        return _one_line(f"{where}found {self.found}, expected {self.expected}{meant}")

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "file": self.source.path,
            "line": self.source.line,
            "column": self.source.column,
            "path": self.path,
            "found": self.found,
            "expected": self.expected,
            "suggestion": self.suggestion,
        }


@dataclass(frozen=True, slots=True)
class Unfit:
    """Something in a feature's settings that does not fit the community."""

    path: tuple[str | int, ...]
    """Within the feature's section."""
    found: str
    expected: str
    choices: tuple[str, ...] = ()
    """What would have been known, for a word that is not."""


@runtime_checkable
class FitsCommunity(Protocol):
    """Settings of a feature that refer to what the community declares."""

    def mistakes(self, community: Community) -> Iterable[Unfit]:
        """What does not fit."""
        ...


class SettingsError(Exception):
    """The configuration has mistakes: all of them, in the order of the files."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))

    @property
    def hint(self) -> str:
        """What to do next."""
        return "docs/configuration.md explains every key; an editor that knows YAML schemas shows them while you type."


def nearest(word: object, choices: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str | None:
    """The choice that was probably meant, or None when nothing is near."""
    text = str(word).strip().casefold()
    if not text:
        return None
    if synonyms is not None and text in synonyms:
        return synonyms[text]
    words = list(choices)
    folded = [choice.casefold() for choice in words]
    best = process.extractOne(text, folded, scorer=fuzz.ratio, score_cutoff=_NEAR)
    if best is not None:
        return words[best[2]]
    if len(text) >= 4:
        # 'Paris' means 'Europe/Paris', 'photos' means 'club-photos'; the shortest is the closest.
        holding = [words[index] for index, choice in enumerate(folded) if text in choice]
        return min(holding, key=len, default=None)
    return None


def shown(value: object) -> str:
    """A found value, short and quoted, as people would recognise it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 1] + "…"
    return f"'{' '.join(text.split())}'"


def _one_line(text: str) -> str:
    """What people wrote may hold anything: no line break, and nothing that a terminal obeys, comes through."""
    return "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))


def one_of(choices: Iterable[str], limit: int = 12) -> str:
    """``one of a, b, c``, cut where it gets long."""
    words = list(choices)
    if not words:
        return "nothing (none is declared)"
    if len(words) == 1:
        return f"'{words[0]}'"
    more = f" … ({len(words)} in all)" if len(words) > limit else ""
    return f"one of {', '.join(words[:limit])}{more}"
