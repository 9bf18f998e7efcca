"""Asks for one feed: guarded against where it may lead, against too much, and against never ending."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from bridges.feeds.trouble import Failed, Trouble
from bridges.outside import Address, Inside, Network, Resolver, is_outside, literal

LARGEST: Final = 5_000_000
"""Bytes of a feed, unpacked."""
WITHIN: Final = 30.0
"""Seconds for one feed with all its redirections, whatever it does meanwhile."""
CONNECTED_WITHIN: Final = 10.0
HOPS: Final = 5
ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.6, text/html;q=0.4, */*;q=0.1"
)
_REDIRECTIONS: Final = frozenset({301, 302, 303, 307, 308})
_PERMANENT: Final = frozenset({301, 308})
_MAX_AGE: Final = re.compile(r"(?<![\w-])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_STEP: Final = 65_536

Turn = Callable[[str], AbstractAsyncContextManager[object]]
"""Whose turn it is at a host: one request at a time."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the server said last time, for asking whether anything has changed since."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered."""

    url: str
    """Where it was in the end."""
    moved: str = ""
    """Where it is from now on, as far as all redirections until there were for good; '' where it was."""
    changed: bool
    """False: it is as it was last time, and there is no body."""
    body: bytes = b""
    content_type: str = ""
    language: str = ""
    etag: str = ""
    modified: str = ""
    fresh: float = 0.0
    """Seconds for which it says that this holds."""


class Fetcher:
    """Asks for feeds, through one session. Use ``async with Fetcher(…) as fetcher``."""

    def __init__(
        self,
        agent: str,
        turn: Turn,
        *,
        inside: Collection[Network] = (),
        may_ask: Callable[[Address], bool] = is_outside,
        within: float = WITHIN,
        largest: int = LARGEST,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """``inside`` are networks of the company that are asked all the same; ``may_ask`` is for tests alone."""
        self._agent = agent
        self._turn = turn
        self._inside = inside
        self._may_ask = may_ask
        self._within = within
        self._largest = largest
        self._trust = trust
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Fetcher:
        """Open the session."""
        connector = TCPConnector(
            resolver=Resolver(self._may),
            use_dns_cache=False,
            force_close=True,
            limit=0,
            ssl=self._trust if self._trust is not None else True,
        )
        self._session = ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            timeout=ClientTimeout(total=None, sock_connect=CONNECTED_WITHIN),
            headers={"User-Agent": self._agent, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"},
        )
        return self

    async def __aexit__(self, *_raised: object) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def fetch(self, address: str, known: Known = Known()) -> Answer:
        """What stands at an address, through redirections. Raises ``Failed``."""
        left = self._within
        url, moved, for_good = _url(address), "", True
        seen = set[URL]()
        for _ in range(HOPS + 1):
            if url in seen:
                raise Failed(Trouble.redirects)
            seen.add(url)
            self._check(url)
            async with self._turn(url.host or ""):
                began = time.monotonic()
                try:
                    async with asyncio.timeout(left):
                        found = await self._ask(url, known)
                except TimeoutError:
                    raise Failed(Trouble.slow) from None
                except (ClientConnectorCertificateError, ClientSSLError, ssl.SSLError):
                    raise Failed(Trouble.certificate) from None
                except (ClientError, OSError, ValueError) as error:
                    led_inside = isinstance(getattr(error, "os_error", error), Inside)
                    raise Failed(Trouble.inside if led_inside else Trouble.unreachable) from None
                left -= time.monotonic() - began
            if isinstance(found, _Onward):
                for_good = for_good and found.for_good and not (url.scheme == "https" and found.url.scheme == "http")
                url = found.url
                moved = str(url) if for_good else moved
                continue
            return replace(found, moved=moved)
        raise Failed(Trouble.redirects)

    def _check(self, url: URL) -> None:
        """An address in the place of a name is never looked up, so it is looked at here."""
        address = literal(url.host or "")
        if address is not None and not self._may(address):
            raise Failed(Trouble.inside)

    def _may(self, address: Address) -> bool:
        return self._may_ask(address) or any(address in network for network in self._inside)

    async def _ask(self, url: URL, known: Known) -> _Onward | Answer:
        assert self._session is not None
        headers = {}
        if known.etag:
            headers["If-None-Match"] = known.etag
        if known.modified:
            headers["If-Modified-Since"] = known.modified
        async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status in _REDIRECTIONS:
                return _Onward(_onward(answer, url), answer.status in _PERMANENT)
            if answer.status == 304 and headers:
                return _answer(url, answer, None)
            if answer.status != 200:
                raise Failed(_trouble(answer.status), _retry_after(answer))
            return _answer(url, answer, await self._body(answer))

    async def _body(self, answer: ClientResponse) -> bytes:
        length = answer.headers.get("Content-Length", "")
        if length.isdigit() and int(length[:15]) > self._largest:
            raise Failed(Trouble.large)
        parts: list[bytes] = []
        size = 0
        async for part in _unpacked(answer):
            size += len(part)
            if size > self._largest:
                raise Failed(Trouble.large)
            parts.append(part)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class _Onward:
    url: URL
    for_good: bool


def _url(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        raise Failed(Trouble.unreachable) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Failed(Trouble.unreachable)
    return url.with_fragment(None)


def _onward(answer: ClientResponse, url: URL) -> URL:
    where = answer.headers.get("Location", "")
    try:
        found = url.join(URL(where)).with_fragment(None)
    except ValueError:
        raise Failed(Trouble.redirects) from None
    # Of somebody else's passwords in addresses we make no use.
    if not where or found.scheme not in ("http", "https") or not found.host or found.user or found.password:
        raise Failed(Trouble.redirects)
    return found


def _trouble(status: int) -> Trouble:
    match status:
        case 404:
            return Trouble.missing
        case 410:
            return Trouble.gone
        case 429 | 503:
            return Trouble.busy
        case _ if 400 <= status < 500:
            return Trouble.refused
        case _:
            return Trouble.server


def _answer(url: URL, answer: ClientResponse, body: bytes | None) -> Answer:
    return Answer(
        url=str(url),
        changed=body is not None,
        body=body or b"",
        content_type=answer.headers.get("Content-Type", "")[:200],
        language=answer.headers.get("Content-Language", "")[:20],
        etag=answer.headers.get("ETag", "")[:500],
        modified=answer.headers.get("Last-Modified", "")[:100],
        fresh=_fresh(answer),
    )


def _fresh(answer: ClientResponse) -> float:
    """Seconds for which caches may keep an answer."""
    control = ",".join(answer.headers.getall("Cache-Control", ()))[:500]
    if "no-cache" in control or "no-store" in control:
        return 0.0
    told = _MAX_AGE.search(control)
    if told is not None:
        age = answer.headers.get("Age", "")
        return max(0.0, float(told[1]) - (int(age) if age.isdigit() and len(age) < 10 else 0))
    expires, date = _moment(answer.headers.get("Expires", "")), _moment(answer.headers.get("Date", ""))
    return max(0.0, (expires - date).total_seconds()) if expires and date else 0.0


def _retry_after(answer: ClientResponse) -> float | None:
    """Seconds that it asks us to wait, whichever way it says so."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until = _moment(text)
    date = _moment(answer.headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (until - date).total_seconds()) if until else None


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text[:60])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# --- unpacking ---------------------------------------------------------------------------------------------------


async def _unpacked(answer: ClientResponse) -> AsyncIterator[bytes]:
    """The body in small steps, so that what is packed a thousandfold is noticed before it lies in memory."""
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        async for part in answer.content.iter_any():
            yield part
        return
    if encoding not in _BITS:
        raise Failed(Trouble.garbled)
    packed = zlib.decompressobj(_BITS[encoding])
    begun = False
    try:
        async for part in answer.content.iter_any():
            if not begun and encoding == "deflate" and part[:1] != b"\x78":
                # Some servers leave out the head that the standard asks for.
                packed = zlib.decompressobj(-zlib.MAX_WBITS)
            begun = True
            rest = part
            while rest and not packed.eof:
                yield packed.decompress(rest, _STEP)
                rest = packed.unconsumed_tail
    except zlib.error:
        raise Failed(Trouble.garbled) from None
    if begun and not packed.eof:
        raise Failed(Trouble.garbled)


_BITS: Final = {
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}
