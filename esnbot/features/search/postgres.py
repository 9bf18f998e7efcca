"""Searching on PostgreSQL: words as a tsvector that is made here, so that no dictionary of the server has a say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.search.model import Indexed, Term
from esnbot.features.search.shelf import KINDS, PLACE_MASK, RANKED, Shelf, Within, sequence_of

LAST_POSITION: Final = 16_000
"""PostgreSQL counts no further."""
MOST_POSITIONS: Final = 60
"""Of one word; it may have 255."""
RANKABLE: Final = 1_000
"""So many matches are ranked within some ten milliseconds: each is a row that is read."""
AGE_BITS: Final = 13
"""So many documents (2 to that) have one age: what is newest is found by ages, as a word among the others."""
FEW: Final = 300
"""So many places are asked for as words among the others; with more, what is found is looked through for them."""
_CONDITION: Final = {Shelf.kept: "kind <> 'question'", Shelf.asked: "kind = 'question'"}


def vector(words: Indexed, id: int) -> str:
    """A tsvector as it is written: title A, tags B, text D, with gaps that no phrase crosses, its age and its place."""
    places: dict[str, list[str]] = {}
    at = 1
    for part, weight in ((words.head, "A"), (words.marks, "B"), (words.body, "")):
        for word in part.split():
            known = places.setdefault(word, [])
            if at < LAST_POSITION and len(known) < MOST_POSITIONS:
                known.append(f"{at}{weight}")
            at += 1
        at += 5
    written = [f"'{word}':{','.join(known)}" if known else f"'{word}'" for word, known in places.items()]
    return " ".join([*written, _age(sequence_of(id) >> AGE_BITS), _place(id & PLACE_MASK)])


def _age(number: int) -> str:
    """The word of an age; no other word begins so."""
    return f"'+{number}'"


def _place(number: int | str) -> str:
    """The word of a place; no other word begins so."""
    return f"'@{number}'"


def expression(terms: Sequence[Term], *, every: bool, shelf: Shelf) -> str:
    """What is asked, as a tsquery."""
    return (" & " if every else " | ").join(_term(term, shelf) for term in terms)


def _term(term: Term, shelf: Shelf) -> str:
    parts = [" <-> ".join(f"'{word}'" for word in phrase) for phrase in term.phrases]
    if term.prefix and (shelf is Shelf.kept or len(term.prefix) > 3):
        parts.append(f"'{term.prefix}':*")
    return f"({' | '.join(f'({part})' for part in parts)})"


async def candidates(conn: AsyncConnection, terms: Sequence[Term], place: Within, *, every: bool) -> list[int]:
    """Ids of the documents that rank best among those that have every term, or any."""
    asked = expression(terms, every=every, shelf=place.shelf)
    found = asked
    if place.since:
        last = await last_sequence(conn, place.shelf)
        ages = range(place.since >> AGE_BITS, (last >> AGE_BITS) + 1)
        found = f"({asked}) & ({' | '.join(map(_age, ages))})" if ages else asked
    if not place.besides and place.places.count(",") < FEW:
        # Whoever may read little would otherwise have all that others wrote looked through.
        found = f"({found}) & ({' | '.join(map(_place, place.places.split(',')))})"
    among = "NOT IN" if place.besides else "IN"
    # 'IS TRUE' makes places a hash table that is looked into: as a join it went through all of them for each match.
    statement = text(
        f"SELECT id FROM search_document WHERE {_CONDITION[place.shelf]} AND words @@ {_query('found')}"
        f" AND (id & {PLACE_MASK} {among} (SELECT unnest(CAST(CAST(:places AS text) AS bigint[])))) IS TRUE"
        " AND kind = ANY(CAST(:kinds AS text[]))"
        f" ORDER BY ts_rank('{{0.1, 0.2, 0.5, 1}}', words, {_query('asked')}, 1) DESC, id DESC LIMIT {RANKED}"
    )
    values = {
        "asked": asked,
        "found": found,
        "places": f"{{{place.places}}}",
        "kinds": [KINDS[code] for code in place.kinds],
    }
    return list((await conn.execute(statement, values)).scalars())


def _query(name: str) -> str:
    return f"CAST(CAST(:{name} AS text) AS tsquery)"


async def last_sequence(conn: AsyncConnection, shelf: Shelf) -> int:
    """The running number that was given last."""
    name = f"{shelf.value}_number"
    return int((await conn.execute(text(f"SELECT last_value FROM {name}"))).scalar_one())


async def next_sequence(conn: AsyncConnection, shelf: Shelf) -> int:
    """A running number for a new document."""
    return int((await conn.execute(text(f"SELECT nextval('{shelf.value}_number')"))).scalar_one())
