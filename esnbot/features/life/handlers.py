"""Looks once a day at who is quiet, and notices when nobody looks after a group any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.reactions import Reaction
from esnbot.community.group import Group, Kind
from esnbot.community.person import UserID
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, Nudge, Schedule, Unschedule
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import group as groups
from esnbot.features.calm import is_silenced
from esnbot.features.contract import Kit
from esnbot.features.hours import next_occasion
from esnbot.features.life import records, wording
from esnbot.features.life.merging import Merging
from esnbot.features.life.questions import NAME, Questions
from esnbot.features.life.settings import ALWAYS_QUIET, LifeSettings
from esnbot.features.status import is_paused
from esnbot.provisioning import wanted
from esnbot.provisioning.errors import Owned
from esnbot.store import bindings, rooms

LOOK: Final = "look"
OWNER: Final = "owner"


class LifeHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[LifeSettings], questions: Questions, merging: Merging) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings
        self._questions = questions
        self._merging = merging

    # --- rooms that come and go --------------------------------------------------------------------------------------

    async def room_ready(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A group begins, or opens again: it is quiet from now on at the earliest."""
        if isinstance(await wanted.get(ctx.conn, event.text("key")), Group):
            await records.rest(ctx.conn, event.text("room_id"), milliseconds(ctx.now))
        return []

    async def room_archived(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Nothing is asked in an archived group."""
        key = event.text("key")
        dropped = [*await self._questions.drop(ctx.conn, key), *await self._merging.drop(ctx.conn, key)]
        return [*dropped, Unschedule(key=_owner_job(key))]

    # --- what is answered --------------------------------------------------------------------------------------------

    async def reacted(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """Somebody pressed a button below something that we asked."""
        if reaction.post.startswith("merge:"):
            return await self._merging.reacted(ctx, reaction)
        return await self._questions.reacted(ctx, reaction)

    # --- the daily look ----------------------------------------------------------------------------------------------

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Look once a day, from now on."""
        return [self._look_at(next_occasion(ctx.now, self._community, self._settings.ask_at))]

    def _look_at(self, due: datetime) -> Schedule:
        return Schedule(key=LOOK, job=LOOK, due=due)

    async def look(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Ask the groups that have been quiet for long, and notice owners who belong to the community no more."""
        again = self._look_at(next_occasion(ctx.now + timedelta(minutes=1), self._community, self._settings.ask_at))
        allowed = next_occasion(ctx.now, self._community)
        if allowed > ctx.now:
            return [self._look_at(allowed)]
        if await is_paused(ctx.conn):
            return [again]
        bound = await bindings.all_bindings(ctx.conn)
        effects: list[Effect] = []
        quiet: list[tuple[int, Group, str]] = []
        since = await records.quiet_since(ctx.conn)
        further = await groups.further(ctx.conn)
        async for place in wanted.each_place(ctx.conn):
            room_id = bound.get(place.key)
            if not isinstance(place, Group) or place.archived or room_id is None or place.key in further:
                continue
            effects += await self._without_strangers(ctx, place, room_id)
            span = self._settings.quiet_span(place)
            if room_id not in since:
                # Before that nobody listened: it does not count as quiet.
                await records.rest(ctx.conn, room_id, milliseconds(ctx.now))
            elif span is not None and since[room_id] <= milliseconds(ctx.now - span):
                quiet.append((since[room_id], place, room_id))
        quiet.sort(key=lambda one: (one[0], one[1].key))
        asked = 0
        for began, group, room_id in quiet:
            if asked >= self._settings.asked_a_day:
                break
            if (last := await self._last(ctx.conn, group, since, bound)) > began:
                # Of a group with several rooms, another one was heard.
                await records.rest(ctx.conn, room_id, last)
                continue
            done = await self._ask(ctx, group, room_id, began)
            effects += done
            asked += bool(done)
        return [*effects, again]

    async def _last(
        self, conn: AsyncConnection, group: Group, since: Mapping[str, int], bound: Mapping[str, str]
    ) -> int:
        parts = await groups.groups_of(conn, group.key)
        return max((since.get(bound.get(part.key, ""), 0) for part in parts), default=0)

    async def _ask(self, ctx: Context, group: Group, room_id: str, since: int) -> list[Effect]:
        if await rooms.membership(ctx.conn, room_id, ctx.bot) != "join" or await is_silenced(ctx.conn, room_id, NAME):
            return []
        if not await self._members(ctx, room_id):
            await records.rest(ctx.conn, room_id, milliseconds(ctx.now))
            return await self._questions.tell_animators(ctx.conn, group, lambda v, g: wording.left_behind(v, g, group))
        return await self._questions.ask_what_becomes(ctx, group, room_id, _moment(since))

    async def _members(self, ctx: Context, room_id: str) -> list[UserID]:
        return [user for user in await rooms.members(ctx.conn, room_id) if user != ctx.bot]

    # --- owners ------------------------------------------------------------------------------------------------------

    async def _without_strangers(self, ctx: Context, group: Group, room_id: str) -> list[Effect]:
        """Take those off a group's owners who belong to no audience any more."""
        roles = self._community.roles
        today = ctx.now.astimezone(self._community.zone).date()
        audiences = self._community.audiences.values()
        if not audiences or not all(one.is_listed for one in audiences):
            # Where people are invited by name, or a directory knows, the declaration alone does not say who has gone.
            return []
        gone = [
            owner
            for owner in sorted(group.owners - roles.animators - roles.administrators)
            if not self._community.audiences_of(owner, today)
        ]
        if not gone:
            return []
        try:
            left = replace(group, owners=group.owners - frozenset(gone))
            await groups.want(ctx.conn, left, ctx.bot, milliseconds(ctx.now))
        except Owned:
            # Whom the file names, the file has to name no more.
            return []
        tell = Emit(type=groups.OWNER_GONE, content={"key": group.key, "person": gone[0]}, room=room_id)
        return [Nudge(machine=wanted.RECONCILER), tell]

    async def owner_gone(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """An owner has gone: where it was the last one, the members are asked who looks after the group."""
        return await self._look_for_owner(ctx, event.text("key"), event.text("person"))

    async def owner_due(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The quiet hours are over: now it can be asked."""
        payload = event.content.get("payload")
        if not isinstance(payload, dict):
            return []
        return await self._look_for_owner(ctx, str(payload.get("key", "")), str(payload.get("person", "")))

    async def _look_for_owner(self, ctx: Context, key: str, person: UserID) -> list[Effect]:
        group, room_id = await wanted.get(ctx.conn, key), await bindings.room_of(ctx.conn, key)
        if not isinstance(group, Group) or group.archived or group.kind is Kind.animators or room_id is None:
            return []
        if await groups.head_of(ctx.conn, key) != key:
            # Of several rooms that are one group, the first one counts.
            return []
        if await self._questions.owners_in(ctx.conn, group, room_id):
            return []
        # Who says goodbye by a command is still there for a moment.
        if not set(await self._members(ctx, room_id)) - {person}:
            return await self._questions.tell_animators(ctx.conn, group, lambda v, g: wording.left_behind(v, g, group))
        if group.kind in ALWAYS_QUIET or await is_silenced(ctx.conn, room_id, NAME):
            return await self._questions.tell_animators(
                ctx.conn, group, lambda v, g: wording.without_owner(v, g, group, asked=False)
            )
        allowed = next_occasion(ctx.now, self._community)
        if await is_paused(ctx.conn):
            allowed = next_occasion(ctx.now + timedelta(days=1), self._community)
        if allowed > ctx.now:
            return [Schedule(key=_owner_job(key), job=OWNER, due=allowed, payload={"key": key, "person": person})]
        return await self._questions.ask_who_owns(ctx, group, room_id, gone=person)

    # --- one person --------------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: their answers to open questions, and the groups that they would merge."""
        answers, wishes = await records.of_person(conn, person), await records.wishes_of(conn, person)
        return {"answers": answers, "merging": wishes}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget a person."""
        await records.forget(ctx.conn, person)
        return []


def _owner_job(key: str) -> str:
    return f"owner:{key}"


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
