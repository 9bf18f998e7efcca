"""Notes on the board: found, read, changed without losing a word, and only by those who may."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from esnbot.engine.tables import outbox
from tests.features.house import ALI, MAX, PAT, ZOE, House
from tests.features.notes import Room
from tests.features.test_note import HALF_A_YEAR, LEA, a_room


async def shelf(house: House) -> Room:
    """A café with three notes."""
    room = await a_room(house)
    await room.say("!esn note Printer\nThe code is **4711**. #office")
    await room.say("!esn note Coffee\nBeans are in the cupboard. #kitchen")
    await room.say("!esn note Paper\nIt is in the cellar. #office", ALI)
    return room


async def test_notes_are_found_by_word_tag_and_group(any_house: House) -> None:
    await shelf(any_house)
    async with any_house.board() as board:
        zoe = await board.visitor(ZOE)
        everything = (await zoe.get("/notes")).text
        assert [name in everything for name in ("Printer", "Coffee", "Paper")] == [True] * 3
        office = (await zoe.get("/notes?tag=office")).text
        assert [f">{name}<" in office.replace("<bdi>", "").replace("</bdi>", "") for name in ("Printer", "Coffee")] == [
            True,
            False,
        ]
        beans = (await zoe.get("/notes?q=bean")).text
        assert "Coffee" in beans
        assert "Printer" not in beans
        assert "Printer" in (await zoe.get("/notes?group=cafe")).text
        assert "No such note" in (await zoe.get("/notes?q=elephant")).text
        assert (await zoe.get("/notes?page=99999999999999&group=nowhere&tag=%23%00")).status == 200


async def test_a_note_shows_its_words_sources_and_neighbours(any_house: House) -> None:
    room = await shelf(any_house)
    message = room.write("<b>Ask</b> for Rosa <script>alert(1)</script>. #hall", ALI)
    await room.react(message, ZOE)
    async with any_house.board() as board:
        zoe = await board.visitor(ZOE)
        page = (await zoe.get("/notes/1")).text
        assert "<strong>4711</strong>" in page
        assert 'href="../notes/3"' in page
        assert 'href="../notes/2"' not in page
        kept = (await zoe.get("/notes/4")).text
        assert "<script>alert" not in kept
        assert message in kept
        assert "kept by" in kept


async def test_who_may_not_read_gets_the_answer_of_what_is_not_there(any_house: House) -> None:
    await shelf(any_house)
    secret = await a_room(any_house, "secret")
    await secret.say("!esn note Surprise\nThe party is on Friday. #party")
    async with any_house.board() as board:
        zoe, pat, max_ = [await board.visitor(user) for user in (ZOE, PAT, MAX)]
        for path in ("", "/edit", "/history", "/remove"):
            closed, nothing = [await max_.get(f"/notes/{number}{path}") for number in (4, 99)]
            assert (closed.status, closed.text.replace("/4", "/99")) == (404, nothing.text)
        assert (await max_.post("/notes/4", {"holds": "no"})).status == 404
        assert (await pat.get("/notes/1")).status == 404
        for text in ((await max_.get("/notes")).text, (await max_.get("/notes?tag=party")).text):
            assert "Surprise" not in text
            assert "Club secret" not in text
        assert "#party" not in (await max_.get("/notes")).text
        assert "Surprise" in (await zoe.get("/notes")).text
        assert (await board.stranger().get("/notes/1")).status == 303


async def test_a_note_is_changed_and_brought_back(any_house: House) -> None:
    room = await shelf(any_house)
    async with any_house.board() as board:
        ali = await board.visitor(ALI)
        form = (await ali.get("/notes/1/edit")).text
        assert 'value="#office"' in form
        fields = {"base": "1", "title": "The printer", "words": "The code is 4712.", "tags": "office, code"}
        assert (await ali.post("/notes/1/edit", fields)).location.endswith("/notes/1")
        kept = await room.kept(1)
        assert (kept.current.title, kept.current.words, kept.current.tags, kept.current.author) == (
            "The printer",
            "The code is 4712.",
            ("office", "code"),
            ALI,
        )
        history = (await ali.get("/notes/1/history")).text
        assert "<ins>" in history
        assert "<del>" in history
        await ali.post("/notes/1/history", {"base": "2", "version": "1"})
        assert (await room.kept(1)).current.words == "The code is **4711**. #office"
        assert (await room.kept(1)).current.number == 3


async def test_two_who_change_a_note_at_once_lose_no_word(any_house: House) -> None:
    room = await shelf(any_house)
    async with any_house.board() as board:
        zoe, ali = [await board.visitor(user) for user in (ZOE, ALI)]
        await zoe.post("/notes/1/edit", {"base": "1", "title": "Printer", "words": "Zoé was here.", "tags": ""})
        second = await ali.post("/notes/1/edit", {"base": "1", "title": "Printer", "words": "So was Ali.", "tags": ""})
        assert second.status == 409
        assert "Zoé was here." in second.text
        assert "So was Ali." in second.text
        assert (await room.kept(1)).current.words == "Zoé was here."
        base = re.search('name="base" value="([0-9]+)"', second.text)
        assert base is not None
        both = {"base": base[1], "title": "Printer", "words": "Zoé was here. So was Ali.", "tags": ""}
        assert (await ali.post("/notes/1/edit", both)).status == 303
        assert (await room.kept(1)).current.words == "Zoé was here. So was Ali."


async def test_changes_of_two_that_go_together_are_put_together_and_both_are_told(any_house: House) -> None:
    room = await shelf(any_house)
    words = "Behind the door.\n\nThe code is 4711.\n\nAsk Rosa."
    async with any_house.board() as board:
        zoe, ali = [await board.visitor(user) for user in (ZOE, ALI)]
        first = {"base": "1", "title": "Printer", "words": words, "tags": "office"}
        await zoe.post("/notes/1/edit", first)
        theirs = {"title": "The printer", "words": words.replace("4711", "4712"), "tags": "office urgent"}
        await zoe.post("/notes/1/edit", {"base": "2", **theirs})
        mine = {"title": "Printer", "words": words.replace("Rosa", "Rosa or Tom"), "tags": "tools"}
        answer = await ali.post("/notes/1/edit", {"base": "2", **mine})
        assert (answer.status, answer.location.endswith("/notes/1?together=1")) == (303, True)
        assert "both stand" in (await ali.get("/notes/1?together=1")).text
        current = (await room.kept(1)).current
        assert (current.number, current.author, current.title) == (4, ALI, "The printer")
        assert current.words == "Behind the door.\n\nThe code is 4712.\n\nAsk Rosa or Tom."
        assert current.tags == ("urgent", "tools"), "one took a tag away, both added one"
        async with board.database.read() as conn:
            told = (await conn.execute(select(outbox).where(outbox.c.kind == "Say"))).all()
        (told,) = [one.body for one in told if "at the same time" in str(one.body)]
        assert ZOE in str(told)
        # Who sends the same once more changes nothing.
        assert (await ali.post("/notes/1/edit", {"base": "2", **mine})).status == 303
        assert (await room.kept(1)).current.number == 4


async def test_titles_that_two_changed_are_for_a_person_to_decide(house: House) -> None:
    room = await shelf(house)
    async with house.board() as board:
        zoe, ali = [await board.visitor(user) for user in (ZOE, ALI)]
        words = "The code is **4711**."
        await zoe.post("/notes/1/edit", {"base": "1", "title": "Zoé's", "words": words, "tags": "office"})
        second = await ali.post("/notes/1/edit", {"base": "1", "title": "Ali's", "words": words, "tags": "office"})
        assert second.status == 409
        assert (await room.kept(1)).current.title == "Zoé's"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"title": "t" * 500}, "120"),
        ({"title": ""}, "title"),
        ({"tags": " ".join(f"tag{n}" for n in range(100))}, "10 tags"),
        ({"words": "x" * 40_000}, "30,000"),
    ],
)
async def test_what_cannot_be_is_said_and_stays_in_the_form(house: House, fields: dict[str, str], says: str) -> None:
    room = await shelf(house)
    async with house.board() as board:
        zoe = await board.visitor(ZOE)
        good = {"base": "1", "title": "Printer", "words": "Kept words.", "tags": ""}
        answer = await zoe.post("/notes/1/edit", {**good, **fields})
        assert answer.status == 400
        assert says in answer.text
        assert fields.get("words", "Kept words.")[:100] in answer.text
        assert (await room.kept(1)).current.number == 1


async def test_only_those_who_may_write_change_and_only_its_own_take_away(any_house: House) -> None:
    room = await shelf(any_house)
    async with any_house.board() as board:
        ali, lea, zoe = [await board.visitor(user) for user in (ALI, LEA, ZOE)]
        assert (await lea.get("/notes/1")).status in (200, 404)
        assert (await lea.get("/notes/1/edit")).status == 404
        assert (await lea.post("/notes/1/edit", {"base": "1", "title": "Mine", "words": "", "tags": ""})).status == 404
        assert (await ali.post("/notes/1/remove", {})).status == 404
        assert "Take it away" in (await zoe.get("/notes/1")).text
        assert (await zoe.get("/notes/1/remove")).status == 200
        assert (await zoe.post("/notes/1/remove", {})).location.endswith("/notes")
        assert await room.numbers_of_notes() == [2, 3]
        assert (await zoe.get("/notes/1")).status == 404


async def test_a_reader_of_an_old_note_is_asked_on_the_board_too(any_house: House) -> None:
    room = await shelf(any_house)
    await any_house.let_pass(HALF_A_YEAR)
    async with any_house.board() as board:
        ali = await board.visitor(ALI)
        assert "Does it still hold?" in (await ali.get("/notes/1")).text
        await ali.post("/notes/1", {"holds": "yes"})
        page = (await ali.get("/notes/1")).text
        assert "Checked on" in page
        assert "Does it still hold?" not in page
        await ali.post("/notes/2", {"holds": "no"})
        assert "Needs a look" in re.sub("<[^>]+>", "", (await ali.get("/notes/2")).text)
        assert "needs a look" in (await ali.get("/notes")).text
    assert (await room.note(2)).doubted is not None
    await any_house.let_pass(timedelta(days=1))


async def test_notes_of_encrypted_rooms_have_no_words_here(any_house: House) -> None:
    room = await shelf(any_house)
    await any_house.hear(type="m.room.encryption", sender=MAX, state_key="", content={"algorithm": "x"})
    async with any_house.board() as board:
        zoe = await board.visitor(ZOE)
        assert "4711" not in (await zoe.get("/notes/1")).text
        assert "Printer" not in (await zoe.get("/notes/1")).text
        for path in ("/edit", "/history", "/remove"):
            assert (await zoe.get(f"/notes/1{path}")).status == 404
        assert "Printer" not in (await zoe.get("/notes?q=printer")).text
        listed = (await zoe.get("/notes")).text
        assert "4711" not in listed
        assert "Printer" not in listed
    assert await room.numbers_of_notes() == [1, 2, 3]
