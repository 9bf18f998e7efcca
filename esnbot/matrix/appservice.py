"""The transaction endpoint: verify, store, commit, then 200 (Application Service API).

The homeserver sends one transaction at a time and repeats it until it gets a 200, so nothing may be acknowledged that
is not committed, and a body that is no transaction gets a 4xx and one line in the log.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

Accept = Callable[[str, bytes], Awaitable[int]]
"""Stores a transaction (id, body) and returns how many events it had; raises ``ValueError`` for what is none."""

LARGEST: Final = 64 * 1024 * 1024
"""Bytes: 100 events of 64 kB each, with room for what the homeserver adds."""

log = structlog.get_logger("esnbot.matrix.appservice")


class TransactionEndpoint:
    """The application service's side of the application-service API."""

    def __init__(self, hs_token: str, accept: Accept, owns: Callable[[str], bool]) -> None:
        """``owns`` says whether a user id is one of ours, for the homeserver's queries."""
        self._hs_token = hs_token.encode()
        self._accept = accept
        self._owns = owns

    def routes(self) -> list[web.RouteDef]:
        """Routes to mount on an aiohttp application."""
        prefix = "/_matrix/app/v1"
        return [
            web.put(prefix + "/transactions/{transaction}", self._transaction),
            web.post(prefix + "/ping", self._ping),
            web.get(prefix + "/users/{user}", self._user),
            web.get(prefix + "/rooms/{alias}", self._room),
        ]

    def _refusal(self, request: web.Request) -> web.Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _error(401, "M_UNAUTHORIZED", "the hs_token is missing")
        if not hmac.compare_digest(token.encode(errors="surrogateescape"), self._hs_token):
            log.warning("wrong hs_token", peer=request.remote)
            return _error(403, "M_FORBIDDEN", "the hs_token is not the one of the registration file")
        return None

    async def _transaction(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        body = await _read(request)
        if body is None:
            log.warning("transaction too large", largest=LARGEST)
            return _error(413, "M_TOO_LARGE", f"a transaction may have {LARGEST} bytes")
        try:
            await self._accept(request.match_info["transaction"], body)
        except ValueError as error:
            log.warning("not a transaction", error=str(error), size=len(body))
            return _error(400, "M_BAD_JSON", str(error))
        except Exception:
            # Not stored, so not acknowledged: the homeserver keeps it and tries again.
            log.exception("transaction could not be stored")
            return _error(500, "M_UNKNOWN", "the transaction could not be stored; try again")
        return _ok()

    async def _ping(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        return refusal if refusal is not None else _ok()

    async def _user(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        return _ok() if self._owns(request.match_info["user"]) else _error(404, "M_NOT_FOUND", "no such user")

    async def _room(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        return refusal if refusal is not None else _error(404, "M_NOT_FOUND", "no such room")


async def _read(request: web.Request) -> bytes | None:
    """The body, whatever smaller bound the application has for its other routes; None when it is too large."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _ok() -> web.Response:
    return web.Response(body=b"{}", content_type="application/json")


def _error(status: int, errcode: str, message: str) -> web.Response:
    return web.json_response({"errcode": errcode, "error": message}, status=status)
