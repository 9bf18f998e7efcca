"""How documents are numbered, and where is searched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final
from zlib import crc32

KINDS: Final = ("group", "note", "page", "question")
PLACE_BITS: Final = 30
KIND_BITS: Final = 2
SEQUENCE_BITS: Final = 30
PLACE_MASK: Final = (1 << PLACE_BITS) - 1
KIND_MASK: Final = (1 << KIND_BITS) - 1
SEQUENCE_MASK: Final = (1 << SEQUENCE_BITS) - 1
RANKED: Final = 100
"""So many documents, the best by the database's own ranking, are looked at closely."""


class Shelf(Enum):
    """What has a full-text index of its own: a few long documents, and many short ones."""

    kept = "search_kept"
    """Groups, notes and pages."""
    asked = "search_asked"
    """Questions."""


@dataclass(frozen=True, slots=True)
class Within:
    """What of a shelf is searched."""

    shelf: Shelf
    places: str
    """Numbers, with commas between."""
    besides: bool
    """Whether these places are left out, and all others searched."""
    kinds: tuple[int, ...]
    """Codes: their places in KINDS."""
    since: int = 0
    """Only documents that came after this one (a running number)."""


def shelf_of(kind: str) -> Shelf:
    """Where documents of a kind are."""
    return Shelf.asked if kind == "question" else Shelf.kept


def number_of(place: str) -> int:
    """A number for the key of a place, all but its own: whoever may not read a place is kept out by its key as well."""
    return crc32(place.encode()) & PLACE_MASK


def first_id(shelf: Shelf, sequence: int = 0) -> int:
    """The least id of a shelf, or of its documents from a running number on."""
    return (int(shelf is Shelf.asked) << SEQUENCE_BITS | sequence) << (KIND_BITS + PLACE_BITS)


def numbered(sequence: int, kind: str, place: str) -> int:
    """The id of a document: its shelf, when it came there, its kind, its place.

    So a full-text index alone tells how old something is and where it belongs.
    """
    return first_id(shelf_of(kind), sequence) | KINDS.index(kind) << PLACE_BITS | number_of(place)


def sequence_of(number: int) -> int:
    """The running number in an id."""
    return number >> (KIND_BITS + PLACE_BITS) & SEQUENCE_MASK
