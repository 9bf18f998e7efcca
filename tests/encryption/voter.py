"""A person whose encrypting client knows polls."""

from __future__ import annotations

from nio import Event, MatrixRoom, RoomSendResponse, UnknownEvent

from esnbot.testing.waiting import eventually
from tests.encryption.client import EncryptingClient


class Voter(EncryptingClient):
    """Somebody whose client knows polls."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.polls: list[UnknownEvent] = []
        self.nio.add_event_callback(self._see, UnknownEvent)

    async def _see(self, _room: MatrixRoom, event: Event) -> None:
        assert isinstance(event, UnknownEvent)
        self.polls.append(event)

    async def poll(self, type: str) -> UnknownEvent:
        found = await eventually(lambda: next((one for one in self.polls if one.type == type), None), 20)
        assert found is not None
        return found

    async def send(self, room: str, type: str, content: dict[str, object]) -> str:
        answer = await self.nio.room_send(room, type, content, ignore_unverified_devices=True)
        assert isinstance(answer, RoomSendResponse), answer
        return str(answer.event_id)
