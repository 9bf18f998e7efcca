"""Several bots on one PostgreSQL: a page of one has something done, and another one does it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from sqlalchemy import select

from esnbot.discovery import Discovery
from esnbot.speech import Speech
from esnbot.store.database import Database
from esnbot.store.kept import kept
from esnbot.stored import migrated
from esnbot.testing import ManualClock
from esnbot.testing.board import BoardOnHouse
from tests.features.house import ZOE, a_community
from tests.web.clerk import BOT, LINE, Ledger


@dataclass
class Post:
    """The database that several bots share."""

    url: str
    database: Database
    stack: AsyncExitStack

    def house(self, *, works: bool) -> BoardOnHouse:
        """The bot of this process: its board, and with ``works`` its hands too."""
        return BoardOnHouse(
            database=self.database,
            community=a_community(),
            speech=Speech(languages=("fr", "en"), default="fr"),
            features={"book": Ledger().feature()},
            templates={},
            clock=ManualClock(),
            bot=BOT,
            works=works,
        )

    async def bot(self, *more: str) -> Process:
        """A bot in a process of its own."""
        return await self.stack.enter_async_context(_process(self.url, *more))

    async def lines(self) -> dict[str, str]:
        """What was written down, and by which processes."""
        async with self.database.read() as conn:
            rows = await conn.execute(select(kept).where(kept.c.name.startswith(LINE)))
            return {row.name.removeprefix(LINE): row.value for row in rows}


@asynccontextmanager
async def _process(*arguments: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.web.clerk", *arguments, stdout=PIPE)
    try:
        await _says(process, "ready")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _says(process: Process, word: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert (await process.stdout.readline()).decode().strip() == word


@pytest_asyncio.fixture
async def post(postgres_url: str) -> AsyncIterator[Post]:
    async with migrated(postgres_url, Discovery()) as database, AsyncExitStack() as stack:
        yield Post(postgres_url, database, stack)


async def test_a_page_waits_for_what_another_process_does(post: Post) -> None:
    other = await post.bot()
    async with post.house(works=False).open() as board:
        zoe = await board.visitor(ZOE)
        assert (await zoe.post("/book", {"line": "Bonjour"})).status == 303
        assert await post.lines() == {"Bonjour": str(other.pid)}


async def test_what_two_processes_are_asked_for_at_once_is_done_once_each(post: Post) -> None:
    other = await post.bot()
    async with post.house(works=True).open() as board:
        zoe = await board.visitor(ZOE)
        answers = await asyncio.gather(*(zoe.post("/book", {"line": f"line {number}"}) for number in range(20)))
    assert {answer.status for answer in answers} == {303}
    lines = await post.lines()
    assert sorted(lines) == sorted(f"line {number}" for number in range(20))
    assert set(lines.values()) <= {str(other.pid), str(os.getpid())}


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
async def test_a_page_is_answered_when_the_process_that_was_at_it_dies(post: Post) -> None:
    heir, other = await post.bot(), await post.bot("hold")
    heir.send_signal(signal.SIGSTOP)
    async with post.house(works=False).open() as board:
        zoe = await board.visitor(ZOE)
        asked = asyncio.create_task(zoe.post("/book", {"line": "Bonjour"}))
        await _says(other, "holding")
        other.kill()
        heir.send_signal(signal.SIGCONT)
        assert (await asked).status == 303
    assert await post.lines() == {"Bonjour": str(heir.pid)}
