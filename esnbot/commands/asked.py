"""Commands that people give by another way than a message, such as a form of the board: done as if they had been typed
in a direct chat with the bot, with the same rights, values and sentences. What would be answered there is kept for a
while for whoever shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Boolean, Column, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call, Command
from esnbot.commands.guide import Guide
from esnbot.commands.people import People, may
from esnbot.commands.reading import Missing, Problem, Reading
from esnbot.commands.registry import Registry
from esnbot.commands.values import Switch
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, React, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.speech import Speech, later, render
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import upsert

ASKED: Final = "org.esnbot.command_asked"
"""Somebody gives a command; content: ``by``, ``language``, ``noun``, ``verb`` (keys), ``args`` (name of a parameter to
a text, or to a list of texts), ``yes`` (whether what the command would ask first is answered)."""
KEPT_MS: Final = 600_000
"""How long an outcome waits for whoever shows it."""

outcome = Table(
    "command_outcome",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("html", Text, nullable=False),
    Column("failed", Boolean, nullable=False),
    # It asks for a yes first.
    Column("asks", Boolean, nullable=False),
    Column("moment", Milliseconds, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command."""

    html: str = ""
    """What was answered, safe; '' for nothing."""
    failed: bool = False
    """It was not understood, not allowed or refused, and nothing was done."""
    asks: bool = False
    """The answer is a question: with ``yes`` it is done."""


async def outcome_of(conn: AsyncConnection, event_id: str) -> Outcome:
    """What became of a command that was given; an empty outcome once it is too long ago."""
    row = (await conn.execute(select(outcome).where(outcome.c.event_id == event_id))).first()
    return Outcome() if row is None else Outcome(row.html, row.failed, row.asks)


@dataclass(frozen=True, slots=True)
class Asked:
    """Does what was asked for."""

    registry: Registry
    people: People
    speech: Speech

    async def do(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The command's effects, without what would be said in answer; that becomes its outcome."""
        person = await self.people.person(ctx.conn, event.text("by"), "", None, ctx.bot, event.moment, None)
        if person is None:
            return []
        voice = self.speech.voice(self.speech.known(event.text("language")) or person.language)
        call = Call(ctx, event, replace(person, language=voice.language), voice, {}, None, True)
        found = [one for one in self.registry.of(event.text("noun")) if one.verb == event.text("verb")]
        asks = False
        effects: Sequence[Effect]
        if not found or not may(call.person, found[0]):
            effects = [call.refuse(voice.say(later("You may not do this.")))]
        else:
            asks, effects = await self._obey(call, found[0])
        said = [one for one in effects if isinstance(one, Say) and one.answers == event.event_id]
        found_out = Outcome("\n".join(one.html or render(one.body).html for one in said), call.outcome.failed, asks)
        await _keep(ctx.conn, event.event_id, found_out, milliseconds(ctx.now))
        keys = {one.key for one in said if one.key}
        return [
            one
            for one in effects
            if one not in said and not (isinstance(one, React) and one.to.removeprefix("post:") in keys)
        ]

    async def _obey(self, call: Call, command: Command) -> tuple[bool, Sequence[Effect]]:
        guide = Guide(self.registry, call.person, call.voice, is_direct=True)
        try:
            call = replace(call, args=await self._values(call, command))
        except Problem as problem:
            return False, [call.refuse(guide.problem(problem))]
        if command.confirm is not None and call.event.content.get("yes") is not True:
            question = await command.confirm(call)
            if question is not None:
                return True, [call.answer(question)]
        return False, await command.handle(call)

    async def _values(self, call: Call, command: Command) -> Mapping[str, Any]:
        """The value of each parameter by its name, as ``bind`` gives them. Raises ``Problem``."""
        given = call.event.content.get("args")
        texts: Mapping[str, Any] = given if isinstance(given, dict) else {}
        reading = Reading(call.ctx, call.event, call.person, call.voice, self.people.community, self.people.places)
        values: dict[str, Any] = {}
        for param in command.params:
            text = texts.get(param.name)
            if param.many:
                parts = text if isinstance(text, list) else [text] if text else []
                values[param.name] = tuple([await param.kind.read(str(part), reading) for part in parts])
            elif isinstance(text, str) and text.strip():
                values[param.name] = await param.kind.read(text, reading)
            elif isinstance(param.kind, Switch):
                values[param.name] = False
            elif param.required:
                shown = param.names.shown(call.voice.language)
                raise Missing(later("{name} is missing.", name=shown))
            else:
                values[param.name] = None
        return values


async def _keep(conn: AsyncConnection, event_id: str, found: Outcome, now_ms: int) -> None:
    await conn.execute(delete(outcome).where(outcome.c.moment < now_ms - KEPT_MS))
    row = {"event_id": event_id, "html": found.html, "failed": found.failed, "asks": found.asks, "moment": now_ms}
    await upsert(conn, outcome, row)
