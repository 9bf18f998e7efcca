"""One direct chat a person: whether it is encrypted, and what becomes of two that are opened at the same time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from esnbot.app import Application
from esnbot.engine import effects_in
from esnbot.engine.clock import now_ms
from esnbot.engine.effects import Say, direct
from esnbot.matrix.registration import Registration
from esnbot.settings import Settings
from esnbot.store import bindings
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.person import MatrixRefusal
from esnbot.testing.waiting import eventually
from tests.app.bench import settings_for
from tests.encryption.bench import at_work
from tests.encryption.client import EncryptingClient


@pytest.fixture
def settings(homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str) -> Settings:
    return settings_for(service, homeserver.url, tmp_path, database_url)


async def tell(app: Application, user: str, body: str) -> None:
    """The bot says something to somebody in private."""
    say = [Say(room=direct(user), body=body)]
    now = now_ms(app.engine.system)
    await app.database.write(lambda conn: effects_in.put(conn, "tests", f"${body}", say, now))
    app.engine.signals.set("outbox")


async def chat_with(app: Application, user: str) -> str | None:
    async with app.database.read() as conn:
        return await bindings.room_of(conn, direct(user))


async def chat_opened(app: Application, user: str) -> str:
    """The chat that the bot has opened, once everything is said in it."""

    async def found() -> str | None:
        async with app.database.read() as conn:
            waiting = (await conn.execute(text("SELECT count(*) FROM outbox WHERE state = 0"))).scalar_one()
        return None if waiting else await chat_with(app, user)

    return str(await eventually(found, 20))


class TestWhetherItIsEncrypted:
    async def test_it_is_for_somebody_with_keys_and_the_first_words_are_readable(
        self, settings: Settings, alice: EncryptingClient
    ) -> None:
        async with at_work(settings) as app:
            await tell(app, alice.nio.user_id, "good morning")
            room = await eventually(lambda: next(iter(alice.nio.invited_rooms), None), 20)
            await alice.join(str(room))
            assert (await alice.wait_for("good morning")).decrypted

    async def test_it_is_not_for_somebody_without(self, settings: Settings, homeserver: Homeserver) -> None:
        bob = await homeserver.person("bob")
        async with at_work(settings) as app:
            await tell(app, bob.id, "good morning")
            room = await bob.wait_for_invite()
            await bob.join(room)
            await bob.wait_for_text("good morning", room=room)
            assert await bob.state(room, "m.room.encryption") is None

    async def test_it_is_not_where_the_configuration_says_so(self, settings: Settings, alice: EncryptingClient) -> None:
        async with at_work(replace(settings, encrypted_chats=False)) as app:
            await tell(app, alice.nio.user_id, "good morning")
            room = await eventually(lambda: next(iter(alice.nio.invited_rooms), None), 20)
            await alice.join(str(room))
            assert not (await alice.wait_for("good morning")).decrypted


class TestWhoOpensOneWhileInvited:
    async def test_the_bot_takes_its_invitation_back_and_uses_theirs(
        self, settings: Settings, homeserver: Homeserver
    ) -> None:
        bob = await homeserver.person("bob")
        async with at_work(settings) as app:
            bot = app.client.user
            await tell(app, bob.id, "good morning")
            own = await bob.wait_for_invite()
            await chat_opened(app, bob.id)
            theirs = await bob.direct_chat(bot)
            await bob.wait_for_text("Je m’occupe", room=theirs)

            async def gone() -> bool:
                return own not in await app.client.joined_rooms()

            await eventually(gone, 20)

            async def taken_back() -> bool:
                await bob.sync()
                return own not in bob.invites

            # Nothing is left that cannot be accepted.
            await eventually(taken_back, 20)
            with pytest.raises(MatrixRefusal):
                await bob.join(own)
            await tell(app, bob.id, "good evening")
            await bob.wait_for_text("good evening", room=theirs)
            assert await chat_with(app, bob.id) == theirs

    async def test_after_they_accepted_both_stay_and_the_last_one_that_they_wrote_in_is_used(
        self, settings: Settings, homeserver: Homeserver
    ) -> None:
        bob = await homeserver.person("bob")
        async with at_work(settings) as app:
            bot = app.client.user
            await tell(app, bob.id, "good morning")
            own = await bob.wait_for_invite()
            await bob.join(own)
            await bob.wait_for_text("good morning", room=own)
            theirs = await bob.direct_chat(bot)
            await bob.wait_for_text("Je m’occupe", room=theirs)
            for room, words in ((own, "one"), (theirs, "two"), (own, "three")):
                await bob.say(room, f"say {words}")
                await bob.wait_for_text(words, room=room)
                await tell(app, bob.id, f"in private {words}")
                await bob.wait_for_text(f"in private {words}", room=room)
            assert {own, theirs} <= set(await app.client.joined_rooms())

    async def test_a_chat_that_others_came_into_hears_nothing_private_any_more(
        self, settings: Settings, homeserver: Homeserver
    ) -> None:
        bob, eve = await homeserver.person("bob"), await homeserver.person("eve")
        async with at_work(settings) as app:
            theirs = await bob.direct_chat(app.client.user)
            await bob.wait_for_text("Je m’occupe", room=theirs)
            await bob.invite(theirs, eve.id)
            await eve.join(theirs)
            await bob.say(theirs, "say hello to eve")
            await bob.wait_for_text("hello to eve", room=theirs)
            await tell(app, bob.id, "between us")
            room = await bob.wait_for_invite()
            await bob.join(room)
            await bob.wait_for_text("between us", room=room)
            assert "between us" not in [one.body for one in await eve.messages(theirs)]
