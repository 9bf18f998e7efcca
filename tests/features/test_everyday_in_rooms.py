"""What people meet day by day, in rooms of a real homeserver: quotas, calm, silence, hints, whom to ask, old notes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from esnbot.engine.tables import schedule
from esnbot.matrix.registration import Registration
from esnbot.testing import Person, Seen, eventually
from esnbot.testing.homeserver import Homeserver
from tests.town import MONDAY, Town, a_town, answer_to

BENCH = """
kind: practice
name: {en: Bench, fr: Établi}
summary: {en: "A bench.", fr: "Un établi."}
topic: {en: The bench, fr: "L'établi"}
"""
DAY = timedelta(days=1)

Open = Callable[[str], AbstractAsyncContextManager[Town]]


@pytest.fixture
def open_town(homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str) -> Open:
    """A community on SQLite, with more of a configuration."""
    (tmp_path / "bench.yaml").write_text(BENCH)
    return lambda more: a_town(homeserver, service, tmp_path, sqlite_url, more)


async def chat_with(town: Town, person: Person) -> str:
    """The person's own chat with the bot, once it is there."""
    bot = town.app.client.user
    chat = await person.direct_chat(bot)
    await person.wait_for(lambda event: event.type == "m.room.message" and event.sender == bot, room=chat)
    return chat


async def told(person: Person, chat: str, text: str, answer: str) -> Seen:
    """Say something in a chat of two; the answer that has these words."""
    await person.say(chat, text)
    return await person.wait_for_text(answer, room=chat)


# --- who may make what ---------------------------------------------------------------------------------------------


async def test_who_may_make_what_is_told_before_anything_is_asked(open_town: Open) -> None:
    rule = "templates: [bench.yaml]\nfeatures: {group: {may_create: {staff: {templates: [bench], a_week: 1}}}}\n"
    async with open_town(rule) as town:
        zoe, ali, cafe = await town.newcomer("zoe"), await town.newcomer("ali"), await town.room("cafe")
        bot = town.settings.homeserver.bot_localpart
        listed = await answer_to(zoe, cafe, "!esn group templates")
        assert ("`bench`" in listed.body, "hobby" in listed.body) == (True, False)
        refused = await answer_to(zoe, cafe, f'!esn group create "Hens {bot}" --template hobby')
        assert refused.body.startswith("You cannot make a group of this sort here.")
        assert "`bench`" in refused.body
        unsaid = await answer_to(zoe, cafe, f'!esn group create "Hens {bot}"')
        assert unsaid.body == "Say what your group begins with: add `--template` and `bench`."

        ready = await answer_to(zoe, cafe, f'!esn group create "Hens {bot}" --template bench')
        assert "is ready" in ready.body
        await zoe.join(await zoe.wait_for_invite())
        enough = await answer_to(zoe, cafe, f'!esn group create "Cows {bot}" --template bench')
        assert enough.body.startswith("You have made one group in the last seven days")
        await told(zoe, await chat_with(town, zoe), "create a group", "You have made one group in the last seven days")

        # It counts the groups of whoever asks, and nobody's who looks after the community.
        for person, name in ((ali, "Cows"), (town.animator, "Goats")):
            assert (
                "is ready" in (await answer_to(person, cafe, f'!esn group create "{name} {bot}" --template bench')).body
            )
        assert await zoe.resolve(f"#cows-{bot}:{town.homeserver.server_name}") is not None
        town.clock.advance(7 * DAY + timedelta(minutes=1))
        assert "is ready" in (await answer_to(zoe, cafe, f'!esn group create "Pigs {bot}" --template bench')).body


# --- calm, and notes that grow old ---------------------------------------------------------------------------------


async def private_words_wait(town: Town) -> bool:
    """Whether an hour is planned at which private words are said."""
    async with town.app.database.read() as conn:
        return bool((await conn.execute(select(schedule.c.key).where(schedule.c.module == "calm"))).first())


