"""Searching on PostgreSQL: words as a tsvector that is made here, so that no dictionary of the server has a say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.search.model import Indexed, Term
from esnbot.features.search.shelf import KIND_MASK, NEWEST, PLACE_BITS, PLACE_MASK, RANKED, Shelf, Within

LAST_POSITION: Final = 16_000
"""PostgreSQL counts no further."""
MOST_POSITIONS: Final = 60
"""Of one word; it may have 255."""
_CONDITION: Final = {Shelf.kept: "kind <> 'question'", Shelf.asked: "kind = 'question'"}


def vector(words: Indexed) -> str:
    """A tsvector as it is written: title A, tags B, text D, with gaps that no phrase crosses."""
    places: dict[str, list[str]] = {}
    at = 1
    for part, weight in ((words.head, "A"), (words.marks, "B"), (words.body, "")):
        for word in part.split():
            known = places.setdefault(word, [])
            if at < LAST_POSITION and len(known) < MOST_POSITIONS:
                known.append(f"{at}{weight}")
            at += 1
        at += 5
    return " ".join(f"'{word}':{','.join(known)}" if known else f"'{word}'" for word, known in places.items())


def expression(terms: Sequence[Term], *, every: bool, shelf: Shelf) -> str:
    """What is asked, as a tsquery."""
    return (" & " if every else " | ").join(_term(term, shelf) for term in terms)


def _term(term: Term, shelf: Shelf) -> str:
    parts = [" <-> ".join(f"'{word}'" for word in phrase) for phrase in term.phrases]
    if term.prefix and (shelf is Shelf.kept or len(term.prefix) > 3):
        parts.append(f"'{term.prefix}':*")
    return f"({' | '.join(f'({part})' for part in parts)})"


_ASKED: Final = "CAST(CAST(:asked AS text) AS tsquery)"
_BEST: Final = f"ts_rank('{{0.1, 0.2, 0.5, 1}}', words, {_ASKED}, 1) DESC, id DESC"


async def candidates(
    conn: AsyncConnection, terms: Sequence[Term], place: Within, *, every: bool, newest: bool
) -> list[int]:
    """Ids of documents that may fit: those that rank best, or the newest."""
    statement = text(
        f"SELECT id FROM search_document WHERE {_CONDITION[place.shelf]} AND words @@ {_ASKED}"
        f" AND id & {PLACE_MASK} IN (SELECT unnest(CAST(CAST(:places AS text) AS bigint[])))"
        f" AND (id >> {PLACE_BITS}) & {KIND_MASK} = ANY(CAST(:kinds AS bigint[]))"
        f" ORDER BY {'id DESC' if newest else _BEST} LIMIT {NEWEST if newest else RANKED}"
    )
    values = {
        "asked": expression(terms, every=every, shelf=place.shelf),
        "places": f"{{{place.places}}}",
        "kinds": list(place.kinds),
    }
    return list((await conn.execute(statement, values)).scalars())
