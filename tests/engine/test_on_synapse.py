"""The engine on a real Synapse: what was never pushed is found, and crashes between two requests change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from esnbot.engine.address import KEY
from esnbot.engine.effects import AdjustPower, Attach, Effect, Kick, Redact, Say, direct
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.matrix.errors import Unreachable
from esnbot.matrix.registration import Registration
from esnbot.store import bindings, rooms
from esnbot.store.database import Database
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.person import MatrixRefusal, Person
from esnbot.testing.waiting import eventually
from tests.engine.on_synapse import LiveBot
from tests.engine.workshop import Recorder, a_module


@pytest_asyncio.fixture
async def bot(homeserver: Homeserver, service: Registration, database: Database) -> AsyncIterator[LiveBot]:
    """A bot that listens and is not started."""
    live = LiveBot(homeserver, service, database)
    await live.listen()
    yield live
    await live.close()


@pytest_asyncio.fixture
async def alice(homeserver: Homeserver) -> Person:
    """A person."""
    return await homeserver.person("alice")


def commands() -> Recorder:
    return Recorder("commands", wants=lambda event: event.text("body").startswith("!do"))


async def delivered(bot: LiveBot) -> None:
    async def nothing_waits() -> bool:
        assert bot.engine is not None
        found = await bot.engine.backlog()
        return found.inbox == found.outbox == 0

    await eventually(nothing_waits, 20)


async def test_what_was_never_pushed_is_caught_up_with_once(bot: LiveBot, alice: Person) -> None:
    seen = commands()
    engine = await bot.start(seen.module)
    room, long = await bot.room(alice), await bot.room(alice)
    await engine.catch_up.run()
    await alice.say(room, "!do before")
    await eventually(lambda: seen.bodies == ["!do before"])
    bot.losing = True
    await alice.say(room, "!do lost")
    # More than one answer of /sync has, so that the timeline is cut and has to be read back.
    for number in range(130):
        await alice.say(long, f"!do {number}")
    await eventually(lambda: bot.lost > 1)

    await bot.ping()
    bot.losing = False
    await alice.say(long, "!do pushed")
    await eventually(lambda: "!do pushed" in seen.bodies)
    for _ in range(2):
        await engine.catch_up.run()
        await delivered(bot)
    assert seen.bodies.count("!do before") == seen.bodies.count("!do lost") == 1
    in_long = [event.text("body") for event in seen.events if event.room_id == long]
    assert sorted(in_long) == sorted([*[f"!do {n}" for n in range(130)], "!do pushed"])


async def test_a_restart_catches_up_with_what_happened_meanwhile(bot: LiveBot, alice: Person) -> None:
    seen = commands()
    engine = await bot.start(seen.module)
    room = await bot.room(alice)
    await engine.catch_up.run()
    await bot.stop()
    bot.losing = True
    await alice.say(room, "!do while you were away")
    await eventually(lambda: bot.lost > 0)
    bot.losing = False
    await bot.start(seen.module)
    await eventually(lambda: seen.bodies == ["!do while you were away"])


async def test_an_invitation_that_nobody_pushed_is_accepted(bot: LiveBot, alice: Person) -> None:
    engine = await bot.start()
    await engine.catch_up.run()
    bot.losing = True
    room = await alice.create_room(invite=[bot.client.user])
    await eventually(lambda: bot.lost > 0)
    bot.losing = False
    await engine.catch_up.run()

    async def joined() -> bool:
        return (await alice.members(room)).get(bot.client.user) == "join"

    engine.signals.set("inbox")
    await eventually(joined)


async def test_what_was_said_before_the_bot_came_is_not_for_it(bot: LiveBot, alice: Person) -> None:
    seen = commands()
    engine = await bot.start(seen.module)
    await engine.catch_up.run()
    room = await alice.create_room(preset="public_chat", history_visibility="shared")
    await alice.say(room, "!do before")
    await bot.client.join(room)
    await alice.say(room, "!do after")
    await eventually(lambda: seen.bodies == ["!do after"])
    await engine.catch_up.run()
    await delivered(bot)
    assert seen.bodies == ["!do after"]


async def test_a_new_database_learns_the_rooms_that_the_bot_is_in(bot: LiveBot, alice: Person) -> None:
    await bot.client.register()
    room = await alice.create_room(preset="public_chat", name="old friends")
    before = bot.lost
    await bot.client.join(room)
    await eventually(lambda: bot.lost > before)
    seen = commands()
    await bot.start(seen.module)

    async def knows() -> bool:
        async with bot.database.read() as conn:
            return (await rooms.content(conn, room, "m.room.name")) == {"name": "old friends"}

    await eventually(knows)
    await alice.say(room, "!do it")
    await eventually(lambda: seen.bodies == ["!do it"])


async def test_a_direct_chat_is_made_once_also_across_a_crash(bot: LiveBot, alice: Person) -> None:
    async def talk(_ctx: Context, event: Event) -> Sequence[Effect]:
        return [Say(room=direct(event.sender), body="in private")] if event.text("body") == "!do" else []

    engine = await bot.start()
    room = await bot.room(alice)
    # As if the process had died between the homeserver's answer and its own note of it.
    key = f"direct:{alice.id}"
    made = await engine.address._open(alice.id, key)
    await bot.stop()
    await bot.start(a_module("talk", talk))
    await alice.say(room, "!do")
    assert await alice.wait_for_invite() == made
    await alice.join(made)
    await alice.wait_for_text("in private", room=made)
    async with bot.database.read() as conn:
        assert await bindings.room_of(conn, key) == made
    assert len(await bot.client.joined_rooms()) == 2


async def test_a_half_made_direct_chat_is_given_up_and_a_strangers_room_is_never_taken_for_it(
    bot: LiveBot, alice: Person, homeserver: Homeserver
) -> None:
    mallory = await homeserver.person("mallory")
    engine = await bot.start()
    key = f"direct:{alice.id}"
    alias = engine.address._alias(key)
    trap = {"room_alias_name": alias[1:].partition(":")[0], "creation_content": {KEY: key}}
    refused = False
    try:
        await mallory.create_room(invite=[bot.client.user], **trap)
    except MatrixRefusal:
        refused = True
    assert refused, "nobody else may take the aliases of the bot's chats"
    # A room under the right alias with the right key, which is another's all the same.
    room = await bot.room(mallory, creation_content={KEY: key})
    await bot.client.set_alias(alias, room)
    chat = await eventually(lambda: _opened(engine.address._open, alice.id, key))
    assert chat != room


async def _opened(open_chat: object, user: str, key: str) -> str:
    from esnbot.engine.address import NotYet

    try:
        return str(await open_chat(user, key))  # type: ignore[operator]
    except NotYet:
        return ""


async def test_redactions_kicks_and_powers_do_what_they_say(
    bot: LiveBot, alice: Person, homeserver: Homeserver
) -> None:
    bob = await homeserver.person("bob")

    async def gate(ctx: Context, event: Event) -> Sequence[Effect]:
        match event.text("body"):
            case "bad":
                return [Redact(room=event.room_id, event=event.event_id, reason="rule 1")]
            case "out":
                return [Kick(room=event.room_id, user=bob.id), Kick(room=event.room_id, user=bob.id)]
            case "up":
                return [AdjustPower(room=event.room_id, users={bob.id: 42}, levels={"invite": 7})]
            case _:
                return []

    engine = await bot.start(a_module("gate", gate))
    room = await bot.client.create_room({"preset": "public_chat", "invite": [alice.id, bob.id]})
    for person in (alice, bob):
        await person.join(room)
    await alice.say(room, "up")

    async def raised() -> bool:
        levels = await alice.state(room, "m.room.power_levels") or {}
        return (levels.get("users", {}).get(bob.id), levels.get("invite")) == (42, 7)

    await eventually(raised)
    bad = await alice.say(room, "bad")
    await alice.wait_for(lambda event: event.raw.get("redacts") == bad or event.content.get("redacts") == bad)
    await alice.say(room, "out")

    async def gone() -> bool:
        return (await alice.members(room))[bob.id] == "leave"

    await eventually(gone)
    await delivered(bot)
    assert (await engine.backlog()).letters == 0


async def test_catching_up_reads_deep_and_odd_events(bot: LiveBot, alice: Person) -> None:
    engine = await bot.start()
    room = await bot.room(alice)
    await engine.catch_up.run()
    nested: dict[str, object] = {"body": "deep"}
    for _ in range(300):
        nested = {"n": nested}
    event = {"type": "m.room.message", "event_id": "$odd", "sender": alice.id, "origin_server_ts": 1, "content": nested}
    assert await engine.catch_up._enter(room, [event, {"no": "event"}]) == 1
    await delivered(bot)


async def test_a_file_is_uploaded_to_the_place_kept_for_it_and_posted_once_through_a_crash(
    bot: LiveBot, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "# Perçage\n\n" + "ligne\n" * 10_000

    async def attach(_ctx: Context, event: Event) -> Sequence[Effect]:
        return [Attach(room=event.room_id, name="percage.md", text=words)] if event.text("body") == "!do" else []

    await bot.start(a_module("files", attach))
    room = await bot.room(alice)
    uploaded: list[str] = []
    upload = bot.client.upload_media

    async def noted(uri: str, data: bytes, mimetype: str) -> None:
        await upload(uri, data, mimetype)
        uploaded.append(uri)
        # As if the process had died when the file was up, and its message not sent.
        raise Unreachable("the process died here")

    with monkeypatch.context() as dying:
        dying.setattr(bot.client, "upload_media", noted)
        await alice.say(room, "!do")
        await eventually(lambda: uploaded)
        await bot.stop()
    await bot.start(a_module("files", attach))
    posted = await alice.wait_for(lambda event: event.content.get("msgtype") == "m.file", room=room)
    assert set(uploaded) == {posted.content["url"]}
    assert posted.content["info"] == {"mimetype": "text/markdown", "size": len(words.encode())}
    assert await alice.download(uploaded[0]) == words.encode()
    await delivered(bot)
    assert [one.id for one in await alice.history(room) if one.content.get("msgtype") == "m.file"] == [posted.id]
