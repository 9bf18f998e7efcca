"""One pass over rooms: side by side within bounds, spaces before what stands in them, each settled by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Origin
from esnbot.engine.inbox import put_internal
from esnbot.matrix.errors import HomeserverError
from esnbot.provisioning import byhand, reasons, wanted
from esnbot.provisioning.byhand import ByHand
from esnbot.provisioning.compare import LEFT, Action, Change, is_archived, obstacles
from esnbot.provisioning.desired import DesiredRoom, digest_of
from esnbot.provisioning.errors import CannotMake, Superseded
from esnbot.provisioning.events import DRIFT, ROOM_ARCHIVED, ROOM_FAILED, ROOM_READY, ROOM_REVIVED
from esnbot.provisioning.facets import Facet
from esnbot.provisioning.hands import Hands, Now, Taken
from esnbot.provisioning.patience import together
from esnbot.provisioning.plan import Plan, drift_content
from esnbot.provisioning.reasons import Reason, Why
from esnbot.provisioning.seen import Observed
from esnbot.provisioning.tables import provisioned
from esnbot.store import bindings
from esnbot.store.database import Database, Job
from esnbot.store.trouble import is_trouble
from esnbot.store.upsert import upsert

T = TypeVar("T")

Progress = Callable[[int, int, str], None]
"""Objects done, objects in all, and the key of the last one."""

_UNLISTED: Final = "private"

log = structlog.get_logger("esnbot.provisioning")


@dataclass(slots=True)
class Outcome:
    """What a pass did."""

    done: list[str] = field(default_factory=list)
    """Keys of what was made or changed."""
    failures: dict[str, str] = field(default_factory=dict)
    """Key to reason."""
    notices: list[str] = field(default_factory=list)
    """What a person has to know: what cannot be enforced, what would need a new room."""
    left: list[str] = field(default_factory=list)
    """Keys of encrypted groups whose charter is left to the running bot."""

    @property
    def ok(self) -> bool:
        """Whether everything stands as declared."""
        return not self.failures


def ignore(done: int, total: int, key: str) -> None:
    """Progress that nobody looks at."""
    return


def notice(change: Change) -> str:
    """What a person has to know, in one line."""
    return f"{change.key}: {change.what}: {change.why}" if change.what else f"{change.key}: {change.why}"


class Pass:
    """Makes some rooms as a plan says. Use once."""

    def __init__(
        self,
        database: Database,
        hands: Hands,
        plan: Plan,
        observed: Observed,
        keys: Sequence[str],
        now: Now,
        progress: Progress,
        in_flight: int,
    ) -> None:
        self._database = database
        self._hands = hands
        self._desired = plan.rooms
        self._observed = observed
        self._now = now
        self._progress = progress
        self._gate = asyncio.Semaphore(in_flight)
        self._ids = dict(plan.view.ids)
        self._keys = dict(plan.view.keys)
        self._view = replace(plan.view, ids=self._ids, keys=self._keys)
        self._spaces = {
            key: observed.rooms[self._ids[key]]
            for key, room in plan.rooms.items()
            if room.is_space and self._ids.get(key) in observed.rooms
        }
        # In the order of the rooms, so that no room takes a place in flight that its space needs.
        self._todo = [key for key in plan.rooms if key in frozenset(keys)]
        self._over: dict[str, asyncio.Event] = {key: asyncio.Event() for key in self._todo}
        self._outcome = Outcome()
        self._done = 0

    async def run(self) -> Outcome:
        """Do it; what fails is named in the outcome and keeps nothing else from being done."""
        async with together() as group:
            for key in self._todo:
                group.create_task(self._one(self._desired[key]))
        return self._outcome

    async def _one(self, desired: DesiredRoom) -> None:
        try:
            for space in desired.around:
                if space in self._over:
                    await self._over[space].wait()
                if space not in self._ids and not desired.archived:
                    what = f"its space '{space}' does not stand"
                    raise CannotMake(what, Why.no_space, space=self._desired[space].place.name)
            async with self._gate:
                await self._make_so(desired)
            self._outcome.done.append(desired.key)
        except Superseded as error:
            log.info("room is left to the next pass", key=desired.key, reason=str(error))
        except CannotMake as error:
            await self._fail(desired, error.reason)
        except HomeserverError as error:
            await self._fail(desired, reasons.of_homeserver(error, desired.alias))
        finally:
            self._over[desired.key].set()
        self._done += 1
        self._progress(self._done, len(self._todo), desired.key)

    async def _make_so(self, desired: DesiredRoom) -> None:
        key = desired.key
        if desired.archived and key not in self._observed.bindings:
            await self._database.write(lambda conn: wanted.settle(conn, {key: desired.revision}))
            return
        view = await self._hands.with_avatar(desired, self._view)
        taken = await self._bound(desired)
        room_id = taken.room.room_id
        self._ids[key], self._keys[room_id] = room_id, key
        if desired.is_space:
            self._spaces[key] = taken.room
        was_archived = is_archived(desired, taken.room)
        if not taken.new:
            found = obstacles(desired, taken.room, view.bot)
            self._outcome.notices += [notice(change) for change in found if change.action is not Action.conflict]
        accepted = await self._hands.put_right(desired, taken, view, self._spaces)
        if not await self._hands.charter(desired, taken):
            self._outcome.left.append(key)
            self._outcome.notices.append(f"{key}: charter: {LEFT}")
        listed = await self._listed(desired, taken)

        await self._settled(desired, taken, listed, was_archived, accepted, view.media)

    async def _bound(self, desired: DesiredRoom) -> Taken:
        """The room behind the key, with the bot in it."""
        key = desired.key
        room_id = self._observed.bindings.get(key)
        if room_id is not None:
            room = self._observed.rooms.get(room_id)
            if room is not None and room.joined(self._view.bot):
                return Taken(room, created=False)
            if (found := await self._hands.rejoin(room_id)) is not None:
                return Taken(found, created=False)
            await self._database.write(lambda conn: _let_go(conn, key))
        view = await self._hands.with_avatar(desired, self._view)
        found_id, attempted = self._observed.found.get(key), key in self._observed.attempts
        taken = await self._hands.take(desired, view, found_id, attempted)

        async def bind(conn: AsyncConnection) -> None:
            other = await bindings.key_of(conn, taken.room.room_id)
            if other is not None and other != key:
                room = taken.room.room_id
                raise CannotMake(f"the room {room} stands for '{other}' already", Why.two_keys, room=room)
            await bindings.bind(conn, key, taken.room.room_id, self._now())
            row = {
                "key": key,
                "room_id": taken.room.room_id,
                "created": taken.created,
                "ready": None,
                "listed": _UNLISTED,
            }
            await upsert(conn, provisioned, row)
            await wanted.forget_attempt(conn, key)

        await self._database.write(bind)
        return taken

    async def _listed(self, desired: DesiredRoom, taken: Taken) -> str | None:
        """Where the room stands in the directory now; None when nothing changed."""
        wanted_listing = "public" if desired.place.listed and not desired.archived else _UNLISTED
        found = self._observed.listed.get(desired.key, _UNLISTED)
        # Adopted rooms may be listed without our having said so.
        if found == wanted_listing and (taken.created or desired.key in self._observed.ready):
            return None
        if found == wanted_listing == _UNLISTED and taken.new:
            return None
        return await self._hands.list_room(desired, taken.room.room_id)

    async def _settled(
        self,
        desired: DesiredRoom,
        taken: Taken,
        listed: str | None,
        was_archived: bool,
        accepted: Sequence[Facet],
        media: Mapping[str, str],
    ) -> None:
        """Note that the room stands; where somebody changed it meanwhile, look first at what stands now.

        Twice at most: what is changed after the second look is seen as of any room that stands.
        """
        spaces = [self._spaces[space] for space in desired.around if space in self._spaces]

        async def settle(conn: AsyncConnection, *, certain: bool) -> list[str]:
            before = await wanted.locked(conn, desired.key)
            meanwhile = await byhand.since(conn, self._view.bot, taken.room, spaces)
            if meanwhile and not certain:
                return list(dict.fromkeys([taken.room.room_id, *(hand.room_id for hand in meanwhile)]))
            await self._announce(conn, desired, taken, listed, was_archived)
            if before is not None:
                await self._settle(conn, desired, taken, accepted, meanwhile, media, before)
            return []

        # Whether that came before our own last word or after it, the homeserver alone can say.
        if unsure := await self._written(partial(settle, certain=False)):
            await self._hands.look_again(unsure)
            await self._written(partial(settle, certain=True))

    async def _written(self, job: Job[T]) -> T:
        """Write; once more where the database made this give way to somebody who held what it waited for."""
        try:
            return await self._database.write(job)
        except DBAPIError as error:
            if not is_trouble(error):
                raise
            return await self._database.write(job)

    async def _announce(
        self, conn: AsyncConnection, desired: DesiredRoom, taken: Taken, listed: str | None, was_archived: bool
    ) -> None:
        """Tell the features what has become of the room."""
        key, room_id, now = desired.key, taken.room.room_id, self._now()
        mark = update(provisioned).where(provisioned.c.key == key)
        if listed is not None:
            await conn.execute(mark.values(listed=listed))
        row = (await conn.execute(select(provisioned).where(provisioned.c.key == key))).one_or_none()
        content: dict[str, Any] = {"key": key, "room_id": room_id}
        if row is not None and row.ready is None:
            await conn.execute(mark.values(ready=now))
            content["created"] = bool(row.created)
            await put_internal(conn, f"room_ready:{key}:{room_id}", ROOM_READY, content, now, room_id=room_id)
        elif was_archived != desired.archived:
            type = ROOM_ARCHIVED if desired.archived else ROOM_REVIVED
            await put_internal(conn, f"{type}:{key}:{desired.revision}", type, content, now, room_id=room_id)

    async def _settle(
        self,
        conn: AsyncConnection,
        desired: DesiredRoom,
        taken: Taken,
        accepted: Sequence[Facet],
        meanwhile: Sequence[ByHand],
        media: Mapping[str, str],
        before: tuple[int, int],
    ) -> None:
        """Note the revision that stands, and what people changed by hand before the pass and while it worked."""
        key, now = desired.key, self._now()
        plan = await self._differs(conn, desired, media) if meanwhile else None
        newer = {(hand.type, hand.state_key) for hand in meanwhile}
        earlier = [
            ByHand(taken.room.room_id, facet.type, facet.state_key, taken.room.state[facet.type, facet.state_key])
            for facet in accepted
            if (facet.type, facet.state_key) not in newer
        ]
        revision, settled = before
        for hand in [*earlier, *meanwhile]:
            if await self._accept(conn, desired, hand) or plan is None or revision == settled:
                # Of what stood as declared the watch tells, from the event itself.
                continue
            for change in byhand.told(plan, hand.type, hand.state_key):
                content = {**drift_content(change, taken.room.room_id), "by": hand.fact.sender}
                id = f"drift:{key}:{change.what}:{hand.fact.ts}:{now}"
                await put_internal(conn, id, DRIFT, content, now, room_id=taken.room.room_id)
        # What was left is still to be done.
        if revision == desired.revision and key not in self._outcome.left:
            after = await wanted.locked(conn, key)
            await wanted.settle(conn, {key: after[0] if after is not None else revision})
        left = {change.what for change in plan.changes} if plan is not None else ()
        await wanted.forget_drifts(conn, key, except_for=left)

    async def _accept(self, conn: AsyncConnection, desired: DesiredRoom, hand: ByHand) -> bool:
        place = await wanted.get(conn, desired.key)
        found = None if place is None else byhand.accepted(desired, place, hand.type, hand.fact.content)
        if found is None:
            return False
        await wanted.accept(conn, desired.key, *found, hand.fact.sender, self._now())
        return True

    async def _differs(self, conn: AsyncConnection, desired: DesiredRoom, media: Mapping[str, str]) -> Plan | None:
        """The room as it stands now, beside what it should be."""
        keys = [key for key in (*desired.around, desired.key) if key in self._ids and key in self._desired]
        rooms = {key: self._desired[key] for key in keys}
        ids = {key: self._ids[key] for key in keys}
        view = self._view
        return await byhand.look(conn, desired.key, rooms, ids, bot=view.bot, server=view.server, media=media)

    async def _fail(self, desired: DesiredRoom, reason: Reason) -> None:
        key, revision, now = desired.key, desired.revision, self._now()
        self._outcome.failures[key] = reason.text
        log.warning("room cannot be made as declared", key=key, why=reason.why.value, reason=reason.text)
        id = f"room_failed:{key}:{revision}:{digest_of(reason.text)}"
        hopeless = reason.final and desired.place.origin is Origin.chat
        if hopeless:
            # Each time anew: whoever withdraws the wish may have had to leave it to a later attempt, this one.
            id = f"{id}:{now}"

        async def note(conn: AsyncConnection) -> None:
            if await wanted.revision_of(conn, key) == revision:
                await wanted.fail(conn, key, reason)
                if hopeless:
                    await wanted.forget_attempt(conn, key)
            content = {"key": key, "revision": revision, **reason.dump()}
            await put_internal(conn, id, ROOM_FAILED, content, now)

        await self._database.write(note)


async def _let_go(conn: AsyncConnection, key: str) -> None:
    await bindings.unbind(conn, key)
    await conn.execute(delete(provisioned).where(provisioned.c.key == key))
    await wanted.forget_attempt(conn, key)
