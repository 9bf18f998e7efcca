"""A calendar on the house: animators write in their room, and one sees what is posted where and when."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from esnbot.community.model import Community, Roles
from esnbot.engine.effects import Effect, Say
from esnbot.engine.tables import outbox
from esnbot.features.calendar import records
from esnbot.features.calendar.model import Entry
from tests.features.house import MAX, House, a_community, a_house, said

ANA = "@ana:example.org"
"""A second animator."""
PARIS = ZoneInfo("Europe/Paris")
BACK = "!backstage"
"""The animators' room."""
LINES = {
    "metier": {"name": {"fr": "Métier", "en": "Trade"}, "weight": 2},
    "promo": {"promotional": True, "review": True},
}
SETTINGS: dict[str, Any] = {"lines": LINES}


def a_staff(**changes: Any) -> Community:
    """The community with two animators and their room."""
    roles = Roles(animators=frozenset({MAX, ANA}))
    declared: dict[str, Any] = {"roles": roles, "animators_room": "backstage", "languages": ("en", "fr")}
    plain = a_community()
    groups = {key: replace(group, tempo=None) for key, group in plain.groups.items()}
    return replace(plain, **{"groups": groups, **declared, **changes})


@asynccontextmanager
async def a_desk(url: str, of: Community | None = None, **settings: Any) -> AsyncIterator[Desk]:
    """All features, with a calendar and two animators in their room."""
    async with a_house(url, of or a_staff(), {"calendar": {**SETTINGS, **settings}}) as house:
        await house.put_in(BACK, MAX, ANA)
        await house.put_in("!help", MAX)
        yield Desk(house)


class Desk:
    """What animators do, and what comes of it."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def say(self, line: str, sender: str = MAX, room: str = BACK) -> list[Effect]:
        """An animator writes a command; what goes out."""
        return await self.house.say(f"!esn calendar {line}", sender, room)

    async def ask(self, line: str, sender: str = MAX, room: str = BACK) -> str:
        """The plain answer to it."""
        return answer(await self.say(line, sender, room))

    async def add(self, line: str, sender: str = MAX) -> int:
        """Put an entry in; its number."""
        await self.say(f"add {line}", sender)
        return await self.last()

    async def last(self) -> int:
        """The number of the newest entry."""

        async def job(conn: Any) -> int:
            return int((await conn.execute(select(records.entry.c.id).order_by(-records.entry.c.id))).scalars().first())

        return await self.house.write(job)

    async def entry(self, id: int) -> Entry:
        """An entry as it stands."""
        found = await self.house.write(lambda conn: records.get(conn, id))
        assert found is not None
        return found

    async def pass_(self, span: timedelta) -> list[Say]:
        """Time passes; the posts that go out."""
        return said(await self.house.let_pass(span))

    async def until(self, when: str) -> list[Say]:
        """Time passes until a local time (ISO); the posts that go out."""
        there = datetime.fromisoformat(when).replace(tzinfo=PARIS)
        return await self.pass_(there - self.house.clock.now())

    async def event(self, say: Say) -> str:
        """The event id of something that was said."""

        async def job(conn: Any) -> str:
            query = select(outbox.c.event_id).where(outbox.c.key == f"calendar/{say.key}")
            return str((await conn.execute(query)).scalar_one())

        return await self.house.write(job)

    async def arrive(self, say: Say) -> str:
        """A post of the bot comes back from the homeserver, as it does; its event id."""
        event = await self.event(say)
        content = {"msgtype": say.msgtype, "body": say.body, **say.content, "org.esnbot.cause": f"calendar/{say.key}"}
        room = say.room.replace("key:", "!")
        await self.house.hear(event_id=event, sender="@esnbot:example.org", room_id=room, content=content)
        return event


def answer(effects: Sequence[Effect]) -> str:
    """The one answer among effects, '' for none; what is kept as a message in the animators' room is none."""
    found = [one for one in said(effects) if one.answers]
    assert len(found) <= 1, found
    return found[0].body if found else ""


def posts(effects: Sequence[Effect], *groups: str) -> list[Say]:
    """What is posted in groups, in order."""
    rooms = [f"key:{group}" for group in groups or ("cafe", "help", "yard", "secret")]
    return [one for one in said(effects) if one.room in rooms]


def told(effects: Sequence[Effect]) -> str:
    """What animators are told in their room."""
    return "\n".join(one.body for one in said(effects) if one.room == "key:backstage" and not one.answers)
