"""What founders and animators say about ideas."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from esnbot.commands.command import Call
from esnbot.community.group import Group, Kind, Place, Posting
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit
from esnbot.features.contract import Kit
from esnbot.features.founder import records
from esnbot.features.founder.handlers import ASKED, GROWN, TOLD, Handlers
from esnbot.features.founder.model import Stage
from esnbot.features.founder.records import Idea
from esnbot.features.founder.settings import FounderSettings
from esnbot.features.places import called, memberships, oversees
from esnbot.provisioning import wanted
from esnbot.speech import Later, Markdown, bold, bullets, later, paragraphs

SHOWN: Final = 30
STAGES: Final[dict[Stage, Later]] = {
    Stage.idea: later("an idea"),
    Stage.interested: later("people are interested"),
    Stage.met: later("they have met"),
    Stage.group: later("a group"),
    Stage.settled: later("a group that has told how it goes"),
    Stage.dropped: later("given up"),
}


class Desk:
    """The commands."""

    def __init__(self, kit: Kit[FounderSettings], handlers: Handlers) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings
        self._handlers = handlers

    # --- the idea ------------------------------------------------------------------------------------------------

    async def may_tell(self, call: Call) -> str | None:
        """What is asked before an idea is passed on; nothing where it is not."""
        if not call.is_direct or await self._handlers.room(call.ctx.conn) is None:
            return None
        return call.voice.say("The animators will read this, with your name. Shall I pass it on?")

    async def tell(self, call: Call) -> Sequence[Effect]:
        """Pass an idea on to the animators."""
        voice, conn, person = call.voice, call.ctx.conn, call.person.user
        if not call.is_direct:
            return [call.refuse(voice.say("Tell me in a direct chat: there it stays between us until you agree."))]
        if await self._handlers.room(conn) is None:
            return [call.refuse(voice.say("There is no animators' room to pass it on to."))]
        if len(await records.some(conn, person)) >= self._settings.ideas:
            return [
                call.refuse(
                    voice.say(
                        "Several of your ideas are on their way. `!esn idea list` shows them; "
                        "`!esn idea drop` gives one up."
                    )
                )
            ]
        id = await records.add(conn, person, milliseconds(call.ctx.now))
        words = {"title": str(call.args["title"]), "words": str(call.args["words"])}
        said = call.ctx.lock(words) if call.event.sealed is not None else words
        return [
            Emit(type=TOLD, content={"idea": id, "said": said}),
            call.answer(
                paragraphs(
                    voice.say("**Good luck with it!** The animators have your idea, no. {number}.", number=id),
                    voice.say(
                        "Next, find out who is interested: `!esn idea ask {number} GROUP` asks in a group of yours.",
                        number=id,
                    ),
                )
            ),
        ]

    # --- who is interested ---------------------------------------------------------------------------------------

    async def may_ask(self, call: Call) -> str | None:
        """What is asked before people are."""
        place = await self._asked_in(call, call.args["where"])
        if place is None or await self._mine(call) is None:
            return None
        return call.voice.say("I will ask in {group}, with your name. All right?", group=bold(place.name))

    async def ask(self, call: Call) -> Sequence[Effect]:
        """Ask the people of a group who is interested."""
        voice, conn = call.voice, call.ctx.conn
        one = await self._mine(call)
        if one is None:
            return [self._unknown(call)]
        place = await self._asked_in(call, call.args["where"])
        if place is None:
            return [
                call.refuse(
                    voice.say("I can ask only where you are a member and may write yourself. Choose another group.")
                )
            ]
        if one.text is None or not await records.ask_in(conn, one.id, place.key):
            return [call.refuse(voice.say("I have asked about this idea already; `!esn idea show` says how it goes."))]
        return [
            Emit(type=ASKED, content={"idea": one.id}),
            call.answer(
                voice.say(
                    "**Asked in {group}.** When {count} people are interested, I tell you.",
                    group=bold(place.name),
                    count=self._settings.company,
                )
            ),
        ]

    async def _asked_in(self, call: Call, where: Place) -> Group | None:
        """The group itself, or of a space the group in which people talk; None where the founder cannot write."""
        conn, user = call.ctx.conn, call.person.user
        mine = await memberships(conn, user)
        if isinstance(where, Group):
            among = [where]
        else:
            places = [place for place in await wanted.all_places(conn) if place.parent == where.key]
            among = [one for one in places if isinstance(one, Group) and one.kind is Kind.informal]
        for group in among:
            open_to_all = group.posting is Posting.everyone or user in group.owners
            if mine.get(group.key) == "join" and open_to_all and not group.archived:
                return group
        return None

    async def show(self, call: Call) -> Sequence[Effect]:
        """Where one's own idea stands, and who reacted."""
        voice, conn = call.voice, call.ctx.conn
        one = await self._mine(call)
        if one is None or not call.is_direct:
            return [self._unknown(call) if one is None else call.refuse(voice.say("Ask me in a direct chat."))]
        people = await records.interested(conn, one)
        names = [await called(conn, "", person) for person in people]
        return [
            call.answer(
                paragraphs(
                    bold(await self._title(call, one)),
                    voice.say("Where it stands: {stage}.", stage=voice.say(STAGES[one.stage])),
                    voice.say("Interested: {names}.", names=voice.list(names)) if names else None,
                    self._next(call, one, len(people)),
                )
            )
        ]

    def _next(self, call: Call, one: Idea, people: int) -> Markdown | None:
        """What can be done next."""
        voice = call.voice
        if one.stage is Stage.idea and not one.asked_in:
            return voice.say("`!esn idea ask {number} GROUP` asks who is interested.", number=one.id)
        if one.stage is Stage.interested:
            return voice.say(
                "Propose a first meet-up to them; once you have met: `!esn idea met {number}`.", number=one.id
            )
        if one.stage is Stage.met:
            return voice.say(
                "Now the group: `!esn group create`, and then `!esn idea group {number} GROUP`.", number=one.id
            )
        return None

    # --- met, a group, given up ----------------------------------------------------------------------------------

    async def met(self, call: Call) -> Sequence[Effect]:
        """They have met."""
        one = await self._mine(call, animators=True)
        if one is None:
            return [self._unknown(call)]
        if not await records.move(call.ctx.conn, one, Stage.met, milliseconds(call.ctx.now)):
            return [call.answer(call.voice.say("I knew that already."))]
        done = await records.get(call.ctx.conn, one.id)
        assert done is not None
        return [call.answer(paragraphs(call.voice.say("**Noted: you have met.**"), self._next(call, done, 0)))]

    async def group(self, call: Call) -> Sequence[Effect]:
        """A group came of it."""
        voice, conn, where = call.voice, call.ctx.conn, call.args["group"]
        one = await self._mine(call, animators=True)
        if one is None:
            return [self._unknown(call)]
        if not isinstance(where, Group) or one.person not in where.owners:
            return [call.refuse(voice.say("The group has to be owned by whoever had the idea."))]
        now = milliseconds(call.ctx.now)
        if not await records.move(conn, one, Stage.group, now, group_key=where.key):
            return [call.answer(voice.say("I knew that already."))]
        span = voice.duration(self._settings.check_after)
        return [
            Emit(type=GROWN, content={"idea": one.id}),
            call.answer(
                voice.say("**Long live {group}!** In {span} I ask how it goes.", group=bold(where.name), span=span)
            ),
        ]

    async def drop(self, call: Call) -> Sequence[Effect]:
        """Give an idea up: its words go."""
        one = await self._mine(call)
        if one is None:
            return [self._unknown(call)]
        if not await records.move(call.ctx.conn, one, Stage.dropped, milliseconds(call.ctx.now)):
            return [call.answer(call.voice.say("It was given up already."))]
        gone = await self._handlers.taken_away(call.ctx, one)
        return [*gone, call.answer(call.voice.say("**Given up.** I have taken my messages about it away."))]

    # --- the list ------------------------------------------------------------------------------------------------

    async def listed(self, call: Call) -> Sequence[Effect]:
        """One's own ideas; for animators among themselves, where each stands."""
        voice, conn = call.voice, call.ctx.conn
        among_us = call.is_direct or (isinstance(call.place, Group) and call.place.kind is Kind.animators)
        everything = among_us and oversees(call.person.roles)
        if not call.is_direct and not everything:
            return [call.refuse(voice.say("Ask me in a direct chat."))]
        stages = (*records.ON_THEIR_WAY, Stage.settled)
        found = await records.some(conn, "" if everything else call.person.user, stages)
        if not found:
            return [call.answer(voice.say("No idea is on its way. `!esn idea tell` begins with one."))]
        lines = []
        for one in found[-SHOWN:]:
            day = datetime.fromtimestamp(one.since / 1000, UTC).astimezone(self._community.zone).date()
            lines.append(
                voice.say(
                    "{number}: {title}, by {person}: {stage}, since {day}",
                    number=bold(one.id),
                    title=bold(await self._title(call, one)),
                    person=await called(conn, "", one.person),
                    stage=voice.say(STAGES[one.stage]),
                    day=voice.date(day),
                )
            )
        return [call.answer(paragraphs(voice.say("**Ideas on their way**"), bullets(lines)))]

    async def _title(self, call: Call, one: Idea) -> str:
        draft = await self._handlers.draft(call.ctx, one)
        return draft.title if draft is not None else str(call.voice.say(later("an idea without words")))

    async def _mine(self, call: Call, *, animators: bool = False) -> Idea | None:
        one = await records.get(call.ctx.conn, int(call.args["number"]))
        if one is None or one.stage is Stage.dropped:
            return None
        may = one.person == call.person.user or (animators and oversees(call.person.roles))
        return one if may else None

    def _unknown(self, call: Call) -> Effect:
        said = call.voice.say("There is no idea of yours with the number {number}.", number=call.args["number"])
        return call.refuse(said)
