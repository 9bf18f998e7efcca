"""Polls in an encrypted room: votes arrive as ciphertext or as reactions, and no text of a poll is kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from esnbot.app import Application, application
from esnbot.discovery import discover
from esnbot.features.poll.model import END, RESPONSES, START
from esnbot.matrix.registration import Registration
from esnbot.testing import ManualClock
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.waiting import eventually
from tests.app.bench import settings_for
from tests.encryption.voter import Voter

KEPT = ("poll", "poll_ballot", "inbox", "outbox", "schedule", "dead_letter", "room_state", "kept")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


async def test_one_count_of_what_is_sealed_and_what_is_not(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str, clock: ManualClock
) -> None:
    found = discover()
    settings = settings_for(service, homeserver.url, tmp_path, database_url)
    settings = replace(settings, features={name: one.settings() for name, one in found.declarations.items()})
    zoe, ali = await homeserver.person("zoe"), await homeserver.person("ali")
    async with (
        Voter(zoe.account, tmp_path / "zoe") as hers,
        Voter(ali.account, tmp_path / "ali") as his,
        application(settings, found, clock) as app,
    ):
        await app.start()
        await asyncio.wait_for(app.until_ready(), 30)
        bot = app.client.user
        joins = asyncio.create_task(_joins(his))
        room = await hers.encrypted_room(bot, ali.id, direct=False)
        await joins
        await eventually(lambda: his.knows(room, bot) and his.knows(room, zoe.id), 20)

        await hers.say(room, '!esn poll create "Where do we eat?" "Pizza" "Sushi" --until "in 3 hours"')
        start = await his.poll(START)
        assert start.decrypted
        assert [one["id"] for one in start.source["content"][START]["answers"]] == ["1", "2"]
        paper = await his.wait_for("1️⃣ Pizza")

        response = {
            "m.relates_to": {"rel_type": "m.reference", "event_id": start.event_id},
            RESPONSES[0]: {"answers": ["1"]},
        }
        await hers.send(room, RESPONSES[0], response)
        await his.wait_for("Une personne a voté.")
        relation = {"rel_type": "m.annotation", "event_id": paper.event_id, "key": "2️⃣"}
        await his.send(room, "m.reaction", {"m.relates_to": relation})
        await his.say(room, "!esn poll show")
        await his.wait_for("1️⃣ 1 · 2️⃣ 1")
        clock.advance(timedelta(seconds=31))
        await his.wait_for("* 1️⃣ 1 · 2️⃣ 1")
        await _delivered(app)
        for table in KEPT:
            assert "Pizza" not in await _stored(app, table), table

        async with app.database.read() as conn:
            until = (await conn.execute(text("SELECT until FROM poll"))).scalar_one()
        clock.set(datetime.fromtimestamp(until / 1000 + 1, UTC))
        result = await his.wait_for("Le sondage est clos", 40)
        assert "2 personnes ont voté. Un vote est venu par réaction" in result.body
        assert result.source["content"]["m.relates_to"] == {"m.in_reply_to": {"event_id": paper.event_id}}
        end = await his.poll(END)
        assert end.decrypted
        assert end.source["content"]["m.relates_to"]["event_id"] == start.event_id
        assert zoe.id not in await _stored(app, "poll_ballot")
        events = (await app.client.messages(room))["chunk"]
        clear = [event for event in events if event["type"] not in ("m.room.encrypted", "m.reaction")]
        assert "Pizza" not in str(events)
        assert [event["type"] for event in clear if "state_key" not in event] == []


async def _joins(client: Voter) -> None:
    room = await eventually(lambda: next(iter(client.nio.invited_rooms), None), 20)
    await client.nio.join(str(room))


async def _delivered(app: Application) -> None:
    async def empty() -> bool:
        async with app.database.read() as conn:
            return not (await conn.execute(text("SELECT count(*) FROM outbox WHERE state = 0"))).scalar_one()

    await eventually(empty, 20)


async def _stored(app: Application, table: str) -> str:
    async with app.database.read() as conn:
        return str((await conn.execute(text(f"SELECT * FROM {table}"))).all())
