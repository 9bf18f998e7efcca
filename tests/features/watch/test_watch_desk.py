"""Animators put sources in and take them out, from chat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridges.feeds import following
from esnbot.engine.effects import Redact
from tests.features.house import MAX, ZOE, House, of, said
from tests.features.watch.watching import ONE, ROOM, a_newsroom, ail, bring, next_day, titles, turn_out


@pytest_asyncio.fixture
async def room(sqlite_url: str) -> AsyncIterator[House]:
    """A newsroom that watches one source, which the file declares."""
    async with a_newsroom(sqlite_url, {"sources": [{"url": ONE, "line": "metier", "name": "Le Vélo"}]}) as house:
        yield house


async def followed(room: House) -> set[str]:
    async def job(conn: Any) -> set[str]:
        return {one.url for one in await following.all_feeds(conn) if one.followed}

    return await room.write(job)


async def ask(room: House, line: str) -> str:
    return await room.ask(line, MAX, ROOM)


async def test_a_source_is_added_and_looked_at_at_once_and_the_outcome_is_told_there(room: House) -> None:
    effects = await room.hear(
        event_id="$add",
        sender=MAX,
        room_id=ROOM,
        content={"msgtype": "m.text", "body": '!rse veille ajouter deux.example/rss ligne=metier garder="vélo cargo"'},
    )
    (answer,) = said(effects)
    assert answer.body.startswith(
        "Je veille désormais sur deux.example\xa0: c’est la source 2, pour la ligne `metier`."
    )
    url = "https://deux.example/rss"
    assert url in await followed(room)
    (told,) = said(await turn_out(room, "found", url, title="Deux roues", items=12))
    assert told.thread == "$add"
    assert "Deux roues se lit bien." in told.body
    assert "12 articles" in told.body
    assert said(await turn_out(room, "failing", url, trouble="slow")) == [], "only the first look is told there"
    # Who takes the command back takes the answers with it.
    gone = await room.hear(sender=MAX, room_id=ROOM, type="m.room.redaction", redacts="$add", content={})
    assert len(of(gone, Redact)) == 2
    await bring(room, "Un train", url)
    await bring(room, "Des vélos cargos", url)
    assert "Des vélos cargos" in titles(await next_day(room))


async def test_a_source_that_cannot_be_read_is_told_with_the_reason_and_what_to_do(room: House) -> None:
    await room.say("!esn watch add nowhere.example", MAX, ROOM)
    (told,) = said(await turn_out(room, "failing", "https://nowhere.example/", trouble="page"))
    assert "c’est une page web, qui n’indique aucun flux" in told.body
    assert "`!rse veille retirer 2` l’enlève" in told.body


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("!esn watch add notre blog", "notre"),
        ("!esn watch add https://zoe:secret@example.org/feed", "mot de passe"),
        ("!esn watch add http://127.0.0.1/feed", "réseau interne"),
        ("!esn watch add http://[::ffff:10.0.0.1]/feed", "réseau interne"),
        ("!esn watch add http://169.254.169.254/latest/meta-data", "réseau interne"),
        (f"!esn watch add {ONE} line=metier", "Je veille déjà sur Le Vélo"),
        ("!esn watch add example.org take=,,,", "séparés par des virgules"),
        ("!esn watch show 99", "`!rse veille liste`"),
        ("!esn watch remove 1", "déclarée dans le fichier"),
        ("!esn watch change 1 line=presse", "déclarée dans le fichier"),
        ("!esn watch show le velos", "Le Vélo"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_why(room: House, line: str, words: str) -> None:
    before = await followed(room)
    assert words in await ask(room, line)
    assert await followed(room) == before


async def test_one_feed_serves_two_lines(room: House) -> None:
    await ail(room, fine=1, title="Le fil")
    assert "Elle m’est déjà connue" in await ask(room, f"!esn watch add {ONE} line=presse")
    assert await followed(room) == {ONE}
    await room.say("!esn watch remove 2", MAX, ROOM)
    assert await followed(room) == {ONE}, "the other line has it still"


async def test_a_source_is_paused_and_taken_up_again(room: House) -> None:
    assert "en pause" in await ask(room, "!rse veille pause Le Vélo")
    assert await followed(room) == set()
    assert "en pause" in await ask(room, "!rse veille liste")
    assert "Je veille de nouveau sur Le Vélo." in await ask(room, "!rse veille reprendre 1")
    assert await followed(room) == {ONE}


async def test_a_pause_outlives_a_restart_whatever_the_file_says(room: House) -> None:
    await ask(room, "!rse veille pause 1")
    room.restart()
    await room.start()
    assert await followed(room) == set()


async def test_a_source_is_changed_and_shown(room: House) -> None:
    await ask(room, "!esn watch add deux.example take=vélo")
    answer = await ask(
        room, '!rse veille changer 2 garder=tout laisser="publicité, promo" nom="Deux roues" ligne=Métier'
    )
    for words in ("Deux roues", "laisse `publicité` ou `promo`", "metier", "pas encore lue"):
        assert words in answer
    assert "vélo" not in answer
    assert "quoi changer" in await ask(room, "!rse veille changer 2")


async def test_a_source_is_removed_with_what_waits_and_can_come_again(room: House) -> None:
    url = "https://deux.example/"
    await ask(room, "!esn watch add deux.example")
    await bring(room, "Une nouvelle de trop", url)
    assert "Je ne veille plus sur deux.example." in await ask(room, "!esn watch remove deux.example")
    assert titles(await next_day(room)) == []
    assert url not in await followed(room)
    assert "Je veille désormais" in await ask(room, "!esn watch add deux.example")


async def test_sources_are_named_where_only_animators_read(room: House) -> None:
    for line in ("list", "show 1", "add example.org", "remove 1", "pause 1"):
        answer = await room.ask(f"!esn watch {line}", MAX, "!cafe")
        assert "dans le salon des animateurs ou en tête-à-tête" in answer
        assert "Le Vélo" not in answer


async def test_others_have_no_watch(room: House) -> None:
    assert "Le Vélo" not in await room.ask("!esn watch list", ZOE, "!cafe")


async def test_without_an_animators_room_it_is_said_what_is_missing(sqlite_url: str) -> None:
    async with a_newsroom(sqlite_url, animators_room=None) as house:
        assert "animators_room" in await house.ask("!esn watch list", MAX, ROOM)
        assert "animators_room" in await house.ask("!esn watch more", MAX, ROOM)


async def test_there_are_not_too_many_sources(sqlite_url: str) -> None:
    async with a_newsroom(sqlite_url, {"most_sources": 1, "sources": [{"url": ONE}]}) as house:
        assert "c’est le maximum" in await house.ask("!esn watch add example.org", MAX, ROOM)


async def test_nothing_waits_is_an_answer(room: House) -> None:
    assert "Rien n’attend" in await ask(room, "!rse veille suite")


async def test_many_sources_are_listed_line_by_line_and_folded(room: House) -> None:
    for number in range(14):
        await ask(room, f"!esn watch add s{number}.example line=presse")
    (answer,) = said(await room.say("!rse veille", MAX, ROOM))
    assert "<details>" in answer.html
    assert answer.body.startswith("15 sources")
