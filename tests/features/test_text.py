"""Texts that people keep: versions, what the room takes away, long ones, and somebody who is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.module import NAME
from esnbot.engine import effects_in
from esnbot.engine.effects import Attach, Effect, Redact, Say
from esnbot.engine.feature import Context
from esnbot.features import text
from esnbot.features.text import Draft
from esnbot.features.text.model import STRUCTURE
from esnbot.matrix.message import CAUSE
from esnbot.provisioning import wanted
from tests.features.house import ALI, BOT, ZOE, House, a_community, a_group


class Shelf:
    """Keeps texts in a house, and brings the messages back as the homeserver does."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.voice = house.speech.voice("en")

    def context(self, conn: AsyncConnection) -> Context:
        return Context(conn=conn, now=self.house.clock.now(), bot=BOT)

    async def keep(self, draft: Draft, place: str = "cafe") -> int:
        async def job(conn: AsyncConnection) -> tuple[int, list[Effect]]:
            where = await wanted.get(conn, place)
            assert where is not None
            id, effects = await text.keep(self.context(conn), text.NOTE, where, draft, voice=self.voice, module=NAME)
            await effects_in.put(conn, NAME, f"keep:{id}", effects, 0)
            return id, effects

        id, effects = await self.house.write(job)
        await self.deliver(effects)
        return id

    async def revise(self, id: int, draft: Draft) -> list[Effect]:
        async def job(conn: AsyncConnection) -> list[Effect]:
            number, effects = await text.revise(self.context(conn), id, draft, voice=self.voice, module=NAME)
            await effects_in.put(conn, NAME, f"revise:{id}:{number}", effects, 0)
            return effects

        effects = await self.house.write(job)
        await self.deliver(effects)
        return effects

    async def deliver(self, effects: Sequence[Effect], module: str = NAME) -> list[Effect]:
        """The room has the messages, and the bot hears of them."""
        sent: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Say) and STRUCTURE in effect.content:
                content = {
                    **effect.content,
                    "body": effect.body,
                    "msgtype": effect.msgtype,
                    CAUSE: f"{module}/{effect.key}",
                }
                sent += await self.house.hear(sender=BOT, event_id=f"${effect.key}", content=content)
        return sent

    async def get(self, id: int) -> text.Text:
        found = await self.house.write(lambda conn: text.get(conn, id))
        assert found is not None
        return found


def texts_in(effects: Sequence[Effect]) -> list[Say]:
    """The messages among effects that are kept texts."""
    return [effect for effect in effects if isinstance(effect, Say) and STRUCTURE in effect.content]


def a_draft(words: str = "Twelve millimetres.", author: str = ZOE, title: str = "Which drill?") -> Draft:
    return Draft(title=title, words=words, author=author, tags=("tools",))


async def test_a_text_has_a_message_and_its_versions_are_edits_of_it(any_house: House) -> None:
    shelf = Shelf(any_house)
    await any_house.declare()
    id = await shelf.keep(a_draft())
    edit, *_ = await shelf.revise(id, a_draft("Thirteen.", ALI))
    found = await shelf.get(id)
    assert isinstance(edit, Say)
    assert (found.root, edit.replaces) == ("$text:1:1", "$text:1:1")
    assert edit.fallback == "Which drill?"
    assert (found.current.number, found.current.words, found.current.author) == (2, "Thirteen.", ALI)
    assert [one.words for one in await any_house.write(lambda conn: text.versions(conn, id))] == [
        "Twelve millimetres.",
        "Thirteen.",
    ]


async def test_what_is_taken_away_in_the_room_is_taken_away_here(any_house: House) -> None:
    shelf = Shelf(any_house)
    await any_house.declare()
    id = await shelf.keep(a_draft())
    await shelf.revise(id, a_draft("Thirteen."))
    await any_house.hear(type="m.room.redaction", redacts="$text:1:2", sender=ALI, content={})
    found = await shelf.get(id)
    assert (found.current.number, found.current.words, found.gone) == (1, "Twelve millimetres.", False)
    # Numbers are not given twice.
    await shelf.revise(id, a_draft("Fourteen."))
    assert (await shelf.get(id)).current.number == 3
    sent = await any_house.hear(type="m.room.redaction", redacts="$text:1:1", sender=ALI, content={})
    assert {effect.event for effect in sent if isinstance(effect, Redact)} == {"$text:1:2", "$text:1:3"}
    assert (await shelf.get(id)).gone
    kept = await any_house.write(lambda conn: text.versions(conn, id))
    assert all(one.words is None and one.title == "" and one.tags == () for one in kept)


