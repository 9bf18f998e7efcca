"""The commands on a real homeserver, talked to by people with clients of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection
from yarl import URL

from esnbot.commands import invitations
from esnbot.commands import module as commands
from esnbot.commands.people import People
from esnbot.commands.registry import Registry
from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group
from esnbot.engine.clock import SystemClock
from esnbot.engine.engine import Engine
from esnbot.matrix.appservice import TransactionEndpoint
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.registration import Registration
from esnbot.speech import Speech
from esnbot.store import bindings
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.testing import Person, Seen, eventually
from esnbot.testing.homeserver import Homeserver
from tests.commands.kit import COMMANDS, NOUNS, KnownPlaces, the_community


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database of each kind."""
    database = await Database.open(database_url)
    await migrate(database, [commands.MIGRATIONS])
    yield database
    await database.close()


@pytest.fixture
async def bot(homeserver: Homeserver, service: Registration, database: Database) -> AsyncIterator[str]:
    """The bot with the commands of the kit, at work on the homeserver; its user id."""
    staff = Audience("staff", "Staff", Perimeter(homeservers=(homeserver.server_name,)))
    community = the_community(audiences={"staff": staff})
    speech = Speech(strict=True)
    places = KnownPlaces((Group(key="photo", name="Club photo", language="en"),))
    client = MatrixClient(homeserver.url, service.as_token, service.bot_user_id, "BOT")
    registry = Registry(NOUNS, COMMANDS)
    module = commands.build(registry, community=community, speech=speech, places=places, bot=client.user)
    doorkeeper = invitations.build(People(community, places), speech, client.user)
    engine = Engine(database, client, (module, doorkeeper), SystemClock())
    endpoint = TransactionEndpoint(service.hs_token, engine.accept, lambda user: user == client.user)
    app = web.Application()
    app.add_routes(endpoint.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", URL(service.url).port).start()
    await client.register()
    await client.ensure_device("tests")
    await engine.start()
    yield client.user
    await runner.cleanup()
    await engine.stop()
    await client.close()


async def a_group(person: Person, bot: str, database: Database) -> str:
    """The photo group, with the person and the bot in it."""
    room = await person.create_room(preset="private_chat", invite=[bot])
    await person.wait_for(lambda seen: seen.state_key == bot and seen.content.get("membership") == "join", room=room)

    async def bind(conn: AsyncConnection) -> None:
        await bindings.bind(conn, "photo", room, 0)

    await database.write(bind)
    return room


async def answer_to(person: Person, room: str, question: str) -> Seen:
    """The bot's answer under a question."""
    return await person.wait_for(lambda seen: seen.type == "m.room.message" and seen.thread == question, room=room)


async def test_a_question_is_answered_in_a_thread_under_it(
    homeserver: Homeserver, bot: str, database: Database
) -> None:
    alice = await homeserver.person("alice")
    room = await a_group(alice, bot, database)
    answer = await answer_to(alice, room, await alice.say(room, "!esn help"))
    assert answer.content["msgtype"] == "m.notice"
    assert answer.content["m.mentions"] == {}
    assert "<li><code>!esn group</code>" in answer.html
    assert "- `!esn group`" in answer.body


async def test_a_deed_is_done_after_the_askers_reaction_only(
    homeserver: Homeserver, bot: str, database: Database
) -> None:
    alice, bob = await homeserver.person("alice"), await homeserver.person("bob")
    room = await a_group(alice, bot, database)
    await alice.invite(room, bob.id)
    await bob.join(room)
    command = await alice.say(room, "!esn deed do much")
    question = await answer_to(alice, room, command)
    for emoji in ("✅", "❌"):

        def is_offered(seen: Seen, emoji: str = emoji) -> bool:
            return seen.type == "m.reaction" and seen.content["m.relates_to"]["key"] == emoji and seen.sender == bot

        await alice.wait_for(is_offered, room=room)
    await bob.react(room, question.id, "✅")
    await alice.react(room, question.id, "✅")
    done = await alice.wait_for_text('"what": "much"', room=room)
    assert done.thread == command
    await alice.say(room, "!esn help")
    await alice.wait_for_text("What you can do here", room=room)
    assert sum('"what": "much"' in message.body for message in await alice.messages(room)) == 1


async def test_a_direct_chat_needs_no_prefix_and_remembers_the_language(
    homeserver: Homeserver, bot: str, database: Database
) -> None:
    alice = await homeserver.person("alice")
    chat = await alice.direct_chat(bot)
    await alice.wait_for(lambda seen: seen.state_key == bot and seen.content.get("membership") == "join", room=chat)
    await alice.say(chat, "langue anglais")
    await alice.wait_for_text("From now on, I will answer you in English.", room=chat)
    await alice.say(chat, "aide")
    answer = await alice.wait_for_text("What you can do here", room=chat)
    assert answer.thread is None
    assert "`group`" in answer.body


async def test_an_edit_and_a_notice_do_nothing(homeserver: Homeserver, bot: str, database: Database) -> None:
    alice = await homeserver.person("alice")
    room = await a_group(alice, bot, database)
    said = await alice.say(room, "hello")
    await alice.edit(room, said, "!esn group create one")
    await alice.send(room, "m.room.message", {"msgtype": "m.notice", "body": "!esn group create two"})
    last = await alice.say(room, "!esn group create three")
    await answer_to(alice, room, last)
    assert [message.body for message in await alice.messages(room) if message.sender == bot] == ['`{"name": "three"}`']


def is_gone(message: Seen) -> bool:
    """Whether a message was redacted."""
    return "body" not in message.content


async def test_a_failed_command_is_corrected_and_a_removed_one_takes_its_answer_along(
    homeserver: Homeserver, bot: str, database: Database
) -> None:
    alice = await homeserver.person("alice")
    room = await a_group(alice, bot, database)
    command = await alice.say(room, "!esn gruop create Choir")
    wrong = await answer_to(alice, room, command)
    await alice.edit(room, command, "!esn group create Choir")
    right = await alice.wait_for_text('`{"name": "Choir"}`', room=room)
    assert right.content["m.relates_to"] == {"rel_type": "m.replace", "event_id": wrong.id}
    asked = await alice.say(room, "!esn deed do much")
    question = await answer_to(alice, room, asked)
    await alice.redact(room, asked)
    await alice.redact(room, command)

    async def all_gone() -> bool:
        """The answers, and the buttons under the question, some of which may be on their way still."""
        history = await alice.history(room)
        by_id = {message.id: message for message in history}
        said = [one for one in history if one.sender == bot and one.type in ("m.room.message", "m.reaction")]
        left = [one for one in said if one.content.get("m.relates_to")]
        return is_gone(by_id[wrong.id]) and is_gone(by_id[question.id]) and not left

    await eventually(all_gone, 20)


async def test_a_dialogue_by_reactions_with_one_taken_back(
    homeserver: Homeserver, bot: str, database: Database
) -> None:
    alice = await homeserver.person("alice")
    chat = await alice.direct_chat(bot)
    await alice.wait_for(lambda seen: seen.state_key == bot and seen.content.get("membership") == "join", room=chat)
    await alice.say(chat, "language english")
    await alice.wait_for_text("in English", room=chat)
    await alice.say(chat, "plan a walk")
    await alice.wait_for_text("be called?", room=chat)
    await alice.say(chat, "Up the hill")
    kind = await alice.wait_for_text("What kind", room=chat)
    chosen = await alice.react(chat, kind.id, "1️⃣")
    await alice.wait_for_text("Which space", room=chat)
    await alice.redact(chat, chosen)
    again = await alice.wait_for(lambda seen: "What kind" in seen.body and seen.id != kind.id, room=chat)
    await alice.react(chat, again.id, "2️⃣")
    await alice.wait_for(lambda seen: "What is it about" in seen.body, room=chat)
    await alice.say(chat, "skip")
    summed = await alice.wait_for_text("Is this right?", room=chat)
    assert "- Kind: project" in summed.body
    await alice.react(chat, summed.id, "✅")
    await alice.wait_for_text('"kind": "project"', room=chat)
    # Taken back too late: what was done is done, and nothing is said.
    await alice.say(chat, "help")
    await alice.wait_for_text("What you can do here", room=chat)
    assert sum('"kind": "project"' in message.body for message in await alice.messages(chat)) == 1


async def test_a_reply_to_the_bot_needs_no_prefix(homeserver: Homeserver, bot: str, database: Database) -> None:
    alice = await homeserver.person("alice")
    room = await a_group(alice, bot, database)
    answer = await answer_to(alice, room, await alice.say(room, "!esn help"))
    relation = {"m.in_reply_to": {"event_id": answer.id}}
    content = {"msgtype": "m.text", "body": "group create Choir", "m.relates_to": relation}
    await alice.send(room, "m.room.message", content)
    assert (await alice.wait_for_text('`{"name": "Choir"}`', room=room)).content["m.mentions"] == {}
