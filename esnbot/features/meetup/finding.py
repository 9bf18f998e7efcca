"""What all parts of the feature need: which meet-up is meant, what it is called, how people are spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import records as command_records
from esnbot.commands.command import Call, bare
from esnbot.commands.people import People
from esnbot.community.group import Group
from esnbot.community.person import Role
from esnbot.engine.effects import Say, direct, post
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.meetup import records, wording
from esnbot.features.meetup.ics import CANCELLED, CONFIRMED, TENTATIVE, Occasion
from esnbot.features.meetup.model import Roster, Standing, Way
from esnbot.features.meetup.records import Meetup
from esnbot.features.meetup.settings import MeetupSettings
from esnbot.features.meetup.wording import Counts, Words
from esnbot.features.places import called, memberships, oversees
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, bullets, mention, paragraphs, render
from esnbot.store import bindings, rooms

LISTED: Final = 20
JUST_OVER: Final = timedelta(days=14)
"""So long a meet-up that is over can be meant where none is named."""


class Refusal(Exception):
    """What was asked cannot be done; the sentence says why and what to do."""

    def __init__(self, sentence: Markdown) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


class Finder:
    """Finds meet-ups, and the words for them."""

    def __init__(self, kit: Kit[MeetupSettings]) -> None:
        self.kit = kit
        self.settings = kit.settings
        self.community = kit.community
        self.zone = kit.community.zone
        self.quiet = kit.community.quiet_hours
        self.people = People(kit.community, wanted)

    # --- words ----------------------------------------------------------------------------------------------------

    def words(self, ctx: Context, meetup: Meetup) -> Words:
        """What people wrote about it. Raises ``DeviceAway`` where the room is encrypted and the device elsewhere."""
        try:
            return Words(**ctx.unlock(meetup.words))
        except ValueError:
            return Words(str(self.voice_in(meetup).say("meet-up {number}", number=Markdown(str(meetup.id)))))

    def outside(self, meetup: Meetup, voice: Voice) -> Words:
        """The same for other places than its room: nothing that people wrote in an encrypted one."""
        if isinstance(meetup.words, dict) and "title" in meetup.words:
            return Words(**meetup.words)
        return Words(str(voice.say("meet-up {number}", number=Markdown(str(meetup.id)))))

    async def kept(self, ctx: Context, room_id: str, words: Words) -> Any:
        """Words as the database may have them: locked, where what is said in the room must not be kept."""
        return ctx.lock(words.dump()) if await is_private(ctx.conn, room_id) else words.dump()

    def voice_in(self, meetup: Meetup) -> Voice:
        """The voice of its room."""
        return self.kit.speech.voice(meetup.language)

    async def voice_for(self, conn: AsyncConnection, user: str) -> Voice:
        """The voice of a person."""
        chosen = await command_records.language_of(conn, user)
        known = chosen if chosen in self.community.languages else self.community.default_language
        return self.kit.speech.voice(known or self.community.default_language)

    def name(self, voice: Voice, meetup: Meetup, words: Words | None = None) -> Markdown:
        """Its title, as a link; ``words`` where it is said in its own room."""
        return wording.named(meetup, words or self.outside(meetup, voice), self.kit.server)

    def words_at(self, call: Call, meetup: Meetup) -> Words:
        """What of it may be said where somebody asks."""
        here = call.event.room_id == meetup.room_id
        return self.words(call.ctx, meetup) if here else self.outside(meetup, call.voice)

    async def by(self, conn: AsyncConnection, meetup: Meetup) -> Markdown | None:
        """Who proposed it."""
        return await called(conn, meetup.room_id, meetup.organiser) if meetup.organiser else None

    def private(self, meetup: Meetup, person: str, markdown: str, *, key: str, instead: Markdown | None = None) -> Say:
        """A private word to somebody who takes part; in the thread, where their chat cannot be opened."""
        message = render(bare(markdown))
        otherwise = None
        if instead is not None:
            shorter = render(Markdown(f"{mention(person)} {instead}"))
            thread = meetup.card or post(records.card_key(meetup.id))
            otherwise = Say(
                room=meetup.room_id, body=shorter.body, html=shorter.html, thread=thread, mentions=(person,)
            )
        return Say(key=key, room=direct(person), body=message.body, html=message.html, otherwise=otherwise)

    async def counts(self, conn: AsyncConnection, meetup: Meetup, roster: Roster) -> Counts:
        """What everybody in the room sees of who takes part; a place that is held counts as taken."""
        held = (Standing.coming, Standing.offered)
        return Counts(
            site=roster.count(Way.site, *held),
            remote=roster.count(Way.remote, *held),
            waiting=sum(entry.standing is Standing.waiting for entry in roster.entries),
            here=await records.here(conn, meetup.id),
        )

    async def occasion(
        self, conn: AsyncConnection, meetup: Meetup, words: Words, voice: Voice, standing: Standing = Standing.coming
    ) -> Occasion:
        """The meet-up as a calendar shows it."""
        member = await rooms.content(conn, meetup.room_id, "m.room.member", meetup.organiser) or {}
        shown = member.get("displayname")
        status = CONFIRMED if standing is Standing.coming else TENTATIVE
        return Occasion(
            uid=f"meetup-{meetup.id}@{self.kit.server}",
            sequence=meetup.sequence,
            created=_instant(meetup.created),
            revised=_instant(meetup.revised),
            start=meetup.starts,
            end=meetup.ends,
            title=words.title,
            status=CANCELLED if meetup.state == records.CANCELLED else status,
            place=words.place,
            video=words.video,
            about=f"https://matrix.to/#/{meetup.room_id}/{meetup.card}?via={self.kit.server}" if meetup.card else "",
            organiser=meetup.organiser,
            called=shown if isinstance(shown, str) else "",
        )

    # --- which one ------------------------------------------------------------------------------------------------

    async def within_reach(self, call: Call) -> list[Meetup]:
        """The meet-ups to come of the room, in a direct chat of all rooms that the person is in."""
        if not call.is_direct:
            return await records.ahead(call.ctx.conn, [call.event.room_id])
        return await self.everywhere(call)

    async def everywhere(self, call: Call) -> list[Meetup]:
        """The meet-ups to come of all rooms that the person is in."""
        conn = call.ctx.conn
        mine = await memberships(conn, call.person.user)
        ids = [await bindings.room_of(conn, key) for key, membership in mine.items() if membership == "join"]
        return await records.ahead(conn, [id for id in ids if id is not None])

    async def found(self, call: Call, *, over: bool = False) -> Meetup:
        """The one that is meant: by number, by thread or reply, or the only one. Raises Refusal.

        ``over``: one that has taken place can be meant too, without being named the newest one.
        """
        conn, number = call.ctx.conn, call.args.get("number")
        if number is not None:
            meetup = await records.get(conn, number)
            if meetup is None or not await self._may_know(call, meetup):
                # What somebody may not see does not exist for them, in the same words.
                raise Refusal(call.voice.say("I do not know any meet-up {number} here.", number=Markdown(str(number))))
            return meetup
        for event in about(call.event.content):
            meetup = await records.posted_as(conn, call.event.room_id, event)
            if meetup is not None:
                return meetup
        if over and not call.is_direct:
            newest = await records.newest_of(conn, call.event.room_id, records.HELD)
            if newest is not None and newest.ends > call.ctx.now - JUST_OVER:
                return newest
        within = await self.within_reach(call)
        if not within:
            raise Refusal(self.none(call))
        if len(within) > 1:
            lines = bullets([self.line(call, meetup) for meetup in within[:LISTED]])
            which = call.voice.say("There are several meet-ups. Say which one you mean, by its number.")
            raise Refusal(paragraphs(which, lines))
        return within[0]

    async def _may_know(self, call: Call, meetup: Meetup) -> bool:
        if meetup.room_id == call.event.room_id:
            return True
        return call.is_direct and await rooms.membership(call.ctx.conn, meetup.room_id, call.person.user) == "join"

    def none(self, call: Call) -> Markdown:
        """That there is none."""
        if call.is_direct:
            return call.voice.say("No meet-up is planned in your groups. `!esn meetup propose` proposes one.")
        return call.voice.say("No meet-up is planned here. `!esn meetup propose` proposes one.")

    def line(self, call: Call, meetup: Meetup) -> Markdown:
        """A meet-up in a list."""
        voice = call.voice
        parts = [
            voice.say(
                "{number}: {meetup}",
                number=Markdown(str(meetup.id)),
                meetup=self.name(voice, meetup, self.words_at(call, meetup)),
            ),
            voice.moment(meetup.starts, self.zone, call.ctx.now)
            if meetup.start is not None
            else voice.say("the date is being chosen"),
        ]
        return Markdown(wording.BETWEEN.join(parts))

    async def changeable(self, call: Call) -> Meetup:
        """The one that is meant, for those who may change it. Raises Refusal."""
        meetup = await self.found(call)
        if meetup.state not in records.AHEAD:
            raise Refusal(call.voice.say("This meet-up is over or cancelled."))
        if not await self.may_change(call, meetup):
            raise Refusal(
                call.voice.say("Only whoever proposed it, the owners of the group and the animators can do this.")
            )
        return meetup

    async def may_change(self, call: Call, meetup: Meetup) -> bool:
        """Whether somebody proposed it, or looks after the group."""
        conn, user = call.ctx.conn, call.person.user
        if oversees(call.person.roles):
            return True
        if await rooms.membership(conn, meetup.room_id, user) != "join":
            return False
        if user == meetup.organiser:
            return True
        place = await wanted.place_of(conn, meetup.room_id)
        there = await self.people.person(conn, user, meetup.room_id, place, call.ctx.bot, call.ctx.now, None)
        return there is not None and Role.owner in there.roles

    async def is_open_to(self, ctx: Context, meetup: Meetup, user: str) -> bool:
        """Whether somebody is in the room, which is meant for them, so that they can take part."""
        conn = ctx.conn
        if await rooms.membership(conn, meetup.room_id, user) != "join":
            return False
        place = await wanted.place_of(conn, meetup.room_id)
        person = await self.people.person(conn, user, meetup.room_id, place, ctx.bot, ctx.now, None)
        return person is not None

    async def is_going_on(self, conn: AsyncConnection, meetup: Meetup, bot: str) -> bool:
        """Whether there is still a room for it."""
        place = await wanted.place_of(conn, meetup.room_id)
        if isinstance(place, Group) and place.archived:
            return False
        return await rooms.membership(conn, meetup.room_id, bot) == "join"


def about(content: Mapping[str, object]) -> list[str]:
    """The posts that a message is about: the root of its thread, and what it replies to."""
    relation = content.get("m.relates_to")
    if not isinstance(relation, Mapping):
        return []
    reply = relation.get("m.in_reply_to")
    events = [
        relation.get("event_id") if relation.get("rel_type") == "m.thread" else None,
        reply.get("event_id") if isinstance(reply, Mapping) else None,
    ]
    return [event for event in events if isinstance(event, str)]


async def is_private(conn: AsyncConnection, room_id: str) -> bool:
    """Whether what is said in a room must not be kept: it is encrypted, or not known well enough to say."""
    if await rooms.content(conn, room_id, "m.room.encryption") is not None:
        return True
    known = await rooms.content(conn, room_id, "m.room.create") is not None
    return not known and await bindings.key_of(conn, room_id) is None


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
