"""Notes on a real homeserver: kept by reactions and from a thread as the homeserver has it, over a restart."""

from __future__ import annotations

from pathlib import Path

from esnbot.features.text.model import STRUCTURE
from esnbot.matrix.registration import Registration
from esnbot.testing import Person, Seen
from esnbot.testing.homeserver import Homeserver
from tests.town import Town, a_town


async def note_in(person: Person, room: str, words: str) -> Seen:
    """The bot's note that says that."""
    return await person.wait_for(lambda event: STRUCTURE in event.content and words in event.body, room=room)


async def notes_in(town: Town, person: Person, room: str) -> list[Seen]:
    """All notes that the room has got, without their edits."""
    bot = town.app.client.user
    found = [event for event in await person.history(room) if event.sender == bot and STRUCTURE in event.content]
    return [event for event in found if event.content.get("m.relates_to", {}).get("rel_type") != "m.replace"]


async def test_a_message_and_a_thread_become_notes_once(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> None:
    async with a_town(homeserver, service, tmp_path, database_url) as town:
        zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
        cafe = await town.room("cafe")

        message = await ali.say(cafe, "The hall is booked by phone. Ask for Rosa.")
        await zoe.react(cafe, message, "📌")
        await ali.react(cafe, message, "📌")
        note = await note_in(zoe, cafe, "The hall is booked by phone")
        assert "Note 1" in note.body
        assert message in note.html

        root = await zoe.say(cafe, "Which drill do we buy? #tools")
        blue = await ali.say_in_thread(cafe, root, "The blue one costs 80 €")
        await ali.edit(cafe, blue, "The blue one costs 90 €")
        secret = await ali.say_in_thread(cafe, root, "My PIN is 4711")
        await ali.redact(cafe, secret)
        light = await ali.say_in_thread(cafe, root, "It is light as well")
        await zoe.say_in_thread(cafe, root, "!esn note thread Our drill")
        await zoe.wait_for_text("Kept as note 2", room=cafe)
        thread = await note_in(zoe, cafe, "Our drill")
        assert "90 €" in thread.body
        assert "80 €" not in thread.body
        assert "4711" not in thread.body
        assert "It is light as well" in thread.body

        await town.restart()
        await ali.redact(cafe, light)
        anew = await zoe.wait_for(
            lambda event: STRUCTURE in event.content and "Our drill" in event.body and "light" not in event.body,
            room=cafe,
        )
        assert "90 €" in anew.body
        await zoe.say(cafe, "!esn note list #tools")
        await zoe.wait_for_text("2 Our drill", room=cafe)

        # What its author takes away takes its note away.
        await ali.redact(cafe, message)
        await zoe.wait_for(
            lambda event: event.type == "m.room.redaction" and event.content.get("redacts") == note.id, room=cafe
        )
        await zoe.say(cafe, "!esn note show 1")
        await zoe.wait_for_text("I do not know any note 1 here", room=cafe)
        standing = [event for event in await notes_in(town, zoe, cafe) if event.body]
        assert [event.id for event in standing] == [anew.id]
