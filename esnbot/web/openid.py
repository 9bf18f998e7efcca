"""Checks a person's OpenID token with the person's own homeserver, and with nobody else.

What a stranger sends here makes the bot ask a server of the stranger's choice. So: only servers of the declared
audiences; never an address inside (loopback, private, link-local, metadata …) except our own homeserver, at its
configured address; the address that was looked at is the one that is connected to; no redirections; little time, few
bytes.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Final

import orjson
import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from bridges.outside import Address, Network, Resolver, is_outside, literal
from esnbot.community.model import Community
from esnbot.community.person import is_user_id, server_of

PORT: Final = 8448
WITHIN: Final = ClientTimeout(total=6, connect=3, sock_read=3)
LARGEST: Final = 20_000
"""Bytes of an answer that are read."""
LONGEST: Final = 4_000
"""Characters of a token; Synapse's have about twenty."""
AT_ONCE: Final = 8
_NAME: Final = re.compile(r"(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,230})(:(?P<port>\d{1,5}))?", re.ASCII)
_USERINFO: Final = "/_matrix/federation/v1/openid/userinfo"

log = structlog.get_logger("esnbot.web.openid")


class NotBelieved(Exception):
    """The token proves nothing; the message is for the log."""


@dataclass(frozen=True, slots=True)
class ServerName:
    """A server name, split."""

    host: str
    port: int | None

    @classmethod
    def read(cls, text: str) -> ServerName:
        """Raises ``NotBelieved`` for what has not the shape of one."""
        found = _NAME.fullmatch(text) if len(text) <= 255 else None
        port = int(found["port"]) if found is not None and found["port"] else None
        if found is None or (port is not None and not 0 < port < 65_536) or ".." in text:
            raise NotBelieved("no server name")
        return cls(found["host"], port)

    @property
    def literal(self) -> Address | None:
        """The address that it is, when it is no name."""
        return literal(self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenId:
    """Finds out whose a token is."""

    community: Community
    server: str
    """Our own server's name."""
    url: str
    """Where our own homeserver is asked."""
    inside: Collection[Network] = ()
    """Networks of the company in which homeservers of audiences may stand."""
    trust: ssl.SSLContext | None = None
    """Whose certificates are believed; None: those that the system believes."""
    may_ask: Callable[[Address], bool] = is_outside
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE), repr=False)

    async def user_of(self, server: str, token: str, today: date) -> str:
        """The Matrix id of whoever has the token. Raises ``NotBelieved``."""
        if not token or len(token) > LONGEST or not token.isascii() or not token.isprintable():
            raise NotBelieved("no token")
        name = ServerName.read(server)
        if not self._is_declared(server, today):
            raise NotBelieved("the server is of no audience")
        try:
            async with self._turns:
                answer = await self._ask(server, name, token)
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            log.info("openid token not checked", server=server, reason=type(error).__name__)
            raise NotBelieved("the server was not reached") from None
        user = answer.get("sub") if isinstance(answer, dict) else None
        # Each server speaks for its own people only.
        if not isinstance(user, str) or not is_user_id(user) or server_of(user) != server:
            raise NotBelieved("the server does not know the token, or names somebody else's person")
        return user

    def _is_declared(self, server: str, today: date) -> bool:
        if server == self.server:
            return True
        for audience in self.community.audiences.values():
            if audience.until is not None and today > audience.until:
                continue
            if any(fnmatchcase(server, pattern) for pattern in audience.perimeter.homeservers):
                return True
            if any(server_of(person) == server for person in audience.perimeter.people):
                return True
        return False

    async def _ask(self, server: str, name: ServerName, token: str) -> Any:
        query = {"access_token": token}
        if server == self.server:
            async with ClientSession(timeout=WITHIN, cookie_jar=DummyCookieJar()) as session:
                return await _get(session, URL(self.url) / _USERINFO.lstrip("/") % query)
        connector = TCPConnector(
            resolver=Resolver(self._may), use_dns_cache=False, ssl=self.trust if self.trust is not None else True
        )
        async with ClientSession(connector=connector, timeout=WITHIN, cookie_jar=DummyCookieJar()) as session:
            host, port = await self._delegated(session, name)
            return await _get(session, URL.build(scheme="https", host=host, port=port, path=_USERINFO, query=query))

    async def _delegated(self, session: ClientSession, name: ServerName) -> tuple[str, int]:
        """Where a server takes requests (Server-Server API, 'Resolving server names'; without SRV records)."""
        if name.port is not None or name.literal is not None:
            return self._checked(name)
        try:
            known = await _get(session, URL.build(scheme="https", host=name.host, path="/.well-known/matrix/server"))
        except (ClientError, TimeoutError, ValueError):
            return self._checked(name)
        told = known.get("m.server") if isinstance(known, dict) else None
        return self._checked(ServerName.read(told) if isinstance(told, str) else name)

    def _checked(self, name: ServerName) -> tuple[str, int]:
        """An address in a name is never looked up, so it is looked at here."""
        address = name.literal
        if address is not None and not self._may(address):
            raise OSError("an address that is not asked")
        return name.host.strip("[]"), name.port or PORT

    def _may(self, address: Address) -> bool:
        return self.may_ask(address) or any(address in network for network in self.inside)


async def _get(session: ClientSession, url: URL) -> Any:
    """A small JSON answer; raises ``ValueError`` for anything else."""
    async with session.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as answer:
        if answer.status != 200:
            raise ValueError(f"HTTP {answer.status}")
        body = b""
        async for part in answer.content.iter_any():
            body += part
            if len(body) > LARGEST:
                raise ValueError("too long")
        return orjson.loads(body)
