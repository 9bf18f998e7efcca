"""What happens to meet-ups: reactions, people who go, jobs that are due, rooms that are archived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.reactions import Reaction, chosen
from esnbot.engine.effects import Effect, Emit
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.meetup import model, records
from esnbot.features.meetup.events import MEETUP_CANCELLED
from esnbot.features.meetup.finding import Finder
from esnbot.features.meetup.keeping import NO, OFFER, YES, Keeper
from esnbot.features.meetup.model import Outcome, Roster, Standing
from esnbot.features.meetup.opening import Opening, that_it_is_set
from esnbot.features.meetup.records import Meetup
from esnbot.features.meetup.telling import GONE, Telling, nothing_more


def is_sign(event: Event) -> bool:
    """A cheap look: a reaction that means something under a meet-up."""
    return chosen(event)[1] in model.ALL_SIGNS


def has_gone(event: Event) -> bool:
    """A cheap look: somebody is not in a room any more."""
    return not event.is_internal and event.text("membership") in ("leave", "ban")


class MeetupHandlers:
    """The feature at work."""

    def __init__(self, finder: Finder, keeper: Keeper, opening: Opening, telling: Telling) -> None:
        self._finder = finder
        self._keeper = keeper
        self._opening = opening
        self._telling = telling

    # --- taking part by reaction ----------------------------------------------------------------------------------

    async def reacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody reacted to the post of a meet-up."""
        target, emoji = chosen(event)
        if event.sender == ctx.bot or not target:
            return []
        meetup = await records.posted_as(ctx.conn, event.room_id, target)
        if meetup is None or meetup.state != records.OPEN:
            return []
        if not await self._finder.is_open_to(ctx, meetup, event.sender):
            return []
        if emoji == model.HERE:
            return await self._arrived(ctx, meetup, event.sender)
        if emoji == model.NOT_ANY_MORE:
            return await self._left(ctx, meetup.id, event.sender)
        done = await self._keeper.join(ctx, meetup.id, event.sender, model.SIGNS[emoji], event.event_id)
        if done is None:
            return []
        meetup, roster, outcome = done
        return [*await self._answer(ctx, meetup, roster, outcome, event), *await self._keeper.settle(ctx, meetup)]

    async def _answer(
        self, ctx: Context, meetup: Meetup, roster: Roster, outcome: Outcome, event: Event
    ) -> Sequence[Effect]:
        """The count says it to those who come; those who do not get a place hear it."""
        entry = roster.of(event.sender)
        if entry is None or outcome not in (Outcome.waiting, Outcome.kept):
            return []
        voice = await self._finder.voice_for(ctx.conn, event.sender)
        name = self._finder.name(voice, meetup)
        if outcome is Outcome.kept:
            text = voice.say(
                "This way of taking part in {meetup} is full: you keep the place that you have.", meetup=name
            )
            return [self._finder.private(meetup, event.sender, text, key=f"kept:{meetup.id}:{meetup.turns}")]
        place = 1 + sum(other.turn < entry.turn for other in roster.queue(entry.way))
        text = voice.say(
            "{meetup} is full. You are number {place} on the waiting list: when a place becomes free, I offer it to "
            "you here.",
            meetup=name,
            place=place,
        )
        return [self._finder.private(meetup, event.sender, text, key=f"waits:{meetup.id}:{entry.turn}")]

    async def redacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The reaction by which somebody took part is taken back; or the post itself is."""
        known = await records.reacted_with(ctx.conn, event.redacts)
        if known is None:
            return []
        id, person = known
        meetup = await records.get(ctx.conn, id)
        if meetup is None or meetup.room_id != event.room_id:
            return []
        return await self._left(ctx, id, person)

    async def offered(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """Somebody answers the offer of a place."""
        if reaction.taken_back or not reaction.post.startswith(OFFER):
            return []
        number, _, turn = reaction.post.removeprefix(OFFER).partition(":")
        meetup = await records.get(ctx.conn, int(number))
        entry = None if meetup is None else (await records.roster(ctx.conn, meetup)).of(reaction.sender)
        if meetup is None:
            return []
        voice = await self._finder.voice_for(ctx.conn, reaction.sender)
        name, key = self._finder.name(voice, meetup), f"answered:{meetup.id}:{turn}:{reaction.emoji}"
        if entry is None or str(entry.turn) != turn or entry.standing is Standing.waiting:
            gone = voice.say(
                "This offer is over. If you would still like to come to {meetup}, register again.", meetup=name
            )
            return [self._finder.private(meetup, reaction.sender, gone, key=key)]
        if reaction.emoji == NO:
            left = voice.say("All right: the place at {meetup} goes to the next.", meetup=name)
            effects = await self._left(ctx, meetup.id, reaction.sender)
            return [self._finder.private(meetup, reaction.sender, left, key=key), *effects]
        if not await self._finder.is_open_to(ctx, meetup, reaction.sender):
            return []
        done = await self._keeper.join(ctx, meetup.id, reaction.sender, entry.way)
        if done is None:
            return []
        yes = voice.say("The place at {meetup} is yours.", meetup=name)
        return [
            self._finder.private(meetup, reaction.sender, yes, key=key),
            *await self._keeper.settle(ctx, meetup),
        ]

    async def _left(self, ctx: Context, id: int, person: str) -> Sequence[Effect]:
        meetup = await self._keeper.leave(ctx, id, person)
        return [] if meetup is None else await self._keeper.settle(ctx, meetup)

    async def _arrived(self, ctx: Context, meetup: Meetup, person: str) -> Sequence[Effect]:
        if not is_arriving(ctx, meetup) or not await records.arrive(ctx.conn, meetup.id, person):
            return []
        return await self._keeper.show_soon(ctx, meetup, await records.roster(ctx.conn, meetup))

    async def gone(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Whoever leaves the group, or is taken out of it, takes part in none of its meet-ups any more."""
        effects: list[Effect] = []
        for meetup in await records.ahead(ctx.conn, [event.room_id]):
            effects += await self._left(ctx, meetup.id, event.state_key or "")
        return effects

    # --- what is due ----------------------------------------------------------------------------------------------

    async def settle(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """An offer expired, or the night is over."""
        meetup = await self._meetup(ctx.conn, event.content.get("payload"))
        return [] if meetup is None else await self._keeper.settle(ctx, meetup)

    async def resumed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """What was not offered during a pause is offered now."""
        effects: list[Effect] = []
        for meetup in await records.ahead(ctx.conn):
            effects += await self._keeper.settle(ctx, meetup)
        return effects

    async def card(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Put the post right."""
        meetup = await self._meetup(ctx.conn, event.content.get("payload"))
        if meetup is None or meetup.start is None or not await self._finder.is_going_on(ctx.conn, meetup, ctx.bot):
            return []
        counts = await self._finder.counts(ctx.conn, meetup, await records.roster(ctx.conn, meetup))
        # It may have been put right meanwhile, with something else that changed.
        return [] if counts.dump() == meetup.shown else [await self._keeper.card(ctx, meetup)]

    # --- changed by command ---------------------------------------------------------------------------------------

    async def look(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Places or details changed: offer, show and tell what follows from it."""
        meetup = await self._meetup(ctx.conn, event.content)
        if meetup is None or meetup.state != records.OPEN:
            return []
        effects = list(await self._keeper.settle(ctx, meetup))
        if event.content.get("details") is not True:
            return effects
        effects += [await self._keeper.card(ctx, meetup), *self._opening.signs(meetup)]
        effects += self._telling.plan(ctx, meetup)
        if event.content.get("revised") is True:
            effects += [
                *await self._opening.file(ctx, meetup),
                *self._opening.jobs(ctx, meetup),
                that_it_is_set(meetup),
            ]
        return effects

    async def stopped(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """It was cancelled: those who were registered hear it once, and calendars too."""
        meetup = await self._meetup(ctx.conn, event.content)
        if meetup is None or meetup.state != records.CANCELLED:
            return []
        return await self._after_cancelling(ctx, meetup)

    async def _after_cancelling(self, ctx: Context, meetup: Meetup) -> Sequence[Effect]:
        content = {"meetup": meetup.id, "key": meetup.place, "room_id": meetup.room_id}
        effects: list[Effect] = [*nothing_more(meetup), Emit(type=MEETUP_CANCELLED, content=content)]
        if meetup.start is None:
            return effects
        if await self._finder.is_going_on(ctx.conn, meetup, ctx.bot):
            effects += [await self._keeper.card(ctx, meetup), *await self._opening.file(ctx, meetup)]
        return [*effects, *self._telling.plan(ctx, meetup)]

    async def archived(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The group is archived: what was planned in it does not take place."""
        effects: list[Effect] = []
        for meetup in await records.ahead(ctx.conn, [event.text("room_id")]):
            effects += await self._after_cancelling(ctx, await cancel(ctx, meetup, whole_series=True))
        return effects

    async def _meetup(self, conn: AsyncConnection, content: Any) -> Meetup | None:
        id = content.get("meetup") if isinstance(content, Mapping) else None
        return await records.get(conn, id) if isinstance(id, int) else None

    # --- one person -----------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: what they proposed, and what they take part in."""
        return await records.of_person(conn, person)

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget a person; their places are free."""
        effects: list[Effect] = []
        for id in await records.forget(ctx.conn, person):
            meetup = await records.get(ctx.conn, id)
            if meetup is not None and meetup.state == records.OPEN:
                effects += await self._keeper.settle(ctx, meetup)
        return effects


async def cancel(ctx: Context, meetup: Meetup, *, whole_series: bool = False) -> Meetup:
    """Write down that a meet-up does not take place."""
    if whole_series and meetup.series is not None:
        await records.end_series(ctx.conn, meetup.series)
    meetup = await records.hold(ctx.conn, meetup.id) or meetup
    return await records.change(
        ctx.conn,
        meetup.id,
        state=records.CANCELLED,
        untold=[GONE],
        sequence=meetup.sequence + 1,
        revised=int(ctx.now.timestamp() * 1000),
    )


def is_arriving(ctx: Context, meetup: Meetup) -> bool:
    """Whether one can have arrived: from an hour before it begins until it ends."""
    return meetup.starts.astimezone(UTC) - ctx.now <= model.EARLY and ctx.now < meetup.ends


__all__ = ["YES", "MeetupHandlers", "cancel", "has_gone", "is_arriving", "is_sign"]