async def test_a_message_of_somebody_else_that_claims_to_be_a_text_is_none(house: House) -> None:
    shelf = Shelf(house)
    await house.declare()
    id = await shelf.keep(a_draft())
    forged = {"body": "x", "msgtype": "m.text", STRUCTURE: {"id": id}, CAUSE: f"{NAME}/text:{id}:1"}
    await house.hear(sender=ZOE, event_id="$forged", content=forged)
    assert (await shelf.get(id)).root == "$text:1:1"


async def test_a_long_text_is_a_file_in_the_thread_and_whole_in_the_index(house: House) -> None:
    shelf = Shelf(house)
    await house.declare()
    words = "Ça commence ici. " + "é" * 50_000
    id = await shelf.keep(a_draft("short"))
    say, attached = await shelf.revise(id, a_draft(words))
    assert isinstance(say, Say)
    assert isinstance(attached, Attach)
    assert len(say.body.encode()) + len(say.html.encode()) < 10_000
    assert "The whole text is in the file in the thread below." in say.body
    assert words in attached.text
    assert (attached.name, attached.thread) == ("Which-drill.md", "$text:1:1")
    assert (await shelf.get(id)).current.words == words


async def test_an_encrypted_room_keeps_the_words_to_itself(house: House) -> None:
    shelf = Shelf(house)
    await house.declare(a_community(a_group("safe", encrypted=True)))
    id = await shelf.keep(a_draft(), "safe")
    found = await shelf.get(id)
    assert found.sealed
    assert (found.current.title, found.current.words, found.current.tags) == ("", None, ())
    try:
        await shelf.keep(a_draft("x" * 60_000), "safe")
    except text.TooLong:
        pass
    else:
        raise AssertionError


async def test_a_room_that_forgets_gets_its_texts_again_in_time(any_house: House) -> None:
    shelf = Shelf(any_house)
    await any_house.declare(a_community(a_group("cafe", retention=timedelta(days=100))))
    await any_house.start()
    id = await shelf.keep(a_draft())
    sent = [
        one for one in await any_house.let_pass(timedelta(days=74)) if isinstance(one, Say) and STRUCTURE in one.content
    ]
    assert sent == []
    sent = [
        one for one in await any_house.let_pass(timedelta(days=3)) if isinstance(one, Say) and STRUCTURE in one.content
    ]
    assert [one.replaces for one in sent] == [""]
    await shelf.deliver(list(sent), "text")
    found = await shelf.get(id)
    assert (found.root, found.current.words) == ("$text:1:2", "Twelve millimetres.")
    # The old message goes with time, and the text stays.
    await any_house.hear(type="m.room.redaction", redacts="$text:1:1", sender=BOT, content={})
    assert not (await shelf.get(id)).gone


async def test_whoever_is_forgotten_leaves_their_texts_without_a_name(any_house: House) -> None:
    shelf = Shelf(any_house)
    await any_house.declare()
    own, theirs = await shelf.keep(a_draft()), await shelf.keep(a_draft("Ali's", ALI))
    await shelf.revise(theirs, a_draft("Zoé's"))
    sent = await any_house.erase("text", ZOE)
    await shelf.deliver(sent, "text")
    for id in (own, theirs):
        found = await shelf.get(id)
        assert (found.current.author, found.gone) == ("", False)
    says = [effect for effect in sent if isinstance(effect, Say)]
    assert all(ZOE not in effect.body + effect.html + str(effect.content) for effect in says)
    assert {effect.event for effect in sent if isinstance(effect, Redact)} == {"$text:1:1", "$text:2:2"}
    assert (await shelf.get(own)).current.words == "Twelve millimetres."
    left = await any_house.write(lambda conn: text.versions(conn, theirs))
    assert [(one.author, one.gone) for one in left] == [(ALI, False), ("", True), ("", False)]


async def test_an_encrypted_room_takes_what_its_message_can_give_back(house: House) -> None:
    shelf = Shelf(house)
    await house.declare(a_community(a_group("cafe"), a_group("lab", "Lab", encrypted=True)))

    async def keep(words: str) -> list[Effect]:
        async def job(conn: AsyncConnection) -> list[Effect]:
            place = await wanted.get(conn, "lab")
            assert place is not None
            draft = a_draft(words)
            return (await text.keep(shelf.context(conn), text.NOTE, place, draft, voice=shelf.voice, module=NAME))[1]

        return await house.write(job)

    (say,) = await keep("é" * 6_000)
    assert isinstance(say, Say)
    assert say.content[STRUCTURE]["words"] == "é" * 6_000
    # Without the words as they were written, nobody could read, change or compare it.
    with pytest.raises(text.TooLong):
        await keep("é" * 8_000)
