"""The commands as one module of the engine: hears what is said to the bot, and answers or does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import core, records, waiting
from esnbot.commands.addressing import Addressed, addressed, may_address, whole
from esnbot.commands.arguments import bind
from esnbot.commands.command import Call, Command
from esnbot.commands.flood import Flood, Verdict
from esnbot.commands.grammar import Word, split
from esnbot.commands.guide import Guide
from esnbot.commands.people import People, may
from esnbot.commands.reading import Places, Problem, Reading
from esnbot.commands.registry import Registry
from esnbot.commands.words import fold
from esnbot.community.model import Community
from esnbot.community.person import Role, UserID
from esnbot.engine.cipher import UNREADABLE
from esnbot.engine.courtesy import thread_of
from esnbot.engine.effects import Effect, Heed, React, Say, Schedule, Unschedule, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Handler, Listener, Module
from esnbot.speech import Markdown, Speech, later, mention, paragraphs, render

NAME: Final = "commands"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
PATIENCE: Final = timedelta(minutes=10)
"""How long a question waits for its reaction."""
YES: Final = "✅"
NO: Final = "❌"
_MOST_ROOMS: Final = 50_000
_MOST_NAMES: Final = 5

_WHO = {
    Role.owner: later("the owners of this group"),
    Role.animator: later("the animators"),
    Role.administrator: later("the administrators"),
    Role.member: later("the members of the community"),
    Role.partner: later("the partners"),
}


class QuestionUnderway(Exception):
    """A reaction came before it is written down which post it may be about; the engine tries again."""


def build(
    registry: Registry,
    *,
    community: Community,
    speech: Speech,
    places: Places,
    bot: UserID,
    names: tuple[str, ...] = (),
    flood: Flood | None = None,
) -> Module:
    """The module. `names` are what people call the bot by, besides its id; `registry` has the features' commands."""
    desk = _Desk(registry, People(community, places), speech, bot, names, flood or Flood())
    listeners = (
        Listener(frozenset({"m.room.message"}), desk.hear, desk.wants),
        Listener(frozenset({"m.reaction"}), desk.answered, _is_answer),
        Listener(frozenset({UNREADABLE}), desk.could_not_read),
    )
    due: dict[str, Handler] = {"expire": desk.expire, waiting.JOB: partial(waiting.word_of_patience, speech)}
    return Module(NAME, listeners, due, export=_export, erase=_erase)


async def _no_help(call: Call) -> Sequence[Effect]:
    return []


def complete(
    features: Registry,
    community: Community,
    speech: Speech,
    help: Callable[[Call], Awaitable[Sequence[Effect]]] = _no_help,
) -> Registry:
    """The features' commands, with help before and language after them."""
    own = (core.help_command(help), core.language_command(community, speech))
    return Registry((core.HELP, *features.nouns.values(), core.LANGUAGE), (own[0], *features.commands, own[1]))


