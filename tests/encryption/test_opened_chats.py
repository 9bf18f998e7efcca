"""Direct chats that the bot opens itself."""

from __future__ import annotations

from dataclasses import replace

from nio import InviteMemberEvent, MatrixRoom

from esnbot.app import Application
from esnbot.engine import effects_in
from esnbot.engine.effects import Say, direct
from esnbot.settings import Settings
from esnbot.store import bindings
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.waiting import eventually
from tests.encryption.bench import at_work
from tests.encryption.client import EncryptingClient


async def write_to(app: Application, user: str, body: str) -> str:
    """Have the bot write to somebody; the room, once it is made."""
    effect = Say(room=direct(user), body=body)
    await app.database.write(lambda conn: effects_in.put(conn, "echo", "test", [effect], 0))
    app.engine.signals.set("outbox")

    async def bound() -> str | None:
        async with app.database.read() as conn:
            return await bindings.room_of(conn, f"direct:{user}")

    return str(await eventually(bound, 20))


async def kinds(app: Application, room: str) -> set[str]:
    """Types of the messages in a room, once there are some."""

    async def said() -> set[str]:
        events = (await app.client.messages(room))["chunk"]
        return {event["type"] for event in events} & {"m.room.message", "m.room.encrypted"}

    return set(await eventually(said, 20))


async def test_it_is_encrypted_for_somebody_whose_client_reads_that(
    settings: Settings, alice: EncryptingClient
) -> None:
    async def accept(room: MatrixRoom, _event: InviteMemberEvent) -> None:
        await alice.nio.join(room.room_id)

    alice.nio.add_event_callback(accept, InviteMemberEvent)
    async with at_work(settings) as app:
        room = await write_to(app, alice.nio.user_id, "good morning")
        assert await kinds(app, room) == {"m.room.encrypted"}
        assert (await alice.wait_for("good morning")).decrypted
        await eventually(lambda: alice.knows(room, app.client.user), 20)
        await alice.say(room, "say good evening")
        assert (await alice.wait_for("good evening")).decrypted


async def test_it_is_plain_for_somebody_whose_client_does_not(settings: Settings, homeserver: Homeserver) -> None:
    zoe = await homeserver.person("zoe")
    async with at_work(settings) as app:
        assert await kinds(app, await write_to(app, zoe.id, "good morning")) == {"m.room.message"}


async def test_it_is_plain_where_the_settings_say_so(settings: Settings, alice: EncryptingClient) -> None:
    async with at_work(replace(settings, encrypted_chats=False)) as app:
        assert await kinds(app, await write_to(app, alice.nio.user_id, "good morning")) == {"m.room.message"}
