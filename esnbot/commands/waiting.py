"""Answers that come later: a word of patience when they take more than a moment, which the answer then replaces.

A command whose answer has to wait for something (a room that is made) returns the effects of ``later``; whoever has
the answer asks ``awaited`` what it answers, and says it with ``Awaited.say``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Boolean, Column, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import trail
from esnbot.commands.command import Call
from esnbot.engine.clock import milliseconds
from esnbot.engine.courtesy import thread_of
from esnbot.engine.effects import Effect, Heed, Say, Schedule, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.speech import Markdown, Speech, render
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import upsert

MODULE: Final = "commands"
JOB: Final = "patience"
WORD_AFTER: Final = timedelta(seconds=1.5)
"""When the word of patience is said, so that people have it within two seconds."""
FORGOTTEN_AFTER: Final = timedelta(days=7)

waiting = Table(
    "command_waiting",
    metadata,
    # What will be answered, as whoever answers names it: 'group:photo'.
    Column("token", Text, primary_key=True),
    # The question's event id.
    Column("question", Text, nullable=False, index=True),
    Column("asker", Text, nullable=False, index=True),
    Column("room_id", Text, nullable=False),
    # '' in a direct chat.
    Column("thread", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("asked", Milliseconds, nullable=False),
    Column("told", Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Awaited:
    """A question whose answer is here."""

    room_id: str
    question: str
    thread: str
    told: bool
    """Whether a word of patience was said, which the answer replaces."""

    def say(self, markdown: Markdown, *, key: str = "") -> Say:
        """The answer."""
        message = render(markdown)
        plain = Say(
            room=self.room_id, body=message.body, html=message.html, thread=self.thread, answers=self.question, key=key
        )
        if not self.told:
            return plain
        return Say(
            key=key,
            room=self.room_id,
            body=message.body,
            html=message.html,
            replaces=post(_word(self.question), of=MODULE),
            answers=self.question,
            # The word of patience may be one that could not be sent; the answer does not depend on it.
            otherwise=Say(
                room=self.room_id,
                body=message.body,
                html=message.html,
                thread=self.thread,
                answers=self.question,
            ),
        )


async def later(call: Call, token: str) -> Sequence[Effect]:
    """What a command returns whose answer comes later; ``token`` is how whoever answers will name it."""
    conn, question = call.ctx.conn, call.event.event_id
    long_ago = milliseconds(call.ctx.now - FORGOTTEN_AFTER)
    await conn.execute(delete(waiting).where(waiting.c.asked < long_ago))
    row = {
        "token": token,
        "question": question,
        "asker": call.person.user,
        "room_id": call.event.room_id,
        "thread": "" if call.is_direct else call.thread,
        "language": call.person.language,
        "asked": milliseconds(call.ctx.now),
        "told": False,
    }
    await upsert(conn, waiting, row)
    await trail.promise(conn, call.command, [f"{MODULE}/{_word(question)}"])
    return [
        Heed(room=call.event.room_id, event=question, thread=thread_of(call.event), awaited=True),
        Schedule(
            key=_word(question),
            job=JOB,
            due=call.ctx.now + WORD_AFTER,
            payload={"question": question, "asked": call.event.ts},
        ),
    ]


async def awaited(conn: AsyncConnection, token: str) -> Awaited | None:
    """The question that waits under a token, which is taken for answered from now on; None when none does."""
    query = delete(waiting).where(waiting.c.token == token).returning(*waiting.c)
    row = (await conn.execute(query)).one_or_none()
    return Awaited(row.room_id, row.question, row.thread, row.told) if row is not None else None


async def forget(conn: AsyncConnection, asker: str) -> list[str]:
    """Forget who waits; returns the keys of the jobs that are in vain now."""
    rows = await conn.execute(delete(waiting).where(waiting.c.asker == asker).returning(waiting.c.question))
    return [_word(question) for question in rows.scalars()]


async def questions_of(conn: AsyncConnection, asker: str) -> list[str]:
    """The questions of a person that wait for an answer."""
    return list((await conn.execute(select(waiting.c.question).where(waiting.c.asker == asker))).scalars())


async def word_of_patience(speech: Speech, ctx: Context, event: Event) -> Sequence[Effect]:
    """The answer is not there yet: say so, once. Nothing when it went out meanwhile."""
    payload = event.content.get("payload")
    if not isinstance(payload, dict) or not isinstance(question := payload.get("question"), str):
        return []
    key, unanswered = _word(question), (waiting.c.question == question) & waiting.c.told.is_(False)
    if timedelta(milliseconds=event.ts - int(payload.get("asked", 0))) < WORD_AFTER:
        # The community's clock runs faster than the homeserver works (a demo): look again, less and less often.
        since = (await ctx.conn.execute(select(waiting.c.asked).where(unanswered))).scalar_one_or_none()
        if since is None:
            return []
        passed = timedelta(milliseconds=milliseconds(ctx.now) - since)
        return [Schedule(key=key, job=JOB, due=ctx.now + max(2 * passed, WORD_AFTER), payload=payload)]
    told = update(waiting).where(unanswered).values(told=True).returning(*waiting.c)
    row = (await ctx.conn.execute(told)).one_or_none()
    if row is None:
        return []
    message = render(speech.voice(row.language).say("I am on it: this takes a moment."))
    return [Say(key=key, room=row.room_id, body=message.body, html=message.html, thread=row.thread)]


def _word(question: str) -> str:
    """The key of the word of patience about a question, and of the job that says it."""
    return f"patience:{question}"
