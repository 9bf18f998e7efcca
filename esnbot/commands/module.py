"""The commands as one module of the engine: hears what is said to the bot, and answers or does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import chats, core, corrections, dialogue_records, reactions, records, trail, waiting
from esnbot.commands.addressing import (
    Addressed,
    addressed,
    as_edited,
    below,
    may_address,
    original_of,
    whole,
)
from esnbot.commands.arguments import bind, bind_given
from esnbot.commands.asked import ASKED, Asked
from esnbot.commands.command import Call, Command, Taker
from esnbot.commands.dialogue import NO_BUTTON, YES_BUTTON, Dialogues, Given, QuestionUnderway, job_of
from esnbot.commands.dialogue import PATIENCE as DIALOGUE_PATIENCE
from esnbot.commands.flood import Flood, Verdict
from esnbot.commands.following import followed, may_follow
from esnbot.commands.grammar import Word, split
from esnbot.commands.guide import Guide
from esnbot.commands.people import People, may
from esnbot.commands.questions import pressed
from esnbot.commands.reactions import chosen
from esnbot.commands.reading import KEEPERS, Missing, Places, Problem, Reading
from esnbot.commands.registry import Found, Registry
from esnbot.commands.unread import Unread
from esnbot.commands.words import fold
from esnbot.community.model import Community
from esnbot.community.person import Role, UserID
from esnbot.engine import inbox
from esnbot.engine.cipher import NOT_YET_READABLE, UNREADABLE
from esnbot.engine.courtesy import thread_of
from esnbot.engine.effects import Effect, Heed, React, Say, Schedule, Unschedule, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Handler, Listener, Module
from esnbot.provisioning.limits import limits
from esnbot.speech import Later, Markdown, Speech, later, mention, paragraphs, render

NAME: Final = "commands"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
PATIENCE: Final = timedelta(minutes=10)
"""How long a question waits for its reaction."""
YES: Final = YES_BUTTON
NO: Final = NO_BUTTON
_MOST_ROOMS: Final = 50_000
_MOST_NAMES: Final = 5

_WHO = {
    Role.owner: later("the owners of this group"),
    Role.animator: later("the animators"),
    Role.administrator: later("the administrators"),
    Role.member: later("the members of the community"),
    Role.partner: later("the partners"),
}


def build(
    registry: Registry,
    *,
    community: Community,
    speech: Speech,
    places: Places,
    bot: UserID,
    names: tuple[str, ...] = (),
    flood: Flood | None = None,
    takers: Sequence[Taker] = (),
) -> Module:
    """The module. `names` are what people call the bot by, besides its id; `registry` has the features' commands.

    `takers` take what people write in a direct chat that is no command.
    """
    desk = _Desk(registry, People(community, places), speech, bot, names, flood or Flood(), takers)
    listeners = (
        Listener(frozenset({"m.room.message"}), desk.hear, desk.wants),
        Listener(frozenset({"m.reaction"}), desk.answered, _is_answer),
        Listener(frozenset({"m.room.redaction"}), desk.redacted, lambda event: bool(event.redacts)),
        Listener(frozenset({ASKED}), Asked(desk.registry, desk.people, speech).do, lambda event: event.is_internal),
        Listener(frozenset({UNREADABLE, NOT_YET_READABLE}), Unread(desk.people, speech).told),
    )
    due: dict[str, Handler] = {
        "expire": desk.expire,
        "dialogue": desk.expire_dialogue,
        waiting.JOB: partial(waiting.word_of_patience, speech),
    }
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
    takers: Sequence[Taker] = ()
    registry: Registry = field(init=False)
    dialogues: Dialogues = field(init=False)
    _crowds: dict[str, None] = field(default_factory=dict)
    """Rooms that are no direct chats, as far as seen: their ordinary messages are not looked at again."""

    def __post_init__(self) -> None:
        """Put help and language first."""
        self.registry = complete(self.features, self.people.community, self.speech, self._help)
        people = self.people
        self.dialogues = Dialogues(people.community, people.places, self._given, self._do, self.registry)

    def wants(self, event: Event) -> bool:
        """Whether a message may speak to the bot; in direct chats every one does."""
        if event.sender == self.bot or not may_address(event):
            return False
        if event.room_id not in self._crowds:
            return True
        event = as_edited(event)
        return addressed(event, self.bot, self.names) is not None or may_follow(event, self.bot, self.registry)

    async def hear(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A message, to the bot or not."""
        heard = await self._heard(ctx, event)
        if heard is None:
            return []
        call, said = heard
        seen = Heed(room=event.room_id, event=event.event_id, thread=thread_of(event))
        taken = await chats.used(ctx, event) if call.is_direct else ()
        pieces = await self._taken(call, said) if call.is_direct else None
        return [seen, *(await self._unless_flooded(call, said) if pieces is None else pieces), *taken]

    async def _taken(self, call: Call, said: Addressed) -> Sequence[Effect] | None:
        """What a feature makes of a message that it waits for; a question of a dialogue comes first."""
        if not self.takers or said.prefixed:
            return None
        kept = await dialogue_records.find(call.ctx.conn, call.event.sender)
        if kept is not None and kept.room_id == call.event.room_id:
            return None
        for taker in self.takers:
            if (effects := await taker(call)) is not None:
                return effects
        return None

    async def _unless_flooded(self, call: Call, said: Addressed) -> Sequence[Effect]:
        match self.flood.take(call.event.sender, call.event.moment):
            case Verdict.ignore:
                return []
            case Verdict.warn:
                return [
                    call.answer(call.voice.say("One thing at a time, please. Give me a minute, then ask me again."))
                ]
            case Verdict.obey:
                return await self._respond(call, said)

    async def _respond(self, call: Call, said: Addressed) -> Sequence[Effect]:
        """The answer to a message: the next question of the person's dialogue, or that of a command."""
        conn, room = call.ctx.conn, call.event.room_id
        kept = await dialogue_records.find(conn, call.event.sender) if call.is_direct else None
        kept = kept if kept is not None and kept.room_id == room else None
        if call.original:
            if kept is not None and (answer := await self.dialogues.edited(call, kept)) is not None:
                return answer
            before = await trail.find(conn, call.original)
            if not corrections.counts(call, before):
                return await corrections.hint(call, before)
        elif kept is not None and not said.prefixed:
            answer = await self.dialogues.answer(call, said.line, kept)
            if answer is not None:
                return answer
        earlier = await trail.answers_to(conn, call.original) if call.original else []
        effects = await trail.keep(call, await self._obey(call, said, confirmed=False))
        if earlier:
            effects = await corrections.put_right(call, effects, earlier)
        if kept is None or any(isinstance(effect, React) for effect in effects):
            return effects
        return [*effects, *await self.dialogues.remind(call, kept)]

    async def redacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody removed something: a command, an answer, or the reaction that was one."""
        removed = await corrections.removed(ctx, event, self.dialogues)
        return [*removed, *await self.dialogues.taken_back(ctx, event.sender, event.redacts)]

    async def _heard(self, ctx: Context, event: Event) -> tuple[Call, Addressed] | None:
        """The call that a message makes, its command not yet looked at; None when it is not for the bot to answer."""
        original, event = original_of(event), as_edited(event)
        said = addressed(event, ctx.bot, self.names)
        known = await self.people.is_direct(ctx.conn, event.room_id, event.sender, ctx.bot)
        direct = known is True
        if said is None and not direct:
            said = await followed(ctx.conn, event, self.bot, self.registry)
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
        before = await trail.find(ctx.conn, original) if original else None
        thread = before.thread if before is not None else ""
        return Call(ctx, event, person, voice, {}, place, direct, original, thread), said

    async def _given(self, ctx: Context, event: Event) -> Given | None:
        """A kept command as it is understood now; None when its author may not give it any more."""
        heard = await self._heard(ctx, event)
        if heard is None:
            return None
        call, said = heard
        found = self.registry.find(split(said.line))
        if found.command is None or not may(call.person, found.command):
            return None
        words, line, call = _below(call, found, said.line)
        try:
            return Given(call, found.command, await bind_given(found.command, words, line, self._read(call)))
        except Problem:
            return None

    def _read(self, call: Call) -> Reading:
        return Reading(call.ctx, call.event, call.person, call.voice, self.people.community, self.people.places)

    async def _do(self, call: Call, command: Command) -> Sequence[Effect]:
        """Do a command for which a dialogue has found out everything."""
        return await trail.keep(call, await self._run(call, command))

    async def _run(self, call: Call, command: Command) -> Sequence[Effect]:
        """The command's effects; only animators can make the bot call a whole room."""
        effects = await command.handle(call)
        if call.person.roles & KEEPERS:
            return effects
        return [
            msgspec.structs.replace(one, rouse=False) if isinstance(one, Say) and one.rouse else one for one in effects
        ]

    async def _obey(self, call: Call, said: Addressed, *, confirmed: bool) -> Sequence[Effect]:
        guide = Guide(self.registry, call.person, call.voice, is_direct=call.is_direct)
        words = split(said.line)
        if not words:
            return [call.answer(guide.overview())]
        found = self.registry.find(words)
        if found.command is None:
            if found.noun is None or not guide.commands(found.noun):
                rest = _after(1, words, said.line)
                return [call.refuse(guide.unknown_noun(words[0].text, rest, chatting=not said.prefixed))]
            return [call.refuse(guide.unknown_verb(found.noun, found.unknown, _after(2, words, said.line)))]
        if not may(call.person, found.command):
            return [call.refuse(await self._refusal(call, found.command))]
        if (slip := guide.misspelt_verb(found, said.line)) is not None:
            return [call.refuse(slip)]
        reading = self._read(call)
        own, line, call = _below(call, found, said.line)
        try:
            args = await bind(found.command, own, line, reading)
        except Missing as missing:
            return await self._ask_for(call, said, found, guide.problem(missing, found.command))
        except Problem as problem:
            return [call.refuse(guide.problem(problem, found.command))]
        call = replace(call, args=args)
        if found.command.confirm is not None and not confirmed:
            question = await found.command.confirm(call)
            if question is not None:
                return await self._ask(call, question)
        return await self._run(call, found.command)

    async def _ask_for(self, call: Call, said: Addressed, found: Found, usage: Markdown) -> Sequence[Effect]:
        """Something is missing: between the two of us it is asked for, elsewhere the usage says so."""
        if found.command is None or not found.command.dialogue:
            return [call.refuse(usage)]
        if not call.is_direct:
            how = call.voice.say("Write to me directly, and I will ask you step by step.")
            return [call.refuse(paragraphs(usage, how))]
        own, line, call = _below(call, found, said.line)
        given = await bind_given(found.command, own, line, self._read(call))
        return await self.dialogues.begin(Given(call, found.command, given))

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
            return [call.answer(guide.overview(self._limits(call)))]
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

    def _limits(self, call: Call) -> Sequence[Later]:
        """What those who look after a room should know of what cannot work there."""
        looks_after = Role.owner in call.person.roles or call.person.roles & KEEPERS
        return limits(call.place) if call.place is not None and looks_after else ()

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
            React(key=f"{key}/{YES}", room=call.event.room_id, to=post(key), emoji=YES),
            React(key=f"{key}/{NO}", room=call.event.room_id, to=post(key), emoji=NO),
            Schedule(key=key, job="expire", due=expires, payload={"id": id}),
        ]

    async def answered(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A reaction: the asker's, to a question that still waits, is its answer; all others mean nothing here."""
        if event.sender == self.bot:
            return []
        target, emoji = chosen(event)
        waiting = await records.open_questions(ctx.conn, event.room_id, event.sender, ctx.now)
        if not waiting or emoji not in (YES, NO):
            return await self.dialogues.reacted(ctx, event)
        posts = await records.sent_as(ctx.conn, [f"{NAME}/{_question(id)}" for id in waiting])
        id = next((id for id in waiting if posts.get(f"{NAME}/{_question(id)}") == target), None)
        if id is None:
            if any(event_id is None for event_id in posts.values()):
                raise QuestionUnderway(f"a reaction in {event.room_id}")
            return await self.dialogues.reacted(ctx, event)
        if await inbox.is_taken_back(ctx.conn, event.room_id, event.event_id):
            # Removed again before we came to it: the question still waits.
            return []
        kept = await records.take_question(ctx.conn, id)
        command = ctx.open(kept) if kept is not None else None
        heard = await self._heard(ctx, command) if command is not None else None
        done: list[Effect] = [Unschedule(key=_question(id))]
        if command is None:
            voice = self.speech.voice(await self.people.language(ctx.conn, event.sender))
            lost = render(voice.say("I can no longer read what you asked for, so nothing was done. Please ask again."))
            return [*done, Say(room=event.room_id, body=lost.body, html=lost.html, replaces=post(_question(id)))]
        if heard is None:
            return done
        call, said = heard
        if emoji != YES:
            left = [call.answer(call.voice.say("All right, I leave everything as it is."))]
            return [*done, *await trail.keep(call, left)]
        return [*done, *await trail.keep(call, await self._obey(call, said, confirmed=True))]

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

    async def expire_dialogue(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Nobody answered the last question of a dialogue: it is over, which is said once."""
        payload = event.content.get("payload")
        user, id = (payload.get("user"), payload.get("id")) if isinstance(payload, Mapping) else (None, None)
        if not isinstance(user, str) or not isinstance(id, str):
            return []
        kept = await self.dialogues.expired(ctx, user, id)
        if kept is None:
            return []
        voice = self.speech.voice(await self.people.language(ctx.conn, user))
        message = render(
            voice.say(
                "No answer within {time}, so I have put my questions aside. Nothing was done.",
                time=voice.duration(DIALOGUE_PATIENCE),
            )
        )
        key = f"dialogue:{kept.id}:end"
        await trail.promise(ctx.conn, kept.id, [f"{NAME}/{key}"])
        return [Say(key=key, room=kept.room_id, body=message.body, html=message.html)]


def _after(count: int, words: Sequence[Word], line: str) -> str:
    """What was typed after the first words."""
    return line[words[count].start :] if len(words) > count else ""


def _question(id: str) -> str:
    """The key of the post that asks about a command."""
    return f"question:{id}"


def _below(call: Call, found: Found, line: str) -> tuple[Sequence[Word], str, Call]:
    """The words and the line of a command, and the call with what stands below them, where it takes such."""
    if found.command is None or not found.command.below:
        return found.words, line, call
    words, line, text = below(line, found.words, call.event)
    return words, line, replace(call, below=text)


def _is_answer(event: Event) -> bool:
    emoji = chosen(event)[1]
    return emoji in (YES, NO) or bool(pressed(emoji))


async def _export(conn: AsyncConnection, user: UserID) -> Mapping[str, Any]:
    kept = await dialogue_records.find(conn, user)
    return {
        "language": await records.language_of(conn, user),
        "questions": await records.questions_of(conn, user),
        "dialogue": None if kept is None else {"command": kept.id, "room": kept.room_id, "expires": kept.expires},
        "commands": await trail.commands_of(conn, user),
        "reactions": await reactions.export(conn, user),
        "waits_for": await waiting.questions_of(conn, user),
    }


async def _erase(ctx: Context, user: UserID) -> Sequence[Effect]:
    ids = await records.questions_of(ctx.conn, user)
    await records.forget(ctx.conn, user)
    await dialogue_records.drop(ctx.conn, user)
    await trail.forget(ctx.conn, user)
    await reactions.forget(ctx.conn, user)
    keys = [*map(_question, ids), job_of(user), *await waiting.forget(ctx.conn, user)]
    return [Unschedule(key=key) for key in keys]
