"""A meet-up on a real homeserver: registered by reaction, a place offered and taken, reminded, cancelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar

from esnbot.matrix.registration import Registration
from esnbot.testing import Seen
from esnbot.testing.homeserver import Homeserver
from tests.features.test_in_rooms import a_town

FRIDAY = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
PROPOSE = '!esn meetup propose "Board games" on friday 6pm at "Canteen, Lyon" seats=1'


def corrects(event: Seen, post: str) -> bool:
    relation = event.content.get("m.relates_to")
    return isinstance(relation, dict) and relation.get("rel_type") == "m.replace" and relation["event_id"] == post


async def test_from_the_first_reaction_to_the_last_word(
    homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str
) -> None:
    async with a_town(homeserver, service, tmp_path, sqlite_url) as town:
        zoe, ali, kim = await town.newcomer("zoe"), await town.newcomer("ali"), await town.newcomer("kim")
        bot, cafe = town.app.client.user, await town.room("cafe")
        chat = await kim.direct_chat(bot)
        await kim.wait_for_text("Hello!", room=chat)
        await kim.say(chat, "meetup")
        await kim.wait_for_text("No meet-up is planned in your groups.", room=chat)

        await zoe.say(cafe, PROPOSE)
        card = await ali.wait_for_text("Board games · meet-up 1", room=cafe)
        assert card.content["msgtype"] == "m.text"
        file = await ali.wait_for(lambda event: event.content.get("msgtype") == "m.file", room=cafe)
        assert file.thread == card.id
        (event,) = icalendar.Calendar.from_ical(await ali.download(file.content["url"])).events
        assert event.start == FRIDAY
        await ali.wait_for(lambda event: event.type == "m.reaction" and event.sender == bot, room=cafe)

        await ali.react(cafe, card.id, "🏢")
        await ali.say(cafe, "!esn meetup show")
        await ali.wait_for_text("On site: 1 of 1", room=cafe)
        await kim.react(cafe, card.id, "🏢")
        await kim.wait_for_text("You are number 1 on the waiting list", room=chat)
        town.clock.advance(timedelta(seconds=31))
        await ali.wait_for(lambda event: corrects(event, card.id) and "Waiting: 1" in event.body, room=cafe)

        await town.restart()
        await ali.react(cafe, card.id, "❌")
        offer = await kim.wait_for_text("A place has become free", room=chat)
        await kim.react(chat, offer.id, "✅")
        await kim.wait_for_text("The place at Board games", room=chat)

        town.clock.set(FRIDAY - timedelta(minutes=59))
        await kim.wait_for_text("In an hour", room=chat)
        await zoe.say(cafe, "!esn meetup cancel")
        question = await zoe.wait_for_text("Shall I cancel", room=cafe)
        await zoe.react(cafe, question.id, "✅")
        await kim.wait_for_text("Cancelled: Board games", room=chat)
        await ali.wait_for(lambda event: corrects(event, card.id) and "is cancelled" in event.body, room=cafe)
        await kim.say(chat, "meetup show 1")
        await kim.wait_for_text("This meet-up is cancelled.", room=chat)
        heard = [event.body for event in await kim.history(chat) if event.sender == bot]
        for once in ("A place has become free", "In an hour", "Cancelled"):
            assert len([body for body in heard if body.startswith(once)]) == 1, once
