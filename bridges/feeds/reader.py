"""Makes a feed of bytes: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed, and what the world takes for those. Pure.

Everything in here is fed by strangers, so it runs in a process of its own (``sandbox``), with little memory and time.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any, Final
from urllib.parse import parse_qs, urljoin, urlsplit

import feedparser
import msgspec
import nh3

from bridges.feeds.dates import read_date
from bridges.feeds.items import Feed, Item
from bridges.feeds.trouble import Failed, Trouble

LONGEST_TITLE: Final = 300
LONGEST_SUMMARY: Final = 800
LONGEST_ID: Final = 1_000
LONGEST_LINK: Final = 2_000
MOST: Final = 200
"""Items of one feed that are looked at."""
MOST_READ: Final = 20_000
"""Characters of one text that are looked at."""
_HEAD: Final = 4_000
"""Bytes at the beginning that tell what it is."""

_LINK_TAG: Final = re.compile(r"<link\b[^>]{0,2000}>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(
    r"""([a-zA-Z-]{1,20})\s{0,9}=\s{0,9}(?:"([^"]{0,2000})"|'([^']{0,2000})'|([^\s"'>]{1,2000}))"""
)
_FEED_TYPES: Final = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
_ROOT: Final = re.compile(rb"<(?:[\w-]{1,20}:)?(rss|feed|rdf|channel)\b", re.IGNORECASE)
_HTML: Final = re.compile(rb"<!doctype\s+html|<html\b", re.IGNORECASE)
_BLOCKS: Final = re.compile(r"<(?:br|p|div|li|tr|h[1-6]|td)\b[^>]{0,500}>", re.IGNORECASE)
_UNSEEN: Final = re.compile("[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]")
_HALF: Final = rb"0*(5[5-7]\d{3}|[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2})"
_SURROGATES: Final = re.compile(rb"&#" + _HALF + rb";(?:&#" + _HALF + rb";)?")
_CDATA: Final = re.compile(r"<!\[CDATA\[|\]\]>")
_SCHEMES: Final = ("http", "https")
_PERIODS: Final = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}


def read(body: bytes, url: str, content_type: str = "", language: str = "") -> Feed:
    """The feed that the bytes from an address are. Raises ``Failed``: ``empty``, ``page`` or ``no_feed``."""
    start = body[:_HEAD].lstrip(b"\xef\xbb\xbf\x00\xfe\xff \t\r\n")
    if not start:
        raise Failed(Trouble.empty)
    if start[:1] == b"{":
        return _json(body, url)
    if _HTML.search(start) and not _ROOT.search(start):
        return _page(body, url)
    return _xml(body, url, content_type, language)


