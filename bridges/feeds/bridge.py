"""Polls the feeds that are followed: politely, one process at a time; what is new enters by the inbox, once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bridges.bridge import Doorway
from bridges.feeds import following, pace
from bridges.feeds.fetching import LARGEST, WITHIN, Answer, Fetcher, Known
from bridges.feeds.following import Followed
from bridges.feeds.items import Feed
from bridges.feeds.news import BACK, FAILING, FEED_ITEM, FEED_STATE, FOUND, GONE, QUEUE
from bridges.feeds.sandbox import Task, read_apart
from bridges.feeds.trouble import Failed, Trouble
from bridges.outside import Address, Network, is_outside
from esnbot.engine.clock import now_ms
from esnbot.store import leases

NAME: Final = "feeds"
BEAT: Final = 20.0
"""Seconds between two looks at what is due, and between two renewals of the lease."""
LEASE: Final = 90.0
"""Seconds that a lease lasts when nobody renews it."""
REST: Final = timedelta(minutes=10)
"""What could not be written down is not asked for again before that."""
READERS: Final = 2
"""Processes that read feeds at a time."""
MOST_DUE: Final = 1_000
"""Feeds that are chosen from, whichever can be looked at."""
BACK_TO_URL: Final = 3
"""After so many failures a feed is asked for where it was wanted, and not where that once led."""
MOST_NEW: Final = 100
"""New items of one reading that enter; of a feed with more the newest."""

_Keep = Callable[[Doorway, AsyncConnection], Awaitable[None]]

log = structlog.get_logger("bridges.feeds")


class NotOurs(Exception):
    """Another process polls now, or nobody wants the feed any more: what was found is not ours to write down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How feeds are polled."""

    every: timedelta = timedelta(hours=1)
    """How often a feed is asked that does not say otherwise."""
    at_once: int = 6
    """Connections, all hosts together; one a host."""
    first: int = 3
    """Items of a new feed that enter although they stood there before."""
    agent: str = "esnbot (feed reader)"
    """What it is called on others' servers."""
    inside: Collection[Network] = ()
    """Networks of the company that are asked although they are internal."""


@dataclass(slots=True)
class _Turns:
    """One request a host at a time, and not too many together."""

    at_once: asyncio.Semaphore
    hosts: dict[str, asyncio.Lock] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        host = host.lower().rstrip(".")
        self.waiting[host] += 1
        try:
            async with self.hosts.setdefault(host, asyncio.Lock()), self.at_once:
                yield
        finally:
            self.waiting[host] -= 1
            if not self.waiting[host]:
                del self.waiting[host], self.hosts[host]


@dataclass(slots=True)
class _Looks:
    """The feeds that are being looked at: one of a host, so that none waits in line with what it has read in hand."""

    most: int
    ended: Callable[[], None]
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def under_way(self) -> list[asyncio.Task[None]]:
        return list(self._tasks.values())

    def has_room_for(self, one: Followed) -> bool:
        return len(self._tasks) < self.most and _host(one) not in self._tasks

    def begin(self, one: Followed, look: Coroutine[Any, Any, None]) -> None:
        host = _host(one)
        task = asyncio.create_task(look, name=f"feed {one.id}")
        self._tasks[host] = task
        task.add_done_callback(lambda _: self._over(host))

    def _over(self, host: str) -> None:
        self._tasks.pop(host, None)
        self.ended()

    async def end(self) -> None:
        tasks = self.under_way
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _host(one: Followed) -> str:
    return (urlsplit(one.at).hostname or one.at).lower().rstrip(".")