async def test_a_reader_is_asked_whether_an_old_note_holds_and_its_author_hears_within_a_budget(
    open_town: Open,
) -> None:
    async with open_town("features: {calm: {a_week: 3}, life: {quiet_after: never}}\n") as town:
        zoe, ali, cafe = await town.newcomer("zoe"), await town.newcomer("ali"), await town.room("cafe")
        chat = await chat_with(town, zoe)
        for number in range(1, 6):
            await zoe.say(cafe, f"!esn note Key {number}\nBehind door {number}.")
            await zoe.wait_for_text(f"Note {number}", room=cafe)
        assert "still hold" not in (await answer_to(ali, cafe, "!esn note show 1")).body

        monday = datetime(2026, 8, 31, 8, 0, tzinfo=UTC)  # ten o'clock in Paris
        town.clock.set(monday - timedelta(hours=1))
        asked = await answer_to(ali, cafe, "!esn note show 1")
        assert asked.body.endswith(
            "This note is 182 days old. Does it still hold? React with ✅ if it does, with ✏️ if it needs a look."
        )
        await ali.react(cafe, asked.id, "✅")
        await ali.wait_for_text("Thank you: note 1 counts as checked today.", room=cafe)
        assert "still hold" not in (await answer_to(zoe, cafe, "!esn note show 1")).body

        async def heard() -> list[str]:
            said = [event.body for event in await zoe.messages(chat) if "needs a look" in event.body]
            return [body.partition("needs a look")[0][-6:-2] for body in said]

        async def doubt(number: int, at: datetime) -> None:
            """A reader doubts a note an hour before the hour of private words, which then comes."""
            town.clock.set(at - timedelta(hours=1))
            shown = await answer_to(ali, cafe, f"!esn note show {number}")
            await ali.react(cafe, shown.id, "✏️")
            await ali.wait_for_text(f"note {number} is shown as needing a look", room=cafe)
            await eventually(lambda: private_words_wait(town))
            assert await heard() == before
            # Whatever is due leaves a moment after its hour.
            town.clock.set(at + timedelta(seconds=2))

        await zoe.wait_for_text("Welcome to Ardoise!", room=chat)
        before: list[str] = []
        for number, at in ((2, monday), (3, monday + DAY)):
            await doubt(number, at)
            word = await zoe.wait_for_text(f"your note {number}, Key {number}, needs a look", room=chat)
            assert f"`note edit {number}` changes it" in word.body
            assert word.body.endswith("quiet on` stops what I say here unasked, `quiet` shows what there is.")
            before = await heard()
        # With the greeting, three were said this week. The fourth waits for next Monday, to the hour.
        await doubt(4, monday + 2 * DAY)
        town.clock.set(monday + 7 * DAY - timedelta(minutes=1))
        await answer_to(zoe, cafe, "!esn quiet")
        assert await heard() == before
        town.clock.set(monday + 7 * DAY + timedelta(seconds=2))
        await zoe.wait_for_text("your note 4, Key 4, needs a look", room=chat)

        await told(zoe, chat, "quiet on", "I will not write to you unasked")
        before = await heard()
        town.clock.set(monday + 9 * DAY)
        shown = await answer_to(ali, cafe, "!esn note show 5")
        await ali.react(cafe, shown.id, "✏️")
        await ali.wait_for_text("note 5 is shown as needing a look", room=cafe)
        town.clock.set(monday + 16 * DAY)
        await told(zoe, chat, "quiet", "I write nothing to you unasked.")
        assert await heard() == before


async def test_a_member_silences_prompts_in_a_group_and_lets_them_come_again(open_town: Open) -> None:
    async with open_town("") as town:
        zoe, cafe = await town.newcomer("zoe"), await town.room("cafe")

        async def prompts() -> list[str]:
            bot = town.app.client.user
            said = [event.body for event in await zoe.messages(cafe) if event.sender == bot]
            return [body for body in said if body.endswith("Tell us.")]

        async def next_is(day: str) -> bool:
            return day in (await answer_to(town.animator, cafe, "!esn prompt next")).body

        silenced = await answer_to(zoe, cafe, "!esn silence prompts")
        assert silenced.body == (
            "Silenced in this group: prompts. What you ask me for still comes. "
            "Anybody here lifts this again with `!esn silence lift prompts`."
        )
        assert "prompts: since today, by zoe" in (await answer_to(zoe, cafe, "!esn silence")).body.lower()
        town.clock.set(MONDAY + timedelta(hours=1, minutes=30, seconds=1))
        await eventually(lambda: next_is("Thursday"))
        assert await prompts() == []
        await answer_to(town.animator, cafe, "!rse silence lever amorces")
        town.clock.set(MONDAY + 3 * DAY + timedelta(hours=1, minutes=30, seconds=1))
        await zoe.wait_for(lambda event: event.body.endswith("Tell us."), room=cafe)
        assert len(await prompts()) == 1


