"""Discussion prompts in rooms, at their time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from esnbot.engine.effects import TEXT, Say
from esnbot.provisioning import wanted
from esnbot.provisioning.events import ROOM_ARCHIVED
from tests.features.house import ALI, MAX, PROMPTS, House, a_community, a_group, a_house, a_tempo, said

PARIS = ZoneInfo("Europe/Paris")


def local(instant: datetime) -> str:
    return f"{instant.astimezone(PARIS):%a %d %b %H:%M}"


async def the_due(house: House, group: str = "cafe") -> str:
    return local((await house.scheduled("prompt"))[f"next:{group}"])


async def test_a_prompt_appears_at_its_local_time_and_speaks_to_people(any_house: House) -> None:
    await any_house.start()
    assert await the_due(any_house) == "Mon 02 Mar 09:30"
    assert await any_house.let_pass(timedelta(minutes=89)) == []
    (prompt,) = said(await any_house.let_pass(timedelta(minutes=2)))
    assert (prompt.room, prompt.msgtype, prompt.thread) == ("key:cafe", TEXT, "")
    first, blank, second = prompt.body.split("\n")
    assert first.endswith("?")
    assert (blank, second) == ("", "Racontez.")
    assert prompt.html.startswith("<p><strong>Votre ")
    assert await the_due(any_house) == "Thu 05 Mar 09:30"


async def test_all_appear_before_any_appears_again(any_house: House) -> None:
    await any_house.start()
    bodies = [prompt.body for prompt in said(await any_house.let_pass(timedelta(days=30)))]
    assert len(bodies) == 9
    assert len(set(bodies[:4])) == len(set(bodies[4:8])) == 4


async def test_none_appears_on_a_public_holiday_or_after_the_clocks_changed_at_another_time(house: House) -> None:
    await house.start()
    dues: list[str] = []
    end = datetime(2026, 5, 31, tzinfo=UTC)
    while house.clock.now() < end:
        dues.append(await the_due(house))
        await house.let_pass((await house.scheduled("prompt"))["next:cafe"] - house.clock.now() + timedelta(seconds=1))
    assert {due.split()[-1] for due in dues} == {"09:30"}
    assert {"Mon 06 Apr 09:30", "Thu 14 May 09:30", "Mon 25 May 09:30"}.isdisjoint(dues)
    assert "Mon 30 Mar 09:30" in dues


async def test_a_start_changes_nothing_that_is_planned(house: House) -> None:
    await house.start()
    before = await house.scheduled("prompt")
    house.restart()
    assert await house.start() == []
    assert await house.scheduled("prompt") == before


async def test_a_prompt_that_is_a_little_late_still_appears(house: House) -> None:
    await house.start()
    assert len(said(await house.sleep_through(timedelta(hours=2)))) == 1
    assert await the_due(house) == "Thu 05 Mar 09:30"


async def test_a_prompt_that_is_very_late_is_left_out(house: House) -> None:
    await house.start()
    assert await house.sleep_through(timedelta(hours=5)) == []
    assert await the_due(house) == "Thu 05 Mar 09:30"


async def test_being_late_does_not_break_the_quiet_hours(sqlite_url: str) -> None:
    cafe = a_group(tempo=a_tempo(0, at=datetime(2026, 1, 1, 18, 30).time()))
    async with a_house(sqlite_url, a_community(cafe)) as house:
        await house.start()
        assert await house.sleep_through(timedelta(hours=12)) == []
        assert await the_due(house) == "Mon 09 Mar 18:30"


async def test_what_is_due_during_a_pause_is_left_out(house: House) -> None:
    await house.start()
    await house.agree("!rse pause", sender=MAX)
    assert await house.let_pass(timedelta(hours=3)) == []
    await house.agree("!rse reprendre", sender=MAX)
    assert await house.let_pass(timedelta(hours=3)) == []
    assert await the_due(house) == "Thu 05 Mar 09:30"


async def test_a_plan_from_a_time_when_the_clock_was_wrong_is_put_right(house: House) -> None:
    right = house.clock.now()
    house.clock.set(datetime(2031, 5, 5, 7, 0, tzinfo=UTC))
    await house.start()
    await house.let_pass(timedelta(hours=3))
    assert (await house.scheduled("prompt"))["next:cafe"].year == 2031
    house.clock.set(right)
    house.restart()
    await house.start()
    assert await the_due(house) == "Mon 02 Mar 09:30"
    assert len(said(await house.let_pass(timedelta(hours=3)))) == 1


async def test_a_tempo_that_changes_in_the_file_is_planned_anew(house: House) -> None:
    await house.start()
    await house.declare(a_community(a_group(tempo=a_tempo(2))))
    house.restart()
    await house.start()
    assert await the_due(house) == "Wed 04 Mar 09:30"


async def test_a_tempo_that_is_taken_away_ends_it(house: House) -> None:
    await house.start()
    await house.declare(a_community(a_group()))
    house.restart()
    await house.start()
    assert await house.scheduled("prompt") == {}


async def test_a_group_that_vanishes_gets_no_more(house: House) -> None:
    await house.start()
    await house.declare(a_community(a_group("help", "Entraide")))
    house.restart()
    await house.start()
    assert await house.scheduled("prompt") == {}


async def test_an_archived_group_is_left_in_peace_until_it_is_open_again(house: House) -> None:
    club = a_group("club", "Club", tempo=a_tempo(1))
    await house.write(lambda conn: wanted.want(conn, club, ALI, 0))
    await house.make_ready("club")
    assert "next:club" in await house.scheduled("prompt")
    await house.write(lambda conn: wanted.archive(conn, "club", 0))
    await house.tell(ROOM_ARCHIVED, key="club", room_id="!club")
    assert "next:club" not in await house.scheduled("prompt")
    await house.write(lambda conn: wanted.revive(conn, "club", 0))
    await house.make_ready("club")
    assert "next:club" in await house.scheduled("prompt")


async def test_a_group_speaks_the_language_of_its_space(sqlite_url: str) -> None:
    community = a_community(a_group(tempo=a_tempo()))
    spaces = {key: replace(space, language="en") for key, space in community.spaces.items()}
    async with a_house(sqlite_url, replace(community, spaces=spaces)) as house:
        await house.start()
        (prompt,) = said(await house.let_pass(timedelta(hours=3)))
        assert prompt.body.startswith("Your ")


async def test_animators_see_what_comes_when_and_others_do_not(house: House) -> None:
    await house.start()
    shown = await house.ask("!rse amorce suite", sender=MAX)
    assert shown.splitlines()[0] == "Ce qui vient ensuite"
    assert "Le café, aujourd’hui à 9\xa0h\xa030\xa0:" in shown
    assert "Seuls" in await house.ask("!rse amorce suite", sender=ALI)


async def test_what_is_shown_is_what_comes(house: House) -> None:
    await house.start()
    shown = (await house.ask('!rse amorce suite "Le café"', sender=MAX)).splitlines()[2:8]
    came = [prompt.body.splitlines()[0] for prompt in said(await house.let_pass(timedelta(days=20)))]
    assert len(came) == 6
    assert [line.rpartition(": ")[2] for line in shown] == came


async def test_a_group_in_which_nothing_can_appear_is_named(sqlite_url: str) -> None:
    cafe = a_group(tempo=a_tempo())
    async with a_house(sqlite_url, a_community(cafe, prompts=())) as house:
        await house.start()
        assert await house.let_pass(timedelta(days=8)) == []
        assert "Rien ne peut paraître dans Le café" in await house.ask("!rse amorce", sender=MAX)


async def test_without_any_tempo_that_is_said(sqlite_url: str) -> None:
    async with a_house(sqlite_url, a_community(a_group())) as house:
        assert "Aucun groupe n’a de tempo" in await house.ask("!rse amorce", sender=MAX)


async def test_no_prompt_is_lost_on_a_room_that_is_not_there_yet(sqlite_url: str) -> None:
    async with a_house(sqlite_url) as house:
        await house.write(lambda conn: wanted.want(conn, a_group("club", "Club", tempo=a_tempo(0)), ALI, 0))
        await house.start()
        await house.let_pass(timedelta(hours=3))
        rooms = [effect.room for effect in await house.let_pass(timedelta(days=20)) if isinstance(effect, Say)]
        assert "key:club" not in rooms
        await house.make_ready("club")
        later = said(await house.let_pass(timedelta(days=29)))
        bodies = [one.body for one in later if one.room == "key:club"]
        assert len(set(bodies)) == len(PROMPTS)
