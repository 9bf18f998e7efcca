"""A meet-up in the house, and what people do with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from esnbot.engine.effects import Effect, Say
from esnbot.engine.tables import outbox
from esnbot.features.meetup import records
from esnbot.features.meetup.model import HERE, NOT_ANY_MORE, ON_SITE, REMOTE, Roster, Standing, Way
from esnbot.features.meetup.records import Meetup
from tests.features.house import ALI, BOT, MAX, ZOE, House, said

PROPOSE = (
    '!esn meetup propose "Board games" on friday 6pm at "Canteen, Lyon" seats=1 remote=1 video=https://v.example.org/x'
)
FRIDAY = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
"""Six in the evening in Paris."""


class Planned:
    """A meet-up that stands in a room."""

    def __init__(self, house: House, id: int, room: str) -> None:
        self.house, self.id, self.room = house, id, room

    async def now(self) -> Meetup:
        async def job(conn: Any) -> Meetup:
            found = await records.get(conn, self.id)
            assert found is not None
            return found

        return await self.house.write(job)

    async def roster(self) -> Roster:
        meetup = await self.now()
        return await self.house.write(lambda conn: records.roster(conn, meetup))

    async def has(self, way: Way = Way.site, standing: Standing = Standing.coming) -> list[str]:
        """Who stands so, in order."""
        found = [one for one in (await self.roster()).entries if (one.way, one.standing) == (way, standing)]
        return [one.person for one in sorted(found, key=lambda one: one.turn)]

    async def react(self, person: str, emoji: str, **more: Any) -> list[Effect]:
        card = (await self.now()).card
        assert card is not None
        relation = {"rel_type": "m.annotation", "event_id": card, "key": emoji}
        event = {"type": "m.reaction", "sender": person, "room_id": self.room, "content": {"m.relates_to": relation}}
        return await self.house.hear(**{**event, **more})

    async def come(self, *people: str) -> list[Effect]:
        return [effect for person in people for effect in await self.react(person, ON_SITE)]

    async def join(self, *people: str) -> list[Effect]:
        return [effect for person in people for effect in await self.react(person, REMOTE)]

    async def leave(self, person: str) -> list[Effect]:
        return await self.react(person, NOT_ANY_MORE)

    async def arrive(self, person: str) -> list[Effect]:
        return await self.react(person, HERE)

    async def take_back(self, reaction: str, person: str) -> list[Effect]:
        return await self.house.hear(
            type="m.room.redaction", sender=person, room_id=self.room, content={"redacts": reaction}
        )

    async def in_thread(self, body: str, person: str = ZOE) -> list[Effect]:
        """Somebody writes in the thread of the meet-up."""
        relation = {"rel_type": "m.thread", "event_id": (await self.now()).card}
        content = {"msgtype": "m.text", "body": body, "m.relates_to": relation}
        return await self.house.hear(sender=person, room_id=self.room, content=content)


async def in_chats(house: House, *people: str) -> None:
    """Each of them has a direct chat with the bot, called after them."""
    for person in people:
        await house.put_in(chat_of(person), person, BOT)


def chat_of(person: str) -> str:
    return f"!chat-{person[1:].partition(':')[0]}"


async def plan(house: House, line: str = PROPOSE, sender: str = ZOE, room: str = "!cafe") -> Planned:
    """Somebody proposes a meet-up that has a date."""
    await house.say(line, sender, room)
    return await newest(house, room)


async def newest(house: House, room: str = "!cafe") -> Planned:
    async def job(conn: Any) -> int:
        query = select(records.meetup.c.id).where(records.meetup.c.room_id == room)
        return int((await conn.execute(query.order_by(records.meetup.c.id.desc()).limit(1))).scalar_one())

    return Planned(house, await house.write(job), room)


def to(effects: Sequence[Effect], person: str) -> list[str]:
    """What a person hears in private."""
    return [one.body for one in said(effects) if one.room == f"direct:{person}"]


def privately(effects: Sequence[Effect]) -> list[Say]:
    return [one for one in said(effects) if one.room.startswith("direct:")]


async def answer(house: House, to: Say, emoji: str, person: str) -> list[Effect]:
    """Somebody reacts to a private word."""

    async def job(conn: Any) -> str:
        query = select(outbox.c.seq, outbox.c.event_id).where(outbox.c.key == f"meetup/{to.key}")
        row = (await conn.execute(query)).one()
        await conn.execute(update(outbox).where(outbox.c.seq == row.seq).values(room=chat_of(person)))
        return str(row.event_id)

    relation = {"rel_type": "m.annotation", "event_id": await house.write(job), "key": emoji}
    content = {"m.relates_to": relation}
    return await house.hear(sender=person, room_id=chat_of(person), type="m.reaction", content=content)


__all__ = ["ALI", "FRIDAY", "MAX", "PROPOSE", "ZOE", "Planned", "answer", "in_chats", "plan", "privately", "to"]
