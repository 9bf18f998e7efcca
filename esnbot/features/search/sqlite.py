"""Searching on SQLite: FTS5."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.search.model import Term
from esnbot.features.search.shelf import KIND_MASK, PLACE_BITS, PLACE_MASK, RANKED, Shelf, Within, first_id

RANKABLE: Final = 1_500
"""So many matches are ranked within some ten milliseconds."""


def expression(terms: Sequence[Term], *, every: bool, shelf: Shelf) -> str:
    """What is asked, as FTS5 reads it; each word in quotation marks, so that none is an operator."""
    return (" AND " if every else " OR ").join(_term(term, shelf) for term in terms)


def _term(term: Term, shelf: Shelf) -> str:
    parts = [f'"{" ".join(phrase)}"' for phrase in term.phrases]
    if term.prefix and (shelf is Shelf.kept or len(term.prefix) > 3):
        parts.append(f'"{term.prefix}" *')
    return f"({' OR '.join(parts)})"


async def candidates(conn: AsyncConnection, terms: Sequence[Term], place: Within, *, every: bool) -> list[int]:
    """Ids of the documents that rank best among those that have every term, or any."""
    name = place.shelf.value
    among = "NOT IN" if place.besides else "IN"
    statement = text(
        f"SELECT rowid FROM {name} WHERE {name} MATCH :asked AND rowid >= :since"
        f" AND (rowid & {PLACE_MASK}) {among} (SELECT value FROM json_each(:places))"
        f" AND ((rowid >> {PLACE_BITS}) & {KIND_MASK}) IN (SELECT value FROM json_each(:kinds))"
        f" ORDER BY bm25({name}, 6, 4, 1), rowid DESC LIMIT {RANKED}"
    )
    values = {
        "asked": expression(terms, every=every, shelf=place.shelf),
        "since": first_id(place.shelf, place.since),
        "places": f"[{place.places}]",
        "kinds": json.dumps(place.kinds),
    }
    return list((await conn.execute(statement, values)).scalars())
