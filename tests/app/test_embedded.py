"""The embedded mode, with a real Synapse: ports, accounts, and the second call."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from esnbot.community.model import Community
from esnbot.embedded import AlreadyRuns, Embedded, chosen, rooms_for
from esnbot.homeserver import HomeserverError, free_port
from esnbot.settings import Homeserver, Settings, load

CONFIG = """
name: A community
languages: [fr, en]
time_zone: Europe/Paris
homeserver:
  embedded: true
  data: {folder}/homeserver
  listen: 127.0.0.1:{client}
  appservice_listen: 127.0.0.1:{service}
database: sqlite+aiosqlite:///{folder}/esnbot.db
audiences:
  staff: {{name: Staff, homeservers: [own]}}
  partners: {{name: Partners, homeservers: [partner.example], external: true}}
roles: {{animators: ["@camille"]}}
teams: {{shop: {{name: Shop, people: ["@noa"]}}}}
spaces:
  house:
    name: House
    audiences: [staff]
    groups:
      team: {{name: Animators, kind: animators, joining: invite}}
    spaces:
      trades: {{name: Trades}}
  outside: {{name: Outside, audiences: [partners]}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "community.yaml"
    path.write_text(CONFIG.format(folder=tmp_path, client=free_port(), service=free_port()))
    return load(path, environment={})


@pytest.fixture
def homeserver(settings: Settings) -> Homeserver:
    return settings.homeserver


@pytest.fixture
def community(settings: Settings) -> Community:
    return settings.community


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def embedded(homeserver: Homeserver) -> Embedded:
    return Embedded(homeserver, quick=True)


async def test_accounts_are_ready_to_log_in_with_and_the_same_at_the_next_call(
    homeserver: Homeserver, community: Community
) -> None:
    first = embedded(homeserver)
    await first.start()
    try:
        seats = await first.make_accounts(first.seats(community))
        assert [(seat.localpart, seat.role) for seat in seats] == [
            ("camille", "animator"),
            ("noa", "employee"),
            ("alex", "employee"),
        ]
        assert first.server is not None
        for seat in seats:
            assert (await first.server.login(seat.localpart, seat.password)).user_id == f"@{seat.localpart}:localhost"
    finally:
        await first.stop()

    second = embedded(homeserver)
    again = await second.start()
    try:
        assert await second.make_accounts(second.seats(community)) == seats
        assert again.url == homeserver.url
    finally:
        await second.stop()


async def test_an_account_that_was_made_before_a_crash_could_be_noted_is_no_mistake(
    homeserver: Homeserver, community: Community
) -> None:
    one = embedded(homeserver)
    await one.start()
    try:
        seats = one.seats(community)
        await one.make_accounts(seats)
        assert all(seat.made for seat in await one.make_accounts(seats))
    finally:
        await one.stop()


def test_passwords_are_for_their_owner_only_and_in_no_representation(
    homeserver: Homeserver, community: Community
) -> None:
    homeserver.data.mkdir(parents=True)
    one = embedded(homeserver)
    (seat, *_) = one.seats(community)
    assert stat.S_IMODE(one.accounts_file.stat().st_mode) == 0o600
    assert seat.password not in repr(seat)


def test_a_port_in_use_is_replaced_said_and_remembered(homeserver: Homeserver, busy_port: int) -> None:
    homeserver.data.mkdir(parents=True)
    one = embedded(homeserver)

    taken = one.port("the homeserver", "127.0.0.1", busy_port)

    assert taken != busy_port
    assert one.notices == [f"Port {busy_port} is in use by another program; the homeserver uses {taken} from now on."]
    other = embedded(homeserver)
    assert other.port("the homeserver", "127.0.0.1", busy_port) == taken
    assert other.notices == []


def test_a_port_that_the_configuration_changed_goes_before_the_remembered_one(
    homeserver: Homeserver, busy_port: int
) -> None:
    homeserver.data.mkdir(parents=True)
    one = embedded(homeserver)
    one.port("the board", "127.0.0.1", busy_port)
    wanted = free_port()
    assert one.port("the board", "127.0.0.1", wanted) == wanted


async def test_a_second_process_on_the_same_folder_is_told_which_one_holds_it(homeserver: Homeserver) -> None:
    first = embedded(homeserver)
    await first.start()
    try:
        with pytest.raises(AlreadyRuns, match=rf"already runs on .* \(process {os.getpid()}\)"):
            await embedded(homeserver).start()
        assert first.server is not None
        assert first.server.running
    finally:
        await first.stop()


async def test_a_homeserver_that_cannot_start_leaves_the_folder_free(homeserver: Homeserver, tmp_path: Path) -> None:
    broken = replace(homeserver, server_name="not a name")
    with pytest.raises(HomeserverError):
        await embedded(broken).start()
    good = embedded(replace(homeserver, data=homeserver.data))
    await good.start()
    await good.stop()


def test_damaged_notes_are_named(homeserver: Homeserver, community: Community) -> None:
    homeserver.data.mkdir(parents=True)
    (homeserver.data / "accounts.json").write_text("{")
    with pytest.raises(HomeserverError, match=r"accounts\.json' is damaged"):
        embedded(homeserver).seats(community)


def test_where_nobody_is_named_there_are_two_employees_and_no_animator(homeserver: Homeserver) -> None:
    from zoneinfo import ZoneInfo

    nobody = Community(name="x", languages=("fr",), zone=ZoneInfo("UTC"))
    assert chosen(nobody, homeserver) == [("alex", "employee"), ("sam", "employee")]


def test_people_are_brought_into_the_spaces_that_are_open_to_them(community: Community) -> None:
    bindings = {key: f"!{key}" for key in ("house", "team", "trades", "outside")}
    today = date(2026, 1, 5)
    assert rooms_for(community, "@noa:localhost", today, bindings) == ["!house", "!trades"]
    assert rooms_for(community, "@camille:localhost", today, bindings) == ["!house", "!outside", "!trades", "!team"]
