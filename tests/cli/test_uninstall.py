"""`esnbot uninstall` says what would stay behind and how to remove it, removes nothing, and names ways that work."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from esnbot.cli.checkup.probe import Answer, Probe
from esnbot.cli.uninstall import what_remains
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.registration import Registration
from esnbot.settings import load
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.waiting import eventually
from tests.cli.calling import Caller
from tests.cli.doctoring import SetUp
from tests.settings.writing import write


@pytest.fixture
def esnbot(capsys: pytest.CaptureFixture[str]) -> Caller:
    """Calls the command line."""
    return Caller(capsys)


def a_set_up(folder: Path) -> Path:
    service = Registration.new(server_name="lake.example", url="http://127.0.0.1:29331")
    return SetUp(folder, "https://matrix.lake.example", service).write()


def test_everything_that_stays_is_named_in_the_order_of_removing(esnbot: Caller, tmp_path: Path) -> None:
    outcome = esnbot("uninstall", "--json", "--config", a_set_up(tmp_path))

    remains = json.loads(outcome.out)["remains"]
    assert outcome.code == 0
    assert [one["what"].partition(",")[0].rstrip(".") for one in remains] == [
        "The rooms and spaces on the homeserver",
        "The bot's account",
        "The registration in the homeserver's configuration",
        "The bot's database",
        "The keys of the bot's encrypted device",
        "The configuration and its secrets",
    ]
    assert all(one["items"] and one["keep"] and one["remove"] for one in remains)


def test_rooms_are_listed_by_id_and_name(tmp_path: Path) -> None:
    path = a_set_up(tmp_path)
    path.write_text(path.read_text() + "groups: {lounge: {name: The Lounge}}\n")

    remains = what_remains(load(path, environment={}), path, {"lounge": "!one", "gone": "!two"})

    assert remains[0].items == ("!two  gone", "!one  The Lounge")


def test_an_embedded_homeserver_is_a_folder(esnbot: Caller, tmp_path: Path) -> None:
    outcome = esnbot("uninstall", "--config", write(tmp_path, ""))

    assert "rm -r var/homeserver" in outcome.out
    assert "Nothing was removed." in outcome.out


def test_nothing_is_removed_and_no_database_made(esnbot: Caller, tmp_path: Path) -> None:
    path = a_set_up(tmp_path)
    before = {one: one.read_bytes() for one in tmp_path.rglob("*")}

    esnbot("uninstall", "--config", path)

    assert {one: one.read_bytes() for one in tmp_path.rglob("*")} == before


def test_no_token_is_shown(esnbot: Caller, tmp_path: Path) -> None:
    outcome = esnbot("uninstall", "--config", a_set_up(tmp_path))

    assert (tmp_path / "as_token").read_text() not in outcome.out


async def test_the_ways_to_remove_rooms_and_account_work(homeserver: Homeserver, service: Registration) -> None:
    bot = MatrixClient(homeserver.url, service.as_token, service.bot_user_id, None)
    await bot.register()
    room = await bot.create_room({"name": "Lounge"})
    administrator = await homeserver.administrator()

    async with Probe(homeserver.url, administrator.access_token) as probe:
        deleting = await probe.ask(
            f"/_synapse/admin/v2/rooms/{quote(room, safe='')}", method="DELETE", content={"purge": True}
        )
        deactivating = await probe.ask(
            f"/_synapse/admin/v1/deactivate/{quote(service.bot_user_id, safe='')}",
            method="POST",
            content={"erase": True},
        )

        async def room_is_gone() -> bool:
            answer = await probe.ask(f"/_synapse/admin/v1/rooms/{quote(room, safe='')}")
            return isinstance(answer, Answer) and answer.status == 404

        await eventually(room_is_gone)
    await bot.close()

    assert isinstance(deleting, Answer)
    assert isinstance(deactivating, Answer)
    assert (deleting.status, deactivating.status) == (200, 200)
