"""The bot in encrypted rooms, on a real homeserver, with clients that are not ours."""

from __future__ import annotations

import logging
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from esnbot.engine.delivery import transaction_id
from esnbot.matrix.registration import Registration
from esnbot.settings import Settings
from esnbot.testing.homeserver import PASSWORD, Homeserver
from esnbot.testing.waiting import eventually
from tests.app.bench import settings_for
from tests.encryption.bench import at_work
from tests.encryption.client import EncryptingClient

SECRET = "the launch is on the ninth"


@pytest.fixture
def settings(homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str) -> Settings:
    return settings_for(service, homeserver.url, tmp_path, database_url)


async def test_a_first_encrypted_direct_chat_is_answered_encrypted(settings: Settings, alice: EncryptingClient) -> None:
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.wait_for("Je m’occupe de cette communauté")
        await alice.say(room, "say good morning")
        answer = await alice.wait_for("good morning")
        assert answer.decrypted
        assert all(message.decrypted for message in alice.heard)
        events = (await app.client.messages(room))["chunk"]
        assert [event for event in events if event["type"] == "m.room.message"] == []


async def test_messages_before_and_after_a_restart_are_each_answered_once(
    settings: Settings, alice: EncryptingClient
) -> None:
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "say one")
        await alice.wait_for("one")
    # With the same session, whose key the bot has had since before.
    await alice.say(room, "say two")
    async with at_work(settings):
        await alice.wait_for("two")
        await alice.say(room, "say three")
        await alice.wait_for("three")
    assert [alice.times(number) for number in ("one", "two", "three")] == [1, 1, 1]


async def test_a_second_device_reads_the_answers_and_is_answered(
    settings: Settings, alice: EncryptingClient, homeserver: Homeserver, tmp_path: Path
) -> None:
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "say one")
        await alice.wait_for("one")
        account = await homeserver.server.login(alice.nio.user_id, PASSWORD)
        async with EncryptingClient(account, tmp_path / "phone") as phone:
            await eventually(lambda: phone.knows(room, app.client.user))
            await phone.say(room, "say two")
            assert (await phone.wait_for("two")).decrypted
            await alice.wait_for("two")
            await alice.say(room, "say three")
            await phone.wait_for("three")
            await alice.wait_for("three")


async def test_an_event_without_its_key_holds_nobody_up_and_is_answered_when_the_key_comes(
    settings: Settings, alice: EncryptingClient
) -> None:
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "say one")
        await alice.wait_for("one")
        _, kept = await alice.say_and_keep_the_key(room, "say two")
        await alice.say(room, "say three")
        await alice.wait_for("three")
        assert alice.times("two") == 0
        await alice.send_keys(kept)
        await alice.wait_for("two")
        await alice.say(room, "say four")
        await alice.wait_for("four")
        assert [alice.times(number) for number in ("one", "two", "three", "four")] == [1, 1, 1, 1]


async def test_what_is_sent_again_with_the_same_transaction_is_one_event(
    settings: Settings, alice: EncryptingClient
) -> None:
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "say once")
        await alice.wait_for("once")

        async def delivered() -> Sequence[str]:
            async with app.database.read() as conn:
                query = "SELECT key, event_id FROM outbox WHERE module = 'echo' AND event_id IS NOT NULL"
                return (await conn.execute(text(query))).first() or ()

        key, event = await eventually(delivered)
        assert app.device is not None
        sealed = await app.device.encrypt(room, "m.room.message", {"body": "once"}, [alice.nio.user_id], {})
        assert await app.client.send(room, sealed[0], transaction_id(key, app.client.user), sealed[1]) == event


async def test_what_people_wrote_is_in_no_table_and_no_log_and_the_keys_are_for_their_owner_alone(
    settings: Settings, alice: EncryptingClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, f"say {SECRET}")
        await alice.wait_for(SECRET)
        await alice.say_and_keep_the_key(room, SECRET)

        async def parked() -> bool:
            async with app.database.read() as conn:
                return bool((await conn.execute(text("SELECT count(*) FROM inbox WHERE state = 3"))).scalar_one())

        await eventually(parked)
        async with app.database.read() as conn:
            for table in ("inbox", "outbox", "dead_letter", "room_state", "kept"):
                assert SECRET not in str((await conn.execute(text(f"SELECT * FROM {table}"))).all())
        folder = settings.encryption
        assert folder is not None
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for file in folder.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
            assert SECRET.encode() not in file.read_bytes()
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capsys.readouterr())
