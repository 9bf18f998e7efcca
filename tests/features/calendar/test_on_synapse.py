"""An entry on a real homeserver: written in the animators' room, posted once, corrected, and withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from esnbot.matrix.registration import Registration
from esnbot.testing import Seen
from esnbot.testing.homeserver import Homeserver
from tests.features.test_in_rooms import a_town, agree_to, answer_to

TEN = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
"""Tuesday, ten in the morning in Paris."""
BACKSTAGE = """
      backstage:
        name: Backstage
        alias: backstage-{bot}
        kind: animators
        joining: space
animators_room: backstage
"""


def replaces(event: Seen, post: str) -> bool:
    relation = event.content.get("m.relates_to")
    return isinstance(relation, dict) and relation.get("rel_type") == "m.replace" and relation["event_id"] == post


async def test_an_entry_is_posted_once_corrected_in_its_room_and_withdrawn(
    homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str
) -> None:
    more = BACKSTAGE.format(bot=service.bot_localpart)
    async with a_town(homeserver, service, tmp_path, sqlite_url, more) as town:
        zoe, max = await town.newcomer(), town.animator
        cafe, back, bot = await town.room("cafe"), await town.room("backstage"), town.app.client.user
        await max.join(back)
        line = f'!esn calendar add "Open day" on tuesday 10am in #cafe-{service.bot_localpart}\n\nCome **all**!'
        answer = await answer_to(max, back, line)
        assert "Entry 1 Open day: scheduled · tomorrow at 10:00 · The café" in answer.body

        picture = {"msgtype": "m.image", "body": "plan.png", "url": "mxc://example.org/plan", "info": {"size": 9}}
        image = await max.send(back, "m.room.message", picture)
        reply = {"msgtype": "m.text", "body": "!esn calendar attach 1"}
        await max.send(back, "m.room.message", {**reply, "m.relates_to": {"m.in_reply_to": {"event_id": image}}})
        await max.wait_for_text("Attached to entry 1: plan.png", room=back)

        await town.restart()
        town.clock.set(TEN + timedelta(seconds=1))
        post = await zoe.wait_for(lambda event: event.sender == bot and event.body.startswith("Open day"), room=cafe)
        assert post.content["msgtype"] == "m.text"
        assert "<strong>all</strong>" in post.html
        await zoe.wait_for(lambda event: event.content.get("url") == picture["url"], room=cafe)
        await town.restart()

        await answer_to(max, back, "!esn calendar edit 1 Open evening")
        edit = await zoe.wait_for(lambda event: replaces(event, post.id), room=cafe)
        assert edit.content["m.new_content"]["body"] == "Open evening\n\nCome all!"
        history = await zoe.history(cafe)
        assert len([event for event in history if event.body.startswith("Open ")]) == 1

        await agree_to(max, back, "!esn calendar withdraw 1")
        await zoe.wait_for(
            lambda event: event.type == "m.room.redaction" and event.content.get("redacts") == post.id, room=cafe
        )
        shown = await answer_to(max, back, "!esn calendar history 1")
        assert [line.split(" · ")[1] for line in shown.body.splitlines() if " · " in line] == [
            "withdrawn",
            "reworded",
            "posted",
            "a file attached",
            "written down",
        ]
