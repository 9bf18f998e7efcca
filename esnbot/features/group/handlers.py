"""What happens to groups' rooms: they are ready, they fail, they take long, an owner goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import waiting
from esnbot.commands.command import bare
from esnbot.community.group import Group, Kind, Origin
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Emit, Invite, Nudge, Say, Schedule, Unschedule, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.group import model, records
from esnbot.features.group.events import OWNER_GONE, waits_for
from esnbot.features.group.settings import GroupSettings
from esnbot.features.places import called, language_of, link_to
from esnbot.provisioning import reasons, wanted
from esnbot.provisioning.errors import Owned
from esnbot.speech import Later, Markdown, bold, later, paragraphs, render
from esnbot.store import bindings

SLOW: Final = "slow"
FIRST_WORDS: Final[Mapping[Kind, Later]] = {
    Kind.project: later("What is the goal, and what comes next? Two lines are enough to begin with."),
    Kind.hobby: later("What do you like about it, and since when? A photo says it as well."),
    Kind.practice: later("Which question came up in your work this week? Somebody here has met it before."),
    Kind.help: later("Ask away: whoever asks also helps ten others who did not dare."),
    Kind.informal: later("There is no agenda here. What made you smile today?"),
    Kind.event: later("When, where, and who is coming?"),
}


class GroupHandlers:
    """The feature's part that listens."""

    def __init__(self, kit: Kit[GroupSettings]) -> None:
        self._kit = kit
        self._community = kit.community

    async def asked_for(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Look after a while whether the room is there."""
        return [self._look_again(event.text("key"), event.ts, ctx.now + self._kit.settings.slow_after)]

    def _look_again(self, key: str, asked: int, due: datetime) -> Schedule:
        return Schedule(key=f"slow:{key}", job=SLOW, due=due, payload={"key": key, "asked": asked})

    async def room_ready(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Answer whoever asked for the group, and say the first words in a new room."""
        key, room_id = event.text("key"), event.text("room_id")
        place = await wanted.get(ctx.conn, key)
        if not isinstance(place, Group):
            return []
        wish = await records.find(ctx.conn, key)
        effects: list[Effect] = []
        if event.content.get("created") is True:
            effects += await self._first_words(ctx.conn, place, room_id, wish)
        if wish is not None and wish.state != records.READY:
            await records.mark(ctx.conn, key, records.READY)
            effects.append(Unschedule(key=f"slow:{key}"))
            if wish.person:
                reason = str(self._kit.speech.voice(wish.language).say("You asked for this group"))
                effects.append(Invite(key=f"owner:{key}", room=room(key), user=wish.person, reason=reason))
            effects += await self._answer_ready(ctx.conn, place, room_id, wish)
        return effects

    async def _answer_ready(
        self, conn: AsyncConnection, group: Group, room_id: str, wish: records.Request
    ) -> Sequence[Effect]:
        voice = self._kit.speech.voice(wish.language)
        link = await link_to(conn, room_id, group.name, self._kit.server)
        text = voice.say(
            "**{group} is ready.** It is yours: accept my invitation and you are in. `!esn help group` shows how to "
            "look after it.",
            group=link,
        )
        return await self._answer(conn, wish, text, f"ready:{group.key}")

    async def _first_words(
        self, conn: AsyncConnection, group: Group, room_id: str, wish: records.Request | None
    ) -> Sequence[Effect]:
        """The welcome of the kind's template; groups made in chat get ours when the template has none."""
        language = language_of(group, await wanted.spaces(conn), self._community)
        voice = self._kit.speech.voice(language)
        template = self._community.template_of(group)
        text: Markdown | None = None
        if template is not None and template.welcome.get(language, "").strip():
            text = Markdown(template.welcome[language])
        elif group.origin is Origin.chat:
            maker = Markdown("")
            if wish is not None and wish.person:
                person = await called(conn, wish.room_id, wish.person)
                maker = voice.say("{person} has made this group.", person=person)
            first = FIRST_WORDS.get(group.kind, FIRST_WORDS[Kind.informal])
            text = paragraphs(
                voice.say("**Welcome to {group}!**", group=group.name), Markdown(f"{maker} {voice.say(first)}".strip())
            )
        if text is None:
            return []
        message = render(text)
        return [
            Say(
                key=f"welcome:{room_id}",
                room=room(group.key),
                msgtype=TEXT,
                body=message.body,
                html=message.html,
            )
        ]

    async def room_failed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Tell whoever asked, once; what no further try mends is given up, and its name is free again."""
        key, revision = event.text("key"), event.content.get("revision")
        wish = await records.find(ctx.conn, key)
        if wish is None or wish.state == records.READY:
            return []
        if not isinstance(revision, int) or revision != await wanted.revision_of(ctx.conn, key):
            # News of an earlier wish: what is wanted now has its own outcome.
            return []
        reason = reasons.load(event.content)
        if reason.final and await wanted.withdraw(ctx.conn, key, revision):
            return await self._given_up(ctx.conn, wish, reason, revision)
        if wish.state != records.ASKED:
            return []
        await records.mark(ctx.conn, key, records.FAILED)
        voice = self._kit.speech.voice(wish.language)
        text = voice.say(
            "I could not make {group} yet. The animators can see why with `!esn status`. If it works out later, I "
            "will tell you here; another name may work right away.",
            group=bold(wish.name),
        )
        return [Unschedule(key=f"slow:{key}"), *await self._answer(ctx.conn, wish, text, f"failed:{key}:{revision}")]

    async def _given_up(
        self, conn: AsyncConnection, wish: records.Request, reason: reasons.Reason, revision: int
    ) -> Sequence[Effect]:
        await records.give_up(conn, wish.key)
        voice = self._kit.speech.voice(wish.language)
        text = voice.say(
            "I could not make {group}: {reason}. Nothing of it is left, and its name is free again: you can ask for it "
            "once more later, or choose another name right away.",
            group=bold(wish.name),
            reason=reasons.explained(voice, reason),
        )
        key = f"given_up:{wish.key}:{revision}"
        return [Unschedule(key=f"slow:{wish.key}"), *await self._answer(conn, wish, text, key)]

    async def slow(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Tell whoever asked that it takes longer than usual."""
        payload = event.content.get("payload")
        if not isinstance(payload, dict):
            return []
        wish = await records.find(ctx.conn, str(payload.get("key", "")))
        if wish is None or wish.state != records.ASKED:
            return []
        waited = timedelta(milliseconds=event.ts - int(payload.get("asked", 0)))
        if waited < self._kit.settings.slow_after:
            # The community's clock runs faster than the homeserver works (a demo): look again, less and less often.
            passed = milliseconds(ctx.now) - wish.asked
            return [self._look_again(wish.key, payload["asked"], ctx.now + timedelta(milliseconds=2 * passed))]
        voice = self._kit.speech.voice(wish.language)
        text = voice.say(
            "{group} is taking a little longer than usual. I will tell you here when it is ready.",
            group=bold(wish.name),
        )
        # After this long nobody is watching any more: when the room is there at last, a new message says so.
        return await self._answer(ctx.conn, wish, text, f"slow:{wish.key}:{wish.asked}")

    async def _answer(self, conn: AsyncConnection, wish: records.Request, text: Markdown, key: str) -> Sequence[Effect]:
        if not wish.room_id:
            return []
        # Without a thread it is a direct chat, where commands need no prefix.
        text = text if wish.thread else bare(text)
        if (question := await waiting.awaited(conn, waits_for(wish.key))) is not None:
            return [question.say(text, key=key)]
        message = render(text)
        return [Say(key=key, room=wish.room_id, body=message.body, html=message.html, thread=wish.thread)]

    async def left(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """An owner who leaves a group made in chat owns it no more; nobody calls them back."""
        place = await wanted.place_of(ctx.conn, event.room_id)
        person = event.state_key or ""
        if not isinstance(place, Group) or person not in place.owners:
            return []
        gone = Emit(type=OWNER_GONE, content={"key": place.key, "person": person}, room=event.room_id)
        try:
            await wanted.want(ctx.conn, model.without_owner(place, person), person, milliseconds(ctx.now))
        except Owned:
            # The file says whose group it is; that is not for a door to change.
            return [gone]
        return [Nudge(machine=wanted.RECONCILER), gone]

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: groups that they asked for, and those that they own."""
        owned = [p.key for p in await wanted.all_places(conn) if isinstance(p, Group) and person in p.owners]
        return {"asked_for": await records.of_person(conn, person), "owns": owned}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget who asked, and take the person off the owners of groups made in chat."""
        effects: list[Effect] = []
        for wish in await records.of_person(ctx.conn, person):
            effects.append(Unschedule(key=f"slow:{wish['key']}"))
        await records.forget(ctx.conn, person)
        for place in await wanted.all_places(ctx.conn):
            if isinstance(place, Group) and person in place.owners:
                try:
                    await wanted.want(ctx.conn, model.without_owner(place, person), ctx.bot, milliseconds(ctx.now))
                except Owned:
                    continue
                room_id = await bindings.room_of(ctx.conn, place.key) or ""
                effects.append(Nudge(machine=wanted.RECONCILER))
                effects.append(Emit(type=OWNER_GONE, content={"key": place.key, "person": ""}, room=room_id))
        return effects


def left_by_themselves(event: Event) -> bool:
    """A cheap look: somebody went, and nobody made them."""
    return event.content.get("membership") == "leave" and event.sender == event.state_key
