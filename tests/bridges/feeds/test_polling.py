"""Feeds are polled politely, by one process, and what is new enters once: against a real server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web

from bridges.feeds import following
from bridges.feeds.bridge import Manners
from esnbot.testing import eventually
from tests.bridges.feeds.feedserver import Desk, FeedServer, a_desk, a_server, items, never, rss, states

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FeedServer]:
    """A server that behaves as it is told."""
    async with a_server() as one:
        yield one


@pytest_asyncio.fixture
async def desk(sqlite_url: str) -> AsyncIterator[Desk]:
    """A bridge at work on SQLite."""
    async with a_desk(sqlite_url) as one:
        yield one


@pytest_asyncio.fixture
async def any_desk(database_url: str) -> AsyncIterator[Desk]:
    """The same on SQLite and on PostgreSQL."""
    async with a_desk(database_url) as one:
        yield one


# --- what enters -------------------------------------------------------------------------------------------------


async def test_what_is_new_enters_once(any_desk: Desk, server: FeedServer) -> None:
    desk, url = any_desk, server.url()
    server.put("/feed", rss("b", "a"))
    await desk.follow(url)
    news = await desk.look()
    assert items(news) == ["a", "b"], "the oldest first"
    assert states(news) == [("found", "")]
    assert news[0]["feed"] == url
    assert news[0]["old"] is True
    assert items(await desk.look()) == [], "it is not due"
    assert items(await desk.look_when_due(url)) == []
    server.put("/feed", rss("c", "b", "a"))
    news = await desk.look_when_due(url)
    assert items(news) == ["c"]
    assert news[0]["old"] is False
    assert states(news) == []


async def test_what_left_a_feed_and_comes_back_is_not_new(desk: Desk, server: FeedServer) -> None:
    url = server.url()
    await desk.follow(url)
    for titles in (("a",), ("b",), ("a", "b"), ("a",)):
        server.put("/feed", rss(*titles))
        await desk.look_when_due(url)
        # Longer than the engine knows the ids of what it has handled.
        desk.clock.advance(timedelta(days=20))
    async with desk.database.read() as conn:
        rows = await conn.exec_driver_sql("SELECT count(*) FROM inbox WHERE body LIKE '%feed_item%'")
    assert rows.scalar_one() == 2


async def test_of_a_new_feed_only_a_few_of_the_newest_enter(sqlite_url: str, server: FeedServer) -> None:
    async with a_desk(sqlite_url, Manners(first=2)) as desk:
        server.put("/feed", rss(*(f"t{number}" for number in range(50))))
        await desk.follow(server.url())
        assert items(await desk.look()) == ["t1", "t0"]
        assert items(await desk.look_when_due(server.url())) == []


async def test_what_cannot_be_written_down_is_brought_again_and_not_asked_for_at_once(
    desk: Desk, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("/feed", rss("a", "b"))
    await desk.follow(server.url())
    with monkeypatch.context() as patch:
        patch.setattr(following, "note", None)
        assert await desk.look() == [], "all of it, or nothing"
    assert await desk.look() == []
    assert len(server.asked) == 1
    desk.clock.advance(timedelta(minutes=11))
    assert items(await desk.look()) == ["b", "a"]


async def test_a_web_page_leads_to_the_feed_that_it_names(desk: Desk, server: FeedServer) -> None:
    page = '<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/real"></head></html>'
    server.put("/", page.encode(), content_type="text/html")
    server.put("/real", rss("a"))
    await desk.follow(server.url("/"))
    assert items(await desk.look()) == ["a"]
    await desk.look_when_due(server.url("/"))
    assert len(server.asked_for("/")) == 1, "from then on the feed itself is asked"
    assert len(server.asked_for("/real")) == 2


# --- politeness --------------------------------------------------------------------------------------------------


async def test_it_asks_only_whether_something_has_changed(desk: Desk, server: FeedServer) -> None:
    url, seen = server.url(), []

    async def conditional(request: web.Request) -> web.Response:
        seen.append((request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")))
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        told = {"ETag": '"v1"', "Last-Modified": "Mon, 02 Mar 2026 07:00:00 GMT"}
        return web.Response(body=rss("a"), headers=told)

    server.behaviours["/feed"] = conditional
    await desk.follow(url)
    assert items(await desk.look()) == ["a"]
    for _ in range(2):
        assert await desk.look_when_due(url) == []
    assert seen == [(None, None), *[('"v1"', "Mon, 02 Mar 2026 07:00:00 GMT")] * 2]
    assert (await desk.feed(url)).failures == 0


async def test_it_says_who_it_is_and_takes_no_cookies(desk: Desk, server: FeedServer) -> None:
    server.put("/feed", rss("a"), set_cookie="id=1; Path=/")
    await desk.follow(server.url())
    await desk.look()
    await desk.look_when_due(server.url())
    first, second = server.asked_for("/feed")
    assert first["User-Agent"].startswith("esnbot")
    assert "application/atom+xml" in first["Accept"]
    assert "Cookie" not in second


@pytest.mark.parametrize(
    ("channel", "headers", "least", "most"),
    [
        ("", {}, HOUR, 1.1 * HOUR),
        ("<ttl>5</ttl>", {}, HOUR, 1.1 * HOUR),
        ("<ttl>240</ttl>", {}, 4 * HOUR, 4.4 * HOUR),
        ("<ttl>999999</ttl>", {}, DAY, 1.1 * DAY),
        ("<ttl>never</ttl>", {}, HOUR, 1.1 * HOUR),
        ("", {"cache_control": "public, max-age=7200"}, 2 * HOUR, 2.2 * HOUR),
        ("", {"cache_control": "max-age=7200", "age": "3600"}, HOUR, 1.1 * HOUR),
        ("", {"cache_control": "no-cache, max-age=7200"}, HOUR, 1.1 * HOUR),
        ("", {"cache_control": "max-age=99999999999999"}, DAY, 1.1 * DAY),
        (
            "",
            {"date": "Mon, 02 Mar 2026 08:00:00 GMT", "expires": "Mon, 02 Mar 2026 11:00:00 GMT"},
            3 * HOUR,
            3.3 * HOUR,
        ),
    ],
)
async def test_how_often_it_asks_is_the_feeds_wish_within_bounds(
    desk: Desk, server: FeedServer, channel: str, headers: dict[str, str], least: timedelta, most: timedelta
) -> None:
    server.put("/feed", rss("a", channel=channel), **headers)
    await desk.follow(server.url())
    await desk.look()
    assert least <= await desk.wait_for(server.url()) <= most


async def test_feeds_are_spread_each_at_a_pace_of_its_own_that_stays(desk: Desk, server: FeedServer) -> None:
    urls = [server.url(f"/{number}") for number in range(8)]
    for number in range(8):
        server.put(f"/{number}", rss("a"))
    await desk.follow(*urls)
    await desk.look()
    dues = [(await desk.feed(url)).due for url in urls]
    assert len(set(dues)) == len(dues)
    start = desk.clock.now()
    first = await desk.wait_for(urls[0])
    await desk.look()
    desk.clock.set(start + first)
    assert await desk.wait_for(urls[0]) == first


async def test_one_connection_a_host_and_not_too_many_in_all(sqlite_url: str, server: FeedServer) -> None:
    async def slowly(request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response(body=rss("a"))

    async with a_desk(sqlite_url, Manners(at_once=3)) as desk:
        hosts = [f"127.0.0.{number}" for number in range(1, 6)]
        for number in range(3):
            server.behaviours[f"/{number}"] = slowly
        await desk.follow(*(server.url(f"/{number}", host) for host in hosts for number in range(3)))
        await desk.look()
        assert server.most_under_way == 3
        server.most_under_way = 0
        await desk.follow(*(server.url(f"/{number}?again") for number in range(3)))
        await desk.look()
        assert server.most_under_way == 1


async def test_two_processes_poll_once(any_desk: Desk, server: FeedServer) -> None:
    server.put("/feed", rss("a"))
    other = any_desk.another()
    await any_desk.follow(server.url())
    await asyncio.gather(any_desk.look(), other.look())
    assert len(server.asked) == 1
    any_desk.clock.advance(timedelta(hours=2))
    assert await other.bridge.once(other.door) == 1, "the first one has died, and its lease ran out"
    assert await any_desk.bridge.once(any_desk.door) == 0


async def test_who_lost_the_lease_writes_nothing_down(desk: Desk, server: FeedServer) -> None:
    other, server_answers = desk.another(), asyncio.Event()

    async def slowly(request: web.Request) -> web.Response:
        if len(server.asked) == 1:
            await server_answers.wait()
        return web.Response(body=rss("a"))

    server.behaviours["/feed"] = slowly
    await desk.follow(server.url())
    late = asyncio.create_task(desk.bridge.once(desk.door))
    await eventually(lambda: _true(bool(server.asked)))
    desk.clock.advance(timedelta(minutes=2))
    assert await other.bridge.once(other.door) == 1
    server_answers.set()
    await late
    assert items(await desk.news()) == ["a"]


async def test_who_is_stopped_in_the_middle_leaves_nothing_half_done(any_desk: Desk, server: FeedServer) -> None:
    desk, goes_on = any_desk, asyncio.Event()

    async def slowly(request: web.Request) -> web.Response:
        if len(server.asked) == 1:
            await goes_on.wait()
        return web.Response(body=rss("a", "b"))

    server.behaviours["/feed"] = slowly
    await desk.follow(server.url())
    running = asyncio.create_task(desk.bridge.run(desk.door))
    await eventually(lambda: _true(bool(server.asked)))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    goes_on.set()
    assert await desk.news() == []
    assert items(await desk.another().look()) == ["b", "a"]


async def test_it_runs_until_it_is_stopped_and_looks_when_it_is_woken(desk: Desk, server: FeedServer) -> None:
    server.put("/feed", rss("a"))
    running = asyncio.create_task(desk.bridge.run(desk.door))
    try:
        await desk.follow(server.url())
        desk.door.signals.set("feeds")
        await eventually(lambda: _was_read(desk, server.url()))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    other = desk.another()
    assert await other.bridge.hold(other.door), "the lease was given back"


async def _true(value: bool) -> bool:
    return value


async def _was_read(desk: Desk, url: str) -> bool:
    return (await desk.feed(url)).fine is not None


# --- redirections ------------------------------------------------------------------------------------------------


async def test_what_moved_for_good_is_asked_where_it_is_now(desk: Desk, server: FeedServer) -> None:
    server.lead("/feed", "/new", 301)
    server.put("/new", rss("a"))
    await desk.follow(server.url())
    assert items(await desk.look()) == ["a"]
    await desk.look_when_due(server.url())
    assert len(server.asked_for("/feed")) == 1
    assert (await desk.feed(server.url())).at == server.url("/new")


async def test_what_moved_for_a_while_is_asked_where_it_was(desk: Desk, server: FeedServer) -> None:
    server.lead("/feed", "/new", 302)
    server.lead("/new", "/newer", 301)
    server.put("/newer", rss("a"))
    await desk.follow(server.url())
    assert items(await desk.look()) == ["a"]
    await desk.look_when_due(server.url())
    assert len(server.asked_for("/feed")) == 2


async def test_a_move_to_what_is_no_feed_is_not_remembered(desk: Desk, server: FeedServer) -> None:
    server.lead("/feed", "/login", 301)
    server.put("/login", b"<html><body>Please sign in</body></html>", content_type="text/html")
    await desk.follow(server.url())
    assert states(await desk.look()) == [("failing", "page")]
    assert (await desk.feed(server.url())).at == server.url()


async def test_when_the_new_place_is_gone_the_old_one_is_asked_again(desk: Desk, server: FeedServer) -> None:
    server.lead("/feed", "/new", 301)
    server.put("/new", rss("a"))
    await desk.follow(server.url())
    await desk.look()
    del server.behaviours["/new"]
    server.lead("/feed", "/newest", 301)
    server.put("/newest", rss("b"))
    news = []
    for _ in range(4):
        news += await desk.look_when_due(server.url())
    assert items(news) == ["b"]


async def test_what_is_followed_anew_is_told_about_and_what_it_had_is_known(desk: Desk, server: FeedServer) -> None:
    server.put("/feed", rss("a"))
    await desk.follow(server.url())
    await desk.look()
    await desk.follow()
    desk.clock.advance(timedelta(days=30))
    assert await desk.look() == []
    server.put("/feed", rss("b", "a"))
    await desk.follow(server.url())
    news = await desk.look()
    assert items(news) == ["b"]
    assert states(news) == [("found", "")]


@pytest.mark.parametrize("to", ["/feed", "/other", "", "ftp://example.org/", "http://", "http://zoe:x@127.0.0.1/"])
async def test_redirections_end(desk: Desk, server: FeedServer, to: str) -> None:
    server.lead("/feed", to)
    server.lead("/other", "/feed")
    await desk.follow(server.url())
    ((_, trouble),) = states(await desk.look())
    assert trouble in ("redirects", "unreachable")


async def test_a_long_chain_of_redirections_is_not_followed(desk: Desk, server: FeedServer) -> None:
    for number in range(20):
        server.lead(f"/{number}", f"/{number + 1}")
    await desk.follow(server.url("/0"))
    assert states(await desk.look()) == [("failing", "redirects")]
    assert len(server.asked) <= 6


# --- trouble -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (404, "missing"),
        (401, "refused"),
        (403, "refused"),
        (500, "server"),
        (429, "busy"),
        (503, "busy"),
        (204, "server"),
    ],
)
async def test_what_a_new_feed_answers_instead_is_told_at_once_and_once(
    desk: Desk, server: FeedServer, status: int, trouble: str
) -> None:
    server.put("/feed", b"", status)
    await desk.follow(server.url())
    assert states(await desk.look()) == [("failing", trouble)]
    for _ in range(4):
        assert await desk.look_when_due(server.url()) == []
    server.put("/feed", rss("a"))
    assert states(await desk.look_when_due(server.url())) == [("found", "")]


async def test_a_feed_that_was_fine_may_fail_for_a_day_before_it_is_told(desk: Desk, server: FeedServer) -> None:
    url = server.url()
    server.put("/feed", rss("a"))
    await desk.follow(url)
    await desk.look()
    server.put("/feed", b"", 500)
    began, told = desk.clock.now(), []
    while not told:
        told = states(await desk.look_when_due(url))
    assert told == [("failing", "server")]
    assert DAY <= desk.clock.now() - began <= 3 * DAY
    assert len(server.asked) < 10, "it asks less and less often"
    assert states(await desk.look_when_due(url)) == []
    server.put("/feed", rss("b"))
    news = await desk.look_when_due(url)
    assert states(news) == [("back", "")]
    assert items(news) == ["b"]


async def test_a_short_trouble_is_nobodys_business(desk: Desk, server: FeedServer) -> None:
    server.put("/feed", rss("a"))
    await desk.follow(server.url())
    await desk.look()
    server.put("/feed", b"", 500)
    assert await desk.look_when_due(server.url()) == []
    server.put("/feed", rss("a"))
    assert await desk.look_when_due(server.url()) == []


async def test_a_feed_that_is_gone_is_not_asked_any_more(desk: Desk, server: FeedServer) -> None:
    server.put("/feed", b"", 410)
    await desk.follow(server.url())
    assert states(await desk.look()) == [("gone", "gone")]
    desk.clock.advance(timedelta(days=400))
    assert await desk.look() == []
    assert len(server.asked) == 1
    # Taken out and put in again, it is asked once more.
    server.put("/feed", rss("a"))
    await desk.follow()
    await desk.follow(server.url())
    assert items(await desk.look()) == ["a"]


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("7200", 2 * HOUR, 2.2 * HOUR),
        ("Mon, 02 Mar 2026 13:00:00 GMT", 5 * HOUR, 5.5 * HOUR),
        ("99999999999", 3 * DAY, 3.3 * DAY),
        ("-5", HOUR, 1.1 * HOUR),
        ("soon", HOUR, 1.1 * HOUR),
    ],
)
async def test_it_waits_as_long_as_it_is_asked_to(
    desk: Desk, server: FeedServer, told: str, least: timedelta, most: timedelta
) -> None:
    server.put("/feed", b"", 503, retry_after=told, date="Mon, 02 Mar 2026 08:00:00 GMT")
    await desk.follow(server.url())
    await desk.look()
    assert least <= await desk.wait_for(server.url()) <= most


async def test_it_backs_off_to_once_a_day_and_then_to_once_a_week(desk: Desk, server: FeedServer) -> None:
    await desk.follow(server.url("/nothing"))
    spans = []
    for _ in range(25):
        await desk.look()
        spans.append(await desk.wait_for(server.url("/nothing")))
    for span, hours in zip(spans, (1, 2, 4, 8, 16), strict=False):
        assert hours <= span / HOUR <= 1.1 * hours
    assert DAY <= spans[8] <= 1.1 * DAY
    assert 7 * DAY <= spans[-1] <= 7.7 * DAY


async def test_a_server_that_never_ends_costs_a_bounded_time(sqlite_url: str, server: FeedServer) -> None:
    server.behaviours["/feed"] = never
    async with a_desk(sqlite_url, within=0.4) as desk:
        await desk.follow(server.url())
        async with asyncio.timeout(5):
            assert states(await desk.look()) == [("failing", "slow")]


async def test_redirections_share_one_time_limit(sqlite_url: str, server: FeedServer) -> None:
    async def slowly(request: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.Response(status=302, headers={"location": f"{request.path}x"})

    server.behaviours |= {f"/{'x' * number}": slowly for number in range(1, 9)}
    async with a_desk(sqlite_url, within=0.7) as desk:
        await desk.follow(server.url("/x"))
        assert states(await desk.look()) == [("failing", "slow")]
        assert len(server.asked) <= 3


async def test_a_server_that_hangs_up_is_unreachable(desk: Desk, server: FeedServer) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-length": "100000"})
        await answer.prepare(request)
        await answer.write(b"<rss>")
        assert request.transport is not None
        request.transport.close()
        return answer

    server.behaviours["/feed"] = hang_up
    await desk.follow(server.url(), "http://127.0.0.1:9/feed", "http://no-such-name.invalid/feed")
    assert states(await desk.look()) == [("failing", "unreachable")] * 3


# --- too much ----------------------------------------------------------------------------------------------------


async def test_packed_feeds_are_unpacked(desk: Desk, server: FeedServer) -> None:
    raw = zlib.compressobj(wbits=-15)
    server.put("/gzip", gzip.compress(rss("a")), content_encoding="gzip")
    server.put("/deflate", zlib.compress(rss("b")), content_encoding="deflate")
    server.put("/raw", raw.compress(rss("c")) + raw.flush(), content_encoding="deflate")
    await desk.follow(*(server.url(path) for path in ("/gzip", "/deflate", "/raw")))
    assert sorted(items(await desk.look())) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"no gzip at all", "gzip"), (gzip.compress(rss("a"))[:-20], "gzip"), (rss("a"), "br"), (rss("a"), "deflate")],
)
async def test_what_cannot_be_unpacked_is_told(desk: Desk, server: FeedServer, body: bytes, encoding: str) -> None:
    server.put("/feed", body, content_encoding=encoding)
    await desk.follow(server.url())
    assert states(await desk.look()) == [("failing", "garbled")]


async def test_a_bomb_of_packed_nothing_is_noticed_before_it_goes_off(desk: Desk, server: FeedServer) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, 9)
    assert len(bomb) < 300_000
    server.put("/feed", bomb, content_encoding="gzip")
    server.put("/twice", gzip.compress(bomb), content_encoding="gzip, gzip")
    await desk.follow(server.url(), server.url("/twice"))
    assert sorted(states(await desk.look())) == [("failing", "garbled"), ("failing", "large")]


async def test_fifty_megabytes_are_not_read(desk: Desk, server: FeedServer) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse(headers={"content-type": "application/xml"})
        await answer.prepare(request)
        try:
            for _ in range(50):
                await answer.write(b"<item/>" * 150_000)
                sent += 1_050_000
        except ConnectionError:
            pass
        return answer

    async def announced(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-length": "50000000"})
        await answer.prepare(request)
        return answer

    server.behaviours |= {"/feed": endless, "/announced": announced}
    await desk.follow(server.url(), server.url("/announced"))
    assert states(await desk.look()) == [("failing", "large")] * 2
    assert sent < 20_000_000
