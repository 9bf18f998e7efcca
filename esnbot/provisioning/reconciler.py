"""The one machine that makes rooms as they should be: for `apply`, for what chat asked for, and after a start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.community.model import Community
from esnbot.engine.clock import SystemClock, now_ms
from esnbot.engine.inbox import put_internal
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import HomeserverError
from esnbot.provisioning import requests, wanted
from esnbot.provisioning.charter import Sealer
from esnbot.provisioning.codec import frame_of
from esnbot.provisioning.compare import DOABLE, Action, Change
from esnbot.provisioning.desired import Around, DesiredRoom, Extras, desired_rooms, no_extras
from esnbot.provisioning.errors import Busy
from esnbot.provisioning.events import DRIFT
from esnbot.provisioning.hands import Hands
from esnbot.provisioning.observer import Observer, left_spaces
from esnbot.provisioning.passing import Outcome, Pass, Progress, ignore, notice
from esnbot.provisioning.patience import Patience
from esnbot.provisioning.plan import Plan, drift_content, keys_with, make_plan
from esnbot.provisioning.seen import Observed
from esnbot.store import bindings, leases
from esnbot.store.database import Database

IN_FLIGHT: Final = 10
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at what another process may have asked for."""
BATCH: Final = 100
"""Rooms that the look after a start takes at a time."""
PAUSE: Final = 0.05
"""Seconds between two batches of it."""
LOOK_UPS: Final = 100
"""So many aliases of new rooms a plan looks up, to say beforehand that they are taken."""
TRY_AGAIN: Final = 60.0
"""Seconds after which what failed is tried again."""

_FOR_PEOPLE: Final = frozenset((Action.remake, Action.unenforceable))
_SYSTEM: Final = SystemClock()
_UNKNOWN: Final = object()

log = structlog.get_logger("esnbot.provisioning")


class Wakes(Protocol):
    """Wake-up calls, as the engine's signals give them."""

    async def wait(self, name: str, seconds: float | None = None) -> bool:
        """Wait for the name; False when the time was over first."""
        ...