# --- what was asked before, and whom to ask ------------------------------------------------------------------------


async def test_who_asks_what_was_asked_before_is_shown_it_in_the_thread(open_town: Open) -> None:
    async with open_town("") as town:
        zoe, ali, desk = await town.newcomer("zoe"), await town.newcomer("ali"), await town.room("help")
        for person in (zoe, ali, town.animator):
            await person.join(desk)
        first = await zoe.say(desk, "How do I calibrate the milling machine in the second hall?")
        again = await ali.say(desk, "How does one calibrate the milling machines of the second hall?")
        hint = await ali.wait_for_text("This was asked before:", room=desk)
        assert hint.thread == again
        assert first in hint.html
        assert "zoe" not in hint.html.lower()

        await zoe.say(desk, "!esn note Descaling the coffee machine\nVinegar, one hour, then rinse it twice.")
        await zoe.wait_for_text("Note 1", room=desk)
        asked = "How does one descale the coffee machine?"
        # Once in half an hour is enough.
        await ali.say(desk, asked)
        await answer_to(ali, desk, "!esn search questions")
        assert len([event for event in await ali.messages(desk) if "This " in event.body and event.thread]) == 1
        town.clock.advance(timedelta(minutes=31))
        question = await town.animator.say(desk, asked)
        may_help = await ali.wait_for(lambda event: event.thread == question, room=desk)
        assert "Descaling the coffee machine" in may_help.body

        await answer_to(ali, desk, "!esn silence hints")
        town.clock.advance(timedelta(minutes=31))
        last = await zoe.say(desk, "How does one descale the coffee machines?")
        await answer_to(ali, desk, "!esn silence")
        assert not [event for event in await ali.messages(desk) if event.thread == last]


async def test_people_are_found_by_what_they_said_and_by_nothing_else(open_town: Open) -> None:
    async with open_town("") as town:
        zoe, ali, cafe = await town.newcomer("zoe"), await town.newcomer("ali"), await town.room("cafe")
        chat, bot = await chat_with(town, zoe), town.app.client.user
        await told(zoe, chat, "me ask-about TIG welding, <b>jigs</b>", "Noted: people can ask you about")
        found = await answer_to(ali, cafe, "!esn who knows welding")
        assert found.body.startswith("Whom to ask about “welding”")
        assert f"https://matrix.to/#/{zoe.id}" in found.html.replace("%40", "@").replace("%3A", ":")
        assert "&lt;b&gt;jigs&lt;/b&gt;" in found.html
        # Nobody is woken because somebody looks them up.
        assert found.content.get("m.mentions") == {}
        assert "I know of nobody" in (await answer_to(ali, cafe, "!esn who knows pottery")).body
        assert "I do not describe anybody" in (await answer_to(ali, cafe, "!esn who is Zoe")).body

        await told(zoe, chat, "me visible nobody", "Nobody can see this.")
        assert zoe.id not in (await answer_to(ali, cafe, "!esn who knows welding")).html
        await told(zoe, chat, "me visible company", "Everyone in the company")
        assert zoe.id in (await answer_to(ali, cafe, "!rse qui connaît TIG")).html
        await told(zoe, chat, "me ask-about --remove", "Removed:")
        assert zoe.id not in (await answer_to(ali, cafe, "!esn who knows TIG")).html
        assert bot not in (await answer_to(ali, cafe, "!esn who knows anything")).html
