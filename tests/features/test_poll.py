"""Polls in rooms: begun by anybody, voted in either way, counted once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from esnbot.engine.effects import TEXT, React, Send
from esnbot.features.poll import records
from esnbot.features.poll.model import RESPONSES, START
from tests.features.house import ALI, BOT, EVE, MAX, PAT, ZOE, House, a_house, of, said
from tests.features.polls import ASK, NOON, begin, stored


class TestBeginning:
    async def test_it_stands_in_both_forms_and_one_tap_is_a_vote(self, any_house: House) -> None:
        posted = await any_house.say(ASK)
        (start,) = of(posted, Send)
        (paper,) = said(posted)
        assert (start.type, start.room) == (START, "!cafe")
        assert [one["id"] for one in start.content[START]["answers"]] == ["1", "2"]
        assert paper.thread == f"post:{start.key}"
        assert paper.msgtype == TEXT
        assert paper.body.splitlines()[:4] == ["Where do we eat?", "", "1️⃣ Pizza", "2️⃣ Sushi"]
        assert [(one.to, one.emoji) for one in of(posted, React)] == [
            (f"post:{paper.key}", "1️⃣"),
            (f"post:{paper.key}", "2️⃣"),
        ]

    async def test_it_speaks_the_language_of_the_room(self, house: House) -> None:
        (paper,) = said(await house.say('!rse sondage lancer "On mange où ?" "Pizza" "Sushi" --fin "vendredi midi"'))
        assert "Pour voter, réagissez à ce message avec un chiffre" in paper.body
        assert "Ouvert jusqu’au vendredi 6 mars 2026 à 12\xa0h." in paper.body

    async def test_all_options_may_stand_anywhere(self, house: House) -> None:
        posted = await house.say(
            '!esn poll create --secret "Where do we eat?" "Pizza" --until friday noon --several 2 "Sushi" "Soup"'
        )
        assert of(posted, Send)[0].content[START]["max_selections"] == 2
        assert "2 au plus" in said(posted)[0].body
        assert "Tout le monde voit qui réagit ici" in said(posted)[0].body
        assert (await house.scheduled("poll"))["end:1"] == NOON

    async def test_a_partner_of_the_room_may_too(self, house: House) -> None:
        await house.put_in("!yard", PAT)
        assert of(await house.say(ASK, PAT, "!yard"), Send)

    @pytest.mark.parametrize(
        ("line", "answer"),
        [
            ('poll create "Where?" "Pizza"', "at least two answers"),
            ('poll create "Where?"', "`ANSWER…` is missing"),
            ("poll create", "QUESTION"),
            (f'poll create "{"x" * 9_000}" a b', "at most 300 fit"),
            (f'poll create "{"x" * 10_000}" a b', "at most 300 fit"),
            ('poll create "Where?" ' + " ".join(f'"{number}"' for number in range(50)), "10 answers at most"),
            ('poll create "Where?" "Café" "cafe"', "“cafe” is there twice"),
            ("poll create Where do we eat? Pizza Sushi", "in quotation marks"),
            ('poll create "Where?" a b --until yesterday', "in the past"),
            ('poll create "Where?" a b --until "3 March 2030"', "60 days at most"),
            ('poll create "Where?" a b --several 40', "from 1 to 10"),
            ('poll create "Where?" a b --untl friday', "until"),
            ("poll craete", "poll create"),
            ("pol list", "poll list"),
        ],
    )
    async def test_what_cannot_be_done_is_said_in_one_clear_sentence(
        self, house: House, line: str, answer: str
    ) -> None:
        await house.ask("!esn language en")
        answered = await house.say(f"!esn {line}")
        assert answer in said(answered)[0].body
        assert not of(answered, Send)

    async def test_nothing_in_it_calls_anybody_or_is_markup(self, house: House) -> None:
        posted = await house.say('!esn poll create "<b>Who</b> @room?" "@room" "[x](https://evil.example) **y**"')
        (start,), (paper,) = of(posted, Send), said(posted)
        assert "@room" not in str(start.content) + paper.body + paper.html
        assert "&lt;b&gt;" in paper.html
        assert "evil.example" in paper.body
        assert "<a " not in paper.html
        assert start.content["m.mentions"] == {}

    async def test_a_direct_chat_has_nobody_to_ask(self, house: House) -> None:
        await house.put_in("!chat", ZOE, BOT)
        assert "faut du monde" in await house.ask('sondage créer "Où ?" a b', room="!chat")

    async def test_one_person_begins_only_so_many_a_day(self, sqlite_url: str) -> None:
        async with a_house(sqlite_url, settings={"poll": {"a_day": 1}}) as house:
            await begin(house)
            assert "depuis hier" in await house.ask(ASK)
            await begin(house, sender=ALI)
            await house.let_pass(timedelta(days=1, minutes=1))
            await begin(house)


class TestVoting:
    async def test_both_ways_make_one_count_and_the_last_vote_of_a_person_counts(self, any_house: House) -> None:
        poll = await begin(any_house)
        await poll.respond(ZOE, "1")
        await poll.react(ALI, 2)
        assert await poll.count() == ([1, 1], 2)
        await poll.react(ZOE, 2)
        assert await poll.count() == ([0, 2], 2)
        await poll.respond(ZOE, "1")
        assert await poll.count() == ([1, 1], 2)

    async def test_a_number_under_the_poll_itself_is_a_vote_too(self, house: House) -> None:
        poll = await begin(house)
        poll.paper = poll.start
        await poll.react(ZOE, 2)
        assert await poll.count() == ([0, 1], 1)

    async def test_several_answers_if_it_says_so(self, house: House) -> None:
        poll = await begin(house, '!esn poll create "When?" "Mon" "Tue" "Wed" --several 2')
        await poll.respond(ZOE, "1", "2", "3")
        await poll.react(ALI, 2)
        await poll.react(ALI, 3)
        assert await poll.count() == ([1, 2, 1], 2)

    async def test_a_reaction_that_is_removed_is_a_vote_taken_back(self, any_house: House) -> None:
        poll = await begin(any_house)
        await poll.react(ZOE, 1, event_id="$mine")
        assert await poll.count() == ([1, 0], 1)
        await poll.redact("$mine")
        assert await poll.count() == ([0, 0], 0)

    async def test_what_is_taken_back_leaves_what_was_before(self, house: House) -> None:
        poll = await begin(house)
        await poll.respond(ZOE, "1")
        await poll.respond(ZOE, "2", event_id="$later")
        await poll.redact("$later")
        assert await poll.count() == ([1, 0], 1)

    async def test_an_empty_or_spoilt_response_withdraws(self, house: House) -> None:
        poll = await begin(house)
        for person, answers in ((ZOE, ()), (ALI, ("9",)), (MAX, ("1", "9"))):
            await poll.respond(person, "1")
            await poll.respond(person, *answers)
        assert await poll.count() == ([0, 0], 0)

    async def test_the_stable_form_of_a_response_counts(self, house: House) -> None:
        poll = await begin(house)
        content = {"m.relates_to": {"rel_type": "m.reference", "event_id": poll.start}, "m.selections": ["2"]}
        await house.hear(type="m.poll.response", content=content)
        assert await poll.count() == ([0, 1], 1)

    async def test_the_same_vote_twice_is_one(self, house: House) -> None:
        poll = await begin(house)
        for _ in range(2):
            await poll.react(ZOE, 1, event_id="$same")
        assert await poll.count() == ([1, 0], 1)

    async def test_who_votes_without_end_fills_no_table(self, house: House) -> None:
        poll = await begin(house)
        for number in range(records.MOST_BALLOTS + 30):
            await poll.respond(ZOE, str(number % 2 + 1))
        assert await poll.count() == ([0, 1], 1)
        assert (await stored(house, "poll_ballot")).count(ZOE) == records.MOST_BALLOTS

    async def test_nobody_else_counts(self, house: House) -> None:
        poll = await begin(house)
        await poll.react(BOT, 1)
        await poll.react(EVE, 1)
        await house.put_in("!cafe", PAT, EVE)
        await poll.react(EVE, 1)
        await poll.respond(PAT, "1")
        await house.put_in("!cafe", ALI, membership="leave")
        await poll.react(ALI, 1)
        assert await poll.count() == ([0, 0], 0)

    async def test_a_vote_in_another_room_is_none_for_this_poll(self, house: House) -> None:
        poll = await begin(house)
        await house.put_in("!help", ZOE)
        await poll.respond(ZOE, "1", room_id="!help")
        await poll.react(ZOE, 1, room_id="!help")
        assert await poll.count() == ([0, 0], 0)

    async def test_other_reactions_and_nonsense_are_no_votes(self, house: House) -> None:
        poll = await begin(house)
        await poll.react(ZOE, 3)
        for key in ("👍", 7, None, ["1️⃣"]):
            relation = {"rel_type": "m.annotation", "event_id": poll.paper, "key": key}
            assert await house.hear(type="m.reaction", content={"m.relates_to": relation}) == []
        for content in ({}, {"m.relates_to": 3}, {"m.relates_to": {"rel_type": "m.reference", "event_id": 4}}):
            assert await house.hear(type=RESPONSES[0], content=content) == []
        assert await poll.count() == ([0, 0], 0)


class TestTheCountThatPeopleSee:
    async def test_it_comes_at_once_then_at_most_every_half_minute_and_only_when_it_changed(self, house: House) -> None:
        poll = await begin(house)
        await poll.react(ZOE, 1)
        (first,) = said(await house.let_pass(timedelta(seconds=1)))
        assert first.replaces == poll.paper
        assert "1️⃣ Pizza\xa0: 1" in first.body
        assert "Une personne a voté." in first.body
        await poll.respond(ALI, "2")
        await poll.respond(MAX, "2")
        assert said(await house.let_pass(timedelta(seconds=28))) == []
        (second,) = said(await house.let_pass(timedelta(seconds=2)))
        assert "2️⃣ Sushi\xa0: 2" in second.body
        await poll.respond(MAX, "1", event_id="$again")
        await poll.redact("$again", MAX)
        assert said(await house.let_pass(timedelta(minutes=5))) == []

    async def test_a_secret_poll_shows_none_before_the_end(self, house: House) -> None:
        poll = await begin(house, f"{ASK} --secret --until friday noon")
        await poll.react(ZOE, 1)
        await poll.respond(ALI, "2")
        assert said(await house.let_pass(timedelta(hours=1))) == []
        shown = await house.ask("!esn poll show")
        assert "2 personnes ont voté." in shown
        assert "Pizza" not in shown
        assert "1️⃣" not in shown
        (result, _) = said(await house.let_pass(timedelta(days=5)))
        assert "1️⃣ Pizza\xa0: 1" in result.body

    async def test_anybody_in_the_room_can_ask_and_is_never_told_who_voted_what(self, house: House) -> None:
        poll = await begin(house)
        await poll.react(ZOE, 1)
        shown = await house.ask("!esn poll show 1", ALI)
        assert "1️⃣ Pizza\xa0: 1" in shown
        assert ZOE not in shown
        assert "Je ne connais pas de sondage 1" in await house.ask("!esn poll show 1", MAX, "!help")

    async def test_the_open_ones_are_listed_also_in_a_direct_chat(self, house: House) -> None:
        await begin(house)
        await house.put_in("!help", ZOE)
        await begin(house, '!esn poll create "Tea?" yes no', room="!help")
        assert "Where do we eat?" in await house.ask("!esn poll")
        assert "Tea?" not in await house.ask("!esn poll")
        await house.put_in("!chat", ZOE, BOT)
        both = await house.ask("sondage liste", room="!chat")
        assert "Where do we eat?" in both
        assert "Tea?" in both
        await house.put_in("!alis", ALI, BOT)
        assert "Tea?" not in await house.ask("sondage liste", ALI, "!alis")
        assert "Je ne connais pas" in await house.ask("sondage montrer 2", ALI, "!alis")
