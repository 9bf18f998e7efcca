"""A house whose animators have a room, and sources that bring what the tests say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridges.feeds import following
from bridges.feeds.news import FEED_ITEM, FEED_STATE
from esnbot.engine.effects import Effect, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features.calendar import ENTRY_WANTED
from tests.features.house import MAX, House, a_community, a_house, said

ROOM = "!backstage"
ONE, TWO = "https://one.example/feed", "https://two.example/feed"
_numbers = count(1)


@asynccontextmanager
async def a_newsroom(url: str, settings: dict[str, Any] | None = None, **changes: Any) -> AsyncIterator[House]:
    """The house; Max is in the animators' room, and nothing is watched unless the settings say so."""
    community = a_community(**{"animators_room": "backstage", **changes})
    async with a_house(url, community, {"watch": settings or {}}) as house:
        await house.put_in(ROOM, MAX)
        await house.start()
        yield house


def wishes(house: House) -> list[dict[str, Any]]:
    """What is asked of the calendar, from now on."""
    heard: list[dict[str, Any]] = []

    async def hear(ctx: Context, event: Event) -> Sequence[Effect]:
        heard.append(event.content)
        return []

    house.add(Module("spy", (Listener(frozenset({ENTRY_WANTED}), hear),)))
    return heard


async def bring(house: House, title: str, feed: str = ONE, **more: Any) -> list[Effect]:
    """A feed has a new item."""
    number = next(_numbers)
    item = {
        "feed": feed,
        "title": title,
        "link": f"https://{feed.split('/')[2]}/{number}",
        "guid": str(number),
        "summary": "",
        "author": "",
        "language": "fr",
        "published": int(house.clock.now().timestamp() * 1000) - 1000 + number % 1000,
        "old": False,
    }
    return await house.tell(FEED_ITEM, **{**item, **more})


async def turn_out(house: House, what: str, feed: str = ONE, **more: Any) -> list[Effect]:
    """A feed was looked at."""
    return await house.tell(FEED_STATE, **{"feed": feed, "what": what, "trouble": "", "title": "", "items": 0, **more})


async def ail(house: House, trouble: str = "", feed: str = ONE, **values: Any) -> None:
    """How a feed is doing, as the bridge writes it down."""

    async def job(conn: AsyncConnection) -> None:
        changed = {"trouble": trouble, **values}
        await conn.execute(update(following.feed).where(following.feed.c.url == feed).values(changed))

    await house.write(job)


async def next_day(house: House, at: datetime | None = None) -> list[Effect]:
    """Time passes until the finds are shown next; what goes out."""
    due = at or (await house.scheduled("watch"))["finds"]
    return await house.let_pass(due - house.clock.now())


def finds(effects: Sequence[Effect]) -> list[Say]:
    """The finds that are shown."""
    return [one for one in said(effects) if one.key.startswith("find:")]


def titles(effects: Sequence[Effect]) -> list[str]:
    """Their titles."""
    return [one.body.partition("\n")[0].partition(" (http")[0] for one in finds(effects)]


def heads(effects: Sequence[Effect]) -> list[Say]:
    """What is said in the room itself."""
    return [one for one in said(effects) if one.key.startswith("finds:")]
