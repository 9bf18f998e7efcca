"""Takes ideas along: to the animators, to people who may be interested, and after a month back to the founder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import People
from esnbot.commands.reactions import Reaction, chosen
from esnbot.commands.records import posted_as
from esnbot.community.group import Group
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, React, Redact, Say, Schedule, Unschedule, post, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import calm, text
from esnbot.features.contract import Kit
from esnbot.features.founder import model, records
from esnbot.features.founder.model import Answer, Stage
from esnbot.features.founder.records import NAME, Idea, asking
from esnbot.features.founder.settings import FounderSettings
from esnbot.features.hours import next_occasion
from esnbot.features.places import called, language_of
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, bold, escape, later, paragraphs, render
from esnbot.store import bindings

KIND: Final = "idea"
"""Of the kept texts that have the words."""
CALM: Final = "calm"
CHECK: Final = "check"
TOLD: Final = "org.esnbot.founder_told"
"""Of this feature alone: somebody told an idea; content: ``idea``, ``said`` (title and words, locked if need be)."""
ASKED: Final = "org.esnbot.founder_asked"
"""Of this feature alone: people are to be asked about an idea; content: ``idea``."""
GROWN: Final = "org.esnbot.founder_grown"
"""Of this feature alone: a group came of an idea; content: ``idea``."""


def is_interest(emoji: str) -> bool:
    """A cheap look: a reaction that says that somebody is interested."""
    return emoji == model.INTERESTED


def is_answer(event: Event) -> bool:
    """A cheap look: a reaction that says how a group goes."""
    return model.answered(chosen(event)[1]) is not None


class Handlers:
    """The feature at work."""

    def __init__(self, kit: Kit[FounderSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings
        self._people = People(kit.community, wanted)

    # --- the idea ------------------------------------------------------------------------------------------------

    async def told(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Show an idea to the animators."""
        one, place = await self._idea(ctx.conn, event.content), await self.room(ctx.conn)
        if one is None or one.text is not None or place is None:
            return []
        try:
            said = ctx.unlock(event.content.get("said"))
        except ValueError:
            return []
        voice = await self._voice(ctx.conn, place)
        draft = text.Draft(
            title=said["title"],
            words="\n".join(escape(line) for line in said["words"].splitlines()),
            author=one.person,
            foot=str(voice.say("💡 An idea for a community, no. {number}. `!esn idea list` shows all.", number=one.id)),
        )
        kept, effects = await text.keep(ctx, KIND, place, draft, voice=voice, module=NAME)
        await records.kept_as(ctx.conn, one.id, kept)
        return effects

    # --- who is interested ---------------------------------------------------------------------------------------

    async def asked(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Ask the people of a group who is interested."""
        one = await self._idea(ctx.conn, event.content)
        place = await wanted.get(ctx.conn, one.asked_in) if one is not None and one.asked_in else None
        draft = await self.draft(ctx, one) if one is not None else None
        if one is None or draft is None or not isinstance(place, Group) or one.stage is Stage.dropped:
            return []
        room_id = await bindings.room_of(ctx.conn, place.key) or ""
        voice = await self._voice(ctx.conn, place)
        message = render(
            paragraphs(
                voice.say("**Who is interested? {title}**", title=draft.title),
                Markdown(draft.words),
                voice.say(
                    "An idea of {person}. React with ✋ if you would like to be part of it; it commits you to nothing.",
                    person=await called(ctx.conn, room_id, one.person),
                ),
            )
        )
        where = room(place.key)
        return [
            Say(key=asking(one.id), room=where, msgtype=TEXT, body=message.body, html=message.html),
            React(room=where, to=post(asking(one.id)), emoji=model.INTERESTED),
        ]

    async def reacted(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """Somebody is interested; when there are enough, the founder hears it, without names."""
        kind, _, number = reaction.post.partition(":")
        if kind != "ask" or not number.isdigit() or reaction.taken_back:
            return []
        one = await records.get(ctx.conn, int(number))
        if one is None:
            return []
        people = len(await records.interested(ctx.conn, one))
        if not model.has_company(one.stage, people, self._settings.company):
            return []
        if not await records.move(ctx.conn, one, Stage.interested, milliseconds(ctx.now)):
            return []
        words = later(
            "**{count} people are interested in your idea.** `!esn idea show {number}` says who. "
            "Propose a first meet-up to them; an hour is enough.",
            count=people,
            number=one.id,
        )
        return await calm.whisper(ctx, one.person, NAME, words, about=f"company:{one.id}", useful=6)

    # --- the group -----------------------------------------------------------------------------------------------

    async def born(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A group was born: perhaps it is the one that a founder had in mind."""
        owners = event.content.get("owners")
        effects: list[Effect] = []
        place = await wanted.get(ctx.conn, event.text("key"))
        if not isinstance(owners, list) or not isinstance(place, Group):
            return []
        for owner in owners:
            mine = await records.some(ctx.conn, str(owner), (Stage.idea, Stage.interested, Stage.met))
            if len(mine) == 1:
                words = later(
                    "Is {group} the group of your idea? Then tell me: `!esn idea group {number} {key}`",
                    group=bold(place.name),
                    number=mine[0].id,
                    key=Markdown(f"#{place.key}"),
                )
                effects += await calm.whisper(
                    ctx, str(owner), NAME, words, about=f"born:{mine[0].id}:{place.key}", useful=4
                )
        return effects

    async def grown(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A group came of an idea: ask after a month how it goes."""
        one = await self._idea(ctx.conn, event.content)
        if one is None:
            return []
        due = next_occasion(ctx.now + self._settings.check_after, self._community)
        return [Schedule(key=_job(one.id), job=CHECK, due=due, payload={"idea": one.id})]

    async def check(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Ask the founder how it goes."""
        one = await self._idea(ctx.conn, event.content.get("payload"))
        place = await wanted.get(ctx.conn, one.group_key) if one is not None else None
        if one is None or one.stage is not Stage.group or not isinstance(place, Group) or place.archived:
            return []
        await records.mark_checked(ctx.conn, one.id, milliseconds(ctx.now))
        words = later(
            "**How does {group} go?** React with 🌱 (well), 🤔 (so-so) or 🆘 (a hand would help); "
            "of the last two I tell the animators.",
            group=place.name,
        )
        return await calm.whisper(ctx, one.person, NAME, words, about=f"check:{one.id}", useful=5)

    async def answered(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A founder says how it goes, below what was said to them in private."""
        target, emoji = chosen(event)
        answer = model.answered(emoji)
        if answer is None or event.sender == ctx.bot or await posted_as(ctx.conn, target, CALM) is None:
            return []
        one = await records.awaiting(ctx.conn, event.sender)
        if one is None or not await records.settle(ctx.conn, one, answer, milliseconds(ctx.now)):
            return []
        place = await wanted.get(ctx.conn, one.group_key)
        voice = self._kit.speech.voice(await self._language(ctx, event.sender))
        well = answer is Answer.well
        said = (
            voice.say("Lovely. Thank you for telling me.")
            if well
            else voice.say("Thank you. The animators know, and will come back to you.")
        )
        message = render(said)
        thanks = Say(room=event.room_id, body=message.body, html=message.html)
        backstage = await self.room(ctx.conn)
        if well or backstage is None or place is None:
            return [thanks]
        return [thanks, await self._tell(ctx, backstage, one, place.name, answer)]

    async def _tell(self, ctx: Context, backstage: Group, one: Idea, name: str, answer: Answer) -> Say:
        voice = await self._voice(ctx.conn, backstage)
        room_id = await bindings.room_of(ctx.conn, backstage.key) or ""
        person = await called(ctx.conn, room_id, one.person)
        message = render(
            voice.say("{person} says that {group} needs a hand.", person=person, group=bold(name))
            if answer is Answer.help
            else voice.say("{person} says that {group} goes so-so. A kind word?", person=person, group=bold(name))
        )
        return Say(key=f"answer:{one.id}", room=room(backstage.key), msgtype=TEXT, body=message.body, html=message.html)

    async def _language(self, ctx: Context, user: str) -> str:
        person = await self._people.person(ctx.conn, user, "", None, ctx.bot, ctx.now, None)
        return person.language if person is not None else self._community.default_language

    # --- for the commands ----------------------------------------------------------------------------------------

    async def draft(self, ctx: Context, one: Idea) -> text.Draft | None:
        """The words of an idea; None when they are gone or not there yet."""
        kept = await text.get(ctx.conn, one.text) if one.text is not None else None
        return await text.opened(ctx, kept) if kept is not None else None

    async def room(self, conn: AsyncConnection) -> Group | None:
        """The animators' room, when it is there."""
        key = self._community.animators_room
        place = await wanted.get(conn, key) if key is not None else None
        if not isinstance(place, Group) or place.archived or await bindings.room_of(conn, place.key) is None:
            return None
        return place

    async def taken_away(self, ctx: Context, one: Idea) -> list[Effect]:
        """What takes the words in the animators' room and the question in the group away."""
        effects = await text.withdraw(ctx, one.text, reason="") if one.text is not None else []
        if one.asked_in:
            effects.append(Redact(room=room(one.asked_in), event=post(asking(one.id), of=NAME)))
        return effects

    async def _voice(self, conn: AsyncConnection, place: Group) -> Voice:
        spaces = {} if place.language else await wanted.spaces(conn)
        return self._kit.speech.voice(language_of(place, spaces, self._community))

    async def _idea(self, conn: AsyncConnection, content: object) -> Idea | None:
        id = content.get("idea") if isinstance(content, Mapping) else None
        return await records.get(conn, id) if isinstance(id, int) else None

    # --- one person ----------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """A person's ideas; that they were interested in another one is among their reactions."""
        return {"ideas": await records.of_person(conn, person)}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """A person's ideas go, with what was posted about them."""
        effects: list[Effect] = []
        for one in await records.some(ctx.conn, person, tuple(Stage)):
            if one.stage is not Stage.dropped:
                effects += await self.taken_away(ctx, one)
            effects.append(Unschedule(key=_job(one.id)))
        await records.forget(ctx.conn, person)
        return effects


def _job(id: int) -> str:
    return f"{CHECK}:{id}"
