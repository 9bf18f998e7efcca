"""How documents are numbered, and where is searched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final
from zlib import crc32

KINDS: Final = ("group", "note", "page", "question")
PLACE_BITS: Final = 30
KIND_BITS: Final = 2
PLACE_MASK: Final = (1 << PLACE_BITS) - 1
KIND_MASK: Final = (1 << KIND_BITS) - 1
RANKED: Final = 100
"""So many documents, the best by the database's own ranking, are looked at closely."""
NEWEST: Final = 200
"""So many, the newest, where there are too many to rank them all."""


class Shelf(Enum):
    """What has a full-text index of its own."""

    kept = "search_kept"
    """Groups, notes and pages."""
    asked = "search_asked"
    """Questions."""


@dataclass(frozen=True, slots=True)
class Within:
    """What of a shelf is searched: the numbers of places, with commas between, and kinds by their codes."""

    shelf: Shelf
    places: str
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