@dataclass(slots=True)
class _Desk:
    features: Registry
    people: People
    speech: Speech
    bot: UserID
    names: tuple[str, ...]
    flood: Flood
    registry: Registry = field(init=False)
    _crowds: dict[str, None] = field(default_factory=dict)
    """Rooms that are no direct chats, as far as seen: their ordinary messages are not looked at again."""

    def __post_init__(self) -> None:
        """Put help and language first."""
        self.registry = complete(self.features, self.people.community, self.speech, self._help)

    def wants(self, event: Event) -> bool:
        """Whether a message may speak to the bot; in direct chats every one does."""
        if event.sender == self.bot or not may_address(event):
            return False
        return event.room_id not in self._crowds or addressed(event, self.bot, self.names) is not None

    async def hear(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A message, to the bot or not."""
        heard = await self._heard(ctx, event)
        if heard is None:
            return []
        call, said = heard
        seen = Heed(room=event.room_id, event=event.event_id, thread=thread_of(event))
        return [seen, *await self._respond(call, said)]

    async def _respond(self, call: Call, said: Addressed) -> Sequence[Effect]:
        match self.flood.take(call.event.sender, call.event.moment):
            case Verdict.ignore:
                return []
            case Verdict.warn:
                return [
                    call.answer(call.voice.say("One thing at a time, please. Give me a minute, then ask me again."))
                ]
            case Verdict.obey:
                return await self._obey(call, said, confirmed=False)

    async def could_not_read(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The key of a message never came: in a direct chat the person is told, elsewhere it was perhaps not for us."""
        sender, thread = event.text("sender"), event.text("thread")
        if await self.people.is_direct(ctx.conn, event.room_id, sender, ctx.bot) is not True:
            return []
        person = await self.people.person(ctx.conn, sender, event.room_id, None, ctx.bot, event.moment, None)
        if person is None:
            return []
        said = render(
            self.speech.voice(person.language).say(
                "I could not read your message: its key did not reach me. Please write it once more."
            )
        )
        return [Say(room=event.room_id, body=said.body, html=said.html, thread=thread or event.text("event_id"))]

    async def _heard(self, ctx: Context, event: Event) -> tuple[Call, Addressed] | None:
        """The call that a message makes, its command not yet looked at; None when it is not for the bot to answer."""
        said = addressed(event, ctx.bot, self.names)
        known = await self.people.is_direct(ctx.conn, event.room_id, event.sender, ctx.bot)
        direct = known is True
        if said is None and not direct:
            if known is False and len(self._crowds) < _MOST_ROOMS:
                self._crowds[event.room_id] = None
            return None
        said = said or whole(event)
        place = None if direct else await self.people.places.place_of(ctx.conn, event.room_id)
        person = await self.people.person(
            ctx.conn, event.sender, event.room_id, place, ctx.bot, event.moment, said.language
        )
        if person is None:
            return None
        voice = self.speech.voice(person.language)
        return Call(ctx, event, person, voice, {}, place, direct), said

    async def _obey(self, call: Call, said: Addressed, *, confirmed: bool) -> Sequence[Effect]:
        guide = Guide(self.registry, call.person, call.voice, is_direct=call.is_direct)
        words = split(said.line)
        if not words:
            return [call.answer(guide.overview())]
        found = self.registry.find(words)
        if found.command is None:
            if found.noun is None or not guide.commands(found.noun):
                rest = _after(1, words, said.line)
                return [call.answer(guide.unknown_noun(words[0].text, rest, chatting=not said.prefixed))]
            return [call.answer(guide.unknown_verb(found.noun, found.unknown, _after(2, words, said.line)))]
        if not may(call.person, found.command):
            return [call.answer(await self._refusal(call, found.command))]
        if (slip := guide.misspelt_verb(found, said.line)) is not None:
            return [call.answer(slip)]
        reading = Reading(call.ctx, call.event, call.person, call.voice, self.people.community, self.people.places)
        try:
            args = await bind(found.command, found.words, said.line, reading)
        except Problem as problem:
            return [call.answer(guide.problem(problem, found.command))]
        call = replace(call, args=args)
        if found.command.confirm is not None and not confirmed:
            question = await found.command.confirm(call)
            if question is not None:
                return await self._ask(call, question)
        return await found.command.handle(call)

    async def _refusal(self, call: Call, command: Command) -> Markdown:
        """Who can do it, with names where that helps."""
        roles = set(command.who)
        if Role.owner in roles:
            roles |= {Role.animator}
            if call.place is None:
                roles.discard(Role.owner)
        declared = self.people.community.roles
        able: list[UserID] = []
        if Role.owner in roles:
            able += await self.people.owners(call.ctx.conn, call.event.room_id, call.place)
        if Role.animator in roles:
            able += sorted(declared.animators)
        if Role.administrator in roles:
            able += sorted(declared.administrators)
        voice = call.voice
        who = call.voice.list([_WHO[role] for role in _WHO if role in roles], either=True)
        conn, room = call.ctx.conn, call.event.room_id
        people = [mention(user, await self.people.name(conn, room, user)) for user in dict.fromkeys(able)][:_MOST_NAMES]
        names = voice.say("You can ask {people}.", people=call.voice.list(people, either=True)) if people else ""
        return Markdown(f"{voice.say('Only {who} can do this.', who=who)} {names}".strip())

    async def _help(self, call: Call) -> Sequence[Effect]:
        """`help`, about everything, a noun, or one command."""
        guide = Guide(self.registry, call.person, call.voice, is_direct=call.is_direct)
        words = split(call.args["about"] or "")
        if not words:
            return [call.answer(guide.overview())]
        found = self.registry.find(words[:2])
        if found.noun is None or not guide.commands(found.noun):
            return [call.answer(guide.unknown_noun(words[0].text))]
        if len(words) == 1:
            return [call.answer(guide.noun(found.noun))]
        command = found.command
        if command is None or not {*map(fold, command.names.all())} & {fold(word.text) for word in words}:
            return [call.answer(guide.unknown_verb(found.noun, words[1].text))]
        refusal = None if may(call.person, command) else await self._refusal(call, command)
        return [call.answer(paragraphs(guide.command(command), refusal))]

    async def _ask(self, call: Call, question: str) -> Sequence[Effect]:
        """Keep the command, and put the question with both answers to choose from."""
        id = call.event.event_id
        expires = call.ctx.now + PATIENCE
        await records.ask(call.ctx.conn, call.event, expires)
        how = call.voice.say(
            "React with {yes} for yes or {no} for no. I will wait for {time}.",
            yes=Markdown(YES),
            no=Markdown(NO),
            time=call.voice.duration(PATIENCE),
        )
        key = _question(id)
        return [
            call.answer(paragraphs(Markdown(question), how), key=key),
            React(room=call.event.room_id, to=post(key), emoji=YES),
            React(room=call.event.room_id, to=post(key), emoji=NO),
            Schedule(key=key, job="expire", due=expires, payload={"id": id}),
        ]

    async def answered(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A reaction: the asker's, to a question that still waits, is its answer; all others mean nothing here."""
        if event.sender == self.bot:
            return []
        waiting = await records.open_questions(ctx.conn, event.room_id, event.sender, ctx.now)
        if not waiting:
            return []
        target, emoji = _reaction(event)
        posts = await records.sent_as(ctx.conn, [f"{NAME}/{_question(id)}" for id in waiting])
        id = next((id for id in waiting if posts.get(f"{NAME}/{_question(id)}") == target), None)
        if id is None:
            if any(event_id is None for event_id in posts.values()):
                raise QuestionUnderway(f"a reaction in {event.room_id}")
            return []
        command = await records.take_question(ctx.conn, id)
        heard = await self._heard(ctx, command) if command is not None else None
        done: list[Effect] = [Unschedule(key=_question(id))]
        if heard is None:
            return done
        call, said = heard
        if emoji != YES:
            return [*done, call.answer(call.voice.say("All right, I leave everything as it is."))]
        return [*done, *await self._obey(call, said, confirmed=True)]

    async def expire(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Nobody answered: the question says so, and asks no more."""
        payload = event.content.get("payload")
        id = payload.get("id") if isinstance(payload, Mapping) else None
        command = await records.take_question(ctx.conn, id) if isinstance(id, str) else None
        if command is None:
            return []
        voice = self.speech.voice(await self.people.language(ctx.conn, command.sender))
        message = render(
            voice.say("No answer within {time}, so I have left everything as it is.", time=voice.duration(PATIENCE))
        )
        return [
            Say(room=command.room_id, body=message.body, html=message.html, replaces=post(_question(command.event_id)))
        ]


def _after(count: int, words: Sequence[Word], line: str) -> str:
    """What was typed after the first words."""
    return line[words[count].start :] if len(words) > count else ""


def _question(id: str) -> str:
    """The key of the post that asks about a command."""
    return f"question:{id}"


def _is_answer(event: Event) -> bool:
    return _reaction(event)[1] in (YES, NO)


def _reaction(event: Event) -> tuple[str, str]:
    """What it is about and the emoji, without the variation selector that some keyboards add."""
    relation = event.content.get("m.relates_to")
    if not isinstance(relation, dict) or relation.get("rel_type") != "m.annotation":
        return "", ""
    target, emoji = relation.get("event_id"), relation.get("key")
    if not isinstance(target, str) or not isinstance(emoji, str):
        return "", ""
    return target, emoji.rstrip("\ufe0f")


async def _export(conn: AsyncConnection, user: UserID) -> Mapping[str, Any]:
    return {
        "language": await records.language_of(conn, user),
        "questions": await records.questions_of(conn, user),
        "waits_for": await waiting.questions_of(conn, user),
    }


async def _erase(ctx: Context, user: UserID) -> Sequence[Effect]:
    ids = await records.questions_of(ctx.conn, user)
    await records.forget(ctx.conn, user)
    return [Unschedule(key=key) for key in [*map(_question, ids), *await waiting.forget(ctx.conn, user)]]
