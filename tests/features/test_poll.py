"""Polls in rooms: begun by anybody, voted in either way, counted once, closed on time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from esnbot.engine.effects import TEXT, Effect, React, Redact, Say, Send
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features import poll
from esnbot.features.poll import records
from esnbot.features.poll.model import END, RESPONSES, START, sign, tally
from tests.features.house import ALI, BOT, EVE, MAX, PAT, ZOE, House, a_house, of, said

ASK = '!esn poll create "Where do we eat?" "Pizza" "Sushi"'
NOON = datetime(2026, 3, 6, 11, 0, tzinfo=UTC)
"""Friday noon in Paris."""


class Held:
    """A poll that somebody began, and what people do with it."""

    def __init__(self, house: House, number: int, room: str, start: str, paper: str) -> None:
        self.house, self.number, self.room, self.start, self.paper = house, number, room, start, paper

    async def respond(self, person: str, *answers: str, **more: Any) -> list[Effect]:
        content = {
            "m.relates_to": {"rel_type": "m.reference", "event_id": self.start},
            RESPONSES[0]: {"answers": list(answers)},
        }
        return await self.house.hear(
            **{"type": RESPONSES[0], "sender": person, "room_id": self.room, "content": content, **more}
        )

    async def react(self, person: str, number: int, **more: Any) -> list[Effect]:
        relation = {"rel_type": "m.annotation", "event_id": self.paper, "key": sign(number)}
        return await self.house.hear(
            **{
                "type": "m.reaction",
                "sender": person,
                "room_id": self.room,
                "content": {"m.relates_to": relation},
                **more,
            }
        )

    async def redact(self, event: str, person: str = ZOE) -> list[Effect]:
        return await self.house.hear(
            type="m.room.redaction", sender=person, room_id=self.room, content={"redacts": event}
        )

    async def count(self) -> tuple[list[int], int]:
        """What the bot would say now: votes by answer, and how many people voted."""

        async def job(conn: Any) -> tuple[list[int], int]:
            found = await records.get(conn, self.number)
            assert found is not None
            if not found.is_open:
                return found.totals or [], found.voters or 0
            counted = tally(await records.ballots(conn, self.number), found.answers, found.several, found.until)
            return list(counted.totals), counted.voters

        return await self.house.write(job)


async def begin(house: House, line: str = ASK, sender: str = ZOE, room: str = "!cafe") -> Held:
    return await held(house, await house.say(line, sender, room), room)


async def held(house: House, effects: Sequence[Effect], room: str = "!cafe") -> Held:
    assert isinstance(effects[0], Send), effects

    async def job(conn: Any) -> Held:
        found = (await records.open_polls(conn, room))[-1]
        return Held(house, found.id, room, found.start_event or "", found.text_event or "")

    return await house.write(job)


async def stored(house: House, *tables: str) -> str:
    async def job(conn: Any) -> str:
        return "".join([str((await conn.execute(text(f"SELECT * FROM {table}"))).all()) for table in tables])

    return await house.write(job)


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


def results(effects: Sequence[Effect]) -> list[Say]:
    """What was said when a poll ended, without the text version's last correction."""
    return [one for one in said(effects) if not one.replaces]


