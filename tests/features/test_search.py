"""Search in rooms: what people find there, which questions are kept, and when something is offered unasked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from esnbot.community.group import History, Joining, Kind
from esnbot.engine.effects import Effect
from esnbot.features.search import Document, put
from esnbot.store import bindings
from tests.features.house import ALI, BOT, MAX, PAT, ZOE, House, a_community, a_group, a_house, said

ASKED = "Comment débloquer l’imprimante du 3e étage ?"
AGAIN = "Quelqu’un sait débloquer l’imprimante du 3e étage ?"
MARK = "This was asked before"


async def settle(house: House) -> None:
    """Put the groups into the index, as after a start."""
    await house.start()
    await house.let_pass(timedelta(seconds=1))


async def note(house: House, number: int, title: str, text: str = "", place: str = "cafe") -> None:
    one = Document(
        key=f"note:{number}", kind="note", place=place, title=title, text=text, event=f"$note{number}", path="/notes/1"
    )
    await house.write(lambda conn: put(conn, one))


async def direct(house: House, words: str, who: str = ZOE) -> str:
    """What somebody is answered in their chat with the bot."""
    room = f"!direct-{who[1:4]}"
    await house.write(lambda conn: bindings.bind(conn, f"direct:{who}", room, 1))
    await house.put_in(room, who, BOT)
    return await house.ask(words, who, room)


class TestFinding:
    async def test_a_group_is_found_as_soon_as_its_room_is_there(self, any_house: House) -> None:
        assert "Entraide" not in await any_house.ask("!esn search entraides")
        await any_house.make_ready("help")
        answer = await any_house.ask("!esn search entraides")
        assert "Entraide" in answer

    async def test_groups_that_were_there_before_are_found_after_a_start(self, any_house: House) -> None:
        await settle(any_house)
        assert "Entraide" in await any_house.ask("!rse chercher question", room="!cafe")

    async def test_an_archived_group_is_not_found(self, house: House) -> None:
        await settle(house)
        await house.agree("!esn group archive cafe", MAX)
        await house.tell("org.esnbot.room_archived", key="cafe", room_id="!cafe")
        assert "Le café" not in await house.ask("!esn search café", room="!help")

    async def test_a_room_shows_only_what_all_in_it_may_read(self, house: House) -> None:
        await settle(house)
        await house.put_in("!yard", ZOE, PAT)
        await note(house, 1, "Budget du café")
        await note(house, 2, "Budget du chantier", place="yard")
        at_the_yard = await house.ask("!esn search budget", room="!yard")
        assert "chantier" in at_the_yard
        assert "café" not in at_the_yard
        in_the_cafe = await house.ask("!esn search budget", room="!cafe")
        assert "chantier" in in_the_cafe
        assert "Budget du café" in in_the_cafe

    async def test_in_a_direct_chat_all_that_one_may_read_is_searched(self, house: House) -> None:
        await settle(house)
        await house.put_in("!secret", ZOE)
        await note(house, 1, "Budget secret", place="secret")
        assert "Budget secret" in await direct(house, "search budget")
        assert "rien trouvé" in await direct(house, "search budget", ALI)
        assert "Budget secret" not in await house.ask("!esn search budget")

    async def test_an_animator_looks_into_no_closed_room(self, house: House) -> None:
        await settle(house)
        await note(house, 1, "Budget secret", place="secret")
        assert "Budget" not in await direct(house, "search budget", MAX)

    async def test_nothing_found_says_the_same_whether_something_is_hidden_or_not(self, house: House) -> None:
        await settle(house)
        await note(house, 1, "Licorne", place="secret")
        hidden = await house.ask("!esn search licorne")
        nothing = await house.ask("!esn search chimere")
        assert hidden.replace("licorne", "…") == nothing.replace("chimere", "…")

    async def test_it_speaks_french(self, house: House) -> None:
        await settle(house)
        answer = await house.ask("!rse chercher entraide")
        assert "Ce que j’ai trouvé" in answer
        assert "tout le monde dans ce salon" in answer

    async def test_only_one_kind(self, house: House) -> None:
        await settle(house)
        await note(house, 1, "Café en grains")
        assert "👥" not in await house.ask("!esn search café --kind note")
        assert "📌" not in await house.ask("!esn search café --kind group")

    @pytest.mark.parametrize("words", ["AND", '"', "🎉", "(", "note:1", "* *", "x" * 400, "%"])
    async def test_odd_words_get_an_answer(self, house: House, words: str) -> None:
        assert await house.ask(f"!esn search {words}")


class TestQuestions:
    async def test_a_question_of_a_help_group_is_found(self, any_house: House) -> None:
        await any_house.put_in("!help", ZOE, ALI)
        await any_house.say(ASKED, room="!help")
        assert "imprimante" in await any_house.ask("!esn search imprimantes bloquées", room="!cafe")

    @pytest.mark.parametrize(
        "body",
        ["Bonjour à tous", "Ok ?", "L’imprimante est bloquée.", "!esn group list ?", "/me se demande pourquoi ça va ?"],
    )
    async def test_what_is_no_question_is_not_kept(self, house: House, body: str) -> None:
        await house.put_in("!help", ZOE)
        await house.say(body, room="!help")
        assert await kept(house) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"kind": Kind.informal},
            {"joining": Joining.invite},
            {"joining": Joining.knock},
            {"history": History.joined},
            {"encrypted": True},
        ],
    )
    async def test_only_of_open_groups_that_ask(self, sqlite_url: str, changes: dict[str, Any]) -> None:
        group = a_group("help", "Entraide", **{"kind": Kind.help, **changes})
        async with a_house(sqlite_url, a_community(group)) as house:
            await house.put_in("!help", ZOE)
            await house.say(ASKED, room="!help")
            assert await kept(house) == []

    async def test_not_of_a_room_that_is_encrypted_whatever_the_group_says(self, house: House) -> None:
        await house.put_in("!help", ZOE)
        await house.say(ASKED, room="!help")
        assert await kept(house)
        await house.hear(
            type="m.room.encryption", sender=ZOE, room_id="!help", state_key="", content={"algorithm": "m.megolm"}
        )
        assert await kept(house) == []
        await house.say(ASKED, room="!help")
        assert await kept(house) == []

    async def test_a_correction_is_followed(self, any_house: House) -> None:
        await any_house.put_in("!help", ZOE, ALI)
        await any_house.hear(event_id="$ask", room_id="!help", sender=ZOE, content=text(ASKED))
        await correct(any_house, "$ask", "Où garer son vélo au bureau ?")
        assert await kept(any_house) == ["Où garer son vélo au bureau ?"]
        await correct(any_house, "$ask", "Comment pirater le serveur ce soir ?", sender=ALI)
        assert await kept(any_house) == ["Où garer son vélo au bureau ?"]
        await correct(any_house, "$ask", "C’est réglé, merci.")
        assert await kept(any_house) == []

    async def test_what_is_taken_away_is_forgotten_at_once(self, any_house: House) -> None:
        await any_house.put_in("!help", ZOE)
        await any_house.hear(event_id="$ask", room_id="!help", sender=ZOE, content=text(ASKED))
        await redact(any_house, "$ask", room="!cafe")
        assert await kept(any_house), "a redaction in another room means nothing"
        await redact(any_house, "$ask")
        assert await kept(any_house) == []

    async def test_with_a_correction_taken_away_the_question_goes_too(self, house: House) -> None:
        await house.put_in("!help", ZOE)
        await house.hear(event_id="$ask", room_id="!help", sender=ZOE, content=text(ASKED))
        await correct(house, "$ask", "Où garer son vélo au bureau ?", event_id="$better")
        await redact(house, "$better")
        assert await kept(house) == []

    async def test_names_of_people_are_left_out(self, house: House) -> None:
        await house.put_in("!help", ZOE)
        await house.hear(
            type="m.room.member",
            sender=ALI,
            state_key=ALI,
            room_id="!help",
            content={"membership": "join", "displayname": "Ali Ben"},
        )
        content = {**text(f"Ali Ben: comment débloquer l’imprimante {ALI} ?"), "m.mentions": {"user_ids": [ALI]}}
        await house.hear(room_id="!help", sender=ZOE, content=content)
        assert await kept(house) == ["comment débloquer l’imprimante ?"]

    async def test_a_person_who_is_erased_takes_their_questions_along(self, any_house: House) -> None:
        await any_house.put_in("!help", ZOE, ALI)
        await any_house.say(ASKED, ZOE, "!help")
        await any_house.say("Où garer son vélo au bureau ?", ALI, "!help")
        exported = await any_house.export("search", ZOE)
        assert [one["text"] for one in exported["questions"]] == [ASKED]
        await any_house.erase("search", ZOE)
        assert await kept(any_house) == ["Où garer son vélo au bureau ?"]
        assert (await any_house.export("search", ZOE))["questions"] == []

    async def test_questions_go_with_the_retention_of_their_group(self, sqlite_url: str) -> None:
        group = a_group("help", "Entraide", kind=Kind.help, retention=timedelta(days=10))
        async with a_house(sqlite_url, a_community(group)) as house:
            await house.put_in("!help", ZOE)
            await house.start()
            await house.say(ASKED, room="!help")
            await house.let_pass(timedelta(days=9))
            assert await kept(house)
            await house.let_pass(timedelta(days=2))
            assert await kept(house) == []

    async def test_owners_switch_it_off_for_their_group(self, sqlite_url: str) -> None:
        group = a_group("help", "Entraide", kind=Kind.help, owners=frozenset({ALI}))
        async with a_house(sqlite_url, a_community(group)) as house:
            await house.put_in("!help", ZOE, ALI)
            await house.say(ASKED, room="!help")
            assert "propriétaires" in await house.ask("!esn search questions off", ZOE, "!help")
            assert await kept(house)
            assert "oublié" in await house.ask("!esn search questions off", ALI, "!help")
            assert await kept(house) == []
            await house.say(ASKED, room="!help")
            assert await kept(house) == []
            await house.ask("!rse chercher questions oui", ALI, "!help")
            await house.say(ASKED, room="!help")
            assert await kept(house) == [ASKED]

    async def test_a_closed_group_cannot_switch_it_on(self, house: House) -> None:
        await house.put_in("!secret", MAX)
        assert "pas possible" in await house.ask("!esn search questions on", MAX, "!secret")

    async def test_a_community_can_do_without(self, sqlite_url: str) -> None:
        async with a_house(sqlite_url, settings={"search": {"questions": False}}) as house:
            await house.put_in("!help", ZOE)
            await house.say(ASKED, room="!help")
            assert await kept(house) == []


class TestHints:
    async def test_what_was_asked_before_is_pointed_out_in_the_thread(self, any_house: House) -> None:
        await any_house.put_in("!help", ZOE, ALI)
        await any_house.hear(event_id="$ask", room_id="!help", sender=ZOE, content=text(ASKED))
        (hint,) = said(await any_house.hear(event_id="$again", room_id="!help", sender=ALI, content=text(AGAIN)))
        assert "déjà été posée" in hint.body
        assert "$ask" in hint.html
        assert hint.thread == "$again"
        assert not hint.mentions
        assert "zoe" not in hint.html.lower()

    async def test_not_for_something_else(self, house: House) -> None:
        await house.put_in("!help", ZOE, ALI)
        await house.say(ASKED, ZOE, "!help")
        assert said(await house.say("Comment réserver la salle du 3e étage ?", ALI, "!help")) == []

    async def test_not_to_who_asked_it_a_moment_ago(self, house: House) -> None:
        await house.put_in("!help", ZOE)
        await house.say(ASKED, ZOE, "!help")
        assert said(await house.say(AGAIN, ZOE, "!help")) == []

    async def test_seldom(self, house: House) -> None:
        await house.put_in("!help", ZOE, ALI)
        await house.say(ASKED, ZOE, "!help")
        assert said(await house.say(AGAIN, ALI, "!help"))
        assert said(await house.say(AGAIN, MAX, "!help")) == []
        await house.let_pass(timedelta(hours=1))
        assert said(await house.say(AGAIN, MAX, "!help"))

    async def test_only_help_groups_unless_owners_wish(self, sqlite_url: str) -> None:
        group = a_group("dev", "Développeurs", kind=Kind.practice, owners=frozenset({MAX}))
        async with a_house(sqlite_url, a_community(group)) as house:
            await house.put_in("!dev", ZOE, ALI, MAX)
            await house.say(ASKED, ZOE, "!dev")
            assert said(await house.say(AGAIN, ALI, "!dev")) == []
            await house.say("!esn search hints on", MAX, "!dev")
            assert said(await house.say(AGAIN, ALI, "!dev"))
            await house.say("!esn search hints off", MAX, "!dev")
            await house.let_pass(timedelta(hours=1))
            assert said(await house.say(AGAIN, ALI, "!dev")) == []

    async def test_nothing_that_somebody_in_the_room_may_not_read(self, sqlite_url: str) -> None:
        groups = (
            a_group("help", "Entraide", kind=Kind.help),
            a_group("desk", "Guichet", kind=Kind.help, parent="workshop"),
        )
        async with a_house(sqlite_url, a_community(*groups)) as house:
            await house.put_in("!help", ZOE, ALI)
            await house.put_in("!desk", ALI, PAT)
            await house.say(ASKED, ZOE, "!help")
            assert said(await house.say(AGAIN, ALI, "!desk")) == [], "Pat, a partner, may not read the help group"
            await house.say("Où garer son vélo électrique au bureau ?", PAT, "!desk")
            assert said(await house.say("Où peut-on garer son vélo électrique au bureau ?", ZOE, "!help"))

    async def test_a_note_may_help(self, house: House) -> None:
        await house.put_in("!help", ZOE, ALI)
        await note(house, 1, "Débloquer l’imprimante du 3e étage", "Ouvrir le bac du bas.", "help")
        (hint,) = said(await house.say(ASKED, ALI, "!help"))
        assert "Ceci peut aider" in hint.body

    async def test_a_note_that_answers_may_help_whatever_its_title_is(self, house: House) -> None:
        await house.put_in("!help", ZOE, ALI)
        await note(house, 1, "Voile d’une roue", "Pour dévoiler une roue : tendre les rayons du côté opposé.", "help")
        assert said(await house.say("Où trouver une roue de secours ?", ALI, "!help")) == []
        assert said(await house.say("Comment dévoiler un cadre de vélo ?", ALI, "!help")) == []
        (hint,) = said(await house.say("Comment dévoiler une roue ?", ALI, "!help"))
        assert "Voile d’une roue" in hint.body

    async def test_what_answers_comes_before_what_was_asked_and_the_same_question_once(self, house: House) -> None:
        await house.put_in("!help", ZOE, ALI, MAX)
        for person in (ZOE, MAX):
            await house.say(ASKED, person, "!help")
        await house.let_pass(timedelta(hours=1))
        await note(house, 1, "Débloquer l’imprimante du 3e étage", "Ouvrir le bac du bas.", "help")
        (hint,) = said(await house.say(AGAIN, ALI, "!help"))
        lines = [line for line in hint.body.splitlines() if line.startswith("- ")]
        assert [line[2] for line in lines] == ["📌", "💬"]
        assert "Ceci peut aider" in hint.body

    async def test_silent_while_the_bot_is_paused(self, house: House) -> None:
        await house.put_in("!help", ZOE, ALI)
        await house.say(ASKED, ZOE, "!help")
        await house.agree("!esn pause", MAX)
        assert said(await house.say(AGAIN, ALI, "!help")) == []


class TestRebuilding:
    async def test_words_that_are_indexed_otherwise_are_put_right_after_a_start(self, any_house: House) -> None:
        await settle(any_house)
        await note(any_house, 1, "Imprimantes")
        await any_house.write(spoil)
        assert "📌" not in await any_house.ask("!esn search imprimante")
        await any_house.sleep_through(timedelta(minutes=1))
        await any_house.let_pass(timedelta(minutes=1))
        assert "📌" in await any_house.ask("!esn search imprimante")


async def spoil(conn: Any) -> None:
    """As an earlier version would have left the index."""
    from sqlalchemy import select

    from esnbot.features.search import records
    from esnbot.features.search.model import Indexed
    from esnbot.store import kept as values

    row = (await conn.execute(select(records.document).where(records.document.c.key == "note:1"))).one()
    await records.reindex(conn, row, Indexed("autrement", "", ""))
    await values.put(conn, "search.indexing", "0")


def text(body: str) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": body}


async def correct(house: House, original: str, body: str, sender: str = ZOE, **more: Any) -> list[Effect]:
    relation = {"rel_type": "m.replace", "event_id": original}
    content = {**text(f"* {body}"), "m.new_content": text(body), "m.relates_to": relation}
    return await house.hear(room_id="!help", sender=sender, content=content, **more)


async def redact(house: House, event: str, room: str = "!help") -> list[Effect]:
    return await house.hear(
        type="m.room.redaction", sender=ZOE, room_id=room, content={"redacts": event}, redacts=event
    )


async def kept(house: House) -> list[str]:
    """The questions that the index has."""
    from sqlalchemy import select

    from esnbot.features.search.records import document

    async def job(conn: Any) -> list[str]:
        query = select(document.c.text).where(document.c.kind == "question").order_by(document.c.id)
        return list((await conn.execute(query)).scalars())

    return await house.write(job)
