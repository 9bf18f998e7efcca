"""How common words are: counted in a sample now and then, and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

from sqlalchemy import Column, ColumnElement, Table, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.search.model import Term, Weights
from esnbot.features.search.records import document
from esnbot.features.search.shelf import Shelf
from esnbot.store.tables import Milliseconds, metadata

SAMPLE: Final = 6_000
"""So many documents of a shelf are looked at."""
SEEN: Final = 3
"""A word that was in fewer documents of the sample is rare, and not kept."""
COMMONEST: Final = 30
"""So many words stand for an unfinished one that begins too many documents' words."""
TOTAL: Final = " documents"
LENGTH: Final = " words"
"""Rows that are no words: how many documents there are, and how many words they have together."""
LAST: Final = chr(0x10FFFF)
_RUNS: Final = 40
_AT_ONCE: Final = 500

word = Table(
    "search_word",
    metadata,
    Column("word", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    # In how many documents of each shelf it is.
    Column("kept", Milliseconds, nullable=False),
    Column("asked", Milliseconds, nullable=False),
)


async def weights(conn: AsyncConnection, terms: Iterable[Term]) -> Weights:
    """What is known of the words of some terms."""
    wanted = {one for term in terms for phrase in term.phrases for one in phrase} | {TOTAL, LENGTH}
    rows = await conn.execute(select(word).where(word.c.word.in_(sorted(wanted))))
    counts = {row.word: {Shelf.kept: row.kept, Shelf.asked: row.asked} for row in rows}
    total, length = (sum(counts.pop(name, {}).values()) for name in (TOTAL, LENGTH))
    begun = {term.prefix: await _beginning(conn, term.prefix) for term in terms if term.prefix}
    return Weights(counts, total, max(8.0, length / total), begun) if total else Weights()


async def _beginning(conn: AsyncConnection, prefix: str) -> dict[Shelf, int]:
    """In how many documents there are words that begin so, at most."""
    columns = func.coalesce(func.sum(word.c.kept), 0), func.coalesce(func.sum(word.c.asked), 0)
    query = select(*columns).where(word.c.word >= prefix, word.c.word < prefix + LAST)
    kept, asked = (await conn.execute(query)).one()
    return {Shelf.kept: int(kept), Shelf.asked: int(asked)}


async def spelled_out(conn: AsyncConnection, terms: Sequence[Term], shelf: Shelf) -> list[Term]:
    """Terms with the commonest words of a shelf that begin as the unfinished one does, instead of its beginning."""
    counts = word.c.kept if shelf is Shelf.kept else word.c.asked
    found = []
    for term in terms:
        if term.prefix:
            begins = word.c.word >= term.prefix, word.c.word < term.prefix + LAST
            query = select(word.c.word).where(*begins, counts > 0).order_by(counts.desc(), word.c.word).limit(COMMONEST)
            known = tuple((one,) for one in (await conn.execute(query)).scalars())
            term = Term((*term.phrases, *(one for one in known if one not in term.phrases)))
        found.append(term)
    return found


async def weigh(conn: AsyncConnection, sample: int = SAMPLE) -> None:
    """Count anew."""
    counts = {shelf: await _counted(conn, shelf, sample) for shelf in Shelf}
    known = [
        {"word": one, "kept": counts[Shelf.kept].get(one, 0), "asked": counts[Shelf.asked].get(one, 0)}
        for one in sorted(counts[Shelf.kept].keys() | counts[Shelf.asked].keys())
    ]
    await conn.execute(delete(word))
    for start in range(0, len(known), _AT_ONCE):
        await conn.execute(word.insert(), known[start : start + _AT_ONCE])


async def _counted(conn: AsyncConnection, shelf: Shelf, sample: int) -> dict[str, int]:
    """In how many documents of a shelf each word is that is not rare, as a sample tells."""
    on_it = document.c.kind == "question" if shelf is Shelf.asked else document.c.kind != "question"
    total = int((await conn.execute(select(func.count()).select_from(document).where(on_it))).scalar_one())
    found: Counter[str] = Counter()
    seen = length = 0
    async for head, marks, body in _sampled(conn, on_it, total, sample):
        words = f"{head} {marks} {body}".split()
        found.update(set(words))
        seen += 1
        length += len(words)
    factor = total / seen if seen else 0
    least = SEEN if total > seen else 2
    known = {one: int(number * factor) for one, number in found.items() if number >= least}
    return {**known, TOTAL: total, LENGTH: int(length * factor)}


async def _sampled(
    conn: AsyncConnection, on_it: ColumnElement[bool], total: int, sample: int
) -> AsyncIterator[tuple[str, str, str]]:
    """Runs of neighbours, spread over all documents."""
    columns = document.c.head, document.c.marks, document.c.body
    if total <= sample:
        for row in await conn.execute(select(*columns).where(on_it)):
            yield row.head, row.marks, row.body
        return
    ends = select(func.min(document.c.id), func.max(document.c.id)).where(on_it)
    first, last = (await conn.execute(ends)).one()
    for run in range(_RUNS):
        start = first + (last - first) * run // _RUNS
        query = select(*columns).where(on_it, document.c.id >= start).order_by(document.c.id).limit(sample // _RUNS)
        for row in await conn.execute(query):
            yield row.head, row.marks, row.body