class Reconciler:
    """Plans and reconciles. One process at a time does so: whoever holds the lease."""

    def __init__(
        self,
        database: Database,
        client: MatrixClient,
        clock: Clock,
        *,
        signals: Wakes | None = None,
        in_flight: int = IN_FLIGHT,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        extras: Extras = no_extras,
        sealer: Sealer | None = None,
    ) -> None:
        """Without a ``sealer``, charters of encrypted groups are left to a process that has one."""
        self._sealer = sealer
        self._could_seal = False
        self._extras = extras
        self._database = database
        self._client = client
        self._clock = clock
        self._signals = signals
        self._in_flight = in_flight
        self._sleep = sleep
        self._holder = requests.new_holder()
        patience = Patience(sleep)
        self._observer = Observer(database, client, patience, in_flight, lambda: now_ms(_SYSTEM))
        self._hands = Hands(database, client, self._observer, patience, self._now, sleep, sealer)
        self._failed: dict[str, int] = {}
        self._declared: list[str] = []
        self.holds_lease = False

    def _now(self) -> int:
        return now_ms(self._clock)

    # --- planning --------------------------------------------------------------------------------------------------

    async def plan(self, community: Community | None = None, *, fresh: bool = False, look_up: bool = True) -> Plan:
        """What would change. With a community: once it is declared; without: as things are declared now.

        ``fresh`` reads every room from the homeserver; ``look_up`` asks whether aliases of new rooms are taken.
        """
        await self._observer.refresh(fresh=fresh)
        desired = await self._desired(community)
        return await self._plan(desired, look_up=look_up)

    async def _desired(self, community: Community | None = None) -> dict[str, DesiredRoom]:
        async with self._database.read() as conn:
            objects = await wanted.objects(conn)
            frame = await wanted.frame(conn)
        if community is not None:
            objects = wanted.declared(community, objects)
            frame = frame_of(community)
        return desired_rooms(frame, objects, self._around())

    async def _plan(self, desired: Mapping[str, DesiredRoom], *, look_up: bool) -> Plan:
        return make_plan(desired, await self._observed(desired, look_up), self._client.user, self._client.server)

    async def _observed(
        self, desired: Mapping[str, DesiredRoom], look_up: bool, keys: Sequence[str] | None = None
    ) -> Observed:
        async with self._database.read() as conn:
            bound = frozenset(await bindings.all_bindings(conn)) if keys is None else frozenset[str]()
        aliases: list[str] = []
        adopted = {room.place.adopt for room in desired.values()}
        for key, room in desired.items():
            if key in bound or room.archived:
                continue
            target = room.place.adopt
            if target is not None and not target.startswith("!"):
                aliases.append(target)
            elif target is None and look_up:
                aliases.append(room.alias)
        # Each look-up of a free alias makes the homeserver ask us, too: not for a whole first community.
        if len(aliases) > LOOK_UPS:
            aliases = [alias for alias in aliases if alias in adopted]
        avatars = [room.place.avatar for room in desired.values() if room.place.avatar is not None]
        return await self._observer.look(keys=keys, aliases=aliases if keys is None else (), avatars=avatars)

    async def _partial(self, keys: Sequence[str]) -> tuple[Plan, Observed]:
        """A plan of some objects, for which nothing but they and the spaces around them is looked at."""
        async with self._database.read() as conn:
            own = await wanted.some(conn, keys)
            around = await wanted.with_spaces(conn, own)
            frame = await wanted.frame(conn)
            left = await wanted.some(conn, await left_spaces(conn, keys))
        named = {entry.key: entry for entry in [*left, *around]}
        desired = desired_rooms(frame, named.values(), self._around())
        observed = await self._observed(desired, look_up=False, keys=list(named))
        return make_plan(desired, observed, self._client.user, self._client.server, keys=keys), observed

    def _around(self) -> Around:
        return Around(self._client.user, self._client.server, self._clock.now().date(), self._extras)

    async def vanished(self, community: Community) -> list[wanted.WantedObject]:
        """Objects of the file that it does not name any more: declaring it archives them."""
        async with self._database.read() as conn:
            return wanted.vanished(community, await wanted.objects(conn))

    # --- applying --------------------------------------------------------------------------------------------------

    async def declare(self, community: Community) -> None:
        """Write down what the file declares; nothing is done to any room yet."""

        async def job(conn: AsyncConnection) -> list[str]:
            await wanted.declare(conn, community, self._now())
            return list(await wanted.unsettled(conn))

        self._declared = await self._database.write(job)

    async def apply(self, *, fresh: bool = False, progress: Progress = ignore) -> Outcome:
        """Make everything as declared: here, or by whoever holds the lease, such as a running bot."""
        outcome = await self._apply(fresh=fresh, progress=progress)
        # A running bot may have made what was declared before it was asked to.
        declared, self._declared = self._declared, []
        async with self._database.read() as conn:
            waiting = await wanted.unsettled(conn)
        known = {*outcome.done, *outcome.failures, *waiting}
        outcome.done = [*(key for key in declared if key not in known), *outcome.done]
        return outcome

    async def _apply(self, *, fresh: bool, progress: Progress) -> Outcome:
        id: str | None = None
        try:
            while True:
                if await self._take_lease():
                    async with self._lease():
                        return await self.apply_here(fresh=fresh, progress=progress)
                if id is None:
                    id = await self._database.write(lambda conn: requests.ask(conn, self._now(), fresh=fresh))
                asked = id
                async with self._database.read() as conn:
                    request = await requests.look(conn, asked)
                if request is None:
                    raise Busy("another process took the work and lost it: run the command again")
                if request.result is not None:
                    return Outcome(**request.result)
                if request.total:
                    progress(request.done, request.total, "")
                await self._sleep(0.2)
        finally:
            if id is not None:
                await self._withdraw(id)

    async def _withdraw(self, id: str) -> None:
        await self._database.write(lambda conn: requests.withdraw(conn, id))

    async def apply_here(self, *, fresh: bool = False, progress: Progress = ignore) -> Outcome:
        """Make everything as declared, in this process, which holds the lease."""
        await self._observer.refresh(fresh=fresh)
        async with self._database.read() as conn:
            drifts = await wanted.drifts(conn)
        desired = await self._desired()
        observed = await self._observed(desired, look_up=False)
        plan = make_plan(desired, observed, self._client.user, self._client.server)
        unsettled = [key for key, room in desired.items() if not room.stands]
        keys = list(dict.fromkeys([*keys_with(plan, DOABLE), *unsettled, *keys_with(plan, (Action.conflict,))]))
        outcome = await self._pass(plan, observed, keys, progress)
        known = [notice(change) for change in plan.changes if change.action in _FOR_PEOPLE]
        outcome.notices = list(dict.fromkeys([*known, *outcome.notices]))
        # What the plan does not name stands as declared; what was changed since is not known to it.
        taken_back = [row for row in drifts if row.key not in frozenset(keys)]
        await self._database.write(lambda conn: wanted.forget_these(conn, taken_back))
        return outcome

    async def _pass(self, plan: Plan, observed: Observed, keys: Sequence[str], progress: Progress) -> Outcome:
        return await Pass(self._database, self._hands, plan, observed, keys, self._now, progress, self._in_flight).run()

    # --- beside a running bot --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve for ever: what chat asked for, what other processes ask for, and what failed before."""
        since_retry = 0.0
        looking = asyncio.create_task(self._look_around(), name="look at all rooms")
        try:
            await self._serve(since_retry)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _serve(self, since_retry: float) -> None:
        while True:
            try:
                if not await self._take_lease():
                    await self._sleep(LOOK_EVERY)
                    continue
                async with self._lease():
                    while self.holds_lease:
                        await self._serve_requests()
                        await self._tidy(again=since_retry >= TRY_AGAIN)
                        since_retry = 0.0 if since_retry >= TRY_AGAIN else since_retry + LOOK_EVERY
                        await self._rest()
            except (HomeserverError, DBAPIError) as error:
                log.warning("reconciler waits", reason=str(error))
                await self._sleep(5.0)

    async def _rest(self) -> None:
        if self._signals is None:
            await self._sleep(LOOK_EVERY)
        else:
            await self._signals.wait(wanted.RECONCILER, LOOK_EVERY)

    async def _look_around(self) -> None:
        """Look once at what happened while nobody watched: what people changed by hand is told, not undone.

        A few rooms at a time, and slowly: nobody waits for it.
        """
        while True:
            try:
                await self._observer.refresh()
                async with self._database.read() as conn:
                    batches = await wanted.batches(conn, BATCH)
                for keys in batches:
                    plan, _ = await self._partial(keys)
                    settled = {key for key in keys if key in plan.rooms and plan.rooms[key].stands}
                    drifts = [change for change in plan.changes if change.by and change.key in settled and change.type]
                    if drifts:
                        await self._tell_drift(plan, drifts)
                    await asyncio.sleep(PAUSE)
            except (HomeserverError, DBAPIError) as error:
                log.warning("the look at all rooms waits", reason=str(error))
                await asyncio.sleep(TRY_AGAIN)
            else:
                return

    async def _tell_drift(self, plan: Plan, drifts: Iterable[Change]) -> None:
        await self._database.write(lambda conn: self._note_drift(conn, plan, drifts))

    async def _note_drift(self, conn: AsyncConnection, plan: Plan, drifts: Iterable[Change]) -> None:
        now = self._now()
        known = {(row.key, row.what): row.found for row in await wanted.drifts(conn)}
        for change in drifts:
            if known.get((change.key, change.what), _UNKNOWN) == change.old:
                continue
            room = plan.view.ids.get(change.key, "")
            content = drift_content(change, room)
            await put_internal(conn, f"drift:{change.key}:{change.what}:{now}", DRIFT, content, now, room_id=room)

    async def _serve_requests(self) -> None:
        async with self._database.read() as conn:
            asked = await requests.waiting(conn)
        if not asked:
            return
        progress = _Report(self._database, [request.id for request in asked])
        try:
            outcome = await self.apply_here(fresh=any(request.fresh for request in asked), progress=progress.note)
            result = {"done": outcome.done, "failures": outcome.failures, "notices": outcome.notices}
        except HomeserverError as error:
            result = {"done": [], "failures": {"": str(error)}, "notices": []}
        finally:
            await progress.stop()

        async def finish(conn: AsyncConnection) -> None:
            for request in asked:
                await requests.finish(conn, request.id, result)

        await self._database.write(finish)

    async def _tidy(self, *, again: bool) -> None:
        """Make what chat asked for since; what failed is tried again once a minute."""
        async with self._database.read() as conn:
            keys = await wanted.unsettled(conn)
        if not keys:
            return
        can_seal = self._sealer is not None and self._sealer.ready
        if again or (can_seal and not self._could_seal):
            self._failed.clear()
        self._could_seal = can_seal
        todo = [key for key, revision in keys.items() if self._failed.get(key) != revision]
        if not todo:
            return
        plan, observed = await self._partial(todo)
        outcome = await self._pass(plan, observed, [key for key in todo if key in plan.rooms], ignore)
        self._failed |= {key: keys[key] for key in (*outcome.failures, *outcome.left)}

    # --- the lease -------------------------------------------------------------------------------------------------

    async def _take_lease(self) -> bool:
        # Between processes only real time counts, whatever the community's clock says.
        moment = now_ms(_SYSTEM)
        self.holds_lease = await self._database.write(lambda conn: requests.take_lease(conn, self._holder, moment))
        return self.holds_lease

    @asynccontextmanager
    async def _lease(self) -> AsyncIterator[None]:
        """Keep the lease while something is done, and give it back."""
        keeper = asyncio.create_task(self._keep_lease(), name="reconciler's lease")
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            self.holds_lease = False
            await self._database.write(lambda conn: leases.release(conn, requests.LEASE, self._holder))

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(requests.SECONDS / 4)
            try:
                if not await self._take_lease():
                    log.warning("another process took the reconciler's lease")
            except DBAPIError as error:
                log.warning("the reconciler's lease could not be renewed", reason=str(error))


class _Report:
    """Writes down how far a pass is, for the process that asked; a few times a second at most."""

    def __init__(self, database: Database, ids: Sequence[str]) -> None:
        self._database = database
        self._ids = ids
        self._at = (0, 0)
        self._task = asyncio.create_task(self._write_forever(), name="progress of apply")

    def note(self, done: int, total: int, key: str) -> None:
        """So many of so many are done."""
        self._at = (done, total)

    async def stop(self) -> None:
        """No more reports."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _write_forever(self) -> None:
        written = (0, 0)
        while True:
            await asyncio.sleep(0.3)
            if self._at != written:
                written = self._at
                await self._database.write(self._write)

    async def _write(self, conn: AsyncConnection) -> None:
        for id in self._ids:
            await requests.note(conn, id, *self._at)


__all__ = ["Outcome", "Progress", "Reconciler", "notice"]
