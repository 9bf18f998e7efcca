"""What happens to groups' rooms: they are ready, they fail, they take long, an owner goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import records as command_records
from esnbot.commands import waiting
from esnbot.commands.command import bare
from esnbot.community.group import Group, Kind, Origin
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Emit, Invite, Nudge, Say, Schedule, Unschedule, direct, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.group import families, foundings, model, plans, records
from esnbot.features.group.events import GROUP_BORN, OWNER_GONE, waits_for
from esnbot.features.group.settings import GroupSettings
from esnbot.features.places import called, language_of, link_to
from esnbot.provisioning import reasons, wanted
from esnbot.provisioning.errors import Owned
from esnbot.provisioning.reasons import Why
from esnbot.speech import Later, Markdown, bold, later, paragraphs, render
from esnbot.store import bindings

SLOW: Final = "slow"
_TAKEN: Final = frozenset({Why.alias_strangers, Why.alias_ours})
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
        conn, key, room_id = ctx.conn, event.text("key"), event.text("room_id")
        head = await families.head_of(conn, key)
        group = await wanted.get(conn, head)
        if not isinstance(group, Group):
            return []
        wish = await records.find(conn, head)
        effects: list[Effect] = []
        if event.content.get("created") is True and key == head:
            effects += await self._first_words(conn, group, room_id, wish)
        if wish is not None and wish.state != records.READY:
            effects += await self._born(conn, group, wish)
        return effects

    async def _born(self, conn: AsyncConnection, group: Group, wish: records.Request) -> Sequence[Effect]:
        """Invitations and the answer, once all rooms of the group are there."""
        key, parts = group.key, await families.parts(conn, group.key)
        ids = {one: await bindings.room_of(conn, one) for one in parts or [key]}
        room_id = ids[key]
        if room_id is None or not all(ids.values()):
            return []
        await records.mark(conn, key, records.READY)
        effects: list[Effect] = [Unschedule(key=f"slow:{key}")]
        # By their place in the list: no key says who they are, so that nothing is left of somebody who is forgotten.
        for number, person in enumerate(sorted(group.owners)):
            language = wish.language if person == wish.person else await self._language(conn, person)
            voice = self._kit.speech.voice(language)
            reason = voice.say("You asked for this group") if person == wish.person else voice.say("You said yes to it")
            effects += [
                Invite(key=f"owner:{one}:{number}", room=room(one), user=person, reason=str(reason)) for one in ids
            ]
            if person != wish.person:
                effects += await self._tell_second(conn, group, room_id, person, number)
        effects += await self._answer_ready(conn, group, room_id, wish)
        template = self._community.template_of(group)
        born = {
            "key": key,
            "template": template.key if template is not None else "",
            "kind": group.kind.value,
            "language": language_of(group, await wanted.spaces(conn), self._community),
            "owners": sorted(group.owners),
            "space": next((one for one, what in parts.items() if what == plans.SPACE), ""),
            "rooms": {what: one for one, what in parts.items() if what != plans.SPACE},
        }
        return [*effects, Emit(key=f"born:{key}:{wish.asked}", type=GROUP_BORN, content=born, room=room_id)]

    async def _language(self, conn: AsyncConnection, person: str) -> str:
        chosen = await command_records.language_of(conn, person)
        return chosen if chosen in self._community.languages else self._community.default_language

    async def _tell_second(
        self, conn: AsyncConnection, group: Group, room_id: str, person: str, number: int
    ) -> Sequence[Effect]:
        """Whoever made it together with somebody else hears that it is there."""
        voice = self._kit.speech.voice(await self._language(conn, person))
        link = await link_to(conn, room_id, group.name, self._kit.server)
        message = render(voice.say("**{group} is ready**, and you look after it together. Come in!", group=link))
        return [Say(key=f"ready:{group.key}:{number}", room=direct(person), body=message.body, html=message.html)]

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
        conn, failed, revision = ctx.conn, event.text("key"), event.content.get("revision")
        key = await families.head_of(conn, failed)
        wish = await records.find(conn, key)
        if wish is None or wish.state == records.READY:
            return []
        if not isinstance(revision, int) or revision != await wanted.revision_of(conn, failed):
            # News of an earlier wish: what is wanted now has its own outcome.
            return []
        reason = reasons.load(event.content)
        revision = await wanted.revision_of(conn, key) or 0
        if reason.final and await families.withdraw(conn, key):
            return await self._given_up(conn, wish, reason, revision)
        several = len(await families.parts(conn, key)) > 1
        if several and reason.why in _TAKEN and await families.readdress(conn, failed, milliseconds(ctx.now)):
            # The other rooms stand or are under way: this one goes by another address.
            return [Nudge(machine=wanted.RECONCILER)]
        if wish.state != records.ASKED:
            return []
        await records.mark(conn, key, records.FAILED)
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
        if await families.head_of(ctx.conn, place.key) != place.key:
            # One can look after a group without sitting in each of its rooms.
            return []
        gone = Emit(type=OWNER_GONE, content={"key": place.key, "person": person}, room=event.room_id)
        try:
            await families.want(ctx.conn, model.without_owner(place, person), person, milliseconds(ctx.now))
        except Owned:
            # The file says whose group it is; that is not for a door to change.
            return [gone]
        return [Nudge(machine=wanted.RECONCILER), gone]

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: groups that they asked for, and those that they own."""
        owned = [p.key for p in await wanted.all_places(conn) if isinstance(p, Group) and person in p.owners]
        asked, invited = await foundings.of_maker(conn, person), await foundings.for_second(conn, person)
        waiting = [{"name": one.plan.name, "with": one.second, "asked": one.asked} for one in asked]
        waiting += [{"name": one.plan.name, "with": one.maker, "asked": one.asked} for one in invited]
        return {"asked_for": await records.of_person(conn, person), "owns": owned, "waiting": waiting}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget who asked, and take the person off the owners of groups made in chat."""
        effects: list[Effect] = []
        for wish in await records.of_person(ctx.conn, person):
            effects.append(Unschedule(key=f"slow:{wish['key']}"))
        await records.forget(ctx.conn, person)
        effects += [Unschedule(key=f"founding:{id}") for id in await foundings.forget(ctx.conn, person)]
        further = await families.further(ctx.conn)
        for place in await wanted.all_places(ctx.conn):
            if isinstance(place, Group) and person in place.owners:
                try:
                    await wanted.want(ctx.conn, model.without_owner(place, person), ctx.bot, milliseconds(ctx.now))
                except Owned:
                    continue
                room_id = await bindings.room_of(ctx.conn, place.key) or ""
                effects.append(Nudge(machine=wanted.RECONCILER))
                if place.key not in further:
                    effects.append(Emit(type=OWNER_GONE, content={"key": place.key, "person": ""}, room=room_id))
        return effects


def left_by_themselves(event: Event) -> bool:
    """A cheap look: somebody went, and nobody made them."""
    return event.content.get("membership") == "leave" and event.sender == event.state_key
