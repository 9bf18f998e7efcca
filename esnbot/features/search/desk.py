"""The commands of search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from esnbot.commands.command import Call
from esnbot.community.group import Group
from esnbot.engine.effects import Effect, Emit
from esnbot.features.contract import Kit
from esnbot.features.search import asked, index, questions
from esnbot.features.search.events import REBUILD
from esnbot.features.search.links import Links
from esnbot.features.search.readable import Readable, readable_by, readable_in
from esnbot.features.search.settings import SearchSettings
from esnbot.speech import Markdown, Voice, bold, bullets, paragraphs

SHOWN: Final = 8


class Desk:
    """Answers those who search, and lets owners choose."""

    def __init__(self, kit: Kit[SearchSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._links = Links(kit)

    async def find(self, call: Call) -> Sequence[Effect]:
        """What fits best, a few lines."""
        voice, conn = call.voice, call.ctx.conn
        words, kind = str(call.args["words"]), call.args.get("kind")
        readable = await self._readable(call)
        kinds = () if kind is None else (str(kind),)
        hits = await index.find(conn, words, readable, kinds=kinds, limit=SHOWN + 1)
        if not hits:
            return [call.answer(self._nothing(call, words))]
        here = call.place.key if call.place is not None else ""
        lines = [await self._links.line(conn, voice, hit, here) for hit in hits[:SHOWN]]
        more = voice.say("There is more: a further word shortens the list.") if len(hits) > SHOWN else None
        return [call.answer(paragraphs(voice.say("**What I found**"), bullets(lines), more, self._where(call)))]

    async def _readable(self, call: Call) -> Readable:
        """In a room only what all who are there may read; in a direct chat all that the person may."""
        if call.is_direct:
            return await readable_by(call.ctx.conn, self._community, call.person)
        if call.place is None:
            return Readable.of()
        return await readable_in(call.ctx.conn, self._community, call.place, call.ctx.bot, call.ctx.now)

    def _nothing(self, call: Call, words: str) -> Markdown:
        voice = call.voice
        sought = voice.quote(words[:100])
        if call.is_direct:
            return voice.say("I found nothing for {words}. Fewer words or other ones may help.", words=sought)
        return Markdown(f"{voice.say('I found nothing for {words}.', words=sought)} {self._where(call)}")

    @staticmethod
    def _where(call: Call) -> Markdown | None:
        """Said in every answer in a room, whether there is something else or not."""
        if call.is_direct:
            return None
        if call.event.sealed is not None:
            return call.voice.say(
                "This group is encrypted, so what is kept in it is not searched: `!esn page list` and `!esn note list` "
                "show it."
            )
        return call.voice.say(
            "Here I only show what everybody in this room may read; in a chat with me you search all that you may read."
        )

    async def questions(self, call: Call) -> Sequence[Effect]:
        """Whether the questions of a group can be found again."""
        return await self._switch(call, "questions")

    async def hints(self, call: Call) -> Sequence[Effect]:
        """Whether similar questions are pointed out in a group."""
        return await self._switch(call, "hints")

    async def _switch(self, call: Call, what: str) -> Sequence[Effect]:
        voice, conn, group = call.voice, call.ctx.conn, call.place
        if not isinstance(group, Group):
            return [call.refuse(voice.say("Say this in the room of the group that you mean."))]
        on = bool(call.args["switch"])
        if on and not questions.kept_in(group):
            return [call.refuse(_never(voice, group))]
        chosen = await asked.choice_of(conn, group.key)
        if what == "hints":
            await asked.choose(conn, group.key, replace(chosen, hints=on))
            return [call.answer(_hints(voice, on))]
        await asked.choose(conn, group.key, replace(chosen, questions=on))
        if not on:
            await asked.forget_of(conn, place=group.key)
        return [call.answer(_questions(voice, on))]

    async def rebuild(self, call: Call) -> Sequence[Effect]:
        """Index everything anew, bit by bit."""
        return [
            Emit(type=REBUILD),
            call.answer(call.voice.say("I am making the index anew. Meanwhile search goes on with the old one.")),
        ]


def _never(voice: Voice, group: Group) -> Markdown:
    return voice.say(
        "In {group} this cannot be: only open help, practice and project groups that are not encrypted keep questions.",
        group=bold(group.name),
    )


def _questions(voice: Voice, on: bool) -> Markdown:
    if on:
        return voice.say("From now on, questions that are asked here can be found again.")
    return voice.say("Questions that are asked here cannot be found again any more, and I have forgotten the old ones.")


def _hints(voice: Voice, on: bool) -> Markdown:
    if on:
        return voice.say("When somebody asks here what was asked before, I point to it in the thread, now and then.")
    return voice.say("I point out no similar questions here any more.")
