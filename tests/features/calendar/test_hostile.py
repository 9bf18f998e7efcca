"""Bad input: a clear answer, and nothing lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from esnbot.engine.effects import Fetch
from esnbot.engine.event import FETCHED
from esnbot.features.calendar.events import ENTRY_WANTED
from esnbot.features.calendar.model import State
from esnbot.provisioning import wanted
from tests.features.calendar.kit import ANA, BACK, Desk, a_desk, answer, posts, told
from tests.features.house import BOT, MAX, of, said


async def entries(desk: Desk) -> int:
    from sqlalchemy import func, select

    from esnbot.features.calendar import records

    async def job(conn: Any) -> int:
        return int((await conn.execute(select(func.count()).select_from(records.entry))).scalar_one())

    return await desk.house.write(job)


REFUSED = [
    ('add "X" on 31 february in #cafe', "cannot find a date"),
    ('add "X" on 2026-02-31 in #cafe', "cannot find a date"),
    ('add "X" on yesterday in #cafe', "in the past"),
    ('add "X" on tuesday 10am in #nowhere', "do not know any group"),
    ('add "X" on tuesday 10am in Nowhere', "do not know any group"),
    ('add "X" on tuesday 10am in #home', "nobody talks in a space"),
    ('add "X" on tuesday 10am in #cafe line=nothing', "nothing"),
    ('add "X" on tuesday 10am in #cafe repeat="every second"', "as a rule"),
    ('add "X" on tuesday 10am in #cafe repeat=FREQ=SECONDLY', "once a day at most"),
    ('add "X" on tuesday 10am in #cafe repeat=FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', "never come"),
    ('add "X" on tuesday 10am in #cafe repeat=FREQ=DAILY;UNTIL=20200101', "never come"),
    ('add "X" on tuesday 10am in #cafe repeat="every day, 1 times" except=2026-03-03', "never come"),
    ('add "X" on tuesday 10am in #cafe except=2026-02-30', "cannot find a date"),
    ('add "X" on tuesday 10am in #cafe zone=Atlantis', "time zone"),
    ('add "X" on tuesday 10am in #cafe link=javascript:alert(1)', "begins with"),
    ('add "X" on tuesday 10am in #yard audience=staff', "Partenaires"),
    (f'add "{"long " * 60}" on tuesday 10am in #cafe', "150 characters"),
    ("show 12", "do not know any entry"),
    ("move 12 to friday", "do not know any entry"),
    ("undo 12", "do not know any entry"),
]


async def test_what_cannot_be_is_refused_with_a_reason_and_leaves_nothing(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        for line, why in REFUSED:
            effects = await desk.say(line)
            assert why in answer(effects), (line, answer(effects))
            assert told(effects) == "", line
        assert await entries(desk) == 0
        assert await desk.house.scheduled("calendar") == {}


async def test_a_text_of_many_lines_is_kept_whole_and_one_that_no_message_takes_is_refused(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        words = "\n".join(f"line {n}: l'eau --option=x \"quoted" for n in range(500))
        effects = await desk.say(f'add "Long" on tuesday 10am in #cafe\n{words}')
        assert "scheduled" in answer(effects), answer(effects)
        (post,) = posts(await desk.until("2026-03-03T10:01"))
        assert post.body.endswith("line 499: l'eau --option=x \"quoted")
        too_long = "é" * 55_000
        assert "too long for one message" in await desk.ask(f'add "Longer" on tuesday 10am in #cafe\n{too_long}')
        assert "scheduled" not in await desk.ask(f'add "Kept" --draft\n{too_long}')
        assert "too long for one message" in await desk.ask("move 2 to friday 9am in #cafe")


async def test_html_and_markup_do_no_harm(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"<b>Bold</b> **x** @room" on tuesday 10am in #cafe\n<script>alert(1)</script> <img src=x>')
        (post,) = posts(await desk.until("2026-03-03T10:01"))
        assert "<script>" not in post.html
        assert "<img" not in post.html
        assert "&lt;b&gt;Bold&lt;/b&gt; **x**" in post.html


async def test_a_room_that_is_gone_and_one_that_is_archived_are_named_and_the_others_get_it(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe and #help and #yard')
        await desk.house.write(lambda conn: wanted.archive(conn, "help", 0))
        await desk.house.put_in("!yard", BOT, membership="leave")
        effects = await desk.until("2026-03-03T10:01")
        assert [one.room for one in posts(effects)] == ["key:cafe"]
        assert "Entraide: the group is archived" in told(effects)
        assert "Chantier: " in told(effects)
        assert (await desk.entry(1)).state is State.published


async def test_when_every_room_is_gone_it_is_a_draft_again(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #help')
        await desk.house.write(lambda conn: wanted.archive(conn, "help", 0))
        assert posts(await desk.until("2026-03-03T10:01")) == []
        assert (await desk.entry(1)).state is State.draft


async def test_a_group_that_silenced_the_calendar_is_left_in_peace(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.house.say('!esn silence "calendar posts"', MAX, "!cafe")
        await desk.add('"Open day" on tuesday 10am in #cafe')
        effects = await desk.until("2026-03-03T10:01")
        assert posts(effects) == []
        assert "has silenced the calendar" in told(effects)


async def test_a_place_that_others_came_to_read_does_not_get_what_is_not_for_them(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"For us" on tuesday 10am in #cafe audience=staff')
        cafe = await desk.house.place("cafe")
        wider = replace(cafe, audiences=("staff", "partners"))
        groups = {**desk.house.community.groups, "cafe": wider}
        await desk.house.declare(replace(desk.house.community, groups=groups))
        effects = await desk.until("2026-03-03T10:01")
        assert posts(effects) == []
        assert "not meant" in told(effects)


async def test_words_that_were_taken_away_are_not_posted(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        effects = await desk.say('add "Secret" on tuesday 10am in #cafe')
        draft = next(one for one in said(effects) if one.key.startswith("text:"))

        async def job(conn: Any) -> str:
            from sqlalchemy import select

            from esnbot.engine.tables import outbox

            query = select(outbox.c.event_id).where(outbox.c.key == f"commands/{draft.key}")
            return str((await conn.execute(query)).scalar_one())

        root = await desk.house.write(job)
        await desk.house.hear(type="m.room.redaction", sender=MAX, room_id=BACK, content={"redacts": root})
        later = await desk.until("2026-03-03T10:01")
        assert posts(later) == []
        assert "Its words were taken away." in told(later)


async def test_without_an_animators_room_that_is_said(sqlite_url: str) -> None:
    from tests.features.calendar.kit import a_staff

    async with a_desk(sqlite_url, a_staff(animators_room=None)) as desk:
        assert "animators_room" in await desk.ask('add "X" on tuesday 10am in #cafe')


async def test_undo_does_not_reach_behind_what_was_posted(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe')
        await desk.say("move 1 to wednesday 9am")
        await desk.until("2026-03-04T09:01")
        assert "has gone on since" in await desk.ask("undo 1")
        assert "posted already" in await desk.ask("move 1 to friday 9am")
        assert "posted already" in await desk.ask("cancel 1")


async def test_each_change_can_be_undone_down_to_the_beginning(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"One" on tuesday 10am in #cafe')
        first = await desk.entry(1)
        for line in (
            "move 1 to wednesday 9am in #help",
            'set 1 line=metier repeat="every day" except=2026-03-09 ask=yes expires="2 hours" zone=New_York',
            "edit 1 Two",
            "edit 1 language=fr Deux",
            "cancel 1",
        ):
            assert "Entry 1" in await desk.ask(line, ANA), line
        for _ in range(5):
            await desk.say("undo 1")
        last = await desk.entry(1)
        same = replace(last, revision=first.revision, changed=first.changed)
        assert same == first
        (post,) = posts(await desk.until("2026-03-03T10:01"))
        assert post.body == "One"


async def wants(desk: Desk, **content: Any) -> str:
    """Another feature brings something."""
    whole = {
        "title": "News",
        "words": "Words.",
        "line": "metier",
        "language": "fr",
        "targets": ["cafe", "gone", "home"],
        "link": "https://example.org/news",
        "credit": "The Gazette",
        "by": MAX,
        "of": "watch",
        **content,
    }
    return told(await desk.house.tell(ENTRY_WANTED, **whole))


async def test_what_another_feature_brings_becomes_a_draft_with_its_source(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        assert "News" in await wants(desk)
        entry = await desk.entry(1)
        assert (entry.state, entry.targets, entry.line, entry.source) == (State.draft, ("cafe",), "metier", "watch")
        await desk.say("move 1 to tuesday 10am")
        (post,) = posts(await desk.until("2026-03-03T10:01"))
        assert post.body == "News\n\nWords.\n\nSource : The Gazette (https://example.org/news)".replace(" :", "\xa0:")


@pytest.mark.parametrize(
    "content",
    [
        {"title": "", "words": "First line\nrest"},
        {"title": "x" * 5_000},
        {"words": "y" * 200_000},
        {"line": "unknown", "language": "xx", "targets": None, "link": "javascript:alert(1)", "by": ""},
        {"title": None, "words": None, "targets": [1, {"a": 2}], "credit": 5},
    ],
)
async def test_whatever_is_brought_nothing_breaks(sqlite_url: str, content: dict[str, Any]) -> None:
    async with a_desk(sqlite_url) as desk:
        await wants(desk, **content)
        assert (await desk.entry(1)).state is State.draft
        assert "1" in await desk.ask("show 1")


async def attached(desk: Desk, content: dict[str, Any]) -> str:
    """Max replies to a message with a file; what is answered once it was read."""
    command = {
        "msgtype": "m.text",
        "body": "!esn calendar attach 1",
        "m.relates_to": {"m.in_reply_to": {"event_id": "$file"}},
    }
    (fetch,) = of(await desk.house.hear(sender=MAX, room_id=BACK, content=command), Fetch)
    root = {
        "event_id": "$file",
        "type": "m.room.message",
        "sender": MAX,
        "ts": 1,
        "content": content,
        "redacted": False,
    }
    found = {"root": root, "thread": [], "whole": True}
    effects = await desk.house.tell(FETCHED, module="calendar", job=fetch.job, payload=fetch.payload, **found)
    return answer(effects)


IMAGE = {"msgtype": "m.image", "body": "plan.png", "url": "mxc://example.org/a", "info": {"size": 1000}}


async def test_a_file_goes_with_the_post_and_can_be_taken_off_again(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe')
        assert "Attached to entry 1: plan.png" in await attached(desk, IMAGE)
        assert len(said(await desk.say("preview 1"))) == 2
        found = posts(await desk.until("2026-03-03T10:01"))
        assert [(one.msgtype, one.content.get("url")) for one in found] == [
            ("m.text", None),
            ("m.image", "mxc://example.org/a"),
        ]


async def test_a_file_can_be_taken_off_again(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe')
        await attached(desk, IMAGE)
        await desk.say("undo 1")
        assert len(posts(await desk.until("2026-03-03T10:01"))) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({**IMAGE, "info": {"size": 900_000_000}}, "takes 50 MB at most"),
        ({"msgtype": "m.text", "body": "no file"}, "no file in this message"),
        ({**IMAGE, "url": "https://example.org/tracker.png"}, "no file in this message"),
        ({**IMAGE, "url": None}, "no file in this message"),
    ],
)
async def test_what_is_no_file_or_too_large_is_refused(sqlite_url: str, content: dict[str, Any], why: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add('"Open day" on tuesday 10am in #cafe')
        assert why in await attached(desk, content)
        assert len(posts(await desk.until("2026-03-03T10:01"))) == 1


async def test_one_person_is_exported_and_forgotten(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:
        await desk.add(f'"Buy" on tuesday 10am in #cafe line=promo reviewer={ANA}')
        await desk.say("approve 1", ANA)
        kept = await desk.house.export("calendar", ANA)
        assert kept["entries"][0]["id"] == 1
        assert [one["what"] for one in kept["changes"]] == ["approved"]
        await desk.house.erase("calendar", ANA)
        assert await desk.house.export("calendar", ANA) == {"entries": [], "changes": [], "feeds": []}
        from sqlalchemy import text

        async def job(conn: Any) -> str:
            tables = ("calendar_entry", "calendar_change", "calendar_occurrence")
            return "".join([str((await conn.execute(text(f"SELECT * FROM {table}"))).all()) for table in tables])

        assert ANA not in await desk.house.write(job)
        assert len(posts(await desk.house.let_pass(timedelta(days=2)))) == 1
