"""What a group is, in a few lines: what it is about, whom it is for, who looks after it, how lively it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from babel import Locale

from esnbot.commands.command import Call
from esnbot.community.group import Kind
from esnbot.engine.effects import Effect
from esnbot.features.contract import Kit
from esnbot.features.group import Found, Reception, Refusal, described, groups_of
from esnbot.features.life import model, records
from esnbot.features.life.settings import LifeSettings
from esnbot.features.places import called, language_of
from esnbot.provisioning import wanted
from esnbot.speech import Later, Markdown, bold, bullets, later, paragraphs
from esnbot.store import rooms

KINDS: Final[Mapping[Kind, Later]] = {
    Kind.project: later("a project"),
    Kind.hobby: later("a hobby"),
    Kind.practice: later("a trade, practised together"),
    Kind.help: later("a place to ask and to help"),
    Kind.informal: later("a place to chat"),
    Kind.event: later("an event"),
    Kind.announcements: later("announcements, which one talks about"),
    Kind.animators: later("the animators' own room"),
}


class Describing:
    """The command `group describe`."""

    def __init__(self, kit: Kit[LifeSettings]) -> None:
        self._community = kit.community
        self._reception = Reception(kit)

    async def show(self, call: Call) -> Sequence[Effect]:
        """Describe a group to somebody who may know of it."""
        try:
            found = await self._reception.found(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        voice, group = call.voice, found.group
        archived = voice.say("It is archived: everything stays readable, and `!esn group revive` opens it again.")
        return [
            call.answer(
                paragraphs(
                    bold(await self._reception.link(call, found)) if found.room_id is not None else bold(group.name),
                    voice.plain(group.topic.strip()) if group.topic.strip() else None,
                    archived if group.archived else None,
                    bullets(await self._lines(call, found)),
                )
            )
        ]

    async def _lines(self, call: Call, found: Found) -> list[Markdown]:
        voice, conn, group = call.voice, call.ctx.conn, found.group
        spaces = await wanted.spaces(conn)
        language = language_of(group, spaces, self._community)
        lines = [
            voice.say("What it is: {kind}", kind=voice.say(KINDS[group.kind])),
            voice.say("Who comes in: {whom}", whom=described(voice, group, spaces, self._community)),
            voice.say("Who looks after it: {people}", people=await self._owners(call, found)),
            voice.say("Language: {language}", language=Locale.parse(voice.language).languages.get(language, language)),
        ]
        since = await rooms.since(conn, found.room_id, "m.room.create") if found.room_id is not None else None
        if since is not None:
            day = datetime.fromtimestamp(since / 1000, UTC).astimezone(self._community.zone).date()
            lines.append(voice.say("Since {date}", date=voice.date(day, weekday=False)))
        parts = [part for part in await groups_of(conn, group.key) if part.key != group.key]
        if parts:
            lines.append(voice.say("Its other rooms: {rooms}", rooms=voice.list([bold(part.name) for part in parts])))
        if not group.archived:
            heard = (await records.last_heard(conn, group.key)).get(group.key)
            lines.append(voice.say("Activity: {words}", words=voice.say(model.liveliness(heard, call.ctx.now))))
        return lines

    async def _owners(self, call: Call, found: Found) -> Markdown:
        voice, owners = call.voice, sorted(found.group.owners)
        if not owners:
            return voice.say("nobody at present; the animators can help")
        room_id = found.room_id or call.event.room_id
        return voice.list([await called(call.ctx.conn, room_id, owner) for owner in owners])
