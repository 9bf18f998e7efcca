"""What is read of feeds that are broken in the ways of the world."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridges.feeds import sandbox
from bridges.feeds.items import Feed, Item
from bridges.feeds.pace import marked, news
from bridges.feeds.reader import read
from bridges.feeds.sandbox import Task, read_apart
from bridges.feeds.trouble import Failed, Trouble
from tests.bridges.feeds.corpus import CASES, URL, Case
from tests.bridges.feeds.feedserver import FeedServer, a_desk, a_server

HARMFUL = ("a billion laughs on one line", "one large entity many times", "a file and an address as entities",
           "twenty thousand nested tags")  # fmt: skip


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FeedServer]:
    """A server with the whole corpus."""
    async with a_server() as one:
        yield one


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if name not in HARMFUL])
def test_what_can_be_read_is_read(case: Case) -> None:
    if case.trouble:
        with pytest.raises(Failed) as failed:
            read(case.body, URL, case.type)
        assert failed.value.trouble.value == case.trouble
        return
    feed = read(case.body, URL, case.type)
    assert tuple(one.title for one in feed.items) == case.titles
    if case.links:
        assert tuple(one.link for one in feed.items) == case.links
    if case.published:
        assert tuple(one.published and one.published // 1000 for one in feed.items) == case.published


@pytest.mark.parametrize("name", HARMFUL)
async def test_what_would_do_harm_does_none(name: str) -> None:
    began = time.monotonic()
    try:
        told = await read_apart(Task(URL, CASES[name].type), CASES[name].body)
    except Failed as failed:
        told = msgspec.json.encode(Feed(title=failed.trouble))
    assert len(told) < 100_000
    assert b"root:" not in told
    msgspec.json.decode(told, type=Feed)
    assert time.monotonic() - began < 2 * sandbox.SECONDS


async def test_the_whole_corpus_is_polled_and_nothing_of_it_stops_the_others(
    sqlite_url: str, server: FeedServer
) -> None:
    step = 1 if os.environ.get("ESNBOT_SOAK") else 4
    cases = [*list(CASES.values())[::step], *(CASES[name] for name in HARMFUL)]
    paths = {f"/{number}": case for number, case in enumerate(cases)}
    for path, case in paths.items():
        server.put(path, case.body, content_type=case.type)
    server.put("/fine", b"<rss version='2.0'><channel><title>x</title><item><title>Fine</title></item></channel></rss>")
    async with a_desk(sqlite_url, within=20, read=read_apart) as desk:
        await desk.follow(
            *(server.url(path, f"127.0.1.{1 + int(path[1:]) % 6}") for path in paths), server.url("/fine")
        )
        entered = []
        for _ in range(2):
            entered += await desk.look()
        told = {one["feed"]: one for one in entered if "what" in one}
        assert len(told) == len(paths) + 1, "each was looked at, and told about once"
        for path, case in paths.items():
            what = told[server.url(path, f"127.0.1.{1 + int(path[1:]) % 6}")]
            assert what["what"] == "failing" or not case.trouble
        assert "Fine" in [one.get("title") for one in entered]
        for one in entered:
            text = json.dumps(one, ensure_ascii=False)
            assert len(text) < 10_000
            assert "\x00" not in text.encode().decode("unicode_escape", "ignore")


async def test_the_process_that_reads_has_nothing_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    seen: dict[str, Any] = {}
    real = asyncio.create_subprocess_exec

    async def watched(*command: str, **more: Any) -> asyncio.subprocess.Process:
        seen.update(more["env"])
        return await real(*command, **more)

    monkeypatch.setenv("ESNBOT_AS_TOKEN", "secret")
    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    await read_apart(Task(URL), CASES["a bare ampersand"].body)
    assert "ESNBOT_AS_TOKEN" not in seen


async def test_a_reader_that_eats_memory_or_time_ends_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for greedy in ("x = [0] * 10**9", "while True: pass"):
        script = tmp_path / "python"
        program = (
            f"import sys; sys.argv=['x']; import bridges.feeds.reader as r, bridges.feeds.sandbox as s\n"
            f"def read(*a):\n    {greedy}\nr.read = read\ns.SECONDS = 1\ns.main()\n"
        )
        script.write_text(f"#!/bin/sh\nexec {sys.executable} -c \"$(cat <<'END'\n{program}END\n)\"\n")
        os.chmod(script, 0o755)
        monkeypatch.setattr(sys, "executable", str(script))
        with pytest.raises(Failed) as failed:
            await read_apart(Task(URL), b"<rss/>")
        assert failed.value.trouble is Trouble.heavy
        monkeypatch.undo()


# --- which items are new -----------------------------------------------------------------------------------------


def an_item(title: str = "Un", **more: Any) -> Item:
    return Item(title=title, **more)


def is_new(before: list[Item], after: list[Item], site: str = "") -> list[str]:
    known = {mark for one in marked(before, site) for mark in one.marks}
    return [one.item.title for one in news(marked(after, site), known)]


def test_an_id_that_changes_each_time_is_no_new_item_while_its_link_stays() -> None:
    before, after = an_item(guid="1", link="https://a.example/1"), an_item(guid="2", link="https://a.example/1")
    assert is_new([before], [after]) == []


def test_a_link_that_changes_is_no_new_item_while_its_id_stays() -> None:
    before, after = an_item(guid="1", link="https://a.example/1"), an_item("Neu", guid="1", link="https://a.example/2")
    assert is_new([before], [after]) == []


def test_an_id_or_link_that_all_share_tells_nothing() -> None:
    one = [an_item(str(n), guid="0", link="https://a.example/") for n in range(3)]
    two = [an_item(str(n), guid="0", link="https://a.example/") for n in range(4)]
    assert is_new(one, two) == ["3"]


def test_the_link_of_the_site_tells_nothing() -> None:
    before, after = an_item("Un", link="https://a.example/"), an_item("Deux", link="https://a.example/")
    assert is_new([before], [after], site="https://a.example/") == ["Deux"]


def test_what_has_no_id_and_no_link_is_known_by_its_words() -> None:
    assert is_new([an_item("Un")], [an_item("Un"), an_item("Deux")]) == ["Deux"]
    assert marked([an_item("")]) == []


def test_what_stands_there_twice_is_one() -> None:
    assert len(marked([an_item(guid="1"), an_item(guid="1")])) == 1


def test_the_newest_comes_first_and_without_dates_what_stands_first() -> None:
    dated = [an_item("old", guid="1", published=1), an_item("new", guid="2", published=2), an_item("none", guid="3")]
    assert is_new([], dated) == ["new", "old", "none"]


# --- whatever comes ----------------------------------------------------------------------------------------------


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(set(CASES) - set(HARMFUL))), st.binary(max_size=8), st.data())
def test_whatever_is_cut_or_put_in_nothing_breaks(name: str, noise: bytes, data: st.DataObject) -> None:
    body = CASES[name].body[:20_000]
    first = data.draw(st.integers(0, len(body)))
    second = data.draw(st.integers(first, len(body)))
    try:
        feed = read(body[:first] + noise + body[second:], URL)
    except Failed:
        return
    for one in feed.items:
        assert not one.link or one.link.startswith(("http://", "https://"))
        assert len(one.title) <= 300
        one.title.encode()
