"""Search: how long it takes in a full index, and how often the right text is among the first five."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.kit.corpus import Corpus
from benchmarks.kit.filling import fill
from benchmarks.kit.manuals import Entry, entries, fetch
from benchmarks.rows import Row
from esnbot.commands.reading import Person
from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group, Joining
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.discovery import discover
from esnbot.features.search import Document, Readable, find, readable_by, similar
from esnbot.features.search.words import tokens
from esnbot.provisioning import wanted
from esnbot.store.database import Database
from esnbot.stored import migrated
from esnbot.testing.postgres import Postgres

SEED = 4
GOAL_MS = 50.0
AT = 5
SAMPLED = 5
"""Of the manuals' summaries every so manyth is asked."""
Found = Callable[[AsyncConnection, str], Awaitable[Sequence[str]]]


async def main(quick: bool) -> list[Row]:
    """Speed and size on both databases with the same documents; recall with a public corpus."""
    scale = 10 if quick else 1
    corpus = Corpus(SEED, notes=100_000 // scale, questions=1_000_000 // scale, groups=10_000 // scale)
    rows: list[Row] = []
    postgres = Postgres()
    try:
        await postgres.wait_until_ready()
        with tempfile.TemporaryDirectory() as folder:
            urls = {
                "SQLite": f"sqlite+aiosqlite:///{folder}/index.db",
                "PostgreSQL": postgres.url(await postgres.create_database()),
            }
            for name, url in urls.items():
                community = _community(corpus.groups)
                async with _opened(url) as database:
                    await database.write(lambda conn, community=community: wanted.declare(conn, community, 1))
                    await fill(database, corpus.documents())
                    rows += await _speed(name, database, corpus, community, 100 if quick else 400)
        rows += await _recall(postgres)
    finally:
        postgres.stop()
    return rows


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    async with migrated(url, discover()) as database:
        yield database


def _community(groups: int) -> Community:
    """Nine groups of ten are open to the staff."""
    declared = [
        Group(key=f"group-{number}", name="g", joining=Joining.space if number % 10 else Joining.invite)
        for number in range(groups)
    ]
    staff = Audience("staff", "Staff", Perimeter(homeservers=("bench.test",)))
    return Community(
        name="bench",
        languages=("fr", "en"),
        zone=ZoneInfo("Europe/Paris"),
        audiences={"staff": staff},
        groups={group.key: group for group in declared},
    )


async def _speed(name: str, database: Database, corpus: Corpus, community: Community, count: int) -> list[Row]:
    """One after another, warm, what the asker may read found out each time.

    Somebody who may read nine groups of ten; and somebody who may read ten.
    """
    person = Person("@zoe:bench.test", "fr", frozenset({"staff"}), frozenset({Role.member}))
    few = Readable.of(*(f"group-{number}" for number in range(0, corpus.groups, corpus.groups // 10)))
    size = f"{corpus.notes:,} notes, {corpus.questions:,} questions, {corpus.groups:,} groups"

    async def looked(conn: AsyncConnection, words: str) -> Any:
        return await find(conn, words, await readable_by(conn, community, person))

    async def looked_in_few(conn: AsyncConnection, words: str) -> Any:
        return await find(conn, words, few)

    async def compared(conn: AsyncConnection, words: str) -> Any:
        readable = await readable_by(conn, community, person)
        return await similar(conn, words, readable, kinds=("note", "page", "question"))

    rows = []
    for what, queries, do in (
        ("words typed, two of five unfinished", corpus.queries(count), looked),
        ("words typed by somebody who may read ten groups", corpus.queries(count // 2), looked_in_few),
        ("what is like a question", corpus.asked(count // 2), compared),
    ):
        async with database.read() as conn:
            times = await _timed(conn, queries, do)
        middle, high = times[len(times) // 2], times[int(len(times) * 0.95)]
        goal, met = f"< {GOAL_MS:.0f} ms", high < GOAL_MS
        rows.append(Row(f"{name}: {what}, p95 ({size})", high, "ms", f"p50 {middle:.1f} ms", None, goal, met))
    rows.append(Row(f"{name}: index and texts on disk", await _megabytes(database), "MB", size))
    return rows


async def _timed(conn: AsyncConnection, queries: Sequence[str], do: Found) -> list[float]:
    for words in queries[: len(queries) // 4]:
        await do(conn, words)
    gc.collect()
    times = []
    for words in queries:
        begun = time.perf_counter()
        await do(conn, words)
        times.append((time.perf_counter() - begun) * 1000)
    return sorted(times)


async def _megabytes(database: Database) -> float:
    statement = "SELECT pg_total_relation_size('search_document') + pg_total_relation_size('search_word')"
    if database.is_sqlite:
        statement = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    async with database.read() as conn:
        return float((await conn.execute(text(statement))).scalar_one()) / 1e6


# --- recall ----------------------------------------------------------------------------------------------------------


async def _recall(postgres: Postgres) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not fetch(folder):
            return [Row("recall: not measured, the public corpus could not be fetched with apt", 0, "")]
        known = entries(folder)
        plain = await _opened_plain(f"sqlite+aiosqlite:///{name}/plain.db", known)
        rows = []
        urls = (f"sqlite+aiosqlite:///{name}/recall.db", postgres.url(await postgres.create_database()))
        ours: dict[str, dict[str, float]] = {}
        for database_name, url in zip(("SQLite", "PostgreSQL"), urls, strict=True):
            async with _opened(url) as database:
                await fill(database, [_document(number, entry) for number, entry in enumerate(known)])
                async with database.read() as conn:
                    ours[database_name] = await _shares(known, conn, _ours)
        async with plain.read() as conn:
            beside = await _shares(known, conn, _plain)
        await plain.close()
        for database_name, shares in ours.items():
            for what, share in shares.items():
                rows.append(
                    Row(
                        f"{database_name}: recall@{AT}, {what}",
                        share,
                        "",
                        f"plain FTS5, accents folded, no stems: {beside[what]:.2f}",
                        share / beside[what] if beside[what] else None,
                        "≥ plain",
                        share >= beside[what],
                    )
                )
        return rows


def _document(number: int, entry: Entry) -> Document:
    return Document(key=f"note:{number}", kind="note", place="all", title=entry.title, text=entry.text)


async def _ours(conn: AsyncConnection, words: str) -> list[str]:
    hits = await similar(conn, words, Readable.of("all"), kinds=("note",), limit=AT)
    return [hit.key for hit in hits]


async def _opened_plain(url: str, known: Sequence[Entry]) -> Database:
    """What one gets from SQLite without anything of ours."""
    database = await Database.open(url)

    async def job(conn: AsyncConnection) -> None:
        await conn.execute(
            text("CREATE VIRTUAL TABLE plain USING fts5(title, body, tokenize = 'unicode61 remove_diacritics 2')")
        )
        rows = [{"id": number, "title": one.title, "body": one.text} for number, one in enumerate(known)]
        await conn.execute(text("INSERT INTO plain (rowid, title, body) VALUES (:id, :title, :body)"), rows)

    await database.write(job)
    return database


async def _plain(conn: AsyncConnection, words: str) -> list[str]:
    asked = " OR ".join(f'"{word}"' for word in dict.fromkeys(tokens(words)))
    statement = text(f"SELECT rowid FROM plain WHERE plain MATCH :asked ORDER BY rank LIMIT {AT}")
    return [f"note:{number}" for number in (await conn.execute(statement, {"asked": asked})).scalars()]


async def _shares(known: Sequence[Entry], conn: AsyncConnection, do: Found) -> dict[str, float]:
    """For each kind and language, how often the text is among the first that are found for what is asked."""
    found: dict[str, list[bool]] = {}
    for number, entry in enumerate(known):
        if entry.kind == "manual" and number % SAMPLED:
            continue
        hit = f"note:{number}" in await do(conn, entry.asked)
        what = "the page of a manual by its summary" if entry.kind == "manual" else "the answer to a FAQ's question"
        found.setdefault(f"{what}, {'French' if entry.language == 'fr' else 'English'}", []).append(hit)
    return {f"{what} ({len(hits)} asked, {len(known):,} texts)": sum(hits) / len(hits) for what, hits in found.items()}
