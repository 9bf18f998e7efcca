"""Notes in a house: what the homeserver would bring back, brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import inbox
from esnbot.engine.effects import Effect, Fetch, Redact, Say
from esnbot.engine.event import FETCHED
from esnbot.features import text
from esnbot.features.note import records
from esnbot.features.text.model import STRUCTURE
from esnbot.matrix.message import CAUSE
from tests.features.house import BOT, ZOE, House, answer_in


@dataclass
class Room:
    """A room of the house with its messages, as the homeserver has them."""

    house: House
    id: str = "!cafe"
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(1))
    read: int = 0

    def write(self, body: str, sender: str = ZOE, thread: str = "", **content: Any) -> str:
        """A message that nobody tells the bot of; its event id."""
        number = next(self.numbers)
        event = f"$m{number}"
        self.messages[event] = {
            "event_id": event,
            "type": "m.room.message",
            "sender": sender,
            "ts": self.house._now + number,
            "content": {"msgtype": "m.text", "body": body, **content},
            "redacted": False,
        }
        if thread:
            self.threads.setdefault(thread, []).append(event)
        return event

    def edit(self, event: str, body: str, sender: str = "") -> None:
        """A message is edited."""
        message = self.messages[event]
        new = {"msgtype": "m.text", "body": body}
        edit = {**message, "event_id": f"{event}e", "content": {"body": f"* {body}", "m.new_content": new}}
        message["edit"] = {key: edit[key] for key in ("event_id", "type", "ts", "content")} | {
            "sender": sender or message["sender"]
        }

    async def redact(self, event: str, sender: str = ZOE) -> list[Effect]:
        """A message is taken away."""
        if event in self.messages:
            self.messages[event] |= {"redacted": True, "content": {}}
            self.messages[event].pop("edit", None)
        sent = await self.house.hear(type="m.room.redaction", redacts=event, sender=sender, room_id=self.id, content={})
        return await self.settle(sent)

    async def react(self, event: str, sender: str = ZOE, emoji: str = "📌", id: str = "") -> list[Effect]:
        """Somebody reacts to a message; what goes out in the end."""
        return await self.settle(await self.reacting(event, sender, emoji, id))

    async def reacting(self, event: str, sender: str = ZOE, emoji: str = "📌", id: str = "") -> list[Effect]:
        """The same, before the homeserver has answered anything."""
        relation = {"rel_type": "m.annotation", "event_id": event, "key": emoji}
        named = {"event_id": id} if id else {}
        return await self.house.hear(
            type="m.reaction", sender=sender, room_id=self.id, content={"m.relates_to": relation}, **named
        )

    async def say(self, body: str, sender: str = ZOE, *, thread: str = "", reply: str = "") -> list[Effect]:
        """Somebody writes, perhaps in a thread or as an answer; what goes out in the end."""
        relation: dict[str, Any] = {}
        if thread:
            relation = {
                "rel_type": "m.thread",
                "event_id": thread,
                "is_falling_back": True,
                "m.in_reply_to": {"event_id": thread},
            }
        if reply:
            relation["m.in_reply_to"] = {"event_id": reply}
            relation.pop("is_falling_back", None)
        content = {"msgtype": "m.text", "body": body, **({"m.relates_to": relation} if relation else {})}
        return await self.settle(await self.house.hear(sender=sender, room_id=self.id, content=content))

    async def settle(self, sent: Sequence[Effect]) -> list[Effect]:
        """Answer what the bot wants to read, and show it its own texts."""
        every: list[Effect] = []
        waiting = list(sent)
        while waiting:
            effect = waiting.pop(0)
            every.append(effect)
            if isinstance(effect, Fetch):
                waiting += await self.bring(effect)
            elif isinstance(effect, Say) and STRUCTURE in effect.content:
                waiting += await self._arrives(effect)
        return every

    async def bring(self, wanted: Fetch, found: dict[str, Any] | None = None) -> list[Effect]:
        """What the bot wanted to read comes in."""
        self.read += 1
        if found is None:
            root = self.messages.get(wanted.event)
            thread = self.threads.get(wanted.event, []) if wanted.thread and root is not None else []
            found = {"root": root, "thread": [self.messages[one] for one in thread][: wanted.most], "whole": True}
        content = {"module": "note", "job": wanted.job, "payload": wanted.payload, **found}
        number = next(self.numbers)

        async def job(conn: AsyncConnection) -> None:
            await inbox.put_internal(conn, f"fetched:{number}", FETCHED, content, self.house._now, room_id=self.id)

        before = await self.house._last()
        await self.house.write(job)
        return await self.house._settle(before)

    async def _arrives(self, say: Say) -> list[Effect]:
        # Which module's it is does not matter to the test: the kept text knows its effect by its whole key.
        async def effect(conn: AsyncConnection) -> str:
            found = await text.get(conn, say.content[STRUCTURE]["id"])
            assert found is not None
            return found.root_key.partition("/")[0]

        module = await self.house.write(effect)
        content = {**say.content, "body": say.body, "msgtype": say.msgtype, CAUSE: f"{module}/{say.key}"}
        return await self.house.hear(sender=BOT, room_id=self.id, event_id=f"${module}.{say.key}", content=content)

    # --- what one sees -------------------------------------------------------------------------------------------

    async def note(self, id: int) -> records.Note:
        """A note."""
        found = await self.house.write(lambda conn: records.get(conn, id))
        assert found is not None
        return found

    async def kept(self, id: int) -> text.Text:
        """The words of a note."""
        note = await self.note(id)
        assert note.text is not None
        found = await self.house.write(lambda conn: text.get(conn, note.text or 0))
        assert found is not None
        return found

    async def numbers_of_notes(self) -> list[int]:
        """The notes that stand."""
        found = await self.house.write(lambda conn: records.latest(conn, ["cafe", "help", "secret", "yard", "safe"]))
        return sorted(note.id for note in found)


def notes_in(effects: Sequence[Effect]) -> list[Say]:
    """The notes that are posted."""
    return [one for one in effects if isinstance(one, Say) and STRUCTURE in one.content]


def answers(effects: Sequence[Effect]) -> str:
    """The answers, but for the notes themselves."""
    return "\n".join(one.body for one in effects if isinstance(one, Say) and STRUCTURE not in one.content)


def redacted(effects: Sequence[Effect]) -> set[str]:
    """What is taken away."""
    return {one.event for one in effects if isinstance(one, Redact)}


__all__ = ["Room", "answer_in", "answers", "notes_in", "redacted"]
