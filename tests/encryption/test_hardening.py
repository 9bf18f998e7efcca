"""What somebody with bad intentions, or bad luck, can do to encrypted rooms, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from nio import MegolmEvent, RoomKeyRequest
from nio.exceptions import EncryptionError

from esnbot.app import Application
from esnbot.matrix import device as devices
from esnbot.matrix.machine import Machine
from esnbot.settings import Settings
from esnbot.store import rooms
from esnbot.testing.homeserver import PASSWORD, Homeserver
from esnbot.testing.person import Person
from esnbot.testing.waiting import eventually
from tests.encryption.bench import at_work
from tests.encryption.client import EncryptingClient


async def test_nobody_speaks_in_anothers_name_with_a_key_of_their_own(
    settings: Settings, alice: EncryptingClient, mallory: EncryptingClient
) -> None:
    async with at_work(settings) as app:
        bot = app.client.user
        room = await alice.encrypted_room(bot)
        await alice.say(room, "say one")
        await alice.wait_for("one")
        await mallory.session_with(bot)
        olm = mallory.nio.olm
        keys = [messages for _, messages in olm.share_group_session_parallel(room, [bot], True)]
        olm.outbound_group_sessions[room].shared = True
        content = {"msgtype": "m.text", "body": "say forged"}
        forged = olm.group_encrypt(room, {"type": "m.room.message", "content": content})
        await mallory.send_keys(keys)
        machine = app.device._machine if app.device else None
        assert machine is not None
        await eventually(lambda: machine.knows(room, forged["session_id"]))
        # As the homeserver of alice would send it, were it hostile.
        for claimed in ({}, {"device_id": alice.nio.device_id}):
            await alice.raw(room, forged | claimed)
        await alice.say(room, "say two")
        await alice.wait_for("two")
        own = await mallory.encrypted_room(bot)
        await mallory.say(own, "say mine")
        await mallory.wait_for("mine")
        await alice.say(room, "say three")
        await alice.wait_for("three")
        assert alice.times("forged") == 0


async def test_a_device_with_the_same_id_as_the_bots_reads_its_answers(
    settings: Settings, alice: EncryptingClient, homeserver: Homeserver, tmp_path: Path
) -> None:
    person = await homeserver.person("bob")
    account = await login(person, str(settings.homeserver.device_id))
    async with EncryptingClient(account.account, tmp_path / "namesake") as bob, at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user, direct=False)
        await alice.nio.room_invite(room, bob.nio.user_id)
        await bob.join(room)
        await has_membership(app, room, bob.nio.user_id, "join")
        await alice.say(room, "say hello namesake")
        assert (await bob.wait_for("hello namesake")).decrypted
    await account.close()


async def has_membership(app: Application, room: str, user: str, wanted: str) -> None:
    """Return once the bot knows it."""

    async def known() -> bool:
        async with app.database.read() as conn:
            return await rooms.membership(conn, room, user) == wanted

    await eventually(known)


async def login(person: Person, device: str) -> Person:
    """The same person with a device of that id."""
    content = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": person.id},
        "password": PASSWORD,
        "device_id": device,
    }
    answer = await person.request("POST", "/login", content)
    return Person(replace(person.account, access_token=answer["access_token"], device_id=answer["device_id"]))


async def test_a_device_that_lost_a_key_is_given_it_again_and_nobody_else_is(
    settings: Settings, alice: EncryptingClient, mallory: EncryptingClient
) -> None:
    async with at_work(settings) as app:
        bot = app.client.user
        room = await alice.encrypted_room(bot)
        await alice.say(room, "say one")
        await alice.wait_for("one")
        for of_one in alice.nio.olm.inbound_group_store[room].values():
            of_one.clear()
        lost: list[MegolmEvent] = []
        alice.nio.add_event_callback(
            lambda _room, event: lost.append(event) if event.sender == bot else None, MegolmEvent
        )
        await alice.say(room, "say two")
        event = (await eventually(lambda: lost))[0]
        await mallory.session_with(bot)
        await mallory.nio.to_device(event.as_key_request(bot, mallory.nio.device_id, device_id="ESNBOT"))
        await alice.nio.to_device(event.as_key_request(bot, alice.nio.device_id, device_id="ESNBOT"))
        olm = alice.nio.olm
        await eventually(lambda: olm.inbound_group_store.get(room, event.sender_key, event.session_id))
        assert olm.decrypt_megolm_event(event, room).decrypted
        own = await mallory.encrypted_room(bot)
        await mallory.say(own, "say mine")
        await mallory.wait_for("mine")
        assert mallory.nio.olm.inbound_group_store.get(room, event.sender_key, event.session_id) is None


async def test_a_key_that_does_not_come_is_asked_for_and_taken_from_the_device_that_made_it(
    settings: Settings, alice: EncryptingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "ASK_AFTER", 0.0)
    asked: list[RoomKeyRequest] = []
    async with at_work(settings) as app:
        monkeypatch.setattr(alice.nio.olm, "_handle_key_requests", asked.append)
        bot = app.client.user
        room = await alice.encrypted_room(bot)
        await alice.say(room, "say one")
        await alice.wait_for("one")
        await alice.say_and_keep_the_key(room, "say two")
        request = (await eventually(lambda: asked, 20))[0]
        olm = alice.nio.olm
        theirs = olm.device_store[bot]["ESNBOT"]
        inbound = olm.inbound_group_store.get(room, request.sender_key, request.session_id)
        message = olm._encrypt_forwarding_key(room, inbound, olm.session_store.get(theirs.curve25519), theirs)
        await alice.nio.to_device(message)
        await alice.wait_for("two")


async def test_a_broken_session_is_replaced_by_a_new_one(
    settings: Settings, alice: EncryptingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "_unwedging_interval", timedelta(0))
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "say one")
        await alice.wait_for("one")
        machine = app.device._machine if app.device else None
        assert machine is not None
        before = {session.id for session in machine.session_store}
        # As after a restore from an old backup: what the other side goes on with is not known here.
        machine.session_store._entries.clear()
        await alice.say_and_send_the_key(room, "say lost")
        await eventually(lambda: {session.id for session in machine.session_store} - before)
        olm, curve = alice.nio.olm, machine.curve25519
        new = {session.id for session in machine.session_store}
        await eventually(lambda: olm.session_store.get(curve).id in new, 20)
        alice.nio.invalidate_outbound_session(room)
        await alice.say(room, "say two")
        await alice.wait_for("two")


async def test_a_room_gets_new_keys_as_often_as_it_says(settings: Settings, alice: EncryptingClient) -> None:
    async with at_work(settings) as app:
        bot = app.client.user
        room = await alice.encrypted_room(bot, rotation_period_msgs=3)
        for number in range(7):
            await alice.say(room, f"say number {number}")
            await alice.wait_for(f"number {number}")
        sealed = await alice.sealed_events(room, bot)
        sessions = [event["content"]["session_id"] for event in sealed]
        assert all(sessions.count(session) <= 3 for session in sessions)
        assert len(sessions) >= 7


async def test_who_has_left_cannot_read_what_comes_next(
    settings: Settings, alice: EncryptingClient, mallory: EncryptingClient
) -> None:
    async with at_work(settings) as app:
        bot = app.client.user
        room = await alice.encrypted_room(bot, direct=False)
        await alice.nio.room_invite(room, mallory.nio.user_id)
        await mallory.join(room)
        await eventually(lambda: alice.knows(room, mallory.nio.user_id), 20)
        await alice.say(room, "say one")
        await alice.wait_for("one")
        await mallory.wait_for("one")
        await mallory.nio.room_leave(room)
        await eventually(lambda: mallory.nio.user_id not in alice.nio.rooms[room].users, 20)

        await has_membership(app, room, mallory.nio.user_id, "leave")
        await alice.say(room, "say two")
        await alice.wait_for("two")
        last: dict[str, Any] = (await alice.sealed_events(room, bot))[-1]
        event = MegolmEvent.from_dict(last | {"room_id": room})
        assert alice.nio.olm.decrypt_megolm_event(event, room).body == "two"
        with pytest.raises(EncryptionError):
            mallory.nio.olm.decrypt_megolm_event(event, room)
