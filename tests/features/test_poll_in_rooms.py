"""A poll on a real homeserver: one votes in it with matrix-nio, another by reaction, and there is one count."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nio import AsyncClient, RoomSendResponse

from esnbot.features.poll.model import END, RESPONSES, START
from esnbot.matrix.registration import Registration
from esnbot.testing import Person, Seen
from esnbot.testing.homeserver import Homeserver
from tests.town import a_town

NOON = datetime(2026, 3, 6, 11, 0, tzinfo=UTC)


@asynccontextmanager
async def nio_of(person: Person) -> AsyncIterator[AsyncClient]:
    """A client that is not ours, for somebody's account."""
    account = person.account
    client = AsyncClient(account.homeserver_url, account.user_id)
    client.restore_login(account.user_id, account.device_id, account.access_token)
    await client.sync(timeout=0, full_state=True)
    try:
        yield client
    finally:
        await client.close()


async def vote(client: AsyncClient, room: str, poll: str, *answers: str) -> None:
    content = {
        "m.relates_to": {"rel_type": "m.reference", "event_id": poll},
        RESPONSES[0]: {"answers": list(answers)},
    }
    assert isinstance(await client.room_send(room, RESPONSES[0], content), RoomSendResponse)


def corrects(event: Seen, post: str) -> bool:
    relation = event.content.get("m.relates_to")
    return isinstance(relation, dict) and relation.get("rel_type") == "m.replace" and relation["event_id"] == post


async def test_two_ways_to_vote_make_one_count_over_a_restart_and_one_result(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> None:
    async with a_town(homeserver, service, tmp_path, database_url) as town:
        zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
        bot, cafe = town.app.client.user, await town.room("cafe")
        await zoe.say(cafe, '!esn poll create "Where do we eat?" "Pizza" "Sushi" --until "friday noon"')
        start = await ali.wait_for(lambda event: event.type == START and event.sender == bot, room=cafe)
        paper = await ali.wait_for(lambda event: event.thread == start.id, room=cafe)
        assert paper.body.splitlines()[2:4] == ["1️⃣ Pizza", "2️⃣ Sushi"]
        await ali.wait_for(lambda event: event.type == "m.reaction" and event.sender == bot, room=cafe)

        async with nio_of(zoe) as nio:
            await vote(nio, cafe, start.id, "1")
            await ali.wait_for(lambda event: corrects(event, paper.id) and "One person has voted" in event.body)
            await town.restart()
            await ali.react(cafe, paper.id, "2️⃣")
            mistake = await ali.react(cafe, paper.id, "1️⃣")
            await ali.redact(cafe, mistake)
            # It names no poll, so it is no vote.
            await vote(nio, cafe, paper.id, "2")
            await ali.say(cafe, "!esn poll show")
            await ali.wait_for_text("1️⃣ Pizza: 1\n2️⃣ Sushi: 1", room=cafe)
            town.clock.advance(timedelta(seconds=31))
            shown = await ali.wait_for(lambda event: corrects(event, paper.id) and "2 people have voted" in event.body)
            assert "2️⃣ Sushi: 1" in shown.body

        town.clock.set(NOON + timedelta(seconds=1))
        ended = await ali.wait_for(lambda event: event.type == END, room=cafe)
        assert ended.content["m.relates_to"] == {"rel_type": "m.reference", "event_id": start.id}
        result = await ali.wait_for_text("The poll is over: Where do we eat?", room=cafe)
        assert result.content["msgtype"] == "m.text"
        assert "2 people voted. One vote came by reaction" in result.body
        await town.restart()
        await ali.say(cafe, "!esn poll show 1")
        await ali.wait_for_text("1️⃣ 1 · 2️⃣ 1", room=cafe)
        history = await ali.history(cafe)
        assert len([event for event in history if event.type == END]) == 1
        assert len([event for event in history if event.body.startswith("The poll is over")]) == 1


async def test_a_poll_that_is_redacted_takes_its_text_with_it(
    homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str
) -> None:
    async with a_town(homeserver, service, tmp_path, sqlite_url) as town:
        zoe, cafe = await town.newcomer(), await town.room("cafe")
        await zoe.say(cafe, '!esn poll create "Where do we eat?" "Pizza" "Sushi"')
        start = await zoe.wait_for(lambda event: event.type == START, room=cafe)
        paper = await zoe.wait_for(lambda event: event.thread == start.id, room=cafe)
        await town.animator.redact(cafe, start.id)

        def goes(event: Seen) -> bool:
            return event.type == "m.room.redaction" and event.content.get("redacts") == paper.id

        await zoe.wait_for(goes, room=cafe)
        await zoe.say(cafe, "!esn poll show 1")
        await zoe.wait_for_text("This poll was taken away.", room=cafe)
