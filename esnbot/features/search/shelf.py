"""How documents are numbered, and where is searched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from zlib import crc32

from esnbot.features.search.model import KINDS

PLACE_BITS: Final = 30
KIND_BITS: Final = 2
PLACE_MASK: Final = (1 << PLACE_BITS) - 1
KIND_MASK: Final = (1 << KIND_BITS) - 1
RANKED: Final = 200
"""So many documents, the best by the database's own ranking, are looked at closely."""
NEWEST: Final = 300
"""So many, the newest, where there are too many to rank them all."""


class Shelf(Enum):
    """What has a full-text index of its own."""

    kept = "search_kept"
    """Groups, notes and pages."""
    asked = "search_asked"
    """Questions."""


@dataclass(frozen=True, slots=True)
class Within:
    """What of a shelf is searched: the numbers of places, and kinds by their codes."""

    shelf: Shelf
    places: Sequence[int]
    kinds: tuple[int, ...]


def number_of(place: str) -> int:
    """A number for the key of a place, all but its own: whoever may not read a place is kept out by its key as well."""
    return crc32(place.encode()) & PLACE_MASK


def numbered(sequence: int, kind: str, place: str) -> int:
    """The id of a document: when it came, its kind, its place. So an index alone tells where to look no further."""
    return (sequence << KIND_BITS | KINDS.index(kind)) << PLACE_BITS | number_of(place)


def sequence_of(number: int) -> int:
    """When a document came, of its id."""
    return number >> (KIND_BITS + PLACE_BITS)


def within(kinds: Iterable[str], places: Sequence[int]) -> list[Within]:
    """The shelves that have these kinds; all of them for none."""
    asked = frozenset(kinds) or frozenset(KINDS)
    kept = tuple(code for code, kind in enumerate(KINDS) if kind in asked and kind != "question")
    found = [Within(Shelf.kept, places, kept)] if kept else []
    if "question" in asked:
        found.append(Within(Shelf.asked, places, (KINDS.index("question"),)))
    return found
