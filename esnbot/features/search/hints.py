"""A small word in the thread of a question that was asked before, where a group wants it and it is most likely so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from esnbot.community.group import Group, Kind
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import NOTICE, Effect, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.places import language_of
from esnbot.features.search import asked, index
from esnbot.features.search.asked import PREFIX
from esnbot.features.search.links import Links
from esnbot.features.search.model import Hit
from esnbot.features.search.readable import readable_in
from esnbot.features.search.settings import SearchSettings
from esnbot.features.status import is_paused
from esnbot.provisioning import wanted
from esnbot.speech import bullets, paragraphs, render

LIKELY: Final = 0.75
"""From this likeness on (0 to 1) something is offered that nobody asked for."""
MOST: Final = 3
OWN: Final = timedelta(days=7)
"""Who asks the same again within this time knows that they asked."""


class Hints:
    """Offers what is there already, seldom and only when it is good."""

    def __init__(self, kit: Kit[SearchSettings]) -> None:
        self._kit = kit
        self._settings = kit.settings
        self._links = Links(kit)

    async def wanted_in(self, ctx: Context, group: Group) -> bool:
        """Whether a group wants hints: as it chose, else help desks only."""
        if not self._settings.hints:
            return False
        chosen = (await asked.choice_of(ctx.conn, group.key)).hints
        return group.kind is Kind.help if chosen is None else chosen

    async def offer(self, ctx: Context, event: Event, group: Group, text: str) -> Sequence[Effect]:
        """At most three links that all who are in the room may follow; most often nothing."""
        if not await self.wanted_in(ctx, group) or await is_paused(ctx.conn):
            return []
        chosen = await asked.choice_of(ctx.conn, group.key)
        now = milliseconds(ctx.now)
        if now - chosen.hinted < self._settings.hint_every.total_seconds() * 1000:
            return []
        hits = await self._good(ctx, event, group, text)
        if not hits:
            return []
        await asked.choose(ctx.conn, group.key, replace(chosen, hinted=now))
        spaces = await wanted.spaces(ctx.conn)
        voice = self._kit.speech.voice(language_of(group, spaces, self._kit.community))
        if all(hit.kind == "question" for hit in hits):
            head = voice.say("This was asked before:")
        else:
            head = voice.say("This may help:")
        lines = [await self._links.line(ctx.conn, voice, hit, group.key) for hit in hits]
        message = render(paragraphs(head, bullets(lines)))
        return [
            Say(
                key=f"hint:{event.event_id}",
                room=event.room_id,
                body=message.body,
                html=message.html,
                msgtype=NOTICE,
                thread=event.event_id,
            )
        ]

    async def _good(self, ctx: Context, event: Event, group: Group, text: str) -> list[Hit]:
        readable = await readable_in(ctx.conn, self._kit.community, group, ctx.bot, ctx.now)
        found: list[Hit] = []
        # What answers comes before what asks, however often that was asked.
        for kinds in (("note", "page"), ("question",)):
            found += await index.similar(
                ctx.conn, text, readable, kinds=kinds, limit=2 * MOST, besides=PREFIX + event.event_id
            )
        likely = [hit for hit in found if hit.likeness >= LIKELY and (hit.event or hit.path)]
        senders = await asked.senders(ctx.conn, [hit.event for hit in likely if hit.kind == "question"])
        recent = event.ts - OWN.total_seconds() * 1000
        others = [hit for hit in likely if senders.get(hit.event) != event.sender or hit.moment < recent]
        # A question that was asked in the same words again is one.
        different: dict[str, Hit] = {}
        for hit in others:
            different.setdefault(hit.excerpt if hit.kind == "question" else hit.key, hit)
        return list(different.values())[:MOST]
