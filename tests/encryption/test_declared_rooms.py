"""Groups that the configuration declares encrypted: what the bot says there is sealed, and readable for its people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nio import MegolmEvent

from esnbot.app import Application, application
from esnbot.discovery import discover
from esnbot.features.poll.model import START
from esnbot.matrix.registration import Registration
from esnbot.provisioning import wanted
from esnbot.provisioning.compare import LEFT
from esnbot.provisioning.passing import ignore
from esnbot.provisioning.reconciler import Reconciler
from esnbot.settings import Settings, load
from esnbot.store import bindings
from esnbot.testing import ManualClock
from esnbot.testing.homeserver import PASSWORD, Homeserver
from esnbot.testing.waiting import eventually
from tests.app.bench import settings_for
from tests.encryption.client import EncryptingClient
from tests.encryption.voter import Voter

GROUPS = """
prompts: [prompts.yaml]
roles: {{animators: ["{animator}"]}}
animators_room: desk
groups:
  desk: {{name: Desk, kind: animators, space: house, alias: "desk-{prefix}", encrypted: true}}
  lab:
    name: Lab
    kind: hobby
    space: house
    alias: "lab-{prefix}"
    joining: space
    encrypted: true
    charter: "{charter}"
    tempo: {{weekdays: [monday, tuesday, wednesday, thursday, friday, saturday, sunday], at: "09:30"}}
"""
PROMPT = """
prompts:
  find: {fr: Une trouvaille ?, en: A find?}
"""
CHARTER = "Wear goggles."
SPOKEN = ("m.room.message", START)


def settings_with(
    service: Registration, homeserver: Homeserver, folder: Path, database: str, animator: str, charter: str = CHARTER
) -> Settings:
    """A community whose group and animators' room are declared encrypted."""
    plain = settings_for(service, homeserver.url, folder, database)
    path = folder / "community.yaml"
    (folder / "prompts.yaml").write_text(PROMPT)
    groups = GROUPS.format(animator=animator, prefix=service.bot_localpart, charter=charter)
    path.write_text(path.read_text() + groups)
    environment = {"ESNBOT_AS_TOKEN": service.as_token, "ESNBOT_HS_TOKEN": service.hs_token}
    features = {name: one.settings for name, one in discover().declarations.items()}
    found = load(path, features, environment=environment)
    assert found.homeserver == plain.homeserver
    return found


@asynccontextmanager
async def at_work(settings: Settings, clock: ManualClock | None = None) -> AsyncIterator[Application]:
    """The bot, up, with all its features, and everything declared."""
    async with application(settings, discover(), clock) as app:
        await app.listen()
        await app.apply(ignore)
        await app.start()
        await asyncio.wait_for(app.until_ready(), 30)
        yield app


async def in_the_clear(app: Application, room: str) -> list[dict[str, Any]]:
    """What can be read in a room without any key."""
    events = (await app.client.messages(room, limit=200))["chunk"]
    return [event for event in events if event["type"] in SPOKEN]


async def room_of(app: Application, key: str) -> str:
    """The room of a key, whose charter stands where there is one."""

    async def found() -> str:
        async with app.database.read() as conn:
            return await bindings.room_of(conn, key) or ""

    return str(await eventually(found, 30))


async def pinned(app: Application, room: str) -> list[str]:
    """The event that is pinned, once there is one."""

    async def found() -> list[str]:
        return ((await app.client.state_event(room, "m.room.pinned_events")) or {}).get("pinned", [])

    return list(await eventually(found, 90) or [])