def _xml(body: bytes, url: str, content_type: str, language: str) -> Feed:
    headers = {"content-location": url}
    if content_type:
        headers["content-type"] = content_type
    if language:
        headers["content-language"] = language
    source = _Bytes(_SURROGATES.sub(_whole, body))
    try:
        found = feedparser.parse(source, response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    # Where the library itself stumbles, nobody can tell how; it is no feed that anybody reads.
    except Exception:  # noqa: BLE001
        raise Failed(Trouble.no_feed) from None
    channel, entries = found.feed, found.entries
    if not entries and not found.version and not channel.get("title"):
        if _HTML.search(body[: 10 * _HEAD]):
            return _page(body, url)
        raise Failed(Trouble.no_feed)
    base = _link(channel.get("link"), url) or url
    return Feed(
        title=_text(channel.get("title"), LONGEST_TITLE),
        site=_link(channel.get("link"), url),
        language=_short(channel.get("language"), 20),
        wait=_wait(channel),
        items=tuple(_entry(entry, base) for entry in entries[:MOST]),
    )


def _whole(match: re.Match[bytes]) -> bytes:
    """A character that was written as the two halves of UTF-16; half a one is nothing."""
    codes = [_code(one) for one in match.groups() if one]
    if len(codes) == 2 and 0xD800 <= codes[0] < 0xDC00 <= codes[1] < 0xE000:
        return b"&#%d;" % (0x10000 + ((codes[0] - 0xD800) << 10) + (codes[1] - 0xDC00))
    return b"".join(b"&#%d;" % code for code in codes if not 0xD800 <= code < 0xE000)


def _code(text: bytes) -> int:
    return int(text[1:], 16) if text[:1] in (b"x", b"X") else int(text)


class _Bytes:
    """What the library takes for a stream: it would open a text as an address or a file."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self) -> bytes:
        return self._body


def _entry(entry: Any, base: str) -> Item:
    link = entry.get("feedburner_origlink") or entry.get("link") or _alternate(entry)
    guid = _short(entry.get("id"), LONGEST_ID)
    where = _link(link, base)
    if not where and urlsplit(guid).scheme in _SCHEMES:
        where = _link(guid, base)
    summary = _text(entry.get("summary"), LONGEST_SUMMARY) or _text(_content(entry), LONGEST_SUMMARY)
    # Asked for what is not there, the library warns and guesses.
    said = next((text for key in ("published", "updated", "created") if key in entry and (text := entry[key])), None)
    return Item(
        title=_text(entry.get("title"), LONGEST_TITLE),
        link=where,
        guid=guid,
        summary=summary,
        author=_text(entry.get("author"), 100),
        published=read_date(str(said)) if said else None,
    )


def _alternate(entry: Any) -> str:
    links = entry.get("links")
    found = [one.get("href", "") for one in links if isinstance(one, dict)] if isinstance(links, list) else []
    return next((str(one) for one in found if one), "")


def _content(entry: Any) -> str:
    parts = entry.get("content")
    return str(parts[0].get("value", "")) if isinstance(parts, list) and parts else ""


def _wait(channel: Any) -> int:
    ttl = str(channel.get("ttl", "")).strip()
    if ttl.isascii() and ttl.isdigit() and len(ttl) < 7:
        return int(ttl) * 60
    period = _PERIODS.get(str(channel.get("sy_updateperiod", "")).strip().lower(), 0)
    often = str(channel.get("sy_updatefrequency", "1")).strip()
    times = int(often) if often.isascii() and often.isdigit() and len(often) < 5 else 1
    return period // max(times, 1)


# --- JSON Feed ---------------------------------------------------------------------------------------------------


def _json(body: bytes, url: str) -> Feed:
    try:
        found = msgspec.json.decode(body.decode("utf-8-sig", "replace"))
    # A stranger's nesting may be deeper than Python's own stack.
    except (msgspec.DecodeError, RecursionError):
        raise Failed(Trouble.no_feed) from None
    items = found.get("items") if isinstance(found, dict) else None
    told = str(found.get("version", "")) if isinstance(found, dict) else ""
    if not isinstance(items, list) or "jsonfeed.org" not in told:
        raise Failed(Trouble.no_feed)
    base = _link(found.get("home_page_url"), url) or url
    return Feed(
        title=_text(found.get("title"), LONGEST_TITLE),
        site=_link(found.get("home_page_url"), url),
        language=_short(found.get("language"), 20),
        items=tuple(_json_item(one, base) for one in items[:MOST] if isinstance(one, dict)),
    )


def _json_item(one: dict[str, Any], base: str) -> Item:
    html, words = one.get("content_html"), one.get("content_text")
    plain = _plain(words, LONGEST_SUMMARY) if isinstance(words, str) else ""
    said = one.get("date_published") or one.get("date_modified")
    authors = one.get("authors")
    author = one.get("author") or (authors[0] if isinstance(authors, list) and authors else None)
    guid = one.get("id")
    return Item(
        title=_text(one.get("title"), LONGEST_TITLE),
        link=_link(one.get("url") or one.get("external_url"), base),
        guid=_short(str(guid) if isinstance(guid, int | float | str) else "", LONGEST_ID),
        summary=_text(one.get("summary"), LONGEST_SUMMARY) or plain or _text(html, LONGEST_SUMMARY),
        author=_text(author.get("name"), 100) if isinstance(author, dict) else "",
        published=read_date(said) if isinstance(said, str) else None,
    )


# --- web pages ---------------------------------------------------------------------------------------------------


def _page(body: bytes, url: str) -> Feed:
    """A web page often names its feed: people paste the address that they see."""
    text = body[:300_000].decode("utf-8", "replace")
    found: dict[str, None] = {}
    for tag in _LINK_TAG.findall(text):
        told = {match[1].lower(): unescape(match[2] or match[3] or match[4] or "") for match in _attributes(tag)}
        if "alternate" in told.get("rel", "").lower().split() and told.get("type", "").lower() in _FEED_TYPES:
            link = _link(told.get("href"), url)
            if link and link != url:
                found.setdefault(link)
    if not found:
        raise Failed(Trouble.page)
    return Feed(alternates=tuple(found)[:5])


def _attributes(tag: str) -> list[re.Match[str]]:
    return list(_ATTRIBUTE.finditer(tag))


# --- words and links ---------------------------------------------------------------------------------------------


def _text(value: object, longest: int) -> str:
    """HTML (or what was meant to be) as plain words on one line."""
    if not isinstance(value, str) or not value:
        return ""
    html = _CDATA.sub("", value[:MOST_READ])
    if "<" not in html and "&" not in html:
        return _plain(html, longest)
    bare = unescape(nh3.clean(_BLOCKS.sub(" ", html), tags=set()))
    if "<" in bare and re.search(r"</?[a-zA-Z][^<>]{0,500}>", bare):
        # It was escaped twice.
        bare = unescape(nh3.clean(_BLOCKS.sub(" ", bare), tags=set()))
    elif "&" in bare:
        bare = unescape(bare)
    return _plain(bare, longest)


def _plain(text: str, longest: int) -> str:
    line = " ".join(_UNSEEN.sub(" ", text[:MOST_READ]).split())
    line = line.encode("utf-8", "ignore").decode("utf-8")
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    space = cut.rfind(" ")
    return cut[: space if space > longest // 2 else longest - 1].rstrip(" .,:;") + "…"


def _short(value: object, longest: int) -> str:
    return _plain(value, longest) if isinstance(value, str) else ""


def _link(value: object, base: str) -> str:
    """An absolute link that people can open; '' for anything else."""
    if not isinstance(value, str) or not value.strip():
        return ""
    text = "".join(_UNSEEN.sub("", value).split())
    try:
        whole = urljoin(base, text)
        parts = urlsplit(whole)
        known = parts.scheme in _SCHEMES and bool(parts.hostname) and not parts.username
    except ValueError:
        return ""
    if not known or len(whole) > LONGEST_LINK:
        return ""
    return _unwrapped(whole)


def _unwrapped(link: str) -> str:
    """The address inside those that only count clicks on the way (Google's alerts)."""
    parts = urlsplit(link)
    if re.fullmatch(r"(www\.)?google\.[a-z.]{2,6}", parts.hostname or "") and parts.path == "/url":
        query = parse_qs(parts.query)
        for name in ("url", "q"):
            inner = query.get(name, [""])[0]
            if urlsplit(inner).scheme in _SCHEMES:
                return inner
    return link
