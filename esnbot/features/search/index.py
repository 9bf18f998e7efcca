"""Putting documents into the index, taking them out, and finding them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.search import model, postgres, records, sqlite, weighing
from esnbot.features.search.model import Document, Hit, Judge, Term, Weights
from esnbot.features.search.readable import SEEN, Readable
from esnbot.features.search.shelf import Within

ENOUGH: Final = 20
"""With fewer documents that have all the words, those that have some of them are looked at too."""


async def put(conn: AsyncConnection, document: Document) -> None:
    """Index a document, in the place of one with the same key. Never one of an encrypted room."""
    await records.put(conn, document, model.indexed(document))


async def forget(conn: AsyncConnection, key: str) -> None:
    """Take a document out of the index; nothing happens when it is not there."""
    await records.forget(conn, [key])


async def forget_place(conn: AsyncConnection, place: str) -> None:
    """Take everything of a space or group out of the index."""
    await records.forget_place(conn, place)


async def find(
    conn: AsyncConnection,
    words: str,
    readable: Readable,
    *,
    kinds: Iterable[str] = (),
    limit: int = 20,
    offset: int = 0,
) -> list[Hit]:
    """What fits best of what somebody may read; nothing for words that say nothing.

    ``kinds``: some of shelf.KINDS, all for none. The last word may be the beginning of one.
    """
    terms = model.asked(words)
    if not terms:
        return []
    weights = await weighing.weights(conn, terms)
    ids: set[int] = set()
    for place in readable.within(kinds):
        ids |= await _with_all(conn, terms, place, weights, limit + offset)
    judge = Judge(terms, weights)
    scores = {id: judge.score(one) for id, one in (await records.indexed(conn, sorted(ids), readable)).items()}
    best = sorted(scores, key=lambda id: (scores[id], id), reverse=True)[offset : offset + limit]
    return await _hits(conn, best, terms, scores, {})


async def similar(
    conn: AsyncConnection,
    words: str,
    readable: Readable,
    *,
    kinds: Iterable[str] = ("note", "question"),
    limit: int = 5,
    besides: str = "",
) -> list[Hit]:
    """What is most like a text of what somebody may read; ``besides`` is the key of the text itself."""
    everything = model.told(words, lambda _: 1.0)
    if not everything:
        return []
    weights = await weighing.weights(conn, everything)
    terms = model.told(words, weights.of)
    ids: set[int] = set()
    for place in readable.within(kinds):
        ids.update(await _some(conn, terms, place, weights))
    judge = Judge(terms, weights)
    found = await records.indexed(conn, sorted(ids), readable)
    scores = {id: judge.score(one) for id, one in found.items()}
    best = sorted(scores, key=lambda id: (scores[id], id), reverse=True)[: limit + 1]
    likeness = {id: judge.likeness(found[id]) for id in best}
    return [hit for hit in await _hits(conn, best, terms, scores, likeness) if hit.key != besides][:limit]


async def _with_all(
    conn: AsyncConnection, terms: Sequence[Term], place: Within, weights: Weights, wanted: int
) -> set[int]:
    """Documents that have every term; with few of them, some that have the terms that tell most, too."""
    matches = min(weights.count(term, place.shelf) for term in terms)
    ids = set(await _candidates(conn, terms, place, matches, every=True))
    if len(ids) < max(wanted, ENOUGH) and len(terms) > 1:
        ids.update(await _some(conn, terms, place, weights))
    return ids


async def _some(conn: AsyncConnection, terms: Sequence[Term], place: Within, weights: Weights) -> list[int]:
    """Documents that have one of the rarest terms, as many terms as can be ranked in a moment."""
    counts = sorted((weights.count(term, place.shelf), number) for number, term in enumerate(terms))
    matches, chosen = counts[0][0], [terms[counts[0][1]]]
    for count, number in counts[1:]:
        if matches + count > _rankable(conn):
            break
        matches += count
        chosen.append(terms[number])
    return await _candidates(conn, chosen, place, matches, every=False)


async def _candidates(
    conn: AsyncConnection, terms: Sequence[Term], place: Within, matches: int, *, every: bool
) -> list[int]:
    """Ids of documents that may fit; with too many matches, of the newest part of the shelf."""
    candidates = sqlite.candidates if records.is_sqlite(conn) else postgres.candidates
    rankable = _rankable(conn)
    if matches <= rankable:
        return await candidates(conn, terms, place, every=every)
    last = await records.last_sequence(conn, place.shelf)
    newest = replace(place, since=last - last * rankable // matches)
    if not records.is_sqlite(conn):
        # A GIN index gathers all that begins so before it looks at anything else; of whole words it skips what is old.
        terms = await weighing.spelled_out(conn, terms, place.shelf)
    found = await candidates(conn, terms, newest, every=every)
    # Who may read little may find it further back.
    return found if len(found) >= ENOUGH else await candidates(conn, terms, place, every=every)


def _rankable(conn: AsyncConnection) -> int:
    """Above so many documents that have a word (roughly) not all of them are ranked: the newest are."""
    return sqlite.RANKABLE if records.is_sqlite(conn) else postgres.RANKABLE


async def _hits(
    conn: AsyncConnection,
    ids: Sequence[int],
    terms: Sequence[Term],
    scores: Mapping[int, float],
    likeness: Mapping[int, float],
) -> list[Hit]:
    rows = await records.whole(conn, ids)
    return [
        Hit(
            key=row.key,
            kind=row.kind,
            place=row.place.removeprefix(SEEN),
            title=row.title,
            tags=tuple(row.tags),
            language=row.language,
            moment=row.moment,
            path=row.path,
            event=row.event,
            excerpt=model.excerpt(row.text, terms),
            score=scores[id],
            likeness=likeness.get(id, 0.0),
        )
        for id in ids
        if (row := rows.get(id)) is not None
    ]
