"""Notes at their edges: one person who is forgotten, first notes of a group, storms, and those who mean harm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from esnbot.community.group import Kind
from esnbot.community.model import Template, TemplateText
from esnbot.engine.effects import Fetch, Redact, Say
from esnbot.features import search, text
from esnbot.features.group import GROUP_BORN
from esnbot.features.search import Readable
from tests.features.house import ALI, MAX, ZOE, House, a_community, a_group
from tests.features.notes import Room, answers, notes_in
from tests.features.test_note import a_room, a_thread

TEMPLATE = Template(
    Kind.hobby,
    key="photo",
    notes=(
        TemplateText(
            "lend", {"en": "Lending a camera", "fr": "Prêter un appareil"}, {"fr": "On demande à Rosa."}, ("prêt",)
        ),
        TemplateText("empty", {}),
    ),
)


# --- one person --------------------------------------------------------------------------------------------------


async def test_a_person_gets_all_that_is_kept_about_them(any_house: House) -> None:
    room = await a_room(any_house)
    await room.react(room.write("Ask for Rosa.", ALI), ZOE)
    await room.say("!esn note emoji 🔖")
    zoe, ali = await any_house.export("note", ZOE), await any_house.export("note", ALI)
    assert zoe["emoji"] == "🔖"
    assert [(one["note"], one["place"]) for one in zoe["kept"]] == [(1, "cafe")]
    assert ali["kept"] == []
    assert [one["note"] for one in ali["quoted"]] == [1]


async def test_somebody_who_is_forgotten_is_nowhere_among_the_notes(any_house: House) -> None:
    room = await a_room(any_house)
    root = a_thread(room)
    await room.say("!esn note thread Our drill", ZOE, thread=root)
    await room.react(room.write("Ask for Rosa.", ZOE), ALI)
    await room.say("!esn note emoji 🔖", ALI)
    await room.settle(await any_house.erase("note", ALI))
    assert await any_house.export("note", ALI) == {"emoji": None, "kept": [], "quoted": []}
    words = (await room.kept(1)).current.words or ""
    assert "Which drill do we buy?" in words
    assert "It is light" not in words
    assert ALI not in words
    assert (await room.kept(1)).current.title == "Our drill"
    # Nor does it come back when the note is made anew once more.
    await room.redact(room.write("x", ZOE), ZOE)
    assert (await room.note(2)).keeper == ""


async def test_a_thread_that_only_they_wrote_goes_with_them(house: House) -> None:
    room = await a_room(house)
    root = room.write("One", ALI)
    room.write("Two", ALI, thread=root)
    await room.react(root, ZOE)
    await room.settle(await house.erase("note", ALI))
    assert await room.numbers_of_notes() == []


# --- first notes -------------------------------------------------------------------------------------------------


async def test_a_group_is_born_with_the_notes_of_its_template(any_house: House) -> None:
    community = a_community(a_group(), templates={"photo": TEMPLATE})
    await any_house.declare(community)
    any_house.restart()
    await any_house.put_in("!cafe", ZOE)
    room = Room(any_house)
    born: dict[str, Any] = {"key": "cafe", "template": "photo", "kind": "hobby", "language": "fr", "owners": [ZOE]}
    sent = await room.settle(await any_house.tell(GROUP_BORN, **born, space="", rooms={}))
    (note,) = notes_in(sent)
    assert "Prêter un appareil" in note.body
    assert "On demande à Rosa." in note.body
    kept = await room.kept(1)
    assert (kept.current.author, kept.current.tags) == ("", ("prêt",))
    assert await any_house.tell(GROUP_BORN, **{**born, "template": "nothing"}) == []
    assert await any_house.tell(GROUP_BORN, **{**born, "key": "nowhere"}) == []


# --- storms and harm ---------------------------------------------------------------------------------------------


async def test_a_storm_of_reactions_stays_within_the_limit(house: House) -> None:
    room = await a_room(house)
    messages = [room.write(f"Message {number}", ALI) for number in range(60)]
    relation = {"rel_type": "m.annotation", "key": "📌"}
    sent = await house.hear_together(
        *(
            {
                "type": "m.reaction",
                "sender": ZOE,
                "room_id": "!cafe",
                "content": {"m.relates_to": {**relation, "event_id": message}},
            }
            for message in messages
        )
    )
    assert len([one for one in sent if isinstance(one, Fetch)]) == 30
    assert len(notes_in(await room.settle(sent))) == 30


async def test_taking_back_and_keeping_again_all_day_ends(house: House) -> None:
    house.settings["note"] = {"a_day": 5}
    house.restart()
    room = await a_room(house)
    message = room.write("Worth it?", ALI)
    for number in range(20):
        await room.react(message, ZOE, id=f"$r{number}")
        await room.redact(f"$r{number}")
    posted = [one for one in await house.write(_texts) if one]
    assert len(posted) <= 5


async def _texts(conn: Any) -> list[int]:
    return [found.id for found in (await text.some(conn, range(1, 100))).values()]


@pytest.mark.parametrize(
    "content",
    [
        {"m.relates_to": "x"},
        {"m.relates_to": {"rel_type": "m.annotation", "event_id": 5, "key": "📌"}},
        {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": {"a": 1}}},
        {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x\x00", "key": "📌\x00"}},
        {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": "📌" * 10_000}},
    ],
)
async def test_malformed_reactions_do_nothing(any_house: House, content: dict[str, Any]) -> None:
    room = await a_room(any_house)
    sent = await any_house.hear(type="m.reaction", sender=ZOE, room_id="!cafe", content=content)
    assert notes_in(await room.settle(sent)) == []


async def test_what_was_never_read_can_be_kept_later(house: House) -> None:
    room = await a_room(house)
    message = room.write("Worth keeping", ALI)
    await room.reacting(message, ZOE)
    assert await room.react(message, ALI) == []
    await house.let_pass(timedelta(days=2))
    assert len(notes_in(await room.react(message, ALI))) == 1


async def test_an_event_of_another_room_is_no_source(house: House) -> None:
    room, other = await a_room(house), Room(house, "!secret")
    await house.put_in("!secret", ALI)
    message = other.write("A secret", ALI)
    # The homeserver does not find it in the room that the reaction names.
    assert notes_in(await room.react(message, ZOE)) == []
    # And whoever keeps it where it is, keeps it.
    assert len(notes_in(await other.react(message, ALI))) == 1


async def test_markup_and_calls_in_a_message_that_is_kept_do_no_harm(house: House) -> None:
    room = await a_room(house)
    message = room.write("**bold** <i>words</i> @room \u202e#tag", ALI)
    (note,) = notes_in(await room.react(message, ZOE))
    assert "@room" not in note.body
    assert "\u202e" not in note.html + note.body
    assert (await room.kept(1)).current.tags == ("tag",)


async def test_a_message_of_a_million_tags_and_lines_is_kept_within_limits(house: House) -> None:
    room = await a_room(house)
    message = room.write("\n".join(f"#tag{n} word" for n in range(6_000)), ALI)
    (note,) = notes_in(await room.react(message, ZOE))
    kept = await room.kept(1)
    assert len(kept.current.tags) == 10
    assert len(kept.current.words or "") <= 30_001
    assert len(kept.current.title) <= 120
    assert note.html


async def test_a_note_in_the_room_is_redacted_by_its_group_and_can_be_kept_again(house: House) -> None:
    room = await a_room(house)
    message = room.write("Worth keeping", ALI)
    await room.react(message, ZOE, id="$r1")
    await room.redact((await room.kept(1)).root, ALI)
    assert await room.numbers_of_notes() == []
    await room.react(message, ALI, id="$r2")
    assert await room.numbers_of_notes() == [2]


async def test_an_archived_group_keeps_its_notes_and_takes_no_new_ones(house: House) -> None:
    await house.declare(a_community(a_group(owners=frozenset({ZOE})), languages=("en", "fr")))
    house.restart()
    room = Room(house)
    await room.say("!esn note Printer\nThe code is 4711.")
    await house.declare(a_community(a_group(owners=frozenset({ZOE}), archived=True), languages=("en", "fr")))
    assert "4711" in await house.ask("!esn note show 1")
    assert "archived" in answers(await room.say("!esn note Another\nOne"))
    assert "archived" in answers(await room.say("!esn note edit 1 Another"))
    assert await room.react(room.write("Worth keeping"), ZOE) == []


async def test_a_room_that_is_encrypted_later_is_not_searched_any_more(any_house: House) -> None:
    room = await a_room(any_house)
    await room.say("!esn note Printer\nThe code is 4711. #office")
    assert await any_house.write(lambda conn: search.find(conn, "printer", Readable.of("cafe")))
    await any_house.hear(type="m.room.encryption", sender=MAX, state_key="", content={"algorithm": "x"})
    assert await any_house.write(lambda conn: search.find(conn, "printer", Readable.of("cafe"))) == []


async def test_a_note_is_found_by_search_and_links_to_its_message(any_house: House) -> None:
    room = await a_room(any_house)
    await room.say("!esn note Imprimantes\nLes codes sont changés. #bureau")
    (hit,) = await any_house.write(lambda conn: search.find(conn, "imprimante changée", Readable.of("cafe")))
    assert (hit.key, hit.path, hit.event) == ("note:1", "/notes/1", (await room.kept(1)).root)
    await room.say("!esn note edit 1 Coffee\nBeans")
    assert await any_house.write(lambda conn: search.find(conn, "imprimante", Readable.of("cafe"))) == []


async def test_a_reaction_by_somebody_who_may_not_read_judges_nothing(house: House) -> None:
    room = await a_room(house, "secret")
    await room.say("!esn note Printer\nThe code is 4711.")
    await house.let_pass(timedelta(days=181))
    sent = await house.say("!esn note show 1", ALI, "!secret")
    assert any(isinstance(one, Say) for one in sent)
    await house.tell("org.esnbot.note_judge", note=1, holds=False, by=MAX)
    assert (await room.note(1)).doubted is None
    sent = await house.tell("org.esnbot.note_remove", note=1, by=MAX)
    assert not [one for one in sent if isinstance(one, Redact)]
    await house.tell("org.esnbot.note_edit", note=1, base=1, title="Mine", words="", tags="", by=MAX)
    assert (await room.kept(1)).current.title == "Printer"
