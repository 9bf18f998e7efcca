"""The watch on a real homeserver: a feed of a real web server, a find in the animators' room, a press, a wish."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridges.feeds.bridge import FeedBridge
from esnbot.discovery import Discovery, discover
from esnbot.engine.effects import Effect
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features.calendar import ENTRY_WANTED
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.watch import feature as watch
from esnbot.matrix.registration import Registration
from esnbot.testing import Seen, eventually
from esnbot.testing.homeserver import Homeserver
from tests import town as towns
from tests.bridges.feeds.feedserver import FeedServer, a_server, rss
from tests.town import a_town, answer_to

MORE = """
animators_room: backstage
groups:
  backstage: {{name: Backstage, kind: animators, space: home, joining: space, alias: "backstage-{bot}"}}
features:
  watch:
    sources:
      - {{url: "{url}", line: metier, name: The bicycle}}
"""


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FeedServer]:
    """A web server with a feed."""
    async with a_server() as one:
        yield one


async def test_a_feeds_item_comes_into_the_animators_room_and_a_press_makes_a_wish_of_it(
    homeserver: Homeserver,
    service: Registration,
    tmp_path: Path,
    sqlite_url: str,
    server: FeedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wished: list[dict[str, Any]] = []

    async def hear(ctx: Context, event: Event) -> Sequence[Effect]:
        wished.append(event.content)
        return []

    def spy(kit: Kit[Any]) -> Feature:
        return Feature(Module("spy", (Listener(frozenset({ENTRY_WANTED}), hear),)))

    def found(*args: Any) -> Discovery:
        real = discover(*args)
        told = Declaration("spy", "It hears.", real.declarations["watch"].settings, spy)
        return replace(real, declarations={**real.declarations, "spy": told})

    monkeypatch.setattr(towns, "discover", found)
    # Loopback is asked in this test alone; no configuration can allow it.
    monkeypatch.setattr(
        watch, "FeedBridge", lambda manners: FeedBridge(manners, may_ask=lambda address: address.is_loopback)
    )
    server.put("/feed", rss("Lighter", more="<description>A frame of &lt;b&gt;bamboo&lt;/b&gt;.</description>"))
    more = MORE.format(url=server.url(), bot=service.bot_localpart)
    async with a_town(homeserver, service, tmp_path, sqlite_url, more) as town:
        max, bot = town.animator, town.app.client.user
        room = await town.room("backstage")
        await max.join(room)

        def is_find(event: Seen) -> bool:
            return event.sender == bot and event.body.startswith("Lighter")

        await eventually(lambda: _was_read(town.app, server.url()))
        town.clock.advance(timedelta(hours=3))
        find = await max.wait_for(is_find, room=room)
        assert "A frame of bamboo." in find.body
        assert find.content["msgtype"] == "m.notice"
        relation = find.content["m.relates_to"]
        assert relation["rel_type"] == "m.thread"
        head = next(event for event in await max.history(room) if event.id == relation["event_id"])
        assert head.body.startswith("Watch: one find")
        buttons = []
        for button in ("✅", "⏰", "🗑️"):
            seen = await max.wait_for(lambda event, emoji=button: _is_button(event, find, emoji), room=room)
            buttons.append(seen.content["m.relates_to"]["key"])

        await max.react(room, find.id, "✅")
        edit = await max.wait_for(lambda event: "has made a draft of it" in event.body, room=room)
        assert edit.content["m.relates_to"] == {"rel_type": "m.replace", "event_id": find.id}
        await eventually(lambda: bool(wished))
        assert [(one["title"], one["line"], one["credit"], one["by"]) for one in wished] == [
            ("Lighter", "metier", "The bicycle", max.id)
        ]

        # A second source, by command: its first look is told under the command.
        server.put("/second", rss("Another"))
        answer = await answer_to(
            max, room, f"!esn watch add {server.url('/second', 'localhost')} line=metier name=Second"
        )
        assert "I watch Second from now on" in answer.body
        told = await max.wait_for(lambda event: "Second can be read." in event.body, room=room)
        assert told.content["m.relates_to"]["rel_type"] == "m.thread"


def _is_button(event: Seen, find: Seen, emoji: str) -> bool:
    relation = event.content.get("m.relates_to", {})
    return event.type == "m.reaction" and relation.get("event_id") == find.id and relation.get("key") == emoji


async def _was_read(app: Any, url: str) -> bool:
    async with app.database.read() as conn:
        rows = await conn.exec_driver_sql("SELECT count(*) FROM watch_find")
        return bool(rows.scalar_one())
