"""Dialogues in direct chats: what a command still needs is asked for, one question at a time, then done.

All that a dialogue knows is in its row: the command and the answers as events, read anew at each step. So it goes on
after a restart where it was, in the language that the person speaks now, and no plaintext of an encrypted chat is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from esnbot.commands import dialogue_records, records, trail
from esnbot.commands.addressing import as_edited, original_of, whole
from esnbot.commands.command import Call, Command
from esnbot.commands.dialogue_records import Dialogue
from esnbot.commands.grammar import split
from esnbot.commands.questions import BACK, CANCEL, NO, SKIP, YES, Progress, Questions, keycaps, literal, pressed, word
from esnbot.commands.reactions import chosen
from esnbot.commands.reading import Places, Problem, Reading
from esnbot.commands.registry import Registry
from esnbot.community.model import Community
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, React, Schedule, Unschedule, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.speech import Later, Markdown, Quoted, code, later, paragraphs

PATIENCE: Final = timedelta(minutes=30)
"""How long a question of a dialogue waits for its answer."""
YES_BUTTON: Final = "✅"
NO_BUTTON: Final = "❌"
_ASIDE: Final = later("All right, I have put this aside: nothing was done.")


class QuestionUnderway(Exception):
    """A reaction came before it is written down which post it may be about; the engine tries again."""


@dataclass(frozen=True, slots=True)
class Given:
    """A command that lacks something, as it is understood now."""

    call: Call
    command: Command
    args: Mapping[str, Any]
    """What was given with it."""


@dataclass(frozen=True, slots=True)
class _Talk:
    """A dialogue, read."""

    kept: Dialogue
    given: Given
    questions: Questions
    texts: Mapping[str, str]

    async def progress(self) -> Progress:
        return await self.questions.progress(self.texts)


@dataclass(frozen=True, slots=True)
class Dialogues:
    """Leads the dialogues of everybody."""

    community: Community
    places: Places
    understand: Callable[[Context, Event], Awaitable[Given | None]]
    """A kept command, read anew; None when its author may not give it any more."""
    do: Callable[[Call, Command], Awaitable[Sequence[Effect]]]
    """Does a command that has all it needs."""
    registry: Registry

    async def begin(self, given: Given) -> Sequence[Effect]:
        """Ask the first question; another dialogue of the person's is put aside."""
        call = given.call
        if given.command.hindered is not None and (why := await given.command.hindered(call)) is not None:
            return [call.refuse(why)]
        before = await dialogue_records.find(call.ctx.conn, call.person.user)
        kept = Dialogue(call.person.user, call.event.event_id, call.event.room_id, call.event)
        aside = call.voice.say("I have put the earlier questions aside.") if before is not None else ""
        how = call.voice.say("One question at a time. `back` goes one step back, `cancel` ends it.")
        return await self._ask(self._talk(kept, given, {}), Markdown(f"{aside} {how}".strip()))

    async def answer(self, call: Call, line: str, kept: Dialogue) -> Sequence[Effect] | None:
        """A message of the person's is the answer to the open question; None when it is a command of its own."""
        talk = await self._read(call.ctx, kept)
        if talk is None:
            return await self._lost(call, kept)
        progress = await talk.progress()
        said = "" if literal(line) is not None else word(line)
        if said in CANCEL:
            return await self._end(call, kept, _ASIDE)
        if said in BACK:
            return await self._back(talk)
        if said and said not in SKIP and await self._is_command(talk, progress, line):
            return None
        if progress.open is None:
            return await self._decide(talk, progress, call, said, line)
        return await self._take(talk, progress, line, call.event)

    async def reacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A reaction may be a button under the last question."""
        kept = await dialogue_records.find(ctx.conn, event.sender)
        if kept is None or kept.room_id != event.room_id:
            return []
        key = f"{trail.MODULE}/{kept.post}"
        posts = await records.sent_as(ctx.conn, [key])
        if key in posts and posts[key] is None:
            raise QuestionUnderway(f"a reaction in {event.room_id}")
        target, emoji = chosen(event)
        if not target or posts.get(key) != target or (talk := await self._read(ctx, kept)) is None:
            return []
        progress = await talk.progress()
        if progress.open is None:
            if emoji not in (YES_BUTTON, NO_BUTTON):
                return []
            said = "yes" if emoji == YES_BUTTON else "no"
            return await self._decide(talk, progress, talk.given.call, said, said)
        # A number that is no button here is no answer.
        said = pressed(emoji)
        buttons = [pressed(button.replace("\ufe0f", "")) for button in keycaps(progress.offers, progress.open)]
        return await self._take(talk, progress, said, event) if said in buttons else []

    async def edited(self, call: Call, kept: Dialogue) -> Sequence[Effect] | None:
        """An answer was edited: it counts as long as its question is still the last. None for other messages."""
        if call.original and call.original == kept.tried:
            return await self.answer(call, whole(call.event).line, kept)
        if call.original in {_id(event) for _, event in kept.answers}:
            return [call.answer(call.voice.say("I keep your first answer. `back` returns to that question."))]
        return None

    async def taken_back(self, ctx: Context, user: str, event_id: str) -> Sequence[Effect]:
        """An answer, written or a reaction, was removed by its author: its question is asked again."""
        kept = await dialogue_records.find(ctx.conn, user)
        ids = [_id(event) for _, event in kept.answers] if kept is not None else []
        if kept is None or event_id not in ids:
            return []
        talk = await self._read(ctx, replace(kept, answers=kept.answers[: ids.index(event_id)]))
        return await self._ask(talk, None) if talk is not None else []

    async def remind(self, call: Call, kept: Dialogue) -> Sequence[Effect]:
        """The open question once more, after something else was answered."""
        now = await dialogue_records.find(call.ctx.conn, call.person.user)
        if now is None or now.id != kept.id or (talk := await self._read(call.ctx, now)) is None:
            return []
        return await self._ask(talk, talk.given.call.voice.say("Back to my question:"))

    async def withdrawn(self, ctx: Context, user: str, command: str) -> Sequence[Effect]:
        """The command itself was removed: nothing is asked any more."""
        kept = await dialogue_records.find(ctx.conn, user)
        if kept is None or kept.id != command:
            return []
        await dialogue_records.drop(ctx.conn, user)
        return [Unschedule(key=job_of(user))]

    async def expired(self, ctx: Context, user: str, id: str) -> Dialogue | None:
        """The dialogue that nobody answered and that is over now."""
        kept = await dialogue_records.find(ctx.conn, user)
        if kept is None or kept.id != id or kept.expires > milliseconds(ctx.now):
            return None
        await dialogue_records.drop(ctx.conn, user)
        return kept

    async def _is_command(self, talk: _Talk, progress: Progress, line: str) -> bool:
        """Whether a message has nothing to do with the question: surely a command, or one and no word of the list."""
        if talk.questions.names_offer(line, progress.offers):
            return False
        words = split(line)
        if self.registry.is_surely(words):
            return True
        if progress.open is None or not progress.offers or self.registry.find(words).command is None:
            return False
        try:
            await talk.questions.read(progress.open, line, progress.offers, progress.args)
        except Problem:
            return True
        return False

    # --- steps ----------------------------------------------------------------------------------------------------

    async def _take(self, talk: _Talk, progress: Progress, line: str, event: Event) -> Sequence[Effect]:
        """Read an answer to the open question, and go on."""
        param = progress.open
        if param is None:
            return []
        try:
            await talk.questions.read(param, line, progress.offers, progress.args)
        except Problem as problem:
            kept = replace(talk.kept, tried=_id(event))
            return await self._ask(replace(talk, kept=kept), self._explained(talk, problem))
        kept = replace(talk.kept, answers=(*talk.kept.answers, (param.name, event)), tried="")
        return await self._ask(replace(talk, kept=kept, texts={**talk.texts, param.name: line}), None)

    async def _back(self, talk: _Talk) -> Sequence[Effect]:
        voice = talk.given.call.voice
        if not talk.kept.answers:
            return await self._ask(talk, voice.say("This is the first question already."))
        *answers, (param, _) = talk.kept.answers
        texts = {name: text for name, text in talk.texts.items() if name != param}
        return await self._ask(replace(talk, kept=replace(talk.kept, answers=tuple(answers)), texts=texts), None)

    async def _decide(self, talk: _Talk, progress: Progress, call: Call, said: str, line: str) -> Sequence[Effect]:
        """Yes or no to the summary."""
        if said in NO or line.strip().startswith(NO_BUTTON):
            return await self._end(call, talk.kept, later("All right, I leave everything as it is."))
        if said not in YES and not line.strip().startswith(YES_BUTTON):
            problem = Problem(later("I need a yes or a no here, not {text}.", text=Quoted(line[:100])))
            return await self._ask(talk, self._explained(talk, problem))
        await dialogue_records.drop(call.ctx.conn, talk.kept.user)
        complete = replace(talk.given.call, args=progress.args)
        return [Unschedule(key=job_of(talk.kept.user)), *await self.do(complete, talk.given.command)]

    async def _ask(self, talk: _Talk, lead: Markdown | None) -> Sequence[Effect]:
        """Put the question that is open now, or sum up; the dialogue waits for the answer from now on."""
        call, conn = talk.given.call, talk.given.call.ctx.conn
        progress = await talk.progress()
        if progress.problem is not None:
            lead = paragraphs(lead, self._explained(talk, progress.problem))
        expires = call.ctx.now + PATIENCE
        kept = replace(talk.kept, asked=talk.kept.asked + 1, expires=milliseconds(expires))
        # Answers that lead nowhere any more are given up.
        if progress.open is not None and progress.problem is not None:
            names = [name for name, _ in kept.answers]
            kept = replace(kept, answers=kept.answers[: names.index(progress.open.name)])
        await dialogue_records.put(conn, kept)
        if progress.open is not None:
            text = talk.questions.question(progress, lead)
            buttons = keycaps(progress.offers, progress.open)
        else:
            confirm = talk.given.command.confirm
            asked = await confirm(replace(call, args=progress.args)) if confirm is not None else None
            text = talk.questions.summary(progress, lead, asked, YES_BUTTON, NO_BUTTON)
            buttons = [YES_BUTTON, NO_BUTTON]
        effects: list[Effect] = [
            call.answer(text, key=kept.post),
            *(
                React(key=f"{kept.post}/{button}", room=kept.room_id, to=post(kept.post), emoji=button)
                for button in buttons
            ),
        ]
        await trail.promise(conn, call.command, [f"{trail.MODULE}/{effect.key}" for effect in effects])
        due = Schedule(key=job_of(kept.user), job="dialogue", due=expires, payload={"user": kept.user, "id": kept.id})
        return [*effects, due]

    async def _end(self, call: Call, kept: Dialogue, said: Later) -> Sequence[Effect]:
        await dialogue_records.drop(call.ctx.conn, kept.user)
        key = f"dialogue:{kept.id}:end"
        await trail.promise(call.ctx.conn, kept.id, [f"{trail.MODULE}/{key}"])
        return [Unschedule(key=job_of(kept.user)), call.answer(call.voice.say(said), key=key)]

    async def _lost(self, call: Call, kept: Dialogue) -> Sequence[Effect]:
        return await self._end(
            call,
            kept,
            later("I can no longer read what you told me, so I have put my questions aside. Please begin again."),
        )

    def _explained(self, talk: _Talk, problem: Problem) -> Markdown:
        voice = talk.given.call.voice
        said = voice.say(problem.alone)
        if problem.near:
            meant = voice.list(map(code, problem.near), either=True)
            return Markdown(f"{said} {voice.say('Did you mean {near}?', near=meant)}")
        if problem.examples:
            examples = voice.list(map(code, problem.examples))
            return Markdown(f"{said} {voice.say('For example: {examples}.', examples=examples)}")
        return said

    # --- reading --------------------------------------------------------------------------------------------------

    async def _read(self, ctx: Context, kept: Dialogue) -> _Talk | None:
        """A kept dialogue; None when it cannot be read, or its author may not do this any more."""
        event = ctx.open(kept.event)
        given = await self.understand(ctx, event) if event is not None else None
        if given is None:
            return None
        opened = [(name, event, ctx.open(event)) for name, event in kept.answers]
        texts = {name: _text(event) for name, _, event in opened if event is not None}
        if len(texts) < len(opened):
            return None
        # As they were when they came, so that keeping them again keeps the ciphertext.
        return self._talk(kept, given, texts)

    def _talk(self, kept: Dialogue, given: Given, texts: Mapping[str, str]) -> _Talk:
        call = given.call
        reading = Reading(call.ctx, call.event, call.person, call.voice, self.community, self.places)
        return _Talk(kept, given, Questions(given.command, call, given.args, reading), texts)


def _text(event: Event) -> str:
    """What an answer said."""
    if event.type == "m.reaction":
        return pressed(chosen(event)[1])
    return whole(as_edited(event)).line


def _id(event: Event) -> str:
    """The event id of a message; of one that was edited, the first version's."""
    return original_of(event) or event.event_id


def job_of(user: str) -> str:
    """The key of the job that ends a dialogue."""
    return f"dialogue:{user}"