class TestTheEnd:
    async def test_it_comes_on_time_is_said_once_and_closes_the_poll_in_clients(self, any_house: House) -> None:
        poll = await begin(any_house, f"{ASK} --until friday noon")
        await poll.react(ZOE, 1)
        await poll.respond(ALI, "1")
        await any_house.let_pass(timedelta(minutes=1))
        ended = await any_house.let_pass(timedelta(days=9))
        (closing,) = [one for one in of(ended, Send) if one.type == END]
        assert closing.refers == poll.start
        assert closing.content["m.poll.results"] == {"1": 2, "2": 0}
        (result,) = results(ended)
        assert (result.msgtype, result.thread, result.room) == (TEXT, "", "!cafe")
        assert result.body.splitlines()[0] == "Le sondage est clos\xa0: Where do we eat?"
        assert "<strong>1️⃣ Pizza&nbsp;: 2</strong>" in result.html
        assert "2 personnes ont voté. Un vote est venu par réaction" in result.body
        assert await any_house.scheduled("poll") == {}

    async def test_votes_after_it_count_no_more_even_if_it_is_closed_later(self, house: House) -> None:
        poll = await begin(house, f"{ASK} --until friday noon")
        await poll.respond(ZOE, "1")
        house.clock.set(NOON + timedelta(minutes=5))
        house.restart()
        await poll.respond(ZOE, "2")
        await poll.respond(ALI, "2", origin_server_ts=int((NOON - timedelta(hours=1)).timestamp() * 1000))
        (result,) = results(await house.let_pass(timedelta(minutes=5)))
        assert "1️⃣ Pizza\xa0: 1" in result.body
        await poll.respond(MAX, "1")
        assert await poll.count() == ([1, 0], 1)

    async def test_after_a_night_off_the_votes_of_meanwhile_are_brought_first(self, house: House) -> None:
        poll = await begin(house, f"{ASK} --until friday noon")
        assert results(await house.sleep_through(timedelta(days=4, hours=6))) == []
        await poll.respond(ALI, "2", origin_server_ts=int((NOON - timedelta(hours=1)).timestamp() * 1000))
        (result,) = results(await house.let_pass(timedelta(minutes=1)))
        assert "2️⃣ Sushi\xa0: 1" in result.body

    async def test_quiet_hours_are_respected_and_announced(self, house: House) -> None:
        posted = await house.say(f'{ASK} --until "friday 8pm"')
        assert "le résultat viendra le samedi 7 mars 2026 à 8\xa0h" in said(posted)[0].body
        poll = await held(house, posted)
        await poll.respond(ZOE, "1")
        await house.let_pass(timedelta(days=4, hours=23, minutes=58))
        await poll.respond(ALI, "1")
        (result,) = results(await house.let_pass(timedelta(minutes=3)))
        assert "Une personne a voté." in result.body

    async def test_a_pause_is_waited_out(self, house: House) -> None:
        await begin(house, f"{ASK} --until friday noon")
        await house.agree("!rse pause", sender=MAX)
        assert results(await house.let_pass(timedelta(days=5))) == []
        await house.agree("!rse reprendre", sender=MAX)
        assert len(results(await house.let_pass(timedelta(seconds=1)))) == 1

    async def test_without_an_end_it_lasts_as_long_as_polls_may(self, sqlite_url: str) -> None:
        async with a_house(sqlite_url, settings={"poll": {"longest": "3 days"}}) as house:
            assert "Sans date de fin" in said(await house.say(ASK))[0].body
            assert results(await house.let_pass(timedelta(days=2, hours=23))) == []
            assert len(results(await house.let_pass(timedelta(hours=2)))) == 1

    async def test_who_began_it_owners_and_animators_close_it_and_others_do_not(self, house: House) -> None:
        await begin(house)
        assert "Seuls" in await house.ask("!rse sondage clore", ALI)
        (result,) = results(await house.say("!rse sondage clore"))
        assert "Personne n’a voté." in result.body
        assert "Aucun sondage n’est ouvert ici" in await house.ask("!rse sondage clore")
        await begin(house)
        assert results(await house.say("!esn poll close", MAX))

    async def test_it_can_be_closed_from_a_direct_chat_and_from_its_thread(self, house: House) -> None:
        poll = await begin(house)
        await begin(house)
        assert "Plusieurs sondages" in await house.ask("!rse sondage clore")
        content = {
            "msgtype": "m.text",
            "body": "!esn poll close",
            "m.relates_to": {"rel_type": "m.thread", "event_id": poll.start},
        }
        (result,) = results(await house.hear(content=content))
        assert result.room == "!cafe"
        await house.put_in("!chat", ZOE, BOT)
        told = {one.room: one.body for one in results(await house.say("sondage clore 2", room="!chat"))}
        assert set(told) == {"!cafe", "!chat"}

    async def test_two_who_close_it_together_get_one_result(self, house: House) -> None:
        await begin(house)
        effects = await house.hear_together(
            *({"content": {"msgtype": "m.text", "body": "!esn poll close"}, "sender": who} for who in (ZOE, MAX))
        )
        assert len(results(effects)) == 1
        assert len([one for one in of(effects, Send) if one.type == END]) == 1

    async def test_only_votes_from_before_the_word_to_close_it_count(self, house: House) -> None:
        poll = await begin(house)
        vote = {
            "type": RESPONSES[0],
            "content": {
                "m.relates_to": {"rel_type": "m.reference", "event_id": poll.start},
                RESPONSES[0]: {"answers": ["1"]},
            },
        }
        now = int(house.clock.now().timestamp() * 1000)
        house.clock.advance(timedelta(seconds=2))
        (result,) = results(
            await house.hear_together(
                {**vote, "sender": ALI, "origin_server_ts": now},
                {"content": {"msgtype": "m.text", "body": "!esn poll close"}, "origin_server_ts": now + 1000},
                {**vote, "sender": MAX, "origin_server_ts": now + 2000},
            )
        )
        assert "Une personne a voté." in result.body

    async def test_nothing_is_said_where_the_bot_is_no_more(self, house: House) -> None:
        await begin(house, f"{ASK} --until friday noon")
        await house.put_in("!cafe", BOT, membership="leave")
        assert await house.let_pass(timedelta(days=9)) == []
        assert await house.scheduled("poll") == {}

    @pytest.mark.parametrize("which", ["start", "paper"])
    async def test_a_poll_that_is_taken_away_is_closed_without_a_word(self, any_house: House, which: str) -> None:
        poll = await begin(any_house, f"{ASK} --until friday noon")
        await poll.react(ZOE, 1)
        effects = await poll.redact(getattr(poll, which), MAX)
        other = poll.paper if which == "start" else poll.start
        assert [one.event for one in of(effects, Redact)] == [other]
        assert said(effects) == []
        assert await any_house.let_pass(timedelta(days=9)) == []
        assert ZOE not in await stored(any_house, "poll_ballot")
        assert "retiré" in await any_house.ask("!esn poll show 1")

    async def test_it_is_kept_over_a_restart(self, any_house: House) -> None:
        poll = await begin(any_house, f"{ASK} --until friday noon")
        await poll.react(ZOE, 1)
        any_house.restart()
        await any_house.start()
        await poll.react(ALI, 2)
        ended = results(await any_house.sleep_through(timedelta(days=5)))
        ended += results(await any_house.let_pass(timedelta(minutes=1)))
        (result,) = ended
        assert "2 personnes ont voté." in result.body


