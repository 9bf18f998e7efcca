"""What people say about pages in tests, and what comes back."""

from __future__ import annotations

from esnbot.engine.effects import Effect
from esnbot.features.text.model import STRUCTURE
from esnbot.matrix.message import CAUSE
from tests.features.house import BOT, ZOE, House, said


async def answer(house: House, line: str, sender: str = ZOE, room: str = "!cafe") -> str:
    """The last thing that is said, which is the answer."""
    return said(await house.say(line, sender, room))[-1].body


async def post(house: House, line: str, sender: str = ZOE, room: str = "!cafe") -> str:
    """Say a command; the page's message stands in the room then. Returns its event id."""
    effects: list[Effect] = await house.say(line, sender, room)
    for effect in said(effects):
        if STRUCTURE in effect.content:
            id = f"$m{next(house.numbers)}"
            content = {
                **effect.content,
                "body": effect.body,
                "msgtype": effect.msgtype,
                CAUSE: f"commands/{effect.key}",
            }
            await house.hear(sender=BOT, event_id=id, room_id=room, content=content)
            return id
    raise AssertionError(effects)
