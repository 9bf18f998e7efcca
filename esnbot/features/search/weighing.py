"""How common words are: counted in a sample now and then, and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Column, Table, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.search.model import Term, Weights
from esnbot.features.search.records import document
from esnbot.store.tables import Milliseconds, metadata

SAMPLE: Final = 20_000
"""So many documents are looked at."""
SEEN: Final = 4
"""A word that was in fewer documents of the sample is rare, and not kept."""
TOTAL: Final = " documents"
LENGTH: Final = " words"
"""Rows that are no words: how many documents there are, and how long they are together."""
_RUNS: Final = 40
_AT_ONCE: Final = 500

word = Table(
    "search_word",
    metadata,
    Column("word", Text, primary_key=True),
    Column("documents", Milliseconds, nullable=False),
)


async def weights(conn: AsyncConnection, terms: Iterable[Term]) -> Weights:
    """What is known of the words of some terms."""
    wanted = {one for term in terms for phrase in term.phrases for one in phrase} | {TOTAL, LENGTH}
    query = select(word.c.word, word.c.documents).where(word.c.word.in_(sorted(wanted)))
    counts = {row.word: row.documents for row in await conn.execute(query)}
    total, length = counts.pop(TOTAL, 0), counts.pop(LENGTH, 0)
    return Weights(counts, total, max(8.0, length / total)) if total else Weights()


async def weigh(conn: AsyncConnection, sample: int = SAMPLE) -> None:
    """Count anew."""
    total = int((await conn.execute(select(func.count()).select_from(document))).scalar_one())
    counts: Counter[str] = Counter()
    seen = length = 0
    async for rows in _sampled(conn, total, sample):
        for head, marks, body in rows:
            words = f"{head} {marks} {body}".split()
            counts.update(set(words))
            seen += 1
            length += len(words)
    factor = total / seen if seen else 0
    known = [
        {"word": one, "documents": int(number * factor)}
        for one, number in counts.items()
        if number >= (SEEN if total > seen else 2)
    ]
    known += [{"word": TOTAL, "documents": total}, {"word": LENGTH, "documents": int(length * factor)}]
    await conn.execute(delete(word))
    for start in range(0, len(known), _AT_ONCE):
        await conn.execute(word.insert(), known[start : start + _AT_ONCE])


async def _sampled(conn: AsyncConnection, total: int, sample: int) -> AsyncIterator[Sequence[Any]]:
    """Runs of neighbours, spread over all documents."""
    columns = document.c.head, document.c.marks, document.c.body
    if total <= sample:
        yield (await conn.execute(select(*columns))).all()
        return
    first, last = (await conn.execute(select(func.min(document.c.id), func.max(document.c.id)))).one()
    for run in range(_RUNS):
        start = first + (last - first) * run // _RUNS
        query = select(*columns).where(document.c.id >= start).order_by(document.c.id).limit(sample // _RUNS)
        yield (await conn.execute(query)).all()