class TestWhatIsKept:
    async def test_who_voted_what_only_until_it_is_closed(self, house: House) -> None:
        poll = await begin(house)
        await poll.react(ALI, 1)
        await house.say("!esn poll close")
        assert await stored(house, "poll_ballot") == "[]"
        kept = await stored(house, "poll")
        assert "Pizza" not in kept
        assert ALI not in kept
        assert "1️⃣ 1 · 2️⃣ 0" in await house.ask("!esn poll show 1")

    async def test_a_closed_poll_is_forgotten_after_a_while(self, sqlite_url: str) -> None:
        async with a_house(sqlite_url, settings={"poll": {"kept": "2 days"}}) as house:
            await begin(house)
            await house.say("!esn poll close")
            await house.let_pass(timedelta(days=3))
            await begin(house)
            assert "Je ne connais pas de sondage 1" in await house.ask("!esn poll show 1")

    async def test_a_person_gets_and_takes_back_what_is_kept_of_them(self, house: House) -> None:
        poll = await begin(house)
        await poll.react(ZOE, 1)
        await poll.react(ALI, 1)
        kept = await house.export("poll", ZOE)
        assert [one["id"] for one in kept["begun"]] == [1]
        assert [(one["poll"], one["answers"]) for one in kept["votes"]] == [(1, [1])]
        await house.erase("poll", ZOE)
        assert await house.export("poll", ZOE) == {"begun": [], "votes": []}
        assert ZOE not in await stored(house, "poll", "poll_ballot")
        assert await poll.count() == ([1, 0], 1)
        assert "Une personne a voté." in said(await house.let_pass(timedelta(minutes=1)))[0].body

    async def test_of_an_encrypted_room_no_texts_are_kept_and_answers_go_by_their_numbers(self, house: House) -> None:
        await house.hear(type="m.room.encryption", state_key="", content={"algorithm": "m.megolm.v1.aes-sha2"})
        poll = await begin(house, f"{ASK} --until friday noon")
        assert "Pizza" not in await stored(house, "poll", "poll_ballot", "schedule")
        await poll.react(ZOE, 2)
        (running,) = said(await house.let_pass(timedelta(seconds=1)))
        assert (running.thread, running.replaces) == (poll.start, "")
        assert running.body.splitlines()[0] == "1️⃣ 0 · 2️⃣ 1"
        await poll.react(ALI, 2)
        (corrected,) = said(await house.let_pass(timedelta(minutes=1)))
        assert corrected.replaces == f"post:{running.key}"
        assert "1️⃣ 0 · 2️⃣ 2" in await house.ask("!esn poll show")
        (result,) = results(await house.let_pass(timedelta(days=9)))
        assert result.content["m.relates_to"] == {"m.in_reply_to": {"event_id": poll.paper}}
        assert "2️⃣\xa0: 2" in result.body


class TestForOtherFeatures:
    async def test_one_begins_a_poll_and_is_told_what_came_out(self, house: House) -> None:
        told: list[dict[str, Any]] = []

        async def begins(ctx: Context, event: Any) -> Sequence[Effect]:
            asked = poll.Question(question="Which evening?", answers=["Monday", "Tuesday"], until=NOON)
            return await poll.start(
                ctx,
                asked,
                room_id="!cafe",
                module="meetup",
                voice=house.speech.voice("fr"),
                community=house.community,
                key="meetup:7",
            )

        async def hears(ctx: Context, event: Any) -> Sequence[Effect]:
            told.append(event.content)
            return []

        meetup = Module(
            "meetup", (Listener(frozenset({"test.begin"}), begins), Listener(frozenset({poll.CLOSED}), hears))
        )
        house.add(meetup)
        one = await held(house, await house.hear(type="test.begin", content={}))
        await one.react(ZOE, 2)
        await house.let_pass(timedelta(days=9))
        assert told == [
            {"poll": 1, "key": "meetup:7", "room_id": "!cafe", "totals": [0, 1], "voters": 1, "removed": False}
        ]
