"""The board's cookies behind https: nobody else can set them, and a widget's belongs to its client's pages."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from esnbot.web.guard import Cookies, neighbours


def line(name: str, cookies: Cookies) -> set[str]:
    response = web.Response()
    cookies.put(response, name, "token", timedelta(days=1))
    return set(response.headers["Set-Cookie"].split("; "))


def test_behind_https_cookies_are_for_this_host_alone() -> None:
    cookies = Cookies(secure=True)
    found = line(cookies.session, cookies)
    assert found == {"__Host-esnbot-session=token", "HttpOnly", "Max-Age=86400", "Path=/", "SameSite=Lax", "Secure"}


def test_in_a_widget_the_cookie_is_kept_apart_for_the_client_around_it() -> None:
    cookies = Cookies(secure=True)
    found = line(cookies.framed, cookies)
    assert {"SameSite=None", "Secure", "Partitioned", "HttpOnly"} <= found


def test_without_https_nothing_is_sent_to_other_sites() -> None:
    cookies = Cookies(secure=False)
    assert "SameSite=Lax" in line(cookies.framed, cookies)
    assert "SameSite=Lax" in line(cookies.session, cookies)


def test_a_subscriber_of_ipv6_counts_once_whatever_address_is_used() -> None:
    assert neighbours("2001:db8:1:2::1") == neighbours("2001:db8:1:2:ffff::9") != neighbours("2001:db8:1:3::1")
    assert neighbours("192.0.2.1") == "192.0.2.1"
    assert neighbours("unknown") == "unknown"
