"""Greetings: once, in private, in one's language."""

from __future__ import annotations

from datetime import timedelta

from esnbot.community.group import Joining
from esnbot.engine.effects import TEXT
from tests.features.house import ALI, BOT, EVE, MAX, PAT, ZOE, House, a_community, a_group, a_house, answer_in, said

SOON = timedelta(seconds=10)


async def test_a_newcomer_is_greeted_in_private_with_what_they_can_do_there(any_house: House) -> None:
    assert await any_house.member(ZOE, "!home") == []
    (greeting,) = said(await any_house.let_pass(SOON))
    assert greeting.room == f"direct:{ZOE}"
    assert greeting.body.startswith("Bienvenue dans Ardoise\xa0!")
    assert "La maison" in greeting.body
    assert "Toutes les questions" in greeting.body
    assert "matrix.to/#/!help?via=example.org" in greeting.html
    assert "groupe créer" in greeting.body
    assert "language en" in greeting.body


async def test_groups_that_one_is_in_or_may_not_see_are_not_suggested(house: House) -> None:
    await house.member(ZOE, "!home")
    greeting = answer_in(await house.let_pass(SOON))
    for name in ("Le café", "Club secret", "Coulisses", "Chantier"):
        assert name not in greeting


async def test_the_greeting_is_in_the_language_that_one_chose(house: House) -> None:
    await house.say("!esn language english")
    await house.member(ZOE, "!home")
    greeting = answer_in(await house.let_pass(SOON))
    assert greeting.startswith("Welcome to Ardoise!")
    assert "langue fr" in greeting


async def test_who_comes_into_several_spaces_at_once_is_greeted_once(house: House) -> None:
    await house.member(ZOE, "!home")
    house.clock.advance(timedelta(seconds=3))
    await house.member(ZOE, "!workshop")
    (greeting,) = said(await house.let_pass(timedelta(minutes=1)))
    assert "La maison et L’atelier" in greeting.body.replace("'", "’")


async def test_nobody_is_greeted_twice_whatever_they_do(any_house: House) -> None:
    await any_house.member(ZOE, "!home")
    assert len(said(await any_house.let_pass(SOON))) == 1
    any_house.restart()
    assert await any_house.start() == []
    await any_house.member(ZOE, "!home", "leave")
    await any_house.member(ZOE, "!home")
    await any_house.member(ZOE, "!home", content={"membership": "join", "displayname": "Zoé M."})
    assert await any_house.let_pass(timedelta(hours=1)) == []


async def test_another_space_later_is_another_greeting(house: House) -> None:
    await house.member(ZOE, "!home")
    await house.let_pass(SOON)
    await house.member(ZOE, "!workshop")
    assert "L'atelier" in answer_in(await house.let_pass(SOON))


async def test_who_leaves_before_the_greeting_is_not_written_to(house: House) -> None:
    await house.member(ZOE, "!home")
    await house.member(ZOE, "!home", "leave")
    assert await house.let_pass(SOON) == []
    await house.member(ZOE, "!home")
    assert len(said(await house.let_pass(SOON))) == 1


async def test_joining_a_group_is_no_arrival(house: House) -> None:
    await house.member(ZOE, "!help")
    assert await house.let_pass(SOON) == []


async def test_the_bot_and_strangers_are_not_greeted(house: House) -> None:
    await house.member(BOT, "!home")
    await house.member(EVE, "!home")
    assert await house.let_pass(SOON) == []


async def test_a_message_that_looks_like_an_arrival_is_none(house: House) -> None:
    await house.hear(type="m.room.member", sender=ZOE, room_id="!home", content={"membership": "join"})
    await house.hear(type="m.room.member", sender=ZOE, state_key=ZOE, room_id="!home", content={"membership": ["join"]})
    assert await house.let_pass(SOON) == []


async def test_a_partner_is_shown_the_partners_groups_only(house: House) -> None:
    await house.member(PAT, "!workshop")
    greeting = answer_in(await house.let_pass(SOON))
    assert "Chantier" in greeting
    assert "Entraide" not in greeting
    assert "groupe créer" not in greeting


async def test_members_from_before_the_bot_are_no_newcomers(house: House) -> None:
    await house.put_in("!home", ALI)
    await house.make_ready("home", created=False)
    await house.member(ALI, "!home", content={"membership": "join", "displayname": "Ali B."})
    assert await house.let_pass(SOON) == []


async def test_who_was_there_before_the_bot_is_no_newcomer_when_the_bot_reads_of_it_later(house: House) -> None:
    long_ago = int((house.clock.now() - timedelta(days=3)).timestamp() * 1000)
    await house.member(ZOE, "!home", origin_server_ts=long_ago)
    assert await house.let_pass(SOON) == []


async def test_who_came_while_the_bot_was_off_is_greeted_when_it_is_back(house: House) -> None:
    await house.member(ZOE, "!home")
    assert len(said(await house.sleep_through(timedelta(hours=5)))) == 1


async def test_who_comes_during_a_pause_is_greeted_after_it(any_house: House) -> None:
    await any_house.agree("!rse pause", sender=MAX)
    await any_house.member(ZOE, "!home")
    assert await any_house.let_pass(timedelta(hours=3)) == []
    await any_house.agree("!rse reprendre", sender=MAX)
    assert len(said(await any_house.let_pass(SOON))) == 1


async def test_whose_direct_chat_is_closed_gets_a_hello_without_details(house: House) -> None:
    await house.member(ZOE, "!home")
    (greeting,) = said(await house.let_pass(SOON))
    hello = greeting.otherwise
    assert hello is not None
    assert (hello.room, hello.msgtype, hello.mentions) == ("key:cafe", TEXT, (ZOE,))
    assert "Entraide" not in hello.body
    assert "La maison" not in hello.body


async def test_without_an_open_group_nothing_is_said_in_the_open(sqlite_url: str) -> None:
    async with a_house(sqlite_url, a_community(a_group(joining=Joining.invite))) as house:
        await house.member(ZOE, "!home")
        (greeting,) = said(await house.let_pass(SOON))
        assert greeting.otherwise is None


async def test_export_says_where_one_was_greeted_and_erase_forgets_it(any_house: House) -> None:
    await any_house.member(ZOE, "!home")
    await any_house.let_pass(SOON)
    await any_house.member(ZOE, "!workshop")
    kept = (await any_house.export("welcome", ZOE))["greeted_in"]
    assert [(one["space"], one["greeted"] is None) for one in kept] == [("home", False), ("workshop", True)]
    await any_house.erase("welcome", ZOE)
    assert await any_house.export("welcome", ZOE) == {"greeted_in": []}
    assert await any_house.let_pass(SOON) == []
