"""Somebody else looks at an entry, where a line, a space or the author asks for it."""

from __future__ import annotations

from datetime import timedelta

from esnbot.engine.effects import React, Say
from esnbot.features.calendar.model import State
from tests.features.calendar.kit import ANA, BACK, Desk, a_desk, posts, told
from tests.features.house import ALI, MAX, ZOE, of, said

PROMO = '"Buy now" on tuesday 10am in #cafe line=promo'


def question(effects: object) -> Say:
    """The question whether somebody looks at it."""
    return next(one for one in said(effects) if one.key.startswith("review:"))  # type: ignore[arg-type]


async def the_answer(desk: Desk, emoji: str, sender: str, line: str = PROMO) -> list[object]:
    asked = await desk.say(f"add {line}")
    return list(await desk.house.react(question(asked), emoji, sender, BACK))


async def test_a_line_that_asks_for_other_eyes_gets_them(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        effects = await desk.say(f"add {PROMO}")
        assert "1 Buy now waits for somebody to look at it." in told(effects)
        assert [one.emoji for one in of(effects, React)] == ["✅", "✏️"]
        assert posts(await desk.until("2026-03-03T10:30")) == []


async def test_another_animator_approves_with_a_reaction_and_the_author_cannot(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        effects = await desk.say(f"add {PROMO}")
        own = await desk.house.react(question(effects), "✅", MAX, BACK)
        assert "somebody else looks" in "".join(one.body for one in said(own))
        assert (await desk.entry(1)).state is State.review
        assert await desk.house.react(question(effects), "✅", ZOE, BACK) == []
        await desk.house.react(question(effects), "✅", ANA, BACK)
        entry = await desk.entry(1)
        assert (entry.state, entry.approved_by) == (State.scheduled, ANA)
        assert len(posts(await desk.until("2026-03-03T10:01"))) == 1


async def test_the_pencil_sends_it_back(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await the_answer(desk, "✏️", ANA)
        assert (await desk.entry(1)).state is State.draft
        assert "sent back" in await desk.ask("history 1")


async def test_approving_by_command(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(PROMO)
        assert "somebody else looks" in await desk.ask("approve 1")
        assert "scheduled" in await desk.ask("approve 1", ANA)


async def test_rewording_what_was_approved_asks_again(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await the_answer(desk, "✅", ANA)
        effects = await desk.say("edit 1 Buy it now")
        assert "waits for somebody to look at it" in told(effects)
        assert (await desk.entry(1)).state is State.review


async def test_a_space_that_asks_for_other_eyes(sqlite_url: str) -> None:
    async with a_desk(sqlite_url, review_in=["home"]) as desk:
        await desk.add('"Hello" on tuesday 10am in #cafe')
        await desk.add('"Hello" on tuesday 10am in #yard')
        assert (await desk.entry(1)).state is State.review
        assert (await desk.entry(2)).state is State.scheduled


async def test_a_reviewer_from_outside_the_room_is_asked_in_private_and_may_look_and_approve(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(f"{PROMO} reviewer={ALI}")
        effects = await desk.house.let_pass(timedelta(hours=4))
        assert any("Would you look at entry 1" in one.body for one in said(effects))
        await desk.house.put_in("!dm", ALI, "@esnbot:example.org")
        (shown,) = said(await desk.house.say("calendar preview 1", ALI, "!dm"))
        assert "Buy now" in shown.body
        await desk.house.say("calendar approve 1", ALI, "!dm")
        assert (await desk.entry(1)).approved_by == ALI


async def test_nobody_else_may_look_or_approve(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(f"{PROMO} reviewer={ALI}")
        await desk.house.put_in("!dm", ZOE, "@esnbot:example.org")
        for verb in ("preview", "approve"):
            (shown,) = said(await desk.house.say(f"calendar {verb} 1", ZOE, "!dm"))
            (unknown,) = said(await desk.house.say(f"calendar {verb} 77", ZOE, "!dm"))
            assert shown.body == unknown.body.replace("77", "1")
        assert (await desk.entry(1)).state is State.review


async def test_when_the_reviewer_leaves_others_are_asked(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(f"{PROMO} reviewer={ANA}")
        effects = await desk.house.member(ANA, BACK, "leave")
        assert "has left, and was to look at 1 Buy now" in told(effects)
        assert (await desk.entry(1)).reviewer == ""


async def test_somebody_who_is_not_one_of_us_cannot_be_asked(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Draft"')
        assert "not one of us" in await desk.ask("submit 1 reviewer=@eve:elsewhere.example")
        assert (await desk.entry(1)).state is State.draft
