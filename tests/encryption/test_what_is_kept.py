"""What the commands keep of an encrypted chat is ciphertext, and opens again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nio import RoomSendResponse
from sqlalchemy import text

from esnbot.app import Application, application
from esnbot.engine.feature import Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.matrix.registration import Registration
from esnbot.settings import Settings
from esnbot.store.tables import metadata
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.waiting import eventually
from tests.app.bench import NoSettings, settings_for, with_features
from tests.commands.kit import COMMANDS, NOUNS
from tests.encryption.client import EncryptingClient

SECRET = "Aurora borealis"


def kit_commands() -> Declaration:
    """The commands of the kit, as a feature."""

    def build(_kit: Kit[NoSettings]) -> Feature:
        return Feature(Module("kit"), NOUNS, COMMANDS)

    return Declaration(name="kit", summary="Echoes.", settings=NoSettings, build=build)


@pytest.fixture
def settings(homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str) -> Settings:
    return settings_for(service, homeserver.url, tmp_path, database_url)


@asynccontextmanager
async def at_work(settings: Settings) -> AsyncIterator[Application]:
    settings, found = with_features(settings, kit_commands())
    async with application(settings, found) as app:
        await app.start()
        await asyncio.wait_for(app.until_ready(), 30)
        yield app


@pytest.fixture
async def alice(homeserver: Homeserver, tmp_path: Path) -> AsyncIterator[EncryptingClient]:
    person = await homeserver.person("alice")
    async with EncryptingClient(person.account, tmp_path / "alice") as client:
        yield client


async def send(client: EncryptingClient, room: str, content: dict[str, Any], type: str = "m.room.message") -> str:
    answer = await client.nio.room_send(room, type, content, ignore_unverified_devices=True)
    assert isinstance(answer, RoomSendResponse), answer
    return str(answer.event_id)


async def react(client: EncryptingClient, room: str, event: str, emoji: str) -> str:
    relation = {"rel_type": "m.annotation", "event_id": event, "key": emoji}
    return await send(client, room, {"m.relates_to": relation}, "m.reaction")


async def edit(client: EncryptingClient, room: str, event: str, text: str) -> str:
    content = {"msgtype": "m.text", "body": text}
    relation = {"rel_type": "m.replace", "event_id": event}
    return await send(client, room, {**content, "m.new_content": content, "m.relates_to": relation})


async def in_the_database(app: Application, words: str) -> list[str]:
    """The tables in which the words stand, once what was to be said is said."""

    async def all_said() -> bool:
        return (await app.engine.backlog()).outbox == 0

    await eventually(all_said, 20)

    async with app.database.read() as conn:
        there = "sqlite_master" if app.database.is_sqlite else "information_schema.tables"
        column = "name" if app.database.is_sqlite else "table_name"
        known = {*(await conn.execute(text(f"SELECT {column} FROM {there}"))).scalars()}
        assert {"command_question", "command_dialogue", "command_heard"} <= known
        found: list[str] = []
        for table in metadata.sorted_tables:
            if table.name in known:
                rows = (await conn.execute(text(f'SELECT * FROM "{table.name}"'))).all()
                found += [table.name] if words in str(rows) else []
        return found


async def test_a_command_that_waits_for_its_yes_is_kept_as_ciphertext(
    settings: Settings, alice: EncryptingClient
) -> None:
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "language english")
        await alice.wait_for("in English")
        await alice.say(room, f"deed do {SECRET}")
        question = await alice.wait_for("Really?")
        assert await in_the_database(app, SECRET) == []
    async with at_work(settings) as app:
        await react(alice, room, question.event_id, "✅")
        await alice.wait_for(SECRET)
        assert await in_the_database(app, SECRET) == []
    assert sum(SECRET in message.body for message in alice.heard) == 1


async def test_a_dialogue_is_kept_as_ciphertext_and_goes_on_after_a_restart(
    settings: Settings, alice: EncryptingClient
) -> None:
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "language english")
        await alice.wait_for("in English")
        await alice.say(room, "plan a walk")
        await alice.wait_for("What will the group be called?")
        await alice.say(room, SECRET)
        kind = await alice.wait_for("What kind of group is it?")
        assert await in_the_database(app, SECRET) == []
    async with at_work(settings) as app:
        await react(alice, room, kind.event_id, "2️⃣")
        await alice.wait_for("What is it about")
        await alice.say(room, "Lights in the sky")
        summed = await alice.wait_for("Is this right?")
        assert f"- Name: {SECRET}" in summed.body
        for words in (SECRET, "Lights in"):
            assert await in_the_database(app, words) == []
    async with at_work(settings) as app:
        await react(alice, room, summed.event_id, "✅")
        await alice.wait_for(f'"name": "{SECRET}"')
        assert await in_the_database(app, SECRET) == []
    assert sum(f'"name": "{SECRET}"' in message.body for message in alice.heard) == 1


async def test_an_encrypted_correction_replaces_the_answer(settings: Settings, alice: EncryptingClient) -> None:
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "language english")
        await alice.wait_for("in English")
        command = await alice.say(room, f"deeed do {SECRET}")
        wrong = await alice.wait_for("I do not know")
        await edit(alice, room, command, f"note write {SECRET}")
        right = await alice.wait_for(f'"text": "{SECRET}"')
        assert right.source["content"]["m.relates_to"]["event_id"] == wrong.event_id
        command = await alice.say(room, f"deeeed do {SECRET}")
        await edit(alice, room, command, f"deed do {SECRET}")
        question = await alice.wait_for("Really?")
        assert await in_the_database(app, SECRET) == []
    async with at_work(settings):
        await react(alice, room, question.event_id, "✅")
        await alice.wait_for(f'"what": "{SECRET}"')
