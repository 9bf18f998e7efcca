"""Each occurrence once, at its local time, whatever happens to the process and the clock."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from esnbot.features.calendar.events import ENTRY_PUBLISHED
from esnbot.features.calendar.model import State
from tests.features.calendar.kit import BACK, PARIS, a_desk, a_staff, answer, posts, told
from tests.features.house import MAX, said

DAILY = '"Good morning" on tuesday 9am in #cafe repeat="every day"'


async def test_a_recurring_entry_comes_at_its_local_time_across_daylight_saving(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        shown = await desk.ask(
            'add "Hello" on thursday 9am in #cafe repeat="last Thursday of the month" except=2026-04-30'
        )
        assert "on the last Thursday of the month" in shown
        assert "goes on until somebody cancels it" in shown
        seen = []
        while desk.house.clock.now() < datetime(2026, 12, 1, tzinfo=UTC):
            found = posts(await desk.pass_(timedelta(hours=6)))
            seen += [(desk.house.clock.now(), one.key.split(":", 2)[2]) for one in found]
        assert [key for _, key in seen] == [
            f"2026-{day}T09:00:cafe" for day in ("03-26", "05-28", "06-25", "07-30", "08-27", "09-24", "10-29", "11-26")
        ]


async def test_a_time_that_the_clocks_skip_moves_forward(sqlite_url: str) -> None:
    async with a_desk(sqlite_url, a_staff(quiet_hours=None)) as desk:
        await desk.add('"Night" on 2026-03-29 02:30 in #cafe')
        assert posts(await desk.until("2026-03-29T03:29")) == []
        assert len(posts(await desk.until("2026-03-29T03:31"))) == 1


async def test_a_start_changes_nothing_that_is_planned(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(DAILY)
        before = await desk.house.scheduled("calendar")
        assert list(before) == ["entry:1"], "the next occurrence only"
        desk.house.restart()
        await desk.house.start()
        after = await desk.house.scheduled("calendar")
        assert {key: due for key, due in after.items() if key in before} == before


async def test_a_late_start_posts_within_the_grace_and_says_what_it_left_out_after_it(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(DAILY)
        late = posts(await desk.house.sleep_through(timedelta(hours=26, minutes=30)))
        assert len(late) == 1
        missed = await desk.house.sleep_through(timedelta(days=5, hours=3))
        assert posts(missed) == []
        assert "I left out 1 Good morning 5 times, from Wednesday" in told(missed).replace("yesterday", "")
        (after,) = posts(await desk.pass_(timedelta(hours=24)))
        assert after.key == "entry:1:2026-03-09T09:00:cafe"


async def test_a_single_entry_that_was_missed_is_a_draft_again_and_can_be_moved(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe')
        missed = await desk.house.sleep_through(timedelta(days=2))
        assert posts(missed) == []
        assert "I did not post 1 Open day" in told(missed)
        assert (await desk.entry(1)).state is State.draft
        await desk.say("move 1 to friday 9am")
        assert len(posts(await desk.until("2026-03-06T09:01"))) == 1


async def test_a_wrong_clock_loses_and_doubles_nothing(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(DAILY)
        assert len(posts(await desk.until("2026-03-05T12:00"))) == 3
        right = desk.house.clock.now()
        desk.house.clock.set(right - timedelta(days=2))
        desk.house.restart()
        await desk.house.start()
        assert posts(await desk.until("2026-03-05T12:00")) == [], "what has come does not come again"
        desk.house.clock.set(datetime(2031, 5, 5, 7, 0, tzinfo=UTC))
        await desk.house.sleep_through(timedelta(hours=3))
        desk.house.clock.set(right)
        desk.house.restart()
        await desk.house.start()
        found = posts(await desk.until("2026-03-10T12:00"))
        assert [one.key.split(":", 2)[2] for one in found][-4:] == [
            f"2026-03-{day:02}T09:00:cafe" for day in range(7, 11)
        ]


async def test_a_year_of_mornings_through_restarts(database_url: str, soak: bool) -> None:
    """The process ends at any moment, for any time, with the clock pushed about a little: each day once, at 9."""
    chance = random.Random(20260302)
    days = 365 if soak else 30
    # No hour and no day is closed: what is late is posted, and not held until the next one comes.
    async with a_desk(database_url, a_staff(quiet_hours=None, country=None), grace="24 hours") as desk:
        await desk.add(DAILY)
        seen: list[str] = []
        end = desk.house.clock.now() + timedelta(days=days)
        while desk.house.clock.now() < end:
            if chance.random() < 0.5:
                found = await desk.house.sleep_through(timedelta(minutes=chance.randrange(1, 900)))
            else:
                found = await desk.house.let_pass(timedelta(minutes=chance.randrange(1, 2_000)))
            if chance.random() < 0.2:
                desk.house.clock.set(desk.house.clock.now() - timedelta(minutes=chance.randrange(1, 120)))
            seen += [one.key for one in posts(found)]
        last = desk.house.clock.now().astimezone(PARIS).date()
        first = datetime(2026, 3, 3).date()
        expected = [f"entry:1:{first + timedelta(days=n)}T09:00:cafe" for n in range((last - first).days)]
        assert seen[: len(expected)] == expected
        assert len(set(seen)) == len(seen)


async def test_asked_before_and_posted_with_a_yes_only(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"One" on tuesday 10am in #cafe --ask')
        await desk.add('"Two" on tuesday 10am in #cafe --ask')
        await desk.add('"Three" on tuesday 10am in #cafe --ask')
        questions = {one.body.split("?")[0]: one for one in await desk.until("2026-03-03T06:01")}
        assert list(questions) == [
            f"Shall I post {n} in Le café, today at 10:00" for n in ("1 One", "2 Two", "3 Three")
        ]
        one, two, _ = questions.values()
        await desk.house.react(one, "✅", MAX, BACK)
        await desk.house.react(two, "🚫", MAX, BACK)
        effects = await desk.until("2026-03-03T10:01")
        assert [post.body for post in posts(effects)] == ["One"]
        assert "I did not post 3 Three: nobody said yes." in told(effects)
        assert "2 Two" not in told(effects)
        assert (await desk.entry(3)).state is State.draft


async def test_a_yes_that_is_taken_back_is_none(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"One" on tuesday 10am in #cafe --ask')
        (question,) = await desk.until("2026-03-03T06:01")
        reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": await desk.event(question), "key": "✅"}}
        await desk.house.hear(event_id="$yes", type="m.reaction", sender=MAX, room_id=BACK, content=reaction)
        await desk.house.hear(type="m.room.redaction", sender=MAX, room_id=BACK, content={"redacts": "$yes"})
        assert posts(await desk.until("2026-03-03T10:01")) == []


async def test_over_is_struck_through_or_taken_away(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Menu" on tuesday 10am in #cafe expires="2 hours"')
        await desk.until("2026-03-03T10:01")
        (struck,) = await desk.until("2026-03-03T12:02")
        assert struck.replaces
        assert "This is over" in struck.body
        assert "<s><strong>Menu</strong></s>" in struck.html


async def test_nothing_comes_before_its_embargo(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        refused = await desk.ask('add "News" on tuesday 10am in #cafe embargo="wednesday noon"')
        assert "may not be posted before" in refused
        await desk.add('"News" on tuesday 10am in #cafe repeat="every day" embargo="wednesday noon"')
        found = posts(await desk.until("2026-03-05T10:01"))
        assert [one.key for one in found] == [f"entry:{await desk.last()}:2026-03-05T10:00:cafe"]


async def test_it_waits_for_the_end_of_a_pause_and_animators_know_once(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe')
        await desk.house.agree("!esn pause", MAX, BACK)
        waiting = await desk.until("2026-03-03T14:30")
        assert posts(waiting) == []
        assert told(waiting).count("1 Open day waits in Le café: I am paused.") == 1
        assert (
            len(
                posts(
                    await desk.house.agree("!esn resume", MAX, BACK) + await desk.house.let_pass(timedelta(minutes=1))
                )
            )
            == 1
        )


async def test_a_pause_that_lasts_too_long_is_said(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe')
        await desk.house.agree("!esn pause", MAX, BACK)
        effects = await desk.until("2026-03-06T10:30")
        assert posts(effects) == []
        assert "It would have waited too long" in told(effects)
        assert (await desk.entry(1)).state is State.draft


async def test_others_hear_what_is_posted(sqlite_url: str) -> None:
    from collections.abc import Sequence

    from esnbot.engine.effects import Effect
    from esnbot.engine.event import Event
    from esnbot.engine.feature import Context, Listener, Module

    heard: list[dict[str, object]] = []

    async def hear(_ctx: Context, event: Event) -> Sequence[Effect]:
        heard.append(dict(event.content))
        return []

    async with a_desk(sqlite_url) as desk:
        desk.house.add(Module("ear", (Listener(frozenset({ENTRY_PUBLISHED}), hear),)))
        await desk.add('"Open day" on tuesday 10am in #cafe')
        await desk.until("2026-03-03T10:01")
        assert heard == [{"entry": 1, "occurrence": "2026-03-03", "key": "cafe", "room": "!cafe"}]


async def test_a_reader_in_another_zone_has_their_own_wall(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        shown = answer(await desk.say('add "Hello" on tuesday 9am in #cafe zone=New_York'))
        assert "at 09:00 (time of America/New_York)" in shown
        assert posts(await desk.until("2026-03-03T14:59")) == []
        assert len(said(await desk.house.let_pass(timedelta(minutes=2)))) == 1


async def test_an_entry_that_waits_is_not_lost_when_somebody_changes_it_meanwhile(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe')
        await desk.house.agree("!esn pause", MAX, BACK)
        assert posts(await desk.until("2026-03-03T15:00")) == []
        assert "scheduled" in await desk.ask("set 1 line=metier")
        await desk.house.agree("!esn resume", MAX, BACK)
        assert len(posts(await desk.pass_(timedelta(hours=2)))) == 1
        assert (await desk.entry(1)).state is State.published


async def test_a_cancelled_series_leaves_what_stands_until_it_is_withdrawn(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(DAILY)
        await desk.until("2026-03-04T09:30")
        assert "cancelled" in await desk.ask("cancel 1")
        assert posts(await desk.until("2026-03-06T12:00")) == []
        gone = await desk.house.agree("!esn calendar withdraw 1", MAX, BACK)
        assert [type(one).__name__ for one in gone if getattr(one, "room", "") == "key:cafe"] == ["Redact"]


async def test_of_two_that_were_missed_none_is_posted_beyond_its_grace(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(DAILY)
        missed = await desk.house.sleep_through(timedelta(days=2, hours=6))
        assert posts(missed) == []
        assert "I left out 1 Good morning 2 times" in told(missed)
        assert [one.key for one in posts(await desk.until("2026-03-05T09:30"))] == ["entry:1:2026-03-05T09:00:cafe"]
