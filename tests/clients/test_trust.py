"""What matrix-js-sdk thinks of the bot's device: signed by its owner, so no shield; cautious clients write to it."""

from __future__ import annotations

from esnbot.app import Application
from esnbot.testing.waiting import eventually
from tests.clients.js import JsClient
from tests.clients.kit import Town

NO_SHIELD = {"colour": "NONE", "reason": None}


async def until_signed(client: JsClient, app: Application) -> None:
    """Return once the client knows the bot's identity, and its device as signed with it."""

    async def signed() -> bool:
        found = await client.ask("trust", user=app.client.user)
        devices = found["devices"].values()
        return found["known"] and devices and all(device["signedByOwner"] for device in devices)

    await eventually(signed, 20, message="the bot's device signed by the bot")


async def test_once_the_bots_master_key_is_known_its_messages_carry_no_shield(town: Town) -> None:
    async with town.repeating() as app:
        alice = await town.person()
        room = await alice.room(app.client.user, direct=True)
        await alice.say(room, "say one")
        await alice.wait_for("one", room=room)
        await until_signed(alice, app)
        await alice.say(room, "say two")
        assert (await alice.wait_for("two", room=room)).shield == NO_SHIELD


async def test_the_bot_is_the_same_to_people_after_a_restart(town: Town) -> None:
    alice = await town.person()
    async with town.repeating() as app:
        room = await alice.room(app.client.user, direct=True)
        await until_signed(alice, app)
        await alice.say(room, "say one")
        await alice.wait_for("one", room=room)
    async with town.repeating() as app:
        await alice.say(room, "say two")
        assert (await alice.wait_for("two", room=room)).shield == NO_SHIELD
        found = await alice.ask("trust", user=app.client.user)
        assert found["needsApproval"] is False, "the bot's identity changed"


async def test_a_client_that_writes_to_signed_devices_only_is_answered_and_can_read_it(town: Town) -> None:
    async with town.repeating() as app:
        alice = await town.person(only_signed=True)
        await alice.ask("crossSign")
        room = await alice.room(app.client.user, direct=True)
        await until_signed(alice, app)
        await alice.say(room, "say hello")
        assert (await alice.wait_for("hello", room=room)).shield == NO_SHIELD
        assert alice.unreadable == []