async def test_everything_that_is_said_there_is_sealed_and_readable(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> None:
    clock = ManualClock(datetime.now(UTC))
    zoe = await homeserver.person("zoe")
    settings = settings_with(service, homeserver, tmp_path, database_url, zoe.id)
    async with at_work(settings, clock) as app, Voter(zoe.account, tmp_path / "zoe") as client:
        bot = app.client.user
        lab, desk, house = [await room_of(app, key) for key in ("lab", "desk", "house")]
        # The charter stands before anybody is there.
        charter = (await pinned(app, lab))[0]
        assert (await app.reconciler.plan()).changes == ()
        await app.client.invite(desk, zoe.id)
        for room in (house, lab, desk):
            await client.join(room)
        await eventually(lambda: client.knows(lab, bot) and client.knows(desk, bot), 20)
        assert (await readable(client, lab, charter))["body"] == CHARTER

        await client.say(lab, "!esn help")
        help = await client.wait_for("le serveur ne peut pas y faire de recherche")
        assert help.decrypted
        assert help.source["content"]["m.relates_to"]["rel_type"] == "m.thread"

        # The welcome comes in private.
        clock.advance(timedelta(minutes=30))
        invited = await eventually(lambda: next(iter(client.nio.invited_rooms), None), 30)
        await client.join(str(invited))
        assert (await client.wait_for("Vous voici dans")).decrypted

        # The next half past nine on the wall, whatever the hour at which this test runs.
        due = clock.now().astimezone(ZoneInfo("Europe/Paris")).replace(hour=9, minute=30)
        clock.set((due if due > clock.now() else due + timedelta(days=1)) + timedelta(minutes=15))
        assert (await client.wait_for("trouvaille")).decrypted

        await client.say(lab, '!esn poll create "Where do we eat?" "Pizza" "Sushi"')
        assert (await client.poll(START)).decrypted
        await client.wait_for("1️⃣ Pizza")

        await client.say(desk, "!esn group archive Lab")
        question = await client.wait_for("✅")
        relation = {"rel_type": "m.annotation", "event_id": question.event_id, "key": "✅"}
        await client.send(desk, "m.reaction", {"m.relates_to": relation})
        await client.wait_for("Lab est archivé.")

        assert await in_the_clear(app, lab) == []
        assert await in_the_clear(app, desk) == []


async def test_a_charter_is_left_to_the_bot_corrected_and_never_in_the_clear(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> None:
    zoe = await homeserver.person("zoe")
    settings = settings_with(service, homeserver, tmp_path, database_url, zoe.id)
    # As 'esnbot apply' does it: without a device.
    async with application(settings, discover()) as app:
        await app.listen()
        machine = Reconciler(app.database, app.client, app.clock)
        await app.apply(ignore)
        plan = await machine.plan()
        assert [(change.key, change.what, change.why) for change in plan.changes] == [("lab", "charter", LEFT)]
        outcome = await machine.apply()
        assert outcome.notices == [f"lab: charter: {LEFT}"]
        lab = await room_of(app, "lab")
        assert not any(said(event) for event in (await app.client.messages(lab))["chunk"])
    async with at_work(settings) as app:
        charter = (await pinned(app, lab))[0]

        async def settled() -> bool:
            async with app.database.read() as conn:
                return not await wanted.unsettled(conn)

        await eventually(settled, 30)
    corrected_settings = settings_with(service, homeserver, tmp_path, database_url, zoe.id, "Wear goggles and gloves.")
    async with at_work(corrected_settings) as app, EncryptingClient(zoe.account, tmp_path / "zoe") as client:

        async def corrected() -> bool:
            return (await app.reconciler.plan()).changes == ()

        await eventually(corrected, 30)
        house = await room_of(app, "house")
        await client.join(house)
        await client.join(lab)
        # Kept over a restart, for who comes only now: the first words, and their correction.
        assert (await readable(client, lab, charter))["body"] == CHARTER
        events = [event for event in (await app.client.messages(lab))["chunk"] if said(event)]
        assert [event["type"] for event in events] == ["m.room.encrypted"] * 2
        correction = await readable(client, lab, events[0]["event_id"])
        assert correction["m.new_content"]["body"] == "Wear goggles and gloves."
        assert events[0]["content"]["m.relates_to"]["event_id"] == charter
        # A device that comes later is given the charter with the bot's next words, and nothing that was said before.
        bot = app.client.user
        await eventually(lambda: client.knows(lab, bot), 20)
        await client.say(lab, "!esn help")
        between = await client.wait_for("Ce que vous pouvez faire ici")
        account = await homeserver.server.login(zoe.id, PASSWORD)
        async with EncryptingClient(account, tmp_path / "phone") as phone:
            await eventually(lambda: phone.knows(lab, bot), 20)
            await phone.say(lab, "!esn group list")
            await phone.wait_for("Lab")
            assert (await readable(phone, lab, charter))["body"] == CHARTER
            earlier = await phone.nio.room_get_event(lab, between.event_id)
            assert isinstance(earlier.event, MegolmEvent)


def said(event: dict[str, Any]) -> bool:
    """Whether it is a message, sealed or not."""
    return event["type"] in (*SPOKEN, "m.room.encrypted")


async def readable(client: EncryptingClient, room: str, event: str) -> dict[str, Any]:
    """The content of an event once the client can read it."""

    async def found() -> dict[str, Any] | None:
        answer = await client.nio.room_get_event(room, event)
        content = answer.event.source["content"]
        return None if "ciphertext" in content else dict(content)

    return dict(await eventually(found, 30) or {})
