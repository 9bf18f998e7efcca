"""Notes: written, taken from messages and threads, changed, taken away, and asked whether they still hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.effects import Effect, Fetch, React, Say
from esnbot.engine.tables import outbox
from esnbot.features import search
from esnbot.features.search import Readable
from tests.features.house import ALI, BOT, EVE, MAX, PAT, ZOE, House, a_community, a_group
from tests.features.notes import Room, answers, notes_in, redacted

LEA = "@lea:example.org"
"""Léa works here, and is in no group."""
HALF_A_YEAR = timedelta(days=181)


async def a_room(house: House, key: str = "cafe") -> Room:
    """A group with Zoé and Ali in it."""
    await house.declare(a_community(languages=("en", "fr")))
    house.restart()
    await house.put_in(f"!{key}", ZOE, ALI)
    return Room(house, f"!{key}")


# --- written -----------------------------------------------------------------------------------------------------


async def test_a_note_is_written_with_a_title_and_a_text(any_house: House) -> None:
    room = await a_room(any_house)
    (note,) = notes_in(await room.say("!esn note Printer\nThe code is **4711**. #office"))
    assert note.room == "key:cafe" or note.room == "!cafe"
    assert "Printer" in note.body
    assert "Note 1" in note.body
    kept = await room.kept(1)
    assert (kept.current.title, kept.current.words, kept.current.author) == (
        "Printer",
        "The code is **4711**. #office",
        ZOE,
    )
    assert kept.current.tags == ("office",)
    assert "4711" in await any_house.ask("!esn note show 1", ALI)


async def test_a_note_is_written_in_french(house: House) -> None:
    room = await a_room(house)
    (note,) = notes_in(await room.say("!rse note Le code de l'imprimante est 4711"))
    assert "Le code de l'imprimante est 4711" in note.body
    assert "Note 1" in note.body
    assert "Garder tout le fil" in await house.ask("!rse aide note", ALI)


async def test_a_note_in_a_direct_chat_names_its_group(house: House) -> None:
    room = await a_room(house)
    await house.put_in("!direct", ZOE, BOT)
    assert "Notes belong to a group" in await house.ask("note keep Printer\nThe code", ZOE, "!direct")
    sent = await house.say('note keep --group "Le café" Printer\nThe code is 4711', ZOE, "!direct")
    assert "Kept as note 1" in answers(sent) or "Gardé" in answers(sent)
    assert (await room.kept(1)).current.words == "The code is 4711"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("!esn note " + "t" * 9_000 + "\ntext", "A title has 120 characters at most"),
        ("!esn note T\n" + " ".join(f"#tag{n}" for n in range(900)), "A note has 10 tags at most"),
        ("!esn note T\n" + "x" * 40_000, "A note has 30,000 characters at most"),
        ("!esn note T\n#" + "x" * 60, "A tag has 40 characters at most"),
    ],
)
async def test_what_is_too_much_gets_a_clear_answer_and_nothing_is_kept(house: House, said: str, answer: str) -> None:
    room = await a_room(house)
    sent = await room.say(said)
    assert answer in answers(sent)
    assert await room.numbers_of_notes() == []


async def test_a_long_note_is_kept_to_its_last_word(house: House) -> None:
    room = await a_room(house)
    text = "A line of the note.\n" * 1_200 + "The last word."
    await room.say(f"!esn note Long\n{text}")
    assert ((await room.kept(1)).current.words or "").endswith("The last word.")
    shown = await house.ask("!esn note show 1")
    assert len(shown) < 10_000


async def test_html_and_calls_to_everybody_do_no_harm(house: House) -> None:
    room = await a_room(house)
    (note,) = notes_in(await room.say("!esn note <b>@room</b> \u202eevil\n<script>alert(1)</script> @room"))
    assert "<script" not in note.html
    assert "@room" not in note.body
    assert "\u202e" not in note.body + note.html
    assert not note.rouse


async def test_who_may_not_write_in_the_group_keeps_nothing(house: House) -> None:
    room = await a_room(house)
    assert "may write in the group" in answers(await room.say("!esn note Printer\nThe code", LEA))
    assert await room.say("!esn note Printer\nThe code", EVE) == []
    assert await room.numbers_of_notes() == []


async def test_there_is_an_end_to_the_notes_of_a_day(house: House) -> None:
    house.settings["note"] = {"a_day": 2}
    house.restart()
    room = await a_room(house)
    for number in range(2):
        await room.say(f"!esn note Note {number}")
    assert "enough for a day" in answers(await room.say("!esn note One more"))
    message = room.write("Worth keeping")
    assert await room.react(message) == []
    await house.let_pass(timedelta(days=1, hours=1))
    await room.say("!esn note One more")
    assert await room.numbers_of_notes() == [1, 2, 3]


# --- a reaction --------------------------------------------------------------------------------------------------


async def test_a_reaction_makes_a_note_of_a_message(any_house: House) -> None:
    room = await a_room(any_house)
    message = room.write("The hall is booked by phone. Ask for Rosa. #hall", ALI)
    (note,) = notes_in(await room.react(message, ZOE))
    kept = await room.kept(1)
    assert kept.current.title == "The hall is booked by phone"
    assert kept.current.author == ALI
    assert kept.current.tags == ("hall",)
    assert f"https://matrix.to/#/!cafe/{message}" in note.html
    shown = await any_house.ask("!esn note show 1", ALI)
    assert "kept by" in shown


async def test_one_message_is_one_note_however_many_keep_it(any_house: House) -> None:
    room = await a_room(any_house)
    message = room.write("Worth keeping", ALI)
    first = await room.reacting(message, ZOE)
    second = await room.reacting(message, ALI)
    assert [type(one) for one in first] == [Fetch]
    assert second == []
    assert len(notes_in(await room.settle(first))) == 1
    assert await room.react(message, ALI) == []
    assert await room.numbers_of_notes() == [1]


@pytest.mark.parametrize("said", ["The plug is dead", "The plug is dead."])
async def test_a_line_that_is_its_own_title_is_not_said_twice(house: House, said: str) -> None:
    room = await a_room(house)
    (note,) = notes_in(await room.react(room.write(said), ZOE))
    assert note.body.count("The plug is dead") == 1


async def test_two_reactions_in_one_transaction_are_one_note(any_house: House) -> None:
    room = await a_room(any_house)
    message = room.write("Worth keeping", ALI)
    relation = {"m.relates_to": {"rel_type": "m.annotation", "event_id": message, "key": "📌"}}
    sent = await any_house.hear_together(
        *({"type": "m.reaction", "sender": user, "room_id": "!cafe", "content": relation} for user in (ZOE, ALI))
    )
    assert len(notes_in(await room.settle(sent))) == 1


async def test_a_reaction_is_taken_back_and_the_note_with_it(any_house: House) -> None:
    room = await a_room(any_house)
    message = room.write("Not worth it", ALI)
    await room.react(message, ZOE, id="$r1")
    root = (await room.kept(1)).root
    sent = await room.redact("$r1")
    assert redacted(sent) == {root}
    assert await room.numbers_of_notes() == []
    # Kept once more, it is a note once more.
    await room.react(message, ZOE, id="$r2")
    assert await room.numbers_of_notes() == [2]


async def test_a_note_that_others_keep_or_changed_stays(house: House) -> None:
    room = await a_room(house)
    one, two, three = (room.write(f"Worth keeping {n}", ALI) for n in range(3))
    await room.react(one, ZOE, id="$r1")
    await room.react(one, ALI, id="$r2")
    await room.redact("$r1")
    await room.react(two, ZOE, id="$r3")
    await room.say("!esn note edit 2 Another title", ALI)
    await room.redact("$r3")
    await room.react(three, ZOE, id="$r4")
    await house.let_pass(timedelta(hours=2))
    await room.redact("$r4")
    assert await room.numbers_of_notes() == [1, 2, 3]


async def test_what_is_taken_back_before_it_is_read_makes_no_note(house: House) -> None:
    room = await a_room(house)
    message = room.write("Not worth it", ALI)
    sent = await room.reacting(message, ZOE, id="$r1")
    await house.hear(type="m.room.redaction", redacts="$r1", sender=ZOE, room_id="!cafe", content={})
    assert notes_in(await room.settle(sent)) == []
    assert await room.numbers_of_notes() == []


async def test_a_message_that_is_taken_away_while_its_note_is_made_makes_none(any_house: House) -> None:
    room = await a_room(any_house)
    message = room.write("A secret", ALI)
    (wanted,) = await room.reacting(message, ZOE)
    assert isinstance(wanted, Fetch)
    read = {"root": dict(room.messages[message]), "thread": [], "whole": True}
    await room.redact(message, ALI)
    assert notes_in(await room.bring(wanted, read)) == []
    assert await room.numbers_of_notes() == []


async def test_a_message_that_is_taken_away_later_takes_its_note_away(any_house: House) -> None:
    room = await a_room(any_house)
    message = room.write("A secret", ALI)
    await room.react(message, ZOE)
    root = (await room.kept(1)).root
    assert redacted(await room.redact(message, ALI)) == {root}
    assert await room.numbers_of_notes() == []


async def test_a_reaction_keeps_nothing_of_the_bot_nor_of_what_is_no_message(house: House) -> None:
    room = await a_room(house)
    answer = next(one for one in await house.say("!esn help") if isinstance(one, Say))
    own = room.write("I am the bot", BOT)
    assert answer.body
    for source in (own, "$nowhere", "no event", "$" + "x" * 400):
        assert notes_in(await room.react(source, ZOE)) == []
    state = room.write("x")
    room.messages[state] |= {"type": "m.room.topic"}
    assert notes_in(await room.react(state, ZOE)) == []
    assert await room.numbers_of_notes() == []


async def test_a_reaction_to_a_note_is_no_note_of_a_note(house: House) -> None:
    room = await a_room(house)
    await room.react(room.write("Worth keeping", ALI), ZOE)
    root = (await room.kept(1)).root
    assert notes_in(await room.react(root, ALI)) == []
    assert await room.numbers_of_notes() == [1]


async def test_reactions_count_in_groups_only_and_of_those_who_may_write(house: House) -> None:
    room = await a_room(house)
    elsewhere = Room(house, "!elsewhere")
    await house.put_in("!elsewhere", BOT, ZOE)
    assert await elsewhere.react(elsewhere.write("Worth keeping"), ZOE) == []
    message = room.write("Worth keeping", ALI)
    for user in (EVE, PAT, LEA, BOT):
        assert await room.react(message, user) == []
    assert await room.react(message, ZOE, emoji="👍") == []


async def test_people_keep_with_an_emoji_of_their_own(any_house: House) -> None:
    room = await a_room(any_house)
    assert "🔖" in answers(await room.say("!esn note emoji 🔖"))
    message = room.write("Worth keeping", ALI)
    assert await room.react(message, ZOE, emoji="📌") == []
    assert len(notes_in(await room.react(message, ZOE, emoji="🔖"))) == 1
    assert "one emoji" in answers(await room.say("!esn note emoji ✅"))
    await room.say("!esn note emoji off")
    assert await room.react(room.write("And this", ALI), ZOE, emoji="🔖") == []
    assert len(notes_in(await room.react(room.write("And that", ALI), ALI))) == 1


# --- threads -----------------------------------------------------------------------------------------------------


def a_thread(room: Room) -> str:
    root = room.write("Which drill do we buy? #tools", ZOE)
    room.write("The blue one.", ALI, thread=root)
    room.write("The blue one.", ALI, thread=root)
    third = room.write("It costs 80 €", ALI, thread=root)
    room.edit(third, "It costs 90 €")
    gone = room.write("A secret", ZOE, thread=root)
    room.messages[gone] |= {"redacted": True, "content": {}}
    room.write("!esn note thread", ZOE, thread=root)
    room.write("I am the bot", BOT, thread=root)
    forged = room.write("It is light", ALI, thread=root)
    assert forged
    return root


async def test_a_whole_thread_is_kept_with_who_said_what(any_house: House) -> None:
    room = await a_room(any_house)
    root = a_thread(room)
    sent = await room.say('!esn note "Our drill"', ZOE, thread=root)
    (note,) = notes_in(sent)
    kept = await room.kept(1)
    words = kept.current.words or ""
    assert (kept.current.title, kept.current.author, kept.current.tags) == ("Our drill", ZOE, ("tools",))
    assert words.count("The blue one.") == 1
    assert "90 €" in words
    for absent in ("80 €", "A secret", "!esn", "I am the bot"):
        assert absent not in words
    assert f"!cafe/{root}" in note.html
    assert "Kept as note 1" in answers(sent)


async def test_a_reaction_on_the_first_message_of_a_thread_keeps_the_thread(house: House) -> None:
    room = await a_room(house)
    await room.react(a_thread(room), ALI)
    kept = await room.kept(1)
    assert kept.current.title == "Which drill do we buy?"
    assert "It is light" in (kept.current.words or "")


async def test_an_answer_keeps_the_message_that_it_answers_to(house: House) -> None:
    room = await a_room(house)
    message = room.write("Ask for Rosa.", ALI)
    sent = await room.say('!esn note "How we book the hall" #hall', ZOE, reply=message)
    kept = await room.kept(1)
    assert (kept.current.title, kept.current.words, kept.current.author) == (
        "How we book the hall",
        "Ask for Rosa.",
        ALI,
    )
    assert kept.current.tags == ("hall",)
    assert "Kept as note 1" in answers(sent)
    assert "This is a note already" in answers(await room.say("!esn note Again", ALI, reply=message))


async def test_what_is_not_there_is_said(house: House) -> None:
    room = await a_room(house)
    assert "nothing there that I could keep" in answers(await room.say("!esn note Gone", ZOE, reply="$nowhere"))
    assert await room.numbers_of_notes() == []
    assert "in the thread" in answers(await room.say("!esn note thread"))


async def test_what_somebody_takes_out_of_a_thread_goes_from_its_note(any_house: House) -> None:
    room = await a_room(any_house)
    root = a_thread(room)
    await room.say("!esn note thread", ZOE, thread=root)
    before = (await room.kept(1)).root
    light = next(event for event, one in room.messages.items() if one["content"].get("body") == "It is light")
    sent = await room.redact(light, ALI)
    kept = await room.kept(1)
    assert "It is light" not in (kept.current.words or "")
    assert "The blue one." in (kept.current.words or "")
    assert before in redacted(sent)
    # Nor does an earlier version have it.
    assert kept.current.number == 1


async def test_a_thread_longer_than_a_note_says_so(house: House) -> None:
    room = await a_room(house)
    root = room.write("Which drill?", ZOE)
    for number in range(300):
        room.write(f"Opinion {number} " + "x" * 150, ALI, thread=root)
    await room.say("!esn note thread", ZOE, thread=root)
    words = (await room.kept(1)).current.words or ""
    assert words.endswith(("The thread goes on.", "Le fil continue."))
    assert len(words) < 33_000


# --- read, change, take away -------------------------------------------------------------------------------------


async def test_notes_are_listed_found_by_tag_and_by_word(any_house: House) -> None:
    room = await a_room(any_house)
    await room.say("!esn note Printer\nThe code is 4711. #office")
    await room.say("!esn note Coffee\nBeans are in the cupboard. #kitchen")
    everything = await any_house.ask("!esn note list")
    assert "Printer" in everything
    assert "Coffee" in everything
    assert "Coffee" not in await any_house.ask("!esn note list #OFFICE")
    assert "Printer" not in await any_house.ask("!esn note list bean")
    assert "Coffee" in await any_house.ask("!esn notes")
    assert "No note about" in await any_house.ask("!esn note list #nothing")


async def test_a_note_shows_what_is_like_it(house: House) -> None:
    room = await a_room(house)
    await room.say("!esn note Printer\nThe code is 4711. #office")
    await room.say("!esn note Paper\nIt is in the cellar. #office")
    await room.say("!esn note Coffee\nBeans. #kitchen")
    shown = await house.ask("!esn note show 1")
    assert "See also" in shown
    assert "Paper" in shown
    assert "Coffee" not in shown


async def test_a_note_is_changed_by_whoever_may_write_and_keeps_its_versions(any_house: House) -> None:
    room = await a_room(any_house)
    await room.say("!esn note Printer\nThe code is 4711. #office")
    await room.say("!esn note edit 1 The printer", ALI)
    await room.say("!esn note edit 1\nThe code is 4712.", ALI)
    kept = await room.kept(1)
    assert (kept.current.number, kept.current.title, kept.current.words) == (3, "The printer", "The code is 4712.")
    assert kept.current.tags == ("office",)
    history = await any_house.ask("!esn note history 1")
    assert history.count("\n") >= 3
    await room.say("!esn note restore 1 1")
    assert (await room.kept(1)).current.words == "The code is 4711. #office"
    assert "no version 9" in await any_house.ask("!esn note restore 1 9")
    assert "may write" in await any_house.ask("!esn note edit 1 Mine", LEA)


async def test_its_author_and_the_owners_take_a_note_away(house: House) -> None:
    await house.declare(a_community(a_group(owners=frozenset({MAX})), languages=("en", "fr")))
    house.restart()
    await house.put_in("!cafe", ZOE, ALI)
    room = Room(house)
    await room.say("!esn note Printer\nThe code is 4711.")
    await room.say("!esn note Coffee\nBeans.")
    assert "Only its author" in answers(await house.say("!esn note remove 1", ALI))
    root = (await room.kept(1)).root
    assert root in redacted(await house.agree("!esn note remove 1"))
    await house.agree("!esn note remove 2", MAX)
    assert await room.numbers_of_notes() == []
    assert "I do not know any note 1" in await house.ask("!esn note show 1")


async def test_a_note_that_is_taken_away_in_the_room_is_gone(any_house: House) -> None:
    room = await a_room(any_house)
    await room.say("!esn note Printer\nThe code is 4711.")
    await room.redact((await room.kept(1)).root, ALI)
    assert await room.numbers_of_notes() == []
    assert await any_house.write(lambda conn: search.find(conn, "printer", Readable.of("cafe"))) == []


async def test_what_one_may_not_read_does_not_exist(any_house: House) -> None:
    room = await a_room(any_house, "secret")
    await room.say("!esn note Surprise\nThe party is on Friday. #party")
    await any_house.put_in("!cafe", ZOE, ALI)
    await any_house.put_in("!direct", MAX, BOT)
    await any_house.put_in("!direct2", ALI, BOT)
    here, nothing = await any_house.ask("!esn note show 1"), await any_house.ask("!esn note show 99")
    assert here.replace("1", "99") == nothing
    hidden = await any_house.ask("note show 1", MAX, "!direct")
    assert hidden.replace("1", "99") == await any_house.ask("note show 99", MAX, "!direct")
    assert "Surprise" not in await any_house.ask("note list", MAX, "!direct")
    assert "Surprise" in await any_house.ask("note list", ALI, "!direct2")
    assert "Friday" in await any_house.ask("note show 1", ALI, "!direct2")


# --- does it still hold? -----------------------------------------------------------------------------------------


async def test_a_reader_of_an_old_note_is_asked_whether_it_still_holds(any_house: House) -> None:
    room = await a_room(any_house)
    await room.say("!esn note Printer\nThe code is 4711.")
    assert "still hold" not in await any_house.ask("!esn note show 1")
    await any_house.let_pass(HALF_A_YEAR)
    sent = await any_house.say("!esn note show 1", ALI)
    assert "Does it still hold?" in answers(sent)
    assert [one.emoji for one in sent if isinstance(one, React)] == ["✅", "✏️"]
    thanks = await room.react(await posted(any_house, sent), ALI, "✅")
    assert "counts as checked today" in answers(thanks) or "vérifiée" in answers(thanks)
    shown = await any_house.ask("!esn note show 1")
    assert "Checked on" in shown
    assert "still hold" not in shown


async def test_a_note_that_needs_a_look_is_shown_so_and_its_author_hears_of_it_once(any_house: House) -> None:
    room = await a_room(any_house)
    await room.say("!esn note Printer\nThe code is 4711.")
    await any_house.let_pass(HALF_A_YEAR)
    sent = await any_house.say("!esn note show 1", ALI)
    question = await posted(any_house, sent)
    await room.react(question, ALI, "✏️")
    await room.react(question, ALI, "✏️")
    told = [one for one in await any_house.let_pass(timedelta(days=8)) if isinstance(one, Say)]
    assert [one.room for one in told] == [f"direct:{ZOE}"]
    assert "Printer" in told[0].body
    assert "Needs a look" in await any_house.ask("!esn note show 1")
    assert "needs a look" in await any_house.ask("!esn note list")
    await room.say("!esn note edit 1\nThe code is 4712.")
    assert "Needs a look" not in await any_house.ask("!esn note show 1")


async def test_who_says_so_is_not_kept(house: House) -> None:
    room = await a_room(house)
    await room.say("!esn note Printer\nThe code is 4711.")
    await house.let_pass(HALF_A_YEAR)
    await room.react(await posted(house, await house.say("!esn note show 1", ALI)), ALI, "✅")
    assert (await house.export("note", ALI)) == {"emoji": None, "kept": [], "quoted": []}


async def test_kinds_of_groups_can_have_a_time_of_their_own(house: House) -> None:
    house.settings["note"] = {"holds_for_of": {"help": "30 days"}}
    house.restart()
    room = await a_room(house, "help")
    await room.say("!esn note Printer\nThe code is 4711.")
    await house.let_pass(timedelta(days=31))
    assert "still hold" in answers(await house.say("!esn note show 1", ALI, "!help"))


async def posted(house: House, effects: list[Effect]) -> str:
    """The event id of an answer that has buttons."""
    say = next(one for one in effects if isinstance(one, Say))
    query = select(outbox.c.event_id).where(outbox.c.key == f"commands/{say.key}")

    async def job(conn: AsyncConnection) -> str:
        return str((await conn.execute(query)).scalar_one())

    return await house.write(job)
