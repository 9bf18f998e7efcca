"""No address leads the bot's machine to machines inside: as written, as looked up, or by a redirection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest
import pytest_asyncio

from bridges.feeds.bridge import Manners
from bridges.outside import is_outside
from tests.bridges.feeds.feedserver import FeedServer, a_desk, a_server, items, rss, states


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FeedServer]:
    """A server inside, with a feed that must not be read."""
    async with a_server() as one:
        one.put("/feed", rss("a"))
        yield one


INSIDE = (
    "127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.0.0.1.",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "169.254.169.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
)


async def test_nothing_inside_is_asked_however_it_is_written(sqlite_url: str, server: FeedServer) -> None:
    async with a_desk(sqlite_url, may_ask=is_outside) as desk:
        await desk.follow(*(server.url("/feed", host) for host in INSIDE))
        news = await desk.look()
        assert items(news) == []
        assert len(states(news)) == len(INSIDE)
        assert {trouble for _, trouble in states(news)} <= {"inside", "unreachable"}
        assert [trouble for _, trouble in states(news)].count("inside") >= 15
    assert server.asked == []


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "[::ffff:127.0.0.2]"])
async def test_no_redirection_leads_inside(sqlite_url: str, server: FeedServer, host: str) -> None:
    # What is 'outside' here is 127.0.0.1 alone.
    async with a_desk(sqlite_url, may_ask=lambda address: str(address) == "127.0.0.1") as desk:
        server.lead("/start", server.url("/feed", host), 301)
        await desk.follow(server.url("/start"))
        found = states(await desk.look())
        if host == "localhost" and found == [("found", "")]:
            return  # it leads to 127.0.0.1 and nowhere else on this machine
        assert found == [("failing", "inside")]
        assert [path for path, _ in server.asked] == ["/start"]


async def test_a_page_cannot_name_a_feed_inside(sqlite_url: str, server: FeedServer) -> None:
    page = f'<html><link rel="alternate" type="application/rss+xml" href="{server.url("/feed", "127.0.0.2")}"></html>'
    server.put("/page", page.encode(), content_type="text/html")
    async with a_desk(sqlite_url, may_ask=lambda address: str(address) == "127.0.0.1") as desk:
        await desk.follow(server.url("/page"))
        assert states(await desk.look()) == [("failing", "inside")]
    assert server.asked_for("/feed") == []


async def looked_up(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names lead to these addresses, one answer after the other; the names that were looked up."""
    asked: list[str] = []
    rest = list(answers)

    async def getaddrinfo(host: str, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        found = rest.pop(0) if len(rest) > 1 else rest[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


async def test_a_name_that_leads_inside_is_not_asked(
    sqlite_url: str, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_desk(sqlite_url, may_ask=lambda address: str(address) == "127.0.0.1") as desk:
        await looked_up(monkeypatch, ["127.0.0.1", "127.0.0.2"])
        await desk.follow(server.url("/feed", "feed.example"))
        assert states(await desk.look()) == [("failing", "inside")], "one address inside is enough"
    assert server.asked == []


async def test_a_name_that_changes_its_mind_is_asked_where_it_was_looked_at(
    sqlite_url: str, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_desk(sqlite_url, may_ask=lambda address: str(address) == "127.0.0.1") as desk:
        asked = await looked_up(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        await desk.follow(server.url("/feed", "feed.example"))
        assert items(await desk.look()) == ["a"]
        assert asked == ["feed.example"], "looked up once, and connected to that address"
        assert states(await desk.look_when_due(server.url("/feed", "feed.example"))) == []
        feed = await desk.feed(server.url("/feed", "feed.example"))
        assert feed.trouble == "inside", "the second time it leads elsewhere"
    assert len(server.asked) == 1


async def test_networks_of_the_company_are_asked_when_the_administrator_says_so(
    sqlite_url: str, server: FeedServer
) -> None:
    manners = Manners(inside=(ip_network("127.0.0.2/32"),))
    async with a_desk(sqlite_url, manners, may_ask=is_outside) as desk:
        await desk.follow(server.url("/feed", "127.0.0.2"), server.url("/feed", "127.0.0.3"))
        assert sorted(states(await desk.look())) == [("failing", "inside"), ("found", "")]
