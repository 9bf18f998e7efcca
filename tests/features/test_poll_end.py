"""Polls come to an end once and on time, and little of them is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from esnbot.engine.effects import TEXT, Effect, Redact, Send
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features import poll
from esnbot.features.poll.model import END, RESPONSES
from tests.features.house import ALI, BOT, MAX, ZOE, House, a_house, of, said
from tests.features.polls import ASK, NOON, begin, held, results, stored


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
