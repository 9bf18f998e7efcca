"""The application, put together, on a real homeserver."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession

from esnbot.app import StartError, application
from esnbot.discovery import Discovery
from esnbot.matrix.registration import Registration
from esnbot.settings import Settings
from esnbot.testing.homeserver import Homeserver
from esnbot.web import ListenError
from tests.app.bench import broken, echo, settings_for, with_features


@pytest.fixture
def settings(homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str) -> Settings:
    return settings_for(service, homeserver.url, tmp_path, database_url)


async def test_it_comes_up_listens_and_answers_people(settings: Settings, homeserver: Homeserver) -> None:
    alice = await homeserver.person("alice")
    settings, found = with_features(settings, echo())
    async with application(settings, found) as app:
        await app.start()
        await asyncio.wait_for(app.until_ready(), 20)
        room = await alice.create_room(invite=[app.client.user])
        await app.client.join(room)

        await alice.say(room, "say good morning")

        assert (await alice.wait_for_text("good morning", room=room)).sender == app.client.user
        assert (await alice.state(room, "m.room.member", app.client.user) or {})["displayname"] == "Esnbot"


async def test_a_broken_feature_is_named_and_the_others_run(settings: Settings) -> None:
    settings, found = with_features(settings, broken(), echo())
    async with application(settings, Discovery(found.declarations, {"lost": "the feature 'lost' …"})) as app:
        assert list(app.features) == ["echo"]
        assert app.broken["broken"] == "the feature 'broken' cannot be built: RuntimeError: no tea left"
        assert "lost" in app.broken


async def test_health_readiness_and_metrics_are_served_while_it_runs(settings: Settings) -> None:
    settings, found = with_features(settings, echo())
    async with application(settings, found) as app, ClientSession() as session:
        await app.start()
        await asyncio.wait_for(app.until_ready(), 20)
        async with session.get(f"{app.board.url}/ready") as answer:
            assert answer.status == 200
        async with session.get(f"{app.board.url}/metrics") as answer:
            assert "esnbot_ready 1.0" in await answer.text()


async def test_it_waits_for_a_homeserver_that_is_away_and_says_so(settings: Settings, sqlite_url: str) -> None:
    from dataclasses import replace

    away = replace(settings, homeserver=replace(settings.homeserver, url="http://127.0.0.1:9"))
    away, found = with_features(away)
    async with application(away, found) as app, ClientSession() as session:
        await app.start()
        async with session.get(f"{app.board.url}/health") as answer:
            assert answer.status == 200
        async with session.get(f"{app.board.url}/ready") as answer:
            assert answer.status == 503
            assert (await answer.json())["waiting_for"] == ["homeserver", "caught_up"]


async def test_a_token_that_the_homeserver_refuses_ends_the_start_with_the_reason(
    homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str
) -> None:
    settings, found = with_features(settings_for(service, homeserver.url, tmp_path, sqlite_url, token="no-such-token"))
    async with application(settings, found) as app:
        await app.start()
        with pytest.raises(StartError, match="does not accept the as_token") as caught:
            await asyncio.wait_for(app.until_ready(), 20)
        assert "esnbot doctor" in caught.value.hint


async def test_a_port_in_use_ends_the_start_with_the_address(settings: Settings) -> None:
    settings, found = with_features(settings)
    async with application(settings, found) as first:
        await first.start()
        async with application(settings, found) as second:
            with pytest.raises(ListenError, match="is in use by another program") as caught:
                await second.start()
            assert "appservice_listen" in caught.value.hint


async def test_what_the_file_declares_is_made_and_a_second_time_nothing_is(
    settings: Settings, homeserver: Homeserver
) -> None:
    alice = await homeserver.person("alice")
    settings, found = with_features(settings)
    async with application(settings, found) as app:
        first = await app.apply(lambda done, total, key: None)
        assert first is not None
        assert first.ok
        assert first.done == ["house"]
        alias = f"#{settings.community.spaces['house'].alias}:{settings.homeserver.server_name}"
        assert await alice.join(alias)
    async with application(settings, found) as app:
        second = await app.apply(lambda done, total, key: None)
        assert second is not None
        assert second.done == []


async def test_what_is_no_longer_in_the_file_is_not_archived_without_a_plan(
    settings: Settings, homeserver: Homeserver
) -> None:
    from dataclasses import replace

    settings, found = with_features(settings)
    async with application(settings, found) as app:
        await app.apply(lambda done, total, key: None)
    emptied = replace(settings, community=replace(settings.community, spaces={}, home=None))
    async with application(emptied, found) as app:
        assert await app.apply(lambda done, total, key: None) is None


async def test_stopping_takes_less_than_three_seconds_and_lets_the_addresses_go(settings: Settings) -> None:
    settings, found = with_features(settings, echo())
    loop = asyncio.get_running_loop()
    for _ in range(2):
        async with application(settings, found) as app:
            await app.start()
            await asyncio.wait_for(app.until_ready(), 20)
            began = loop.time()
        assert loop.time() - began < 3.0
