"""Unasked private words: one budget, one message, one switch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.discovery import discover
from esnbot.engine import effects_in
from esnbot.engine.effects import Effect, Say
from esnbot.engine.feature import Context
from esnbot.features import calm
from esnbot.features.calm import records
from esnbot.features.calm.words import dump, load
from esnbot.speech import Later, Markdown, Quoted, later, later_plural
from tests.features.house import ALI, BOT, EVE, MAX, MONDAY, ZOE, House, a_house, said

ROOT = Path(__file__).parent.parent.parent
NUMBERS = count(1)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def both(text: str) -> Mapping[str, str]:
    return {"fr": f"{text} (fr)", "en": f"{text} (en)"}


async def whisper(
    house: House, words: Later | Mapping[str, str], person: str = ZOE, feature: str = "welcome", **more: Any
) -> list[Effect]:
    """A feature wants to say something; what goes out at once because of it."""

    async def job(conn: AsyncConnection) -> None:
        ctx = Context(conn=conn, now=house.clock.now(), bot=BOT)
        effects = await calm.whisper(ctx, person, feature, words, **more)
        now = int(house.clock.now().timestamp() * 1000)
        await effects_in.put(conn, feature, f"test:{next(NUMBERS)}", effects, now)

    await house.write(job)
    return await house.tell("org.esnbot.nothing")


async def days(house: House, number: int) -> list[Say]:
    """What goes out to people within so many days."""
    return [one for one in said(await house.let_pass(number * DAY)) if one.room.startswith("direct:")]


async def test_it_comes_at_a_good_hour_and_not_before(any_house: House) -> None:
    assert await whisper(any_house, both("Hello")) == []
    assert said(await any_house.let_pass(HOUR)) == []  # it is nine
    (word,) = said(await any_house.let_pass(HOUR))
    assert any_house.clock.now() == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert word.room == f"direct:{ZOE}"
    assert word.body.startswith("Hello (fr)")
    assert "tranquille oui" in word.body


async def test_what_gathers_within_a_day_comes_as_one_message(any_house: House) -> None:
    any_house.clock.set(MONDAY + 4 * HOUR)
    for number in (1, 2, 3):
        await whisper(any_house, both(f"Word {number}"))
        any_house.clock.advance(HOUR)
    (message,) = await days(any_house, 1)
    assert message.body.startswith("3 choses pour vous")
    assert all(f"Word {number} (fr)" in message.body for number in (1, 2, 3))


async def test_three_messages_a_week_and_then_it_waits_until_there_is_room(any_house: House) -> None:
    came: list[datetime] = []
    for number in range(1, 6):
        await whisper(any_house, both(f"Word {number}"))
        if await days(any_house, 1):
            came.append(any_house.clock.now() - DAY)
    assert [moment.day for moment in came] == [2, 3, 4]
    assert await days(any_house, 2) == []
    (late,) = await days(any_house, 1)
    assert "2 choses pour vous" in late.body


async def test_each_week_begins_at_the_hour_although_messages_leave_a_moment_after_it(any_house: House) -> None:
    ten = MONDAY + 2 * HOUR
    for day in (0, 1, 2, 7, 8, 9, 14):
        any_house.clock.set(ten + day * DAY - HOUR)
        await whisper(any_house, both(f"Word {day}"))
        any_house.clock.set(ten + day * DAY + timedelta(seconds=2))
        assert len(said(await any_house.let_pass(timedelta(0)))) == 1, day


async def test_commands_are_told_as_one_writes_them_in_a_chat_of_two(any_house: House) -> None:
    await whisper(any_house, later("`!esn quiet off` lets me write to you again."))
    (word,) = await days(any_house, 1)
    assert word.body.startswith("`tranquille non`")


async def test_the_budget_is_one_for_all_features_and_one_for_each_person(house: House) -> None:
    for number in range(3):
        await whisper(house, both(f"A {number}"), feature="one")
        assert len(await days(house, 1)) == 1
    await whisper(house, both("B"), feature="another")
    await whisper(house, both("C"), person=ALI)
    (only,) = await days(house, 1)
    assert only.room == f"direct:{ALI}"


async def test_nothing_comes_on_weekends_or_public_holidays(house: House) -> None:
    house.clock.set(datetime(2026, 4, 3, 12, 0, tzinfo=UTC))  # Friday before Easter
    await whisper(house, both("After Easter"))
    assert await days(house, 3) == []
    (word,) = await days(house, 1)
    assert "After Easter" in word.body
    assert house.clock.now().weekday() == 1


async def test_quiet_hours_win_over_the_hour_of_the_settings(sqlite_url: str) -> None:
    async with a_house(sqlite_url, settings={"calm": {"at": "07:00"}}) as house:
        house.clock.set(MONDAY - 3 * HOUR)
        await whisper(house, both("Early"))
        assert said(await house.let_pass(timedelta(hours=2, minutes=59))) == []
        assert len(said(await house.let_pass(timedelta(minutes=2)))) == 1


async def test_of_one_thing_a_person_hears_once(any_house: House) -> None:
    await whisper(any_house, both("First"), about="note:1")
    await whisper(any_house, both("Newer"), about="note:1")
    (word,) = await days(any_house, 1)
    assert "Newer" in word.body
    assert "First" not in word.body
    await whisper(any_house, both("Again"), about="note:1")
    assert await days(any_house, 10) == []


async def test_the_most_useful_comes_first_then_the_newest_and_the_rest_waits(sqlite_url: str) -> None:
    async with a_house(sqlite_url, settings={"calm": {"together": 2}}) as house:
        for text, useful in (("Old", 0), ("Useful", 5), ("New", 0)):
            await whisper(house, both(text), useful=useful)
            house.clock.advance(timedelta(minutes=1))
        (first,) = await days(house, 1)
        assert first.body.index("Useful") < first.body.index("New")
        assert "Old" not in first.body
        (second,) = await days(house, 1)
        assert "Old" in second.body


async def test_what_found_no_room_in_time_is_left_out(any_house: House) -> None:
    await whisper(any_house, both("Too late"), lasts=HOUR)
    await whisper(any_house, both("In time"), lasts=DAY)
    (word,) = await days(any_house, 1)
    assert "Too late" not in word.body
    any_house.clock.set(datetime(2026, 3, 6, 12, 0, tzinfo=UTC))
    await whisper(any_house, both("Over the weekend"), lasts=DAY)
    assert await days(any_house, 7) == []


async def test_what_follows_from_an_act_does_not_wait_for_the_hour_but_counts(any_house: House) -> None:
    (greeting,) = said(await whisper(any_house, both("Welcome"), soon=True))
    assert "Welcome" in greeting.body
    assert "tranquille" not in greeting.body
    for number in range(3):
        await whisper(any_house, both(f"Word {number}"))
        assert len(await days(any_house, 1)) == (1 if number < 2 else 0)
    assert said(await whisper(any_house, both("Welcome again"), soon=True)) == []


async def test_it_speaks_the_language_of_the_person(house: House) -> None:
    await house.say("!esn language english")
    await whisper(house, both("Hello"))
    await whisper(house, later("{what}: turned on", what=Quoted("a *b*")))
    (word,) = await days(house, 1)
    assert "Hello (en)" in word.body
    assert "“a *b*”: turned on" in word.body


async def test_a_language_that_is_missing_gives_way_to_one_that_is_there(house: House) -> None:
    await whisper(house, {"en": "Only English"})
    (word,) = await days(house, 1)
    assert "Only English" in word.body


@pytest.mark.parametrize(
    "words",
    [
        later("{what}: turned on", what=Markdown("**x**")),
        later("{what}: turned on", what="plain *x*"),
        later("{what}: since {day}", what=later("{what}: turned off", what=Quoted("y")), day=3),
        later_plural("One thing for you", "{n} things for you", 4),
    ],
)
def test_sentences_are_kept_as_they_are(words: Later, house_speech: Any) -> None:
    voice = house_speech.voice("fr")
    assert load(dump(words), voice, ("fr",)) == voice.say(words)


@pytest.fixture
def house_speech() -> Any:
    from esnbot.speech import Speech

    return Speech(discover().texts, languages=("fr", "en"), default="fr", strict=True)


# --- the switch -----------------------------------------------------------------------------------------------------


async def test_one_switch_turns_everything_off(any_house: House) -> None:
    await whisper(any_house, both("Waits"))
    assert "je ne vous écrirai plus de moi-même" in await any_house.ask("!rse tranquille oui")
    await whisper(any_house, both("Not wanted"))
    assert said(await whisper(any_house, both("Not wanted either"), soon=True)) == []
    assert await days(any_house, 10) == []
    assert "Je ne vous écris rien" in await any_house.ask("!rse tranquille")
    assert "de nouveau vous écrire" in await any_house.ask("!rse tranquille non")
    await whisper(any_house, both("Wanted"))
    assert len(await days(any_house, 3)) == 1


async def test_one_thing_can_be_turned_off_alone(house: House) -> None:
    assert "accueils" in await house.ask("!rse tranquille")
    answer = await house.ask("!rse tranquille oui accueils")
    assert "arrêté pour vous\xa0: accueils" in answer
    assert "`!rse tranquille non accueils`" in answer
    assert "accueils\xa0: arrêté" in await house.ask("!rse tranquille")
    await whisper(house, both("A greeting"))
    await whisper(house, both("Something else"), feature="other")
    (word,) = await days(house, 1)
    assert "A greeting" not in word.body
    await house.say("!rse tranquille non accueils")
    await whisper(house, both("A greeting"))
    assert len(await days(house, 1)) == 1


async def test_of_all_that_is_off_one_thing_can_be_turned_on(house: House) -> None:
    await house.say("!esn quiet on")
    assert "accueils" in await house.ask("!rse tranquille non greetings")
    await whisper(house, both("A greeting"))
    assert len(await days(house, 1)) == 1


async def test_who_wants_no_greeting_gets_none(house: House) -> None:
    await house.say("!rse tranquille oui accueils")
    await house.member(ZOE, "!home")
    assert await days(house, 1) == []


async def test_a_word_that_nobody_knows_is_asked_back(house: House) -> None:
    answer = await house.ask("!rse tranquille oui " + "a" * 10_000)
    assert answer
    assert len(answer) < 600
    assert "accueils" in await house.ask("!rse tranquille oui acceuils")


# --- who is not written to -------------------------------------------------------------------------------------------


async def test_strangers_are_not_written_to(house: House) -> None:
    await whisper(house, both("Hello"), person=EVE)
    assert await days(house, 7) == []
    assert (await house.export("calm", EVE))["private_words"][0]["words"] is None


async def test_while_the_bot_is_paused_nothing_comes_and_after_it_all(any_house: House) -> None:
    await any_house.agree("!rse pause", sender=MAX)
    await whisper(any_house, both("Hello"))
    assert await days(any_house, 2) == []
    await any_house.agree("!rse reprendre", sender=MAX)
    assert len(await days(any_house, 1)) == 1


async def test_none_a_week_is_none_at_all(sqlite_url: str) -> None:
    async with a_house(sqlite_url, settings={"calm": {"a_week": 0}}) as house:
        await whisper(house, both("Hello"), soon=True)
        assert await days(house, 14) == []


async def test_it_comes_once_also_when_the_process_was_off_at_the_hour(any_house: House) -> None:
    await whisper(any_house, both("Hello"))
    assert said(await any_house.sleep_through(timedelta(hours=14))) == []  # it is ten in the evening: not now
    assert len(await days(any_house, 1)) == 1
    any_house.restart()
    assert await any_house.start() == []
    assert await days(any_house, 7) == []


async def test_the_words_are_forgotten_once_they_are_said(any_house: House) -> None:
    await whisper(any_house, both("Hello"), about="note:1")
    await days(any_house, 1)

    async def kept(conn: AsyncConnection) -> Sequence[Any]:
        return (await conn.execute(select(records.word.c.words, records.word.c.about))).all()

    assert await any_house.write(kept) == [(None, "note:1")]


async def test_a_person_sees_and_erases_what_is_kept(any_house: House) -> None:
    await whisper(any_house, both("Hello"), about="note:1")
    await any_house.say("!rse tranquille oui accueils", sender=ALI)
    await any_house.say("!rse silence amorces")
    kept = await any_house.export("calm", ZOE)
    assert kept["private_words"][0]["about"] == "note:1"
    assert kept["silenced"][0]["feature"] == "prompt"
    assert list((await any_house.export("calm", ALI))["unwanted"]) == ["welcome"]
    assert await any_house.erase("calm", ZOE) == []
    assert await any_house.erase("calm", ALI) == []
    nothing: dict[str, Any] = {"private_words": [], "unwanted": {}, "silenced": []}
    assert await any_house.export("calm", ZOE) == nothing
    assert await any_house.export("calm", ALI) == nothing
    assert await days(any_house, 7) == []
    assert "amorces" in await any_house.ask("!rse silence liste")


# --- nobody goes around it ------------------------------------------------------------------------------------------

MAY_WRITE_DIRECTLY = {
    "calm/handlers.py": "this is the door",
    "board/handlers.py": "the sign-in link that the person asked for a moment ago",
    "group/founding.py": "somebody asks them through the bot to make a group together, and hears the answer",
    "group/handlers.py": "the group that they agreed to make is ready",
    "group/wishing.py": "the group that a meet-up asked for: its organiser hears when it is ready",
    "life/merging.py": "what became of the merge that they asked for",
    "meetup/finding.py": "what concerns a meet-up that they signed up for",
    "meetup/keeping.py": "the place that they wait for is free",
    "page/ordering.py": "the file that they asked for",
    "page/writing.py": "they asked to write a page, and do it there",
}
"""Files of features that speak in direct chats otherwise than through ``whisper``, and why that is asked for."""


def test_features_say_private_words_through_calm_alone() -> None:
    folder = ROOT / "esnbot" / "features"
    around = re.compile(r"\bdirect\(|[\"']direct:")
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if around.search(path.read_text(encoding="utf-8"))
    }
    assert found <= MAY_WRITE_DIRECTLY.keys(), (
        f"{found}: say it with esnbot.features.calm.whisper, or write here why it is asked"
    )


def test_features_that_whisper_say_what_people_call_it() -> None:
    folder = ROOT / "esnbot" / "features"
    for name, declaration in discover().declarations.items():
        sources = "".join(path.read_text(encoding="utf-8") for path in (folder / name).glob("*.py"))
        if name != "calm" and re.search(r"\bwhisper\(", sources):
            assert declaration.whispers, f"{name}: Declaration(whispers=True, called=Names(…))"
        if declaration.whispers or declaration.posts:
            assert declaration.called is not None, name
