"""Notes of an encrypted room: made of what the bot can read there, and no word of them is kept elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from esnbot.app import Application
from esnbot.matrix.registration import Registration
from esnbot.testing import ManualClock
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.waiting import eventually
from tests.encryption.test_declared_rooms import at_work, room_of, settings_with
from tests.encryption.voter import Voter

WORDS = ("Rosa", "hall", "drill", "blue")


async def test_notes_stay_in_their_room(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> None:
    clock = ManualClock(datetime.now(UTC))
    zoe, ali = await homeserver.person("zoe"), await homeserver.person("ali")
    settings = settings_with(service, homeserver, tmp_path, database_url, zoe.id)
    async with (
        at_work(settings, clock) as app,
        Voter(zoe.account, tmp_path / "zoe") as hers,
        Voter(ali.account, tmp_path / "ali") as his,
    ):
        bot = app.client.user
        lab, house = [await room_of(app, key) for key in ("lab", "house")]
        for room in (house, lab):
            await hers.join(room)
            await his.join(room)
        await eventually(lambda: all(one.knows(lab, bot) for one in (hers, his)), 20)
        await eventually(lambda: hers.knows(lab, ali.id) and his.knows(lab, zoe.id), 20)

        message = await his.say(lab, "The hall is booked by phone. Ask for Rosa.")
        await hers.wait_for("Ask for Rosa")
        relation = {"rel_type": "m.annotation", "event_id": message, "key": "📌"}
        await hers.send(lab, "m.reaction", {"m.relates_to": relation})
        note = await hers.wait_for("Note 1", 30)
        assert note.decrypted
        assert "The hall is booked by phone" in note.body

        root = await hers.say(lab, "Which drill do we buy? #tools")
        thread = {"rel_type": "m.thread", "event_id": root}
        await his.send(lab, "m.room.message", {"msgtype": "m.text", "body": "The blue one", "m.relates_to": thread})
        command: dict[str, object] = {"msgtype": "m.text", "body": '!esn note "Our drill"', "m.relates_to": thread}
        await hers.send(lab, "m.room.message", command)
        kept = await hers.wait_for("Note 2", 30)
        assert kept.decrypted
        assert "Our drill" in kept.body
        assert "The blue one" in kept.body

        clock.advance(timedelta(days=200))
        await his.send(lab, "m.room.message", {"msgtype": "m.text", "body": "!esn note show 2"})
        shown = await his.wait_for("Our drill")
        assert shown.decrypted
        asked = await his.wait_for("✏️", 20)
        assert "The blue one" in asked.body
        await his.send(lab, "m.room.message", {"msgtype": "m.text", "body": "!esn note list"})
        assert "The hall is booked by phone" in (await his.wait_for("2 notes", 20)).body

        await his.send(lab, "m.room.message", {"msgtype": "m.text", "body": "!esn note edit 2 Their drill"})
        await his.wait_for("Their drill", 20)
        await _delivered(app)
        for table in await _tables(app):
            stored = await _stored(app, table)
            assert not [word for word in WORDS if word in stored], table
        events = (await app.client.messages(lab, limit=200))["chunk"]
        assert not [word for word in WORDS if word in str(events)]


async def _delivered(app: Application) -> None:
    async def empty() -> bool:
        backlog = await app.engine.backlog()
        return not backlog.outbox and not backlog.inbox

    await eventually(empty, 30)


async def _tables(app: Application) -> list[str]:
    def names(conn: Connection) -> list[str]:
        return list(inspect(conn).get_table_names())

    async with app.database.read() as conn:
        return await conn.run_sync(names)


async def _stored(app: Application, table: str) -> str:
    async with app.database.read() as conn:
        return str((await conn.execute(text(f'SELECT * FROM "{table}"'))).all())
