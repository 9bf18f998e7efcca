"""Entries go from an animator's line to the rooms, at their time; they are moved, corrected, withdrawn, and undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from esnbot.engine.effects import TEXT, Redact
from esnbot.features.calendar.model import State
from tests.features.calendar.kit import ANA, a_desk, a_staff, answer, posts, told
from tests.features.house import ALI, MAX, of, said

OPEN_DAY = '"Open day" on tuesday 10am in #cafe line=metier\n\nCome **all**!'


async def test_an_entry_appears_in_its_room_at_its_time(database_url: str) -> None:
    async with a_desk(database_url) as desk:
        effects = await desk.say(f"add {OPEN_DAY}")
        assert answer(effects) == "Entry 1 Open day: scheduled · tomorrow at 10:00 · Le café"
        assert "Come all!" in told(effects), "the words stand in the animators' room"
        assert await desk.until("2026-03-03T09:59") == []
        (post,) = await desk.until("2026-03-03T10:01")
        assert (post.room, post.msgtype, post.body) == ("key:cafe", TEXT, "Open day\n\nCome all!")
        assert (await desk.entry(1)).state is State.published
        assert "entry:1" not in await desk.house.scheduled("calendar")


async def test_the_same_in_french_with_two_groups(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        line = '!rse calendrier ajouter "Portes ouvertes" le mardi 10h dans #cafe et "Entraide" ligne=metier'
        shown = answer(await desk.house.say(line, MAX, "!backstage"))
        assert shown == "Publication 1 Portes ouvertes\xa0: programmée · demain à 10\xa0h · Le café et Entraide"
        found = posts(await desk.until("2026-03-03T10:01"))
        assert [post.room for post in found] == ["key:cafe", "key:help"]


async def test_what_lacks_a_time_or_a_place_is_a_draft_and_moving_it_schedules_it(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        shown = await desk.ask('add "Some day"')
        assert "draft · no date yet · no place yet" in shown
        assert "calendar move 1" in shown
        assert "scheduled · Friday 6 March at 09:00 · Le café" in await desk.ask("move 1 to friday 9am in #cafe")
        assert len(posts(await desk.until("2026-03-06T09:01"))) == 1


async def test_an_idea_stays_one_until_somebody_gives_it_a_time(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Maybe" on tuesday 10am in #cafe --idea')
        assert (await desk.entry(1)).state is State.idea
        assert await desk.until("2026-03-03T10:30") == []
        await desk.say("move 1 to wednesday 10am")
        assert len(posts(await desk.until("2026-03-04T10:01"))) == 1


async def test_moving_takes_the_old_time_off(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(OPEN_DAY)
        await desk.say("move 1 to wednesday 11am")
        assert await desk.until("2026-03-03T23:00") == []
        assert len(await desk.until("2026-03-04T11:01")) == 1


async def test_cancelled_is_not_posted_and_undoing_brings_it_back(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(OPEN_DAY)
        assert "cancelled" in await desk.ask("cancel 1")
        assert "scheduled" in await desk.ask("undo 1")
        assert len(await desk.until("2026-03-03T10:01")) == 1


async def test_the_second_animator_sees_what_the_first_did_and_nothing_is_lost(database_url: str) -> None:
    async with a_desk(database_url) as desk:
        await desk.add(OPEN_DAY)
        message = {"type": "m.room.message", "room_id": "!backstage"}
        effects = await desk.house.hear_together(
            *(
                {
                    **message,
                    "sender": who,
                    "content": {"msgtype": "m.text", "body": f"!esn calendar move 1 to {day} 9am"},
                }
                for who, day in ((MAX, "wednesday"), (ANA, "thursday"))
            )
        )
        first, second = [one.body for one in said(effects) if one.answers]
        assert "had moved it" not in first
        assert "Thursday 5 March at 09:00" in second
        assert "had moved it from Tuesday 3 March 2026 at 10:00 to Wednesday 4 March 2026 at 09:00" in second
        history = await desk.ask("history 1")
        assert history.count("moved from") == 2
        assert "Wednesday 4 March" in (await desk.ask("undo 1")).replace("after tomorrow", "Wednesday 4 March")
        assert (await desk.entry(1)).at == "2026-03-04T09:00"


async def test_a_preview_is_what_is_posted(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(OPEN_DAY.replace("line=metier", 'link=https://example.org/x credit="The *Gazette*"'))
        (shown,) = said(await desk.say("preview 1"))
        (post,) = await desk.until("2026-03-03T10:01")
        assert (shown.body, shown.html, shown.msgtype) == (post.body, post.html, post.msgtype)
        assert "The *Gazette*" in post.body


async def test_a_correction_edits_every_message_and_undoing_it_edits_them_back(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe, #help')
        found = await desk.until("2026-03-03T10:01")
        event = await desk.arrive(found[0])
        edits = posts(await desk.say("edit 1 Closed day\nSorry."))
        assert [(one.room, one.body) for one in edits] == [
            ("key:cafe", "Closed day\n\nSorry."),
            ("key:help", "Closed day\n\nSorry."),
        ]
        assert edits[0].replaces == event
        assert edits[1].replaces.endswith(found[1].key), "not back from the homeserver yet: by what sends it"
        back = posts(await desk.say("undo 1"))
        assert [one.body for one in back] == ["Open day", "Open day"]
        assert all(one.replaces for one in back)


async def test_withdrawn_is_redacted_everywhere_and_undoing_posts_it_anew(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe and #help')
        (first, _) = await desk.until("2026-03-03T10:01")
        event = await desk.arrive(first)
        effects = await desk.house.agree("!esn calendar withdraw 1", MAX, "!backstage")
        gone = of(effects, Redact)
        assert [one.room for one in gone] == ["key:cafe", "key:help"]
        assert gone[0].event == event
        assert (await desk.entry(1)).state is State.withdrawn
        again = posts(await desk.say("undo 1"))
        assert [one.room for one in again] == ["key:cafe", "key:help"]
        assert again[0].key != first.key
        assert (await desk.entry(1)).state is State.published


async def test_what_a_moderator_takes_away_is_not_corrected(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(OPEN_DAY)
        (post,) = await desk.until("2026-03-03T10:01")
        event = await desk.arrive(post)
        await desk.house.hear(type="m.room.redaction", sender=MAX, room_id="!cafe", content={"redacts": event})
        assert posts(await desk.say("edit 1 Other")) == []


async def test_a_recap_stands_in_the_thread_of_the_post(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(OPEN_DAY)
        (post,) = await desk.until("2026-03-03T10:01")
        event = await desk.arrive(post)
        (recap,) = posts(await desk.say("recap 1 Forty came."))
        assert recap.thread == event
        assert "Forty came." in recap.body
        assert (await desk.entry(1)).state is State.recapped
        assert [one.room for one in of(await desk.say("undo 1"), Redact)] == ["key:cafe"]
        assert (await desk.entry(1)).state is State.published


async def test_readers_get_their_language(sqlite_url: str) -> None:
    community = a_staff()
    groups = {**community.groups, "help": replace(community.groups["help"], language="fr")}
    async with a_desk(sqlite_url, replace(community, groups=groups)) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe and #help')
        await desk.say("edit 1 language=fr Portes ouvertes")
        found = posts(await desk.until("2026-03-03T10:01"))
        assert {one.room: one.body for one in found} == {"key:cafe": "Open day", "key:help": "Portes ouvertes"}


async def test_history_says_who_did_what_when(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(OPEN_DAY)
        await desk.say("move 1 to wednesday 11am", ANA)
        await desk.house.let_pass(timedelta(days=3))
        lines = (await desk.ask("history 1")).splitlines()
        assert "posted" in lines[2]
        assert "moved from Tuesday 3 March 2026 at 10:00 to Wednesday 4 March 2026 at 11:00" in lines[3]
        assert "ana" in lines[3]
        assert "written down" in lines[4]
        assert "max" in lines[4]


async def test_the_list_shows_what_comes_and_what_waits_in_order(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Weekly" on friday 9am in #cafe repeat="every friday"')
        await desk.add(OPEN_DAY)
        await desk.add('"Some day"')
        shown = await desk.ask("list")
        assert [line.split(" · ")[1] for line in shown.splitlines() if " · " in line][:2] == ["2 Open day", "1 Weekly"]
        assert shown.count("1 Weekly") == 4
        assert "3 Some day · draft" in shown
        assert "Weekly" not in await desk.ask("list line=metier")


async def test_what_is_not_posted_yet_is_shown_among_animators_only(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(OPEN_DAY)
        for line in ("list", "show 1", "preview 1", "history 1"):
            assert "Open day" not in await desk.ask(line, MAX, "!cafe"), line
        assert "Open day" not in await desk.ask("move 1 to friday 9am", MAX, "!cafe")
        assert "Only" in await desk.ask("list", ALI, "!cafe")
        assert await desk.ask("preview 1", ALI, "!cafe") == await desk.ask("preview 99", ALI, "!cafe")


async def test_an_entry_calls_the_room_only_when_an_animator_says_so(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Now @room" on tuesday 10am in #cafe\n\n@room come')
        await desk.add('"Fire drill" on tuesday 10am in #cafe --everybody')
        calm, loud = await desk.until("2026-03-03T10:01")
        assert (calm.rouse, loud.rouse) == (False, True)
        assert "@room" not in calm.body
