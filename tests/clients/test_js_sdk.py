"""The bot with matrix-js-sdk and its Rust crypto, as in Element Web: plain rooms, encrypted ones, partners."""

from __future__ import annotations

from collections import Counter

from esnbot.testing.homeserver import PASSWORD, Homeserver
from esnbot.testing.waiting import eventually
from tests.clients.js import JsClient
from tests.clients.kit import Town

GREETING = "I look after this community with you"


# --- plain rooms ----------------------------------------------------------------------------------------------------


async def test_in_a_group_a_question_is_answered_in_its_thread_and_a_yes_is_taken(town: Town) -> None:
    async with town.whole() as app:
        alice = await town.person()
        await alice.join(town.alias("house"))
        cafe = await alice.join(town.alias("cafe"))
        name = f"Tandem {town.registration.bot_localpart}"

        question = await alice.say(cafe, "!esn help")
        answer = await alice.wait_for("What you can do here", room=cafe, thread=question)
        assert answer.sender == app.client.user
        assert answer.relation["m.in_reply_to"] == {"event_id": question}

        asked = await alice.say(cafe, f'!esn group create "{name}"')
        await alice.wait_for("ready", room=cafe, thread=asked)
        made = await alice.join(await alice.invited_to())

        archiving = await alice.say(made, "!esn group archive")
        confirmation = await alice.wait_for("✅", room=made, thread=archiving)
        buttons = await eventually(lambda: reactions_to(alice, confirmation.id))
        assert buttons == {"✅", "❌"}
        await alice.react(made, confirmation.id, "✅")
        await alice.wait_for("is archived", room=made, thread=archiving)


def reactions_to(client: JsClient, event: str) -> set[str] | None:
    """The emoji under a message once there are two."""
    found = {
        shown.relation.get("key", "")
        for shown in client.seen.values()
        if shown.type == "m.reaction" and shown.relation.get("event_id") == event
    }
    return found if len(found) > 1 else None


# --- encrypted rooms ------------------------------------------------------------------------------------------------


async def test_a_first_encrypted_direct_chat_is_answered_and_nothing_is_said_in_the_clear(town: Town) -> None:
    async with town.whole() as app:
        alice = await town.person()
        room = await alice.room(app.client.user, direct=True)
        await alice.wait_for(GREETING, room=room)
        helped = await alice.say(room, "help")
        await alice.wait_for("What you can do here", room=room)
        await alice.say_in_thread(room, helped, "language")
        await alice.wait_for("French", room=room)
        answers = [shown for shown in alice.heard(room=room) if shown.sender == app.client.user]
        assert answers
        assert all(answer.encrypted for answer in answers)
        assert alice.unreadable == []
        events = (await app.client.messages(room))["chunk"]
        assert [event for event in events if event["type"] == "m.room.message"] == []


async def test_in_an_encrypted_direct_chat_an_edit_of_what_was_answered_is_not_run_again_and_a_yes_is_taken(
    town: Town,
) -> None:
    async with town.whole() as app:
        alice = await town.person()
        await alice.join(town.alias("house"))
        room = await alice.room(app.client.user, direct=True)
        bot = town.registration.bot_localpart
        asked = await alice.say(room, f'group create "Canoe {bot}"')
        await alice.wait_for("ready", room=room)
        await alice.edit(room, asked, f'group create "Choir {bot}"')
        assert (await alice.ask("shown", room=room, event=asked))["content"]["body"] == f'group create "Choir {bot}"'
        await alice.say(room, f'group archive "Canoe {bot}"')
        confirmation = await alice.wait_for("✅", room=room)
        assert confirmation.encrypted
        await alice.react(room, confirmation.id, "✅")
        await alice.wait_for("is archived", room=room)
        assert len(alice.heard("ready", room=room)) == 1


