"""The watch: sources bring finds, the animators see them once a day and press a button."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from pydantic import ValidationError
from sqlalchemy import text

from bridges.feeds import following
from esnbot.engine.effects import Effect, React, Say
from esnbot.features.watch.settings import WatchSettings
from tests.features.house import ALI, MAX, ZOE, House, of, said
from tests.features.watch.watching import (
    ONE,
    ROOM,
    TWO,
    a_newsroom,
    ail,
    bring,
    finds,
    heads,
    next_day,
    titles,
    turn_out,
    wishes,
)

PARIS = ZoneInfo("Europe/Paris")
SOURCES = {
    "sources": [
        {"url": ONE, "line": "metier", "name": "Le Vélo"},
        {"url": TWO, "name": "Deux", "take": ["batterie"], "leave": ["publicité"]},
    ]
}


@pytest_asyncio.fixture
async def room(sqlite_url: str) -> AsyncIterator[House]:
    """A newsroom with two sources."""
    async with a_newsroom(sqlite_url, SOURCES) as house:
        yield house


@pytest_asyncio.fixture
async def any_room(database_url: str) -> AsyncIterator[House]:
    """The same on SQLite and on PostgreSQL."""
    async with a_newsroom(database_url, SOURCES) as house:
        yield house


def edit_of(effects: list[Effect]) -> str:
    (edit,) = [one for one in said(effects) if one.replaces]
    return edit.body


# --- what is shown -----------------------------------------------------------------------------------------------


async def test_a_days_finds_are_one_message_in_the_room_with_the_finds_in_its_thread(any_room: House) -> None:
    assert await bring(any_room, "Une nouvelle piste en ville", summary="Trois kilomètres de plus.") == []
    assert await bring(any_room, "La batterie sans cobalt", TWO) == []
    effects = await next_day(any_room)
    assert f"{any_room.clock.now().astimezone(PARIS):%a %H:%M}" == "Mon 09:00"
    (head,) = heads(effects)
    assert head.body.startswith("Veille\xa0: 2 trouvailles")
    assert not head.thread
    assert head.msgtype == "m.notice", "nobody's phone rings"
    assert sorted(titles(effects)) == ["La batterie sans cobalt", "Une nouvelle piste en ville"]
    piste = next(one for one in finds(effects) if "piste" in one.body)
    assert piste.thread == f"post:{head.key}"
    for words in ("Le Vélo", "metier", "aujourd’hui", "Trois kilomètres de plus.", "https://one.example/"):
        assert words in piste.body
    assert [one.emoji for one in of(effects, React) if one.to == f"post:{piste.key}"] == ["✅", "⏰", "🗑️"]


async def test_nothing_new_is_no_message(room: House) -> None:
    assert heads(await room.let_pass(timedelta(days=3))) == []


async def test_finds_wait_for_a_working_day_outside_the_quiet_hours(room: House) -> None:
    await next_day(room)
    await room.let_pass(timedelta(days=4))
    await bring(room, "Une trouvaille du vendredi soir")
    assert finds(await room.let_pass(timedelta(days=2))) == []
    (shown,) = finds(await room.let_pass(timedelta(days=1)))
    assert "vendredi soir" in shown.body
    assert f"{room.clock.now().astimezone(PARIS):%a}" == "Mon"


async def test_a_flood_is_spread_over_days_and_the_rest_is_there_when_asked_for(room: House) -> None:
    for number in range(20):
        await bring(room, f"Nouvelle piste ouverte au public, épisode {number}")
    await bring(room, "La batterie sans cobalt", TWO)
    first = await next_day(room)
    assert len(finds(first)) == 4, "three of one source, and the other one's"
    assert "17 autres attendent" in heads(first)[0].body
    effects = await room.say("!rse veille suite", MAX, ROOM)
    assert "Les voici." in said(effects)[0].body
    assert len(finds(effects)) == 3
    shown = [*titles(first), *titles(effects)]
    assert len(set(shown)) == len(shown)


async def test_finds_are_not_used_up_where_nobody_would_see_them(room: House) -> None:
    await bring(room, "Une nouvelle piste en ville")
    await room.say("!rse silence trouvailles", MAX, ROOM)
    assert finds(await room.let_pass(timedelta(days=2))) == []
    assert "sourdine" in await room.ask("!rse veille suite", MAX, ROOM)
    await room.say("!rse silence fin trouvailles", MAX, ROOM)


async def test_a_paused_bot_shows_nothing(room: House) -> None:
    await bring(room, "Une nouvelle piste en ville")
    await room.agree("!rse pause", MAX, ROOM)
    assert finds(await room.let_pass(timedelta(days=2))) == []
    await room.agree("!rse reprendre", MAX, ROOM)
    assert len(finds(await room.let_pass(timedelta(days=1)))) == 1


async def test_the_hour_that_was_missed_is_made_up_for_once(room: House) -> None:
    await bring(room, "Une nouvelle piste en ville")
    effects = await room.sleep_through(timedelta(hours=3))
    assert len(finds(effects)) == 1
    assert finds(await room.sleep_through(timedelta(hours=1))) == []


# --- what is taken -----------------------------------------------------------------------------------------------


async def test_words_decide_what_is_taken_of_a_source(room: House) -> None:
    await bring(room, "Une piste", TWO)
    await bring(room, "Des BATTERIES neuves", TWO)
    await bring(room, "Publicités : des batteries neuves à prix cassés", TWO)
    assert titles(await next_day(room)) == ["Des BATTERIES neuves"]


async def test_words_of_a_line_hold_for_all_its_sources(sqlite_url: str) -> None:
    settings = {**SOURCES, "lines": {"metier": {"leave": ["promo"]}}}
    async with a_newsroom(sqlite_url, settings) as room:
        await bring(room, "Promos de la semaine")
        await bring(room, "Souder sans fumée")
        assert titles(await next_day(room)) == ["Souder sans fumée"]


async def test_one_text_in_two_sources_is_one_find_that_names_both(room: House) -> None:
    link = "https://www.third.example/batterie?utm_source=rss"
    await bring(room, "La batterie sans cobalt", TWO, link=link)
    await bring(room, "Sans cobalt : la batterie", ONE, link="http://third.example/batterie/#xtor=RSS-1")
    (shown,) = finds(await next_day(room))
    assert "Deux" in shown.body
    assert "aussi dans Le Vélo" in shown.body
    assert "utm_source" not in shown.body


async def test_one_title_in_two_sources_is_one_find(room: House) -> None:
    await bring(room, "Une usine de batteries ouvre à Douai lundi prochain", TWO)
    await bring(room, "Une usine de batteries ouvre à Douai lundi prochain | Le Vélo", ONE)
    assert len(finds(await next_day(room))) == 1


async def test_one_page_with_many_anchors_has_many_finds(room: House) -> None:
    await bring(room, "Version 1", link="https://one.example/changes#1")
    await bring(room, "Version 2", link="https://one.example/changes#2")
    assert len(finds(await next_day(room))) == 2


async def test_the_same_item_twice_is_one_find_even_when_the_engine_is_told_twice(room: House) -> None:
    await bring(room, "Une nouvelle piste", link="https://one.example/7")
    await bring(room, "Une nouvelle piste", link="https://one.example/7")
    assert len(finds(await next_day(room))) == 1


async def test_words_of_strangers_stay_words(room: House) -> None:
    await bring(room, "**@room** `!esn pause` <b>[x](javascript:alert(1))</b>", link="javascript:alert(1)")
    (shown,) = finds(await next_day(room))
    assert "@room" not in shown.body
    assert "<b>[x]" not in (shown.html or "").replace("&lt;", "<b-")
    assert 'href="javascript' not in shown.html


async def test_an_item_without_any_words_or_link_is_none(room: House) -> None:
    await bring(room, "", link="", summary="")
    assert said(await next_day(room)) == []


async def test_what_is_old_already_when_a_source_begins_is_not_shown(room: House) -> None:
    then = int((room.clock.now() - timedelta(days=400)).timestamp() * 1000)
    await bring(room, "Une piste de l’an passé", old=True, published=then)
    await bring(room, "Une piste d’hier, enfin", old=True)
    assert titles(await next_day(room)) == ["Une piste d’hier, enfin"]


async def test_what_nobody_watches_any_more_brings_nothing(room: House) -> None:
    await bring(room, "Une piste", "https://gone.example/feed")
    await room.say("!rse veille pause 1", MAX, ROOM)
    await bring(room, "Une piste")
    assert said(await next_day(room)) == []


# --- what is pressed ---------------------------------------------------------------------------------------------


async def a_find(room: House, title: str = "Une nouvelle piste en ville", **more: Any) -> Say:
    await bring(room, title, **more)
    (shown,) = finds(await next_day(room))
    return shown


async def test_what_is_picked_is_wished_for_as_a_draft_with_its_source_credited(any_room: House) -> None:
    wished = wishes(any_room)
    shown = await a_find(any_room, summary="Trois *kilomètres*.", link="https://one.example/a?utm_medium=rss")
    effects = await any_room.react(shown, "✅", MAX, ROOM)
    assert "en a fait un brouillon" in edit_of(effects)
    assert wished == [
        {
            "title": "Une nouvelle piste en ville",
            "words": "Trois \\*kilomètres\\*\\.",
            "line": "metier",
            "language": "fr",
            "targets": [],
            "link": "https://one.example/a",
            "credit": "Le Vélo",
            "by": MAX,
            "of": "watch",
        }
    ]
    assert await any_room.react(shown, "✅", ALI, ROOM) == []
    assert len(wished) == 1, "once"


async def test_a_second_animator_cannot_undo_what_the_first_picked(room: House) -> None:
    wished = wishes(room)
    shown = await a_find(room)
    await room.put_in(ROOM, ALI)
    await room.react(shown, "✅", MAX, ROOM)
    assert await room.react(shown, "🗑️", ALI, ROOM) == []
    assert await room.react(shown, "✅", ALI, ROOM) == []
    assert len(wished) == 1


async def test_later_comes_back_the_next_working_day_and_then_after_a_week(room: House) -> None:
    shown = await a_find(room)
    assert "demain" in edit_of(await room.react(shown, "⏰", MAX, ROOM))
    (again,) = finds(await room.let_pass(timedelta(days=1)))
    assert again.key != shown.key
    assert "mardi 10 mars" in edit_of(await room.react(again, "⏰", MAX, ROOM))
    assert finds(await room.let_pass(timedelta(days=6))) == []
    assert len(finds(await room.let_pass(timedelta(days=1)))) == 1


async def test_what_is_put_away_is_not_shown_again_whoever_brings_it(room: House) -> None:
    shown = await a_find(room, link="https://third.example/a")
    assert "écartée" in edit_of(await room.react(shown, "🗑️", MAX, ROOM))
    await bring(room, "Batterie : tout autre titre pour le même lien", TWO, link="https://third.example/a/")
    assert finds(await room.let_pass(timedelta(days=2))) == []


async def test_who_takes_it_back_has_it_as_it_was_and_a_draft_stays_one(room: House) -> None:
    wished = wishes(room)
    shown = await a_find(room)
    relation = {"rel_type": "m.annotation", "event_id": await posted(room, shown), "key": "🗑️"}
    await room.hear(event_id="$press", sender=MAX, room_id=ROOM, type="m.reaction", content={"m.relates_to": relation})
    effects = await room.hear(sender=MAX, room_id=ROOM, type="m.room.redaction", redacts="$press", content={})
    assert edit_of(effects).startswith("Une nouvelle piste en ville")
    await room.react(shown, "✅", MAX, ROOM)
    assert len(wished) == 1


async def posted(room: House, shown: Say) -> str:
    async def job(conn: Any) -> str:
        query = text("SELECT event_id FROM outbox WHERE key = :key")
        return str((await conn.execute(query, {"key": f"watch/{shown.key}"})).scalar_one())

    return await room.write(job)


async def test_who_is_not_in_the_animators_room_presses_in_vain(room: House) -> None:
    wished = wishes(room)
    shown = await a_find(room)
    assert await room.react(shown, "✅", ZOE, ROOM) == []
    assert await room.react(shown, "✅", MAX, "!cafe") == []
    assert await room.react(shown, "👍", MAX, ROOM) == []
    assert wished == []


async def test_what_nobody_wanted_in_time_is_set_aside_and_can_still_be_taken(room: House) -> None:
    shown = await a_find(room)
    await room.sleep_through(timedelta(days=20))
    wished = wishes(room)
    await bring(room, "Une tout autre nouvelle")
    assert titles(await next_day(room)) == ["Une tout autre nouvelle"]
    await room.react(shown, "✅", MAX, ROOM)
    assert len(wished) == 1


async def test_the_words_of_sources_are_forgotten_and_that_they_were_there_a_little_later(room: House) -> None:
    shown = await a_find(room, "Une nouvelle piste à oublier", summary="Inoubliable.")
    await room.react(shown, "🗑️", MAX, ROOM)
    await bring(room, "Une tout autre nouvelle")
    await room.sleep_through(timedelta(days=36))

    async def kept(conn: Any) -> str:
        return str((await conn.execute(text("SELECT title, summary, link, alike FROM watch_find"))).all())

    assert "oublier" not in (words := await room.write(kept))
    assert "Inoubliable" not in words
    assert "one.example" in words, "the link is known, so that it is not shown again"
    await room.sleep_through(timedelta(days=190))
    assert await room.write(kept) == "[]"


# --- sources that fail -------------------------------------------------------------------------------------------


async def test_a_source_that_fails_is_told_once_with_the_days_finds(room: House) -> None:
    assert said(await turn_out(room, "failing", trouble="missing")) == [], "not at every look"
    await bring(room, "La batterie sans cobalt", TWO)
    (head,) = heads(await next_day(room))
    assert "Le Vélo" in head.body
    assert "il n’y a rien à son adresse" in head.body
    await bring(room, "La batterie sans lithium", TWO)
    (head,) = heads(await next_day(room))
    assert "Le Vélo" not in head.body


async def test_a_source_that_works_again_before_anybody_was_told_is_not_told(room: House) -> None:
    await turn_out(room, "failing", trouble="slow")
    await turn_out(room, "back")
    assert said(await next_day(room)) == []


async def test_a_source_that_fails_is_told_also_without_finds(room: House) -> None:
    await turn_out(room, "gone", trouble="gone")
    (head,) = heads(await next_day(room))
    assert head.body.startswith("Veille\xa0: une source est à revoir")
    assert "fermée pour de bon" in head.body


# --- one person --------------------------------------------------------------------------------------------------


async def test_what_is_kept_of_a_person_is_shown_and_forgotten(any_room: House) -> None:
    await any_room.say("!rse veille ajouter third.example ligne=metier", MAX, ROOM)
    shown = await a_find(any_room)
    await any_room.react(shown, "🗑️", MAX, ROOM)
    kept = await any_room.export("watch", MAX)
    assert [one["url"] for one in kept["sources"]] == ["https://third.example/"]
    assert [one["state"] for one in kept["decided"]] == ["away"]
    await any_room.erase("watch", MAX)
    kept = await any_room.export("watch", MAX)
    assert kept == {"sources": [], "decided": []}


# --- the file ----------------------------------------------------------------------------------------------------


async def test_what_the_file_declares_is_followed_and_what_it_declares_no_more_is_not(sqlite_url: str) -> None:
    async with a_newsroom(sqlite_url, SOURCES) as room:
        assert await followed(room) == {ONE, TWO}
        room.settings = {"watch": {"sources": [{"url": ONE, "line": "metier", "take": ["piste"]}]}}
        room.restart()
        await room.start()
        assert await followed(room) == {ONE}
        await bring(room, "Rien de cela")
        await bring(room, "Une piste")
        assert titles(await next_day(room)) == ["Une piste"]


async def followed(room: House) -> set[str]:
    async def job(conn: Any) -> set[str]:
        return {one.url for one in await following.all_feeds(conn) if one.followed}

    return await room.write(job)


@pytest.mark.parametrize(
    "settings",
    [
        {"sources": [{"url": "not an address"}]},
        {"sources": [{"url": "https://zoe:secret@example.org/"}]},
        {"inside": ["127.0.0.0/8"]},
        {"inside": ["0.0.0.0/0"]},
        {"inside": ["169.254.169.254/32"]},
        {"every": "1 minute"},
        {"later": []},
    ],
)
def test_settings_refuse_what_would_do_harm(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WatchSettings.model_validate(settings)


async def test_the_list_tells_how_each_source_is_doing(room: House) -> None:
    now = int(room.clock.now().timestamp() * 1000)
    await ail(room, fine=now - 3_600_000, fresh=now - 7_200_000)
    await ail(room, "slow", TWO, failing=now - 2 * 86_400_000, failures=5)
    answer = await room.ask("!rse veille", MAX, ROOM)
    assert "du nouveau il y a 2 heures" in answer
    assert "elle met trop longtemps à répondre (depuis 2\xa0jours)" in answer