class FeedBridge:
    """Feeds, as a bridge."""

    name = NAME

    def __init__(
        self,
        manners: Manners,
        *,
        may_ask: Callable[[Address], bool] = is_outside,
        within: float = WITHIN,
        largest: int = LARGEST,
        read: Callable[[Task, bytes], Awaitable[bytes]] = read_apart,
    ) -> None:
        """What follows the manners is for tests: nothing in a configuration changes it."""
        self._manners = manners
        self.may_ask = may_ask
        self._within = within
        self._largest = largest
        self._read_apart = read
        self._reading = asyncio.Semaphore(READERS)
        self._resting: dict[int, int] = {}

    async def deliver(self, key: str, content: Mapping[str, Any]) -> None:
        """Nothing goes out to feeds."""
        raise NotImplementedError

    async def run(self, door: Doorway) -> None:
        """Poll until cancelled, while no other process does."""
        await door.database.write(lambda conn: following.tidy(conn, now_ms(door.clock)))
        looks = _Looks(2 * self._manners.at_once, lambda: door.signals.set(NAME))
        async with self._fetcher() as fetcher:
            try:
                while True:
                    due = await self._due(door)
                    # While nothing is to be done, nobody need hold anything.
                    if (due or looks.under_way) and not await self.hold(door):
                        await looks.end()
                        due = []
                    for one in due:
                        if looks.has_room_for(one):
                            looks.begin(one, self._look(door, fetcher, one))
                    await door.signals.wait(NAME, BEAT)
            finally:
                await looks.end()
                await door.database.write(lambda conn: leases.release(conn, NAME, door.holder))

    async def once(self, door: Doorway) -> int:
        """Look at all that is due now, if this process may; returns how many feeds that were."""
        if not await self.hold(door):
            return 0
        looks = _Looks(2 * self._manners.at_once, lambda: None)
        due = await self._due(door)
        left = list(due)
        async with self._fetcher() as fetcher:
            while left or looks.under_way:
                for one in list(left):
                    if looks.has_room_for(one):
                        left.remove(one)
                        looks.begin(one, self._look(door, fetcher, one))
                await asyncio.wait(looks.under_way, return_when=asyncio.FIRST_COMPLETED)
        return len(due)

    async def hold(self, door: Doorway) -> bool:
        """Take or renew the lease; False while another process polls."""
        return await door.database.write(lambda conn: leases.take(conn, NAME, door.holder, now_ms(door.clock), LEASE))

    def _fetcher(self) -> Fetcher:
        turns = _Turns(asyncio.Semaphore(self._manners.at_once))
        return Fetcher(
            self._manners.agent,
            turns.turn,
            inside=self._manners.inside,
            may_ask=self.may_ask,
            within=self._within,
            largest=self._largest,
        )

    async def _due(self, door: Doorway) -> list[Followed]:
        now = now_ms(door.clock)
        async with door.database.read() as conn:
            found = await following.due(conn, now, MOST_DUE)
        return [one for one in found if self._resting.get(one.id, 0) <= now]

    # --- one feed ------------------------------------------------------------------------------------------------

    async def _look(self, door: Doorway, fetcher: Fetcher, one: Followed) -> None:
        """Ask for a feed, and write down what came of it; whatever happens, it is not asked again at once."""
        try:
            await door.database.write(partial(await self._read_or_fail(fetcher, one), door))
            self._resting.pop(one.id, None)
            door.entered()
        except NotOurs:
            log.info("what was found in a feed is not wanted from here any more", feed=one.id)
        # A bug or a database in trouble must not become a hundred requests to somebody else's server.
        except Exception:
            self._resting[one.id] = now_ms(door.clock) + int(REST.total_seconds() * 1000)
            log.exception("a feed could not be looked at", feed=one.id)

    async def _read_or_fail(self, fetcher: Fetcher, one: Followed) -> _Keep:
        """What is to be written down once it is known how it went."""
        try:
            answer, feed = await self._read(fetcher, one)
        except Failed as failed:
            return partial(self._failed, one, failed)
        return partial(self._found, one, answer, feed)

    async def _read(self, fetcher: Fetcher, one: Followed) -> tuple[Answer, Feed | None]:
        """What a server answered, and the feed that it is; None where nothing has changed."""
        answer = await fetcher.fetch(one.at, Known(one.etag, one.modified))
        if not answer.changed or _digest(answer.body) == one.digest:
            return answer, None
        feed = await self._parsed(answer)
        if not feed.alternates:
            return answer, feed
        # A web page that names its feed: that is what is asked for from now on.
        address = feed.alternates[0]
        answer = await fetcher.fetch(address)
        feed = await self._parsed(answer)
        if feed.alternates:
            raise Failed(Trouble.page)
        return replace(answer, moved=answer.moved or address), feed

    async def _parsed(self, answer: Answer) -> Feed:
        async with self._reading:
            told = await self._read_apart(Task(answer.url, answer.content_type, answer.language), answer.body)
        return msgspec.json.decode(told, type=Feed)

    async def _found(
        self, one: Followed, answer: Answer, feed: Feed | None, door: Doorway, conn: AsyncConnection
    ) -> None:
        """A feed was read, or has not changed."""
        now = await self._still(door, conn, one)
        wait = float(feed.wait) if feed is not None else 0.0
        values: dict[str, object] = {
            "at": answer.moved or one.at,
            "due": now + pace.after_reading(one.url, self._manners.every, wait, answer.fresh),
            "etag": answer.etag or (one.etag if not answer.changed else ""),
            "modified": answer.modified or (one.modified if not answer.changed else ""),
            "tried": now,
            "fine": now,
            "failures": 0,
            "failing": None,
            "trouble": "",
            "told": False,
        }
        fresh = 0
        if feed is not None:
            values |= {"digest": _digest(answer.body), "title": feed.title or one.title}
            fresh = await self._enter(door, conn, one, feed, now)
        if fresh:
            values["fresh"] = now
        if one.fine is None or one.told:
            values["serial"] = one.serial + 1
            told = {"title": feed.title if feed is not None else one.title, "items": len(feed.items) if feed else 0}
            await self._tell(door, conn, one, FOUND if one.fine is None else BACK, **told)
        await following.keep(conn, one.id, values)

    async def _enter(self, door: Doorway, conn: AsyncConnection, one: Followed, feed: Feed, now: int) -> int:
        """What is new in a feed; returns how many items that were."""
        items = pace.marked(feed.items, feed.site)
        marks = list(dict.fromkeys(mark for each in items for mark in each.marks))
        new = pace.news(items, await following.which_known(conn, one.id, marks))
        is_first = one.fine is None
        new = new[: self._manners.first if is_first else MOST_NEW]
        # The oldest first, as it would have come.
        for each in reversed(new):
            content = {
                "feed": one.url,
                "title": each.item.title,
                "link": each.item.link,
                "guid": each.item.guid,
                "summary": each.item.summary,
                "author": each.item.author,
                "language": feed.language,
                "published": each.item.published,
                "old": is_first,
            }
            await door.enter(conn, f"feed:{one.id}:{each.marks[0]}", FEED_ITEM, content, queue=QUEUE)
        await following.note(conn, one.id, marks, now)
        return len(new)

    async def _failed(self, one: Followed, failed: Failed, door: Doorway, conn: AsyncConnection) -> None:
        """A feed could not be read."""
        now = await self._still(door, conn, one)
        failures, since = one.failures + 1, one.failing if one.failing is not None else now
        span = timedelta(milliseconds=max(0, now - since))
        values: dict[str, object] = {
            "due": now + pace.after_failing(one.url, self._manners.every, failures, span, failed.wait),
            "tried": now,
            "failures": failures,
            "failing": since,
            "trouble": failed.trouble.value,
        }
        if one.at != one.url and failures % BACK_TO_URL == 0:
            # Where that led once may be gone, and where it was wanted may lead elsewhere now.
            values |= {"at": one.url, "etag": "", "modified": "", "digest": ""}
        gone = failed.trouble is Trouble.gone
        if gone or (not one.told and pace.is_to_be_told(failures, span, ever_fine=one.fine is not None)):
            values |= {"told": True, "serial": one.serial + 1}
            await self._tell(door, conn, one, GONE if gone else FAILING, trouble=failed.trouble.value, title=one.title)
        await following.keep(conn, one.id, values)

    async def _still(self, door: Doorway, conn: AsyncConnection, one: Followed) -> int:
        """Now, if it is still ours to write down what was found of a feed. Raises ``NotOurs``."""
        now = now_ms(door.clock)
        if not await leases.take(conn, NAME, door.holder, now, LEASE):
            raise NotOurs
        present = await following.get(conn, one.id)
        if present is None or present.due != one.due or present.serial != one.serial or not present.followed:
            # Somebody else looked at it, or nobody wants it any more.
            raise NotOurs
        return now

    async def _tell(self, door: Doorway, conn: AsyncConnection, one: Followed, what: str, **more: object) -> None:
        content = {"feed": one.url, "what": what, "trouble": "", "title": "", "items": 0, **more}
        await door.enter(conn, f"feed:{one.id}:state:{one.serial + 1}", FEED_STATE, content, queue=QUEUE)


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:32]
