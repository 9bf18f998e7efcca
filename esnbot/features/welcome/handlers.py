"""Greets newcomers, once, in private, in their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import People
from esnbot.commands.reading import Person
from esnbot.community.group import Group, Place, Space
from esnbot.community.person import Role
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Say, Schedule, Unschedule, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import calm
from esnbot.features import group as groups
from esnbot.features.contract import Kit
from esnbot.features.places import called, link_to, memberships
from esnbot.features.status import is_paused
from esnbot.features.welcome import model, records
from esnbot.features.welcome.settings import WelcomeSettings
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, bold, bullets, paragraphs, render
from esnbot.store import bindings, rooms

GREET: Final = "greet"


class WelcomeHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[WelcomeSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings
        self._people = People(kit.community, wanted)

    async def member(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody came into a room or went out of it."""
        person = event.state_key or ""
        place = await wanted.place_of(ctx.conn, event.room_id)
        if not isinstance(place, Space) or await groups.head_of(ctx.conn, place.key) != place.key:
            # Whoever comes into the space of a single group is no newcomer.
            return []
        if event.text("membership") != "join":
            await records.drop_waiting(ctx.conn, person, place.key)
            return []
        came = await records.came(ctx.conn, event.room_id, ctx.bot)
        if came is not None and event.ts < came:
            # They were there before the bot, which reads of it only now.
            await records.note(ctx.conn, person, place.key, event.ts, milliseconds(ctx.now))
            return []
        if not await records.note(ctx.conn, person, place.key, event.ts):
            return []
        return [self._soon(person, ctx.now)]

    def _soon(self, person: str, now: datetime) -> Schedule:
        return Schedule(key=_job(person), job=GREET, due=now + self._settings.patience, payload={"person": person})

    async def room_ready(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Who is in a space that the bot takes over was there before it."""
        place = await wanted.get(ctx.conn, event.text("key"))
        if not isinstance(place, Space) or event.content.get("created") is not False:
            return []
        old = [user for user in await rooms.members(ctx.conn, event.text("room_id")) if user != ctx.bot]
        await records.note_old(ctx.conn, old, place.key, milliseconds(ctx.now))
        return []

    async def resumed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Who came in during the pause is greeted now."""
        return [self._soon(person, ctx.now) for person in await records.all_waiting(ctx.conn)]

    async def greet(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Say welcome to somebody, for all the spaces that they came into."""
        payload = event.content.get("payload")
        user = str(payload.get("person", "")) if isinstance(payload, dict) else ""
        spaces = await records.waiting(ctx.conn, user)
        if not spaces or await is_paused(ctx.conn):
            return []
        places = {place.key: place for place in await wanted.all_places(ctx.conn)}
        first = places.get(spaces[0])
        room_id = await bindings.room_of(ctx.conn, spaces[0])
        if first is None or room_id is None:
            return []
        person = await self._people.person(ctx.conn, user, room_id, first, ctx.bot, ctx.now, None)
        await records.mark(ctx.conn, user, milliseconds(ctx.now))
        if person is None:
            # Whoever is outside the perimeter is no newcomer but a matter for those who watch over it.
            return []
        # They have just come in: this is the moment at which it helps them.
        return await calm.whisper(
            ctx,
            person.user,
            "welcome",
            {person.language: await self._greeting(ctx, person, spaces, places)},
            about=f"{'+'.join(spaces)}:{milliseconds(ctx.now)}",
            useful=10,
            soon=True,
            otherwise=await self._in_the_open(ctx.conn, person, spaces, places),
        )

    async def _greeting(
        self, ctx: Context, person: Person, spaces: Sequence[str], places: Mapping[str, Place]
    ) -> Markdown:
        voice = self._kit.speech.voice(person.language)
        mine = await memberships(ctx.conn, person.user)
        groups = model.suggested(
            spaces,
            places.values(),
            self._community,
            person.audiences,
            person.roles,
            mine,
            self._settings.groups_shown,
        )
        names = voice.list(bold(places[key].name) for key in spaces if key in places)
        lines = [await self._line(ctx.conn, voice, group) for group in groups]
        return paragraphs(
            voice.say("**Welcome to {community}!**", community=self._community.name),
            voice.say(
                "You have just joined {spaces}. I am here to help: write to me in this chat whenever you like.",
                spaces=names,
            ),
            voice.say("Have a look at these groups:") if lines else None,
            bullets(lines) if lines else None,
            voice.say("Things to write to me here:"),
            bullets(self._first_steps(voice, person)),
            *self._other_languages(voice),
        )

    async def _line(self, conn: AsyncConnection, voice: Voice, group: Group) -> Markdown:
        room_id = await bindings.room_of(conn, group.key)
        link = bold(group.name) if room_id is None else await link_to(conn, room_id, group.name, self._kit.server)
        topic = group.topic.strip().partition("\n")[0][:120]
        return voice.say("{group}: {topic}", group=link, topic=topic) if topic else link

    def _first_steps(self, voice: Voice, person: Person) -> list[Markdown]:
        steps = [voice.say("`help` shows what I can do"), voice.say("`group list` shows all the groups")]
        if Role.member in person.roles:
            steps.append(voice.say("`group create` makes one of your own"))
        if self._community.sites:
            steps.append(voice.say("`me site` tells me where you work: it helps to meet people from elsewhere"))
        return steps

    def _other_languages(self, voice: Voice) -> list[Markdown]:
        """How to change the language, said in the other languages."""
        voices = [self._kit.speech.voice(one) for one in self._community.languages if one != voice.language]
        return [
            other_voice.say("Would you rather read English? Write `language en`.")
            if other_voice.language == "en"
            else other_voice.say("Would you rather read French? Write `language fr`.")
            for other_voice in voices
            if other_voice.language in ("en", "fr")
        ]

    async def _in_the_open(
        self, conn: AsyncConnection, person: Person, spaces: Sequence[str], places: Mapping[str, Place]
    ) -> Say | None:
        """A hello without details, for somebody whose direct chat cannot be opened."""
        group = model.meeting_place(spaces, places.values())
        if group is None:
            return None
        voice = self._kit.speech.voice(person.language)
        message = render(
            voice.say(
                "**Welcome, {person}!** I could not write to you directly. Open a chat with me, and I will show you "
                "around.",
                person=await called(conn, await bindings.room_of(conn, spaces[0]) or "", person.user),
            )
        )
        return Say(room=room(group.key), msgtype=TEXT, body=message.body, html=message.html, mentions=(person.user,))

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: where they were greeted, and when."""
        return {"greeted_in": await records.of_person(conn, person)}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget a person."""
        await records.forget(ctx.conn, person)
        return [Unschedule(key=_job(person))]


def _job(person: str) -> str:
    """A key that names nobody: keys stay in the engine's books longer than what we know about people."""
    return f"greet:{sha256(person.encode()).hexdigest()[:20]}"
