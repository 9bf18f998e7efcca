"""What a room bears, asked before something is posted, and held while people are talking."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from esnbot.community.group import Kind, Space
from esnbot.community.tempo import QuietHours, Tempo
from esnbot.engine.effects import Say
from esnbot.features.tempo import Rule, Verdict, Wish, may_post, plan, posted, records, unwish, weigh, wish
from esnbot.provisioning import wanted
from tests.features.house import ALI, BOT, MAX, MONDAY, ZOE, House, a_community, a_group, a_house, a_tempo, said

PARIS = ZoneInfo("Europe/Paris")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEN = MONDAY + 2 * HOUR
"""Monday, ten in the morning in Paris."""


async def asked(house: House, at: datetime, key: str = "cafe", **more: Any) -> Verdict:
    return await house.write(lambda conn: may_post(conn, house.community, key, at, **more))


async def post(house: House, at: datetime, ref: object, key: str = "cafe", **more: Any) -> None:
    await house.write(lambda conn: posted(conn, key, at, of="calendar", ref=str(ref), **more))


def local(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(PARIS):%a %d %H:%M}"


def with_tempo(**tempo: Any) -> Any:
    return a_community(a_group(tempo=Tempo(**tempo)))


# --- the rules -----------------------------------------------------------------------------------------------------


async def test_a_room_where_nothing_is_said_bears_everything_by_day(any_house: House) -> None:
    for number in range(20):
        await post(any_house, TEN + number * MINUTE, number)
    assert (await asked(any_house, TEN + HOUR)).free


async def test_quiet_hours_end_in_the_morning_and_public_holidays_the_day_after(house: House) -> None:
    verdict = await asked(house, TEN + 10 * HOUR)
    assert (verdict.rule, local(verdict.until)) == (Rule.quiet, "Tue 03 08:00")
    easter = datetime(2026, 4, 6, 8, tzinfo=UTC)
    verdict = await asked(house, easter)
    assert (verdict.rule, local(verdict.until)) == (Rule.holiday, "Tue 07 08:00")


async def test_weekends_can_be_kept_free(sqlite_url: str) -> None:
    async with a_house(sqlite_url, with_tempo(weekends=False)) as house:
        verdict = await asked(house, TEN + 5 * DAY)
        assert (verdict.rule, local(verdict.until)) == (Rule.weekend, "Mon 09 08:00")


async def test_a_group_has_quiet_hours_and_holidays_of_its_own(sqlite_url: str) -> None:
    own = with_tempo(quiet_hours=QuietHours(datetime.min.time(), datetime.min.time()), holidays=True)
    async with a_house(sqlite_url, own) as house:
        assert (await asked(house, datetime(2026, 4, 6, 23, tzinfo=UTC))).free


async def test_two_posts_are_apart(sqlite_url: str) -> None:
    async with a_house(sqlite_url, with_tempo(least_gap=3 * HOUR)) as house:
        await post(house, TEN, 1)
        verdict = await asked(house, TEN + HOUR)
        assert (verdict.rule, local(verdict.until)) == (Rule.gap, "Mon 02 13:00")
        assert (await asked(house, TEN + 3 * HOUR)).free


async def test_a_gap_of_days_is_counted_in_days(sqlite_url: str) -> None:
    async with a_house(sqlite_url, with_tempo(least_gap=2 * DAY)) as house:
        await post(house, TEN + HOUR, 1)
        assert local((await asked(house, TEN + 2 * HOUR)).until) == "Wed 04 08:00"
        assert (await asked(house, TEN + 2 * DAY)).free


async def test_a_week_is_any_seven_days_and_ends_in_the_morning(sqlite_url: str) -> None:
    async with a_house(sqlite_url, with_tempo(posts_a_week=2)) as house:
        await post(house, TEN, 1)
        await post(house, TEN + 3 * DAY, 2)
        verdict = await asked(house, TEN + 4 * DAY)
        assert (verdict.rule, local(verdict.until)) == (Rule.week, "Mon 09 08:00")
        assert str(verdict.because) == "This room takes {n} posts in seven days, and has them."
        assert (await asked(house, TEN + 7 * DAY - HOUR)).free


async def test_promotional_posts_are_fewer(sqlite_url: str) -> None:
    async with a_house(sqlite_url, with_tempo(posts_a_week=5, promotional_a_week=1)) as house:
        await post(house, TEN, 1, promotional=True)
        assert (await asked(house, TEN + DAY)).free
        verdict = await asked(house, TEN + DAY, promotional=True)
        assert (verdict.rule, local(verdict.until)) == (Rule.promotional, "Mon 09 08:00")


async def test_where_nothing_is_borne_there_is_no_time_to_wait_for(sqlite_url: str) -> None:
    async with a_house(sqlite_url, with_tempo(posts_a_week=0)) as house:
        assert await asked(house, TEN) == Verdict(False, None, (await asked(house, TEN)).because, Rule.week)


async def test_during_a_pause_it_is_worth_looking_again_soon(house: House) -> None:
    await house.agree("!rse pause", sender=MAX)
    verdict = await asked(house, TEN)
    assert (verdict.free, verdict.rule, verdict.until) == (False, Rule.pause, TEN + 15 * MINUTE)


async def test_the_time_to_wait_for_keeps_to_all_the_rules(sqlite_url: str) -> None:
    tempo = {"posts_a_week": 1, "weekends": False, "least_gap": 5 * HOUR}
    async with a_house(sqlite_url, with_tempo(**tempo)) as house:
        await post(house, TEN + 5 * DAY, 1)
        verdict = await asked(house, TEN + 5 * DAY + HOUR)
        assert (verdict.rule, local(verdict.until)) == (Rule.weekend, "Mon 16 08:00")
        assert verdict.until is not None
        assert (await asked(house, verdict.until)).free


async def test_a_group_inherits_what_it_does_not_state(sqlite_url: str) -> None:
    community = a_community(
        a_group(parent="inner", tempo=Tempo(promotional_a_week=1)),
        spaces={
            "home": Space(key="home", name="La maison", tempo=Tempo(posts_a_week=3, promotional_a_week=2)),
            "inner": Space(key="inner", name="La cour", parent="home", tempo=Tempo(posts_a_week=1)),
        },
    )
    async with a_house(sqlite_url, community) as house:
        await post(house, TEN, 1, promotional=True)
        assert (await asked(house, TEN + DAY)).rule is Rule.week
        await post(house, TEN, 1, "inner")
        assert (await asked(house, TEN + DAY, "inner")).rule is Rule.week
        await post(house, TEN, 1, "home", promotional=True)
        assert (await asked(house, TEN + DAY, "home", promotional=True)).free


async def test_the_same_post_counts_once(any_house: House) -> None:
    await any_house.declare(with_tempo(posts_a_week=2))
    for _ in range(3):
        await post(any_house, TEN, 1)
    assert (await asked(any_house, TEN + HOUR)).free


async def test_of_several_who_ask_at_once_one_gets_the_last_place(any_house: House) -> None:
    await any_house.declare(with_tempo(posts_a_week=1))

    async def attempt(number: int) -> bool:
        async def job(conn: Any) -> bool:
            verdict = await may_post(conn, any_house.community, "cafe", TEN)
            if verdict.free:
                await posted(conn, "cafe", TEN, of="calendar", ref=str(number))
            return verdict.free

        return await any_house.write(job)

    assert sum(await asyncio.gather(*map(attempt, range(5)))) == 1


async def test_what_is_old_is_forgotten_but_for_the_last_post(any_house: House) -> None:
    async def count(conn: Any) -> int:
        return int((await conn.execute(select(func.count()).select_from(records.ledger))).scalar_one())

    for number in range(5):
        await post(any_house, TEN + number * DAY, number)
    await post(any_house, TEN + 63 * DAY, 5)
    assert await any_house.write(count) == 3
    await any_house.declare(with_tempo(least_gap=90 * DAY))
    assert local((await asked(any_house, TEN + 70 * DAY)).until) == "Sun 02 08:00"
    await any_house.write(lambda conn: records.clear(conn, TEN + 63 * DAY + 367 * DAY))
    assert await any_house.write(count) == 0


# --- people who are talking ----------------------------------------------------------------------------------------


async def talk(house: House, *senders: str, every: timedelta = MINUTE, room: str = "!cafe") -> None:
    for sender in senders:
        house.clock.advance(every)
        await house.say("…", sender, room)


def pairs(count: int) -> Iterator[str]:
    return iter((ZOE, ALI)[number % 2] for number in range(count))


async def test_a_post_waits_while_people_talk_until_they_have_been_quiet(any_house: House) -> None:
    any_house.clock.set(TEN)
    await talk(any_house, ZOE, ALI, ZOE)
    verdict = await asked(any_house, any_house.clock.now())
    assert (verdict.rule, local(verdict.until)) == (Rule.talk, "Mon 02 10:18")
    assert (await asked(any_house, TEN + 18 * MINUTE)).free


@pytest.mark.parametrize("senders", [[ZOE, ALI], [ZOE] * 9, [ZOE, ZOE, BOT, ZOE, BOT]])
async def test_two_words_or_one_person_are_no_conversation(house: House, senders: list[str]) -> None:
    house.clock.set(TEN)
    await talk(house, *senders)
    assert (await asked(house, house.clock.now())).free


async def test_words_over_half_an_hour_are_no_conversation(house: House) -> None:
    house.clock.set(TEN)
    await talk(house, ZOE, ALI, ZOE, ALI, every=10 * MINUTE)
    assert (await asked(house, house.clock.now())).free


async def test_corrections_notices_and_reactions_are_no_words(house: House) -> None:
    house.clock.set(TEN)
    await talk(house, ZOE, ALI)
    edit = {"msgtype": "m.text", "body": "* …", "m.relates_to": {"rel_type": "m.replace", "event_id": "$e1"}}
    await house.hear(sender=ZOE, content=edit)
    await house.hear(sender=MAX, content={"msgtype": "m.notice", "body": "…"})
    await house.say("!rse aide", sender=MAX)
    await house.hear(sender=MAX, type="m.reaction", content={"m.relates_to": {"event_id": "$e1", "key": "👍"}})
    assert (await asked(house, house.clock.now())).free


async def test_no_conversation_holds_a_post_for_more_than_three_hours(house: House) -> None:
    house.clock.set(TEN)
    await talk(house, *pairs(40), every=4 * MINUTE)
    held = await asked(house, house.clock.now())
    assert local(held.until) == "Mon 02 12:55"
    await talk(house, *pairs(10), every=4 * MINUTE)
    assert (await asked(house, TEN + timedelta(hours=3, minutes=5))).free


async def test_a_conversation_goes_on_when_the_process_starts_again(house: House) -> None:
    house.clock.set(TEN)
    await talk(house, *pairs(6))
    house.restart()
    assert (await asked(house, house.clock.now())).rule is Rule.talk
    await talk(house, *pairs(4), every=3 * MINUTE)
    noted = await house.write(lambda conn: records.talk_in(conn, "!cafe"))
    assert noted is not None
    assert (local(noted.begun), local(noted.last)) == ("Mon 02 10:01", "Mon 02 10:18")


async def test_a_conversation_is_written_down_once_a_minute_without_who_talks(house: House) -> None:
    house.clock.set(TEN)
    written = []
    for sender in pairs(60):
        await talk(house, sender, every=timedelta(seconds=5))
        found = await house.write(lambda conn: records.talk_in(conn, "!cafe"))
        written += [found] if found not in written else []
    assert len(written) == 6, "none at first, then one a minute"

    async def everything(conn: Any) -> str:
        tables = (records.ledger, records.wishes, records.weights, records.talks)
        return repr([tuple(row) for table in tables for row in await conn.execute(select(table))])

    assert "@" not in await house.write(everything)
    assert await house.export("tempo", ZOE) == {}
    assert await house.erase("tempo", ZOE) == []


async def test_a_clock_that_was_wrong_holds_nothing_for_years(house: House) -> None:
    house.clock.set(TEN + 2000 * DAY)
    await talk(house, *pairs(5))
    house.clock.set(TEN)
    await talk(house, ZOE, ALI)
    assert (await asked(house, house.clock.now() + 20 * MINUTE)).free


async def test_another_room_is_not_disturbed_by_it(house: House) -> None:
    house.clock.set(TEN)
    await house.put_in("!help", ZOE, ALI)
    await talk(house, *pairs(5), room="!help")
    assert (await asked(house, house.clock.now())).free
    assert (await asked(house, house.clock.now(), "help")).rule is Rule.talk


# --- prompts -------------------------------------------------------------------------------------------------------


async def test_a_prompt_waits_for_people_who_talk_and_comes_afterwards(any_house: House) -> None:
    await any_house.start()
    any_house.clock.set(MONDAY + timedelta(minutes=85))
    await talk(any_house, *pairs(4))
    assert said(await any_house.let_pass(10 * MINUTE)) == []
    assert "aujourd’hui à 9\xa0h\xa044" in await any_house.ask("!rse amorce suite", sender=MAX)
    (prompt,) = said(await any_house.let_pass(10 * MINUTE))
    assert prompt.room == "key:cafe"
    due = (await any_house.scheduled("prompt"))["next:cafe"]
    assert local(due) == "Thu 05 09:30"


async def test_a_prompt_comes_once_when_the_conversation_goes_on_and_on(house: House) -> None:
    await house.start()
    house.clock.set(MONDAY + timedelta(minutes=85))
    prompts: list[Say] = []
    for sender in pairs(70):
        prompts += [one for one in said(await house.let_pass(3 * MINUTE)) if one.room == "key:cafe"]
        await house.say("…", sender)
    assert len(prompts) == 1


async def test_a_prompt_is_left_out_where_the_week_is_full(sqlite_url: str) -> None:
    cafe = a_group(tempo=Tempo((0, 3), datetime(2026, 1, 1, 9, 30).time(), posts_a_week=1))
    async with a_house(sqlite_url, a_community(cafe)) as house:
        await house.start()
        await post(house, MONDAY, 1)
        assert said(await house.let_pass(6 * DAY)) == []
        assert len(said(await house.let_pass(2 * DAY))) == 1


async def test_a_prompt_leaves_room_for_what_has_a_date(sqlite_url: str) -> None:
    cafe = a_group(tempo=Tempo((0, 3), datetime(2026, 1, 1, 9, 30).time(), posts_a_week=1))
    async with a_house(sqlite_url, a_community(cafe)) as house:
        await house.start()
        entry = Wish(of="calendar", ref="7", targets=("cafe",), at=TEN + 2 * DAY)
        await house.write(lambda conn: wish(conn, entry))
        assert said(await house.let_pass(4 * HOUR)) == []
        assert (await asked(house, TEN + 2 * DAY)).free
        await house.write(lambda conn: unwish(conn, "calendar", "7"))
        assert len(said(await house.let_pass(4 * DAY))) == 1


async def test_after_a_conversation_what_has_a_date_comes_before_a_prompt(house: House) -> None:
    await house.start()
    house.clock.set(MONDAY + timedelta(minutes=85))
    await house.write(lambda conn: wish(conn, Wish(of="calendar", ref="7", targets=("cafe",), at=house.clock.now())))
    await talk(house, *pairs(5))
    assert said(await house.let_pass(HOUR)) == []
    assert (await asked(house, house.clock.now())).free


async def test_a_prompt_of_the_week_before_that_came_late_does_not_push_the_next(sqlite_url: str) -> None:
    async with a_house(sqlite_url, a_community(a_group(tempo=a_tempo(gap=3 * DAY)))) as house:
        await house.start()
        assert len(said(await house.sleep_through(timedelta(hours=3)))) == 1
        assert [local(due) for due in (await house.scheduled("prompt")).values()] == ["Thu 05 09:30"]
        assert len(said(await house.let_pass(3 * DAY))) == 1


# --- wishes --------------------------------------------------------------------------------------------------------


async def test_wishes_are_laid_out_with_prompts_and_what_was_posted(any_house: House) -> None:
    cafe = a_group(tempo=Tempo((0, 3), TEN.time(), posts_a_week=2))
    await any_house.declare(a_community(cafe, a_group("help", "Entraide")))
    await post(any_house, TEN - 5 * DAY, 1)
    wishes = [
        Wish(of="calendar", ref="2", targets=("cafe", "help"), at=TEN + 3 * DAY),
        Wish(of="calendar", ref="3", targets=("cafe",), line="craft", expires=TEN + 60 * DAY),
        Wish(of="watch", ref="4", targets=("cafe",), begin=TEN.date(), end=TEN.date() + 20 * DAY),
        Wish(of="watch", ref="5", targets=("cafe",), day=TEN.date() + DAY),
    ]

    async def laid_out(conn: Any) -> Any:
        for one in wishes:
            await wish(conn, one)
        await weigh(conn, {"craft": 3})
        return await plan(conn, any_house.community, MONDAY, MONDAY + 21 * DAY)

    layout = await any_house.write(laid_out)
    assert [(local(one.at), one.room, one.wish.ref) for one in layout.placed if not one.wish.prompt] == [
        ("Tue 03 09:00", "cafe", "5"),
        ("Thu 05 10:00", "cafe", "2"),
        ("Thu 05 10:00", "help", "2"),
        ("Tue 10 09:00", "cafe", "3"),
        ("Fri 13 09:00", "cafe", "4"),
    ]
    assert [local(one.at) for one in layout.of("prompt").placed] == ["Thu 19 09:00"]
    assert {one.wish.of for one in layout.of("watch").placed} == {"watch"}


@pytest.mark.parametrize("seed", range(6 if os.environ.get("ESNBOT_SOAK") == "1" else 1))
async def test_a_preview_is_what_happens(sqlite_url: str, seed: int) -> None:
    draw = random.Random(seed)
    tempo = Tempo((0, 1, 2, 3, 4), TEN.time(), draw.choice([None, 3 * HOUR, DAY]), posts_a_week=draw.choice([2, 3, 5]))
    entries = [
        Wish(of="calendar", ref=str(number), targets=("cafe",), at=TEN + draw.randrange(13 * 24) * HOUR)
        for number in range(8)
    ]
    async with a_house(sqlite_url, a_community(a_group(tempo=tempo))) as house:
        await house.start()
        for one in entries:
            await house.write(lambda conn, one=one: wish(conn, one))
        end = MONDAY + 14 * DAY
        preview = await house.write(lambda conn: plan(conn, house.community, MONDAY, end))
        for one in sorted(entries, key=lambda one: (one.at, len(one.ref), one.ref)):
            assert one.at is not None
            await house.let_pass(one.at - house.clock.now())
            if (await asked(house, one.at)).free:
                await post(house, one.at, one.ref)
            await house.write(lambda conn, one=one: unwish(conn, one.of, one.ref))
        await house.let_pass(end - house.clock.now())
        happened = await house.write(lambda conn: records.noted(conn, "cafe", MONDAY))
    assert [(local(one.at), one.of) for one in happened] == [(local(one.at), one.wish.of) for one in preview.placed]
    assert {"prompt", "calendar"} <= {one.of for one in happened} or seed, "there is something to compare"


async def test_a_wish_is_replaced_taken_back_and_fulfilled(any_house: House) -> None:
    async def refs(conn: Any) -> list[tuple[str, str, str]]:
        return [(one.ref, one.targets[0], one.line) for one in await records.wished(conn)]

    async def steps(conn: Any) -> list[list[tuple[str, str, str]]]:
        found = []
        await wish(conn, Wish(of="calendar", ref="1", targets=("cafe", "help"), line="old"))
        await wish(conn, Wish(of="calendar", ref="1", targets=("cafe", "help", "cafe"), line="craft"))
        await wish(conn, Wish(of="calendar", ref="2", targets=("cafe",)))
        found.append(await refs(conn))
        await posted(conn, "cafe", TEN, of="calendar", ref="1")
        await unwish(conn, "calendar", "2")
        found.append(await refs(conn))
        found.append([(one.line, "", "") for one in await records.posts(conn, "cafe", TEN)])
        return found

    assert await any_house.write(steps) == [
        [("1", "cafe", "craft"), ("2", "cafe", ""), ("1", "help", "craft")],
        [("1", "help", "craft")],
        [("craft", "", "")],
    ]


# --- what people see -----------------------------------------------------------------------------------------------


@pytest.fixture
def community() -> Any:
    cafe = a_group(
        owners=frozenset({ALI}),
        tempo=Tempo((0, 3), TEN.time(), 4 * HOUR, posts_a_week=2, promotional_a_week=1, weekends=False),
    )
    return a_community(
        cafe,
        a_group("secret", "Club secret", joining="invite", tempo=a_tempo(1)),
        a_group("backstage", "Coulisses", kind=Kind.animators),
    )


async def test_an_owner_sees_what_the_group_bears_had_and_gets(sqlite_url: str, community: Any) -> None:
    async with a_house(sqlite_url, community) as house:
        await house.start()
        house.clock.set(TEN)
        await post(house, TEN - HOUR, 12)
        await house.write(lambda conn: wish(conn, Wish(of="calendar", ref="13", targets=("cafe",), at=TEN + DAY)))
        await house.say("!esn language english", sender=ALI)
        answer = await house.ask("!esn tempo show", sender=ALI)
    assert answer.splitlines() == [
        "What I post by myself in Le café, at most",
        "",
        "- 2 posts in seven days",
        "- one promotional post in seven days",
        "- at least 4 hours between two posts",
        "- nothing from 19:00 to 08:00",
        "- nothing at weekends",
        "- nothing on public holidays",
        "- nothing while people are talking",
        "",
        "Posted in the last seven days",
        "",
        "- today at 09:00: entry 12",
        "",
        "What is next",
        "",
        "- tomorrow at 10:00: entry 13",
        "- Monday 9 March at 09:00: a prompt",
        "- Thursday 12 March at 09:00: a prompt",
        "",
        "Now: I wait. Two posts are at least 4 hours apart here. Next chance: today at 13:00.",
    ]


async def test_an_animator_sees_why_each_thing_comes_when_it_comes(sqlite_url: str, community: Any) -> None:
    async with a_house(sqlite_url, community) as house:
        await house.start()
        for one in (
            Wish(of="calendar", ref="1", targets=("cafe",), at=TEN + DAY),
            Wish(of="calendar", ref="2", targets=("cafe",), line="métier"),
            Wish(of="calendar", ref="3", targets=("cafe",), at=TEN + 5 * DAY),
        ):
            await house.write(lambda conn, one=one: wish(conn, one))
        answer = await house.ask("!rse rythme plan 1", sender=MAX, room="!backstage")
    assert "Le café\n" in answer
    assert "demain à 10\xa0h\xa0: la publication 1. Cette date est prévue, et il y a la place." in answer
    assert "La ligne «\xa0métier\xa0» n’a rien eu ici cette semaine, et il y a encore une place." in answer
    assert "Pas samedi 7 mars à 10\xa0h\xa0: la publication 3. Rien ne paraît ici le week-end." in answer
    assert "Club secret" in answer


async def test_others_learn_nothing_of_the_plan(sqlite_url: str, community: Any) -> None:
    async with a_house(sqlite_url, community) as house:
        await house.start()
        await house.say("!esn language english", sender=ZOE)
        assert "Only owners of Le café and animators" in await house.ask("!esn tempo show", sender=ZOE)
        assert "The plan is for animators" in await house.ask("!esn tempo plan", sender=ZOE)
        unknown = await house.ask('!esn tempo show "Club secret"', sender=ZOE)
        assert unknown == (await house.ask('!esn tempo show "Club sacré"', sender=ZOE)).replace("sacré", "secret")


async def test_where_others_read_along_only_what_they_may_know_is_named(sqlite_url: str, community: Any) -> None:
    async with a_house(sqlite_url, community) as house:
        await house.start()
        await house.say("!esn language english", sender=MAX)
        answer = await house.ask("!esn tempo plan", sender=MAX)
        assert "Le café" in answer
        assert "Club secret" not in answer
        assert "Others read along here." in answer
        assert await house.ask('!esn tempo show "Club secret"', sender=MAX) == (
            "Others read along here. Write to me directly, and I tell you."
        )


async def test_a_group_that_is_archived_has_no_plan(house: House) -> None:
    club = a_group("club", "Club", tempo=a_tempo(1))
    await house.write(lambda conn: wanted.want(conn, club, ALI, 0))
    await house.make_ready("club")
    await house.write(lambda conn: wanted.archive(conn, "club", 0))
    assert "Club" not in await house.ask("!esn tempo plan", sender=MAX)
