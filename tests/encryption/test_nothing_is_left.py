"""What was said in encrypted rooms is left nowhere: not when it is refused, not when it is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.engine import make_url

from esnbot.app import Application
from esnbot.engine import letters
from esnbot.engine.letters import Letter
from esnbot.matrix.registration import Registration
from esnbot.settings import Settings
from esnbot.store import rooms
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.waiting import eventually
from tests.app.bench import settings_for
from tests.encryption.bench import at_work
from tests.encryption.between import Between
from tests.encryption.client import EncryptingClient

SECRET = "the launch is on the ninth"


@pytest.fixture
def settings(homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str) -> Settings:
    return settings_for(service, homeserver.url, tmp_path, database_url)


def not_today(_request: web.Request) -> web.Response:
    return web.json_response({"errcode": "M_FORBIDDEN", "error": "not today"}, status=403)


async def the_letters(app: Application) -> list[Letter]:
    """Of the feature that repeats: the commands have an answer of their own."""
    async with app.database.read() as conn:
        return [letter for letter in await letters.all_letters(conn) if letter.module == "echo"]


async def test_of_what_the_homeserver_refuses_no_word_is_kept(
    settings: Settings, alice: EncryptingClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with Between(settings.homeserver.url) as between, at_work(between.before(settings)) as app:
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "say one")
        await eventually(lambda: alice.times("one"))
        between.answer("PUT", "/send/m.room.encrypted/", not_today)
        await alice.say(room, f"say {SECRET}")
        letter = (await eventually(lambda: the_letters(app)))[0]
        assert (letter.kind, letter.module, letter.room, letter.emptied) == ("effect", "echo", room, False)
        assert "not today" in letter.error
        async with app.database.read() as conn:
            for table in ("inbox", "outbox", "dead_letter"):
                assert SECRET not in str((await conn.execute(text(f"SELECT * FROM {table}"))).all())
        # It is kept locked, and can be said after all.
        between.forget()
        assert await app.database.write(lambda conn: letters.replay(conn, letter.id))
        await eventually(lambda: alice.times(SECRET))
    assert SECRET not in caplog.text


async def test_what_is_refused_in_a_room_that_is_not_encrypted_can_be_said_later(
    settings: Settings, alice: EncryptingClient
) -> None:
    async with Between(settings.homeserver.url) as between, at_work(between.before(settings)) as app:
        room = str((await alice.nio.room_create(invite=[app.client.user])).room_id)

        async def has_joined() -> bool:
            async with app.database.read() as conn:
                return await rooms.membership(conn, room, app.client.user) == "join"

        await eventually(has_joined)
        between.answer("PUT", "/send/m.room.message/", not_today)
        await alice.say(room, "say later")
        letter = (await eventually(lambda: the_letters(app)))[0]
        assert not letter.emptied
        between.forget()
        assert await app.database.write(lambda conn: letters.replay(conn, letter.id))
        await eventually(lambda: alice.times("later"))


async def test_the_file_of_the_database_does_not_hold_what_was_said_once_it_is_done(
    settings: Settings, alice: EncryptingClient, sqlite_url: str
) -> None:
    settings = replace(settings, database=sqlite_url)
    long = "word " * 2000
    async with at_work(settings) as app:
        room = await alice.encrypted_room(app.client.user)
        for said in (SECRET, f"{long}{SECRET}"):
            await alice.say(room, f"say {said}")
            await eventually(lambda said=said: alice.times(said))

        async def all_said() -> bool:
            return (await app.engine.backlog()).outbox == 0

        await eventually(all_said)
    # The journal beside it ends with the last connection.
    file = Path(str(make_url(sqlite_url).database))
    assert SECRET.encode() not in file.read_bytes()
    assert long.encode()[:100] not in file.read_bytes()