async def test_a_bot_that_comes_after_messages_were_sent_answers_those_from_then_on(town: Town) -> None:
    async with town.repeating() as app:
        alice = await town.person()
        room = await alice.room(encrypted=True, history="joined")
        for number in range(5):
            await alice.say(room, f"say before {number}")
        await alice.ask("invite", room=room, user=app.client.user)
        await alice.until_joined(room, app.client.user)
        await alice.say(room, "say after")
        assert (await alice.wait_for("after", room=room)).encrypted
        # What was said while the bot was not there is nobody's business but theirs who were.
        assert alice.heard("before", room=room) == []
        assert alice.times("after") == 1


async def test_a_second_device_reads_what_comes_and_is_answered_and_a_device_that_left_is_not_written_to(
    town: Town,
) -> None:
    async with town.repeating() as app:
        alice = await town.person()
        room = await alice.room(app.client.user, direct=True)
        await alice.say(room, "say one")
        await alice.wait_for("one", room=room)
        phone = await town.device(await town.homeserver.server.login(alice.id, PASSWORD))
        assert phone.device != alice.device
        await phone.say(room, "say two")
        for device in (alice, phone):
            assert (await device.wait_for("two", room=room)).encrypted
        await alice.say(room, "say three")
        session = (await phone.wait_for("three", room=room)).session
        await phone.ask("logout")
        await alice.say(room, "say four")
        assert (await alice.wait_for("four", room=room)).session != session
        assert [alice.times(said) for said in ("one", "two", "three", "four")] == [1, 1, 1, 1]


async def test_what_was_said_while_the_bot_was_away_is_answered_once_when_it_is_back(town: Town) -> None:
    alice = await town.person()
    async with town.repeating() as app:
        room = await alice.room(app.client.user, direct=True)
        await alice.say(room, "say one")
        await alice.wait_for("one", room=room)
    await alice.say(room, "say two")
    async with town.repeating():
        await alice.wait_for("two", room=room)
        await alice.say(room, "say three")
        await alice.wait_for("three", room=room)
    assert [alice.times(said) for said in ("one", "two", "three")] == [1, 1, 1]
    assert alice.unreadable == []


async def test_every_one_of_many_messages_is_read_and_answered_once_while_sessions_rotate(
    town: Town, soak: bool
) -> None:
    many, rotation = (500, 100) if soak else (30, 10)
    async with town.repeating() as app:
        alice = await town.person()
        room = await alice.room(app.client.user, direct=True, rotation=rotation)
        for number in range(many):
            await alice.say(room, f"say number {number}")
        await alice.wait_for(f"number {many - 1}", room=room, timeout=60)
        await eventually(lambda: len(alice.heard("number", room=room)) >= many, 60)
        assert Counter(shown.body for shown in alice.heard("number", room=room)) == Counter(
            f"number {number}" for number in range(many)
        )
        assert alice.unreadable == []
        own = {shown.session for shown in alice.seen.values() if shown.sender == alice.id and shown.encrypted}
        assert len(own) >= many // rotation


async def test_a_partner_on_another_homeserver_is_answered_encrypted(
    town_with_partners: Town, partner_homeserver: Homeserver
) -> None:
    async with town_with_partners.whole() as app:
        pat = await town_with_partners.person("pat", partner_homeserver)
        room = await pat.room(app.client.user, direct=True)
        await pat.wait_for(GREETING, room=room)
        await pat.say(room, "help")
        answer = await pat.wait_for("What you can do here", room=room)
        assert answer.encrypted
        assert pat.unreadable == []


async def test_a_partner_and_an_employee_in_one_encrypted_room_both_read_the_bot(
    town_with_partners: Town, partner_homeserver: Homeserver
) -> None:
    town = town_with_partners
    async with town.repeating() as app:
        alice, pat = await town.person(), await town.person("pat", partner_homeserver)
        room = await alice.room(app.client.user)
        await alice.ask("invite", room=room, user=pat.id)
        await pat.join(await pat.invited_to(), town.homeserver.server_name)
        await alice.until_joined(room, pat.id)
        await pat.say(room, "say hello from outside")
        for person in (alice, pat):
            assert (await person.wait_for("hello from outside", room=room)).encrypted
        assert pat.unreadable == alice.unreadable == []
