"""Finding groups, coming in and going out."""

from __future__ import annotations

from collections.abc import Sequence

from esnbot.commands.command import Call
from esnbot.community.group import Group, Joining
from esnbot.community.person import UserID
from esnbot.engine.effects import Effect, Emit, Kick, Nudge, room
from esnbot.features.group import families, model
from esnbot.features.group.desk import Desk, Found, Refusal
from esnbot.features.group.events import OWNER_GONE
from esnbot.features.search import Readable, readable_in
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, bold, bullets, first_line, fold, paragraphs
from esnbot.store import bindings, rooms


class Finding:
    """The commands `group list`, `group join` and `group leave`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def overview(self, call: Call) -> Sequence[Effect]:
        """The groups that the person may see, with a way in; in a room, those of which all who read there may know."""
        voice = call.voice
        aloud = await self._aloud(call)
        elsewhere = (
            None
            if call.is_direct
            else voice.say("Others read along here. Write to me directly to see every group that you can see.")
        )
        words, kind = str(call.args.get("words") or ""), call.args.get("kind")
        rooms_by_key = await bindings.all_bindings(call.ctx.conn)
        groups = [
            (group, membership)
            for group, membership in await self._desk.visible(call)
            if not group.archived
            and group.key in rooms_by_key
            and (aloud is None or aloud.knows_of(group.key))
            and model.matches(group, words)
            and (kind is None or group.kind.value == kind)
        ]
        if not groups:
            nothing = voice.say("I found no such group. `!esn group create` makes one in a minute.")
            return [call.answer(paragraphs(nothing, elsewhere))]
        groups.sort(key=lambda pair: fold(pair[0].name))
        most = self._desk.settings.listed_at_once
        lines = [
            await self._line(call, Found(group, rooms_by_key[group.key], membership, False))
            for group, membership in groups[:most]
        ]
        left = len(groups) - len(lines)
        return [
            call.answer(
                paragraphs(
                    voice.plural("**One group**", "**{n} groups**", len(groups)),
                    bullets(lines),
                    voice.plural(
                        "One more is not shown: add a word to shorten the list.",
                        "{n} more are not shown: add a word to shorten the list.",
                        left,
                    )
                    if left > 0
                    else None,
                    elsewhere,
                )
            )
        ]

    async def _aloud(self, call: Call) -> Readable | None:
        """What may be named where others read along; None where they do not."""
        if call.is_direct:
            return None
        if call.place is None:
            return Readable.of()
        return await readable_in(call.ctx.conn, self._desk.community, call.place, call.ctx.bot, call.ctx.now)

    async def _line(self, call: Call, found: Found) -> Markdown:
        link = await self._desk.link(call, found)
        if found.membership == "join":
            link = call.voice.say("{group} (you are in)", group=link)
        topic = first_line(found.group.topic, model.TOPIC)
        return call.voice.say("{group}: {topic}", group=link, topic=topic) if topic else link

    async def take_to(self, call: Call, group: Group) -> Sequence[Effect]:
        """Invite the person to a group that is being made; the invitation goes out once its room is there."""
        conn, user = call.ctx.conn, call.person.user
        room_id = await bindings.room_of(conn, group.key)
        found = Found(
            group, room_id, "leave" if room_id is None else await rooms.membership(conn, room_id, user), False
        )
        if room_id is not None:
            return await self._into(call, found)
        said = call.voice.say("{group} is on its way, and my invitation comes with it.", group=bold(group.name))
        return [*await self._invitations(call, group), call.answer(said)]

    async def _invitations(self, call: Call, group: Group) -> list[Effect]:
        """Into the first room, and into the space around it, from which the others can be entered."""
        reason = _plain(call.voice.say("You asked to join"))
        return await families.invitations(call.ctx.conn, group.key, call.person.user, reason)

    async def join(self, call: Call) -> Sequence[Effect]:
        """Invite the person, or show the open door."""
        try:
            return await self._join(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]

    async def _join(self, call: Call) -> Sequence[Effect]:
        return await self._into(call, await self._desk.found(call))

    async def _into(self, call: Call, found: Found) -> Sequence[Effect]:
        voice = call.voice
        group, link = found.group, await self._desk.link(call, found)
        if group.archived:
            return [
                call.answer(
                    voice.say(
                        "{group} is archived: it stays readable, and its owners can open it again with `!esn group "
                        "revive`.",
                        group=link,
                    )
                )
            ]
        if found.room_id is None:
            return [call.answer(voice.say("{group} is being made. Try again in a moment.", group=link))]
        if found.membership == "join":
            return [call.answer(voice.say("You are in {group} already.", group=link))]
        if found.membership == "ban":
            return [
                call.answer(voice.say("You cannot enter {group} for now. The animators can tell you more.", group=link))
            ]
        if group.joining is Joining.public:
            return [call.answer(voice.say("{group} is open to all: come in with this link.", group=link))]
        if group.joining is Joining.knock:
            return [call.answer(voice.say("To enter {group}, follow this link and ask to be let in.", group=link))]
        if found.membership == "invite":
            return [
                call.answer(
                    voice.say("Your invitation to {group} is still waiting: accept it, and you are in.", group=link)
                )
            ]
        return [
            *await self._invitations(call, group),
            call.answer(voice.say("I have invited you to {group}: accept the invitation, and you are in.", group=link)),
        ]

    async def ask_leave(self, call: Call) -> str | None:
        """The question to somebody who is the only owner of a group."""
        try:
            found = await self._desk.found(call)
        except Refusal:
            return None
        if found.membership != "join" or found.room_id is None:
            return None
        if await self._owners_in(call, found) != [call.person.user]:
            return None
        return call.voice.say(
            "**You are the only owner of {group}.** `!esn group hand-over` lets you give it to somebody first. Do "
            "you still want to leave?",
            group=bold(found.group.name),
        )

    async def _owners_in(self, call: Call, found: Found) -> list[UserID]:
        """Who of a room's members owns it. Animators have power everywhere, which makes them no owners."""
        levels = await rooms.content(call.ctx.conn, found.room_id or "", "m.room.power_levels") or {}
        users = levels.get("users")
        strong = {user for user, power in users.items() if _owns(power)} if isinstance(users, dict) else set()
        roles = self._desk.community.roles
        keepers = (roles.animators | roles.administrators | {call.ctx.bot}) - found.group.owners
        return sorted((strong - keepers) & set(await rooms.members(call.ctx.conn, found.room_id or "")))

    async def leave(self, call: Call) -> Sequence[Effect]:
        """Take the person out, as they asked, and off the list of owners."""
        try:
            return await self._leave(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]

    async def _leave(self, call: Call) -> Sequence[Effect]:
        voice, user = call.voice, call.person.user
        found = await self._desk.found(call)
        group, link = found.group, await self._desk.link(call, found)
        if found.membership not in ("join", "invite"):
            return [call.answer(voice.say("You are not in {group}.", group=link))]
        effects: list[Effect] = []
        if user in group.owners:
            await self._desk.want(call, model.without_owner(group, user))
            effects.append(Nudge(machine=wanted.RECONCILER))
            effects.append(Emit(type=OWNER_GONE, content={"key": group.key, "person": user}, room=found.room_id or ""))
        reason = _plain(voice.say("You asked to leave"))
        for place in await families.family(call.ctx.conn, group.key):
            room_id = await bindings.room_of(call.ctx.conn, place.key)
            if room_id and await rooms.membership(call.ctx.conn, room_id, user) in ("join", "invite"):
                effects.append(Kick(room=room(place.key), user=user, reason=reason))
        if call.event.room_id != found.room_id:
            effects.append(
                call.answer(
                    voice.say("You have left {group}. `!esn group join` brings you back whenever you like.", group=link)
                )
            )
        return effects


def _owns(power: object) -> bool:
    return isinstance(power, int) and power >= model.OWNER_POWER


def _plain(text: Markdown) -> str:
    return str(text)
