"""A poll on the house, and what people do with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from esnbot.engine.effects import Effect, Say, Send
from esnbot.features.poll import records
from esnbot.features.poll.model import RESPONSES, sign, tally
from tests.features.house import ZOE, House, said

ASK = '!esn poll create "Where do we eat?" "Pizza" "Sushi"'
NOON = datetime(2026, 3, 6, 11, 0, tzinfo=UTC)
"""Friday noon in Paris."""


class Held:
    """A poll that somebody began, and what people do with it."""

    def __init__(self, house: House, number: int, room: str, start: str, paper: str) -> None:
        self.house, self.number, self.room, self.start, self.paper = house, number, room, start, paper

    async def respond(self, person: str, *answers: str, **more: Any) -> list[Effect]:
        content = {
            "m.relates_to": {"rel_type": "m.reference", "event_id": self.start},
            RESPONSES[0]: {"answers": list(answers)},
        }
        return await self.house.hear(
            **{"type": RESPONSES[0], "sender": person, "room_id": self.room, "content": content, **more}
        )

    async def react(self, person: str, number: int, **more: Any) -> list[Effect]:
        relation = {"rel_type": "m.annotation", "event_id": self.paper, "key": sign(number)}
        return await self.house.hear(
            **{
                "type": "m.reaction",
                "sender": person,
                "room_id": self.room,
                "content": {"m.relates_to": relation},
                **more,
            }
        )

    async def redact(self, event: str, person: str = ZOE) -> list[Effect]:
        return await self.house.hear(
            type="m.room.redaction", sender=person, room_id=self.room, content={"redacts": event}
        )

    async def count(self) -> tuple[list[int], int]:
        """What the bot would say now: votes by answer, and how many people voted."""

        async def job(conn: Any) -> tuple[list[int], int]:
            found = await records.get(conn, self.number)
            assert found is not None
            if not found.is_open:
                return found.totals or [], found.voters or 0
            counted = tally(await records.ballots(conn, self.number), found.answers, found.several, found.until)
            return list(counted.totals), counted.voters

        return await self.house.write(job)


async def begin(house: House, line: str = ASK, sender: str = ZOE, room: str = "!cafe") -> Held:
    return await held(house, await house.say(line, sender, room), room)


async def held(house: House, effects: Sequence[Effect], room: str = "!cafe") -> Held:
    assert isinstance(effects[0], Send), effects

    async def job(conn: Any) -> Held:
        found = (await records.open_polls(conn, room))[-1]
        return Held(house, found.id, room, found.start_event or "", found.text_event or "")

    return await house.write(job)


async def stored(house: House, *tables: str) -> str:
    async def job(conn: Any) -> str:
        return "".join([str((await conn.execute(text(f"SELECT * FROM {table}"))).all()) for table in tables])

    return await house.write(job)


def results(effects: Sequence[Effect]) -> list[Say]:
    """What was said when a poll ended, without the text version's last correction."""
    return [one for one in said(effects) if not one.replaces]
