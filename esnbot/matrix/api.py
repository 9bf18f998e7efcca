"""HTTP to a homeserver: mautrix's request machinery, with answers and errors as this project needs them."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from aiohttp import ClientResponse, ClientSession, ClientTimeout
from mautrix.api import HTTPAPI, Method
from mautrix.errors import MatrixConnectionError
from yarl import URL

from esnbot.matrix.errors import BY_CODE, Limited, NotMatrix, Refused, ServerTrouble, TokenRefused, Unreachable

JSON = dict[str, Any]
TIMEOUT = ClientTimeout(total=90, connect=10)

logger = logging.getLogger("esnbot.matrix.http")


def path(*parts: str, prefix: str = "/_matrix/client/v3") -> str:
    """A request path from parts, each percent-encoded whole."""
    return prefix + "".join("/" + quote(part, safe="") for part in parts)


class Api(HTTPAPI):
    """One identity on one homeserver: a token, and for application services the user and device it speaks as."""

    async def _send(
        self, method: Method, url: URL, content: Any, query_params: dict[str, str], headers: dict[str, str]
    ) -> tuple[Any, ClientResponse]:
        async with self.session.request(
            str(method), url, data=content, params=query_params, headers=headers
        ) as response:
            raw = await response.read()
            # The state of a room is the one answer that is a list.
            answer = raw if response.status < 300 and raw[:1] == b"[" else parse(raw)
            if answer is None:
                raise NotMatrix(f"HTTP {response.status} without JSON from {url.host}:{url.port}{url.path}")
            if response.status >= 300 and isinstance(answer, dict):
                raise failure(response.status, answer)
            return answer, response

    async def call(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        sensitive: bool = False,
    ) -> JSON:
        """Send one request and return the answer; raises a ``HomeserverError`` and never tries again by itself."""
        answer = await self.fetch(method, path, content, query=query, headers=headers, sensitive=sensitive)
        if not isinstance(answer, dict):
            raise NotMatrix(f"{path} answered with something that is not a JSON object")
        return answer

    async def fetch(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        sensitive: bool = False,
    ) -> JSON | bytes:
        """Like ``call``; an answer that is a JSON list comes as its bytes."""
        try:
            answer: JSON | bytes = await self.request(
                Method(method),
                path,
                content,
                headers=headers,
                query_params=dict(query or {}),
                retry_count=0,
                sensitive=sensitive,
            )
        except (TimeoutError, MatrixConnectionError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{self.base_url} does not answer: {error or type(error).__name__}") from error
        return answer


def parse(raw: bytes) -> JSON | None:
    """The JSON object in an answer, or None when it is something else."""
    try:
        answer = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def failure(status: int, answer: JSON) -> Exception:
    """The error type for an answer that is not a success."""
    errcode = str(answer.get("errcode", "M_UNKNOWN"))
    message = str(answer.get("error", ""))
    if status == 429 or errcode == "M_LIMIT_EXCEEDED":
        wait = answer.get("retry_after_ms")
        return Limited(wait / 1000 if isinstance(wait, int | float) and wait > 0 else 1.0)
    if status >= 500:
        return ServerTrouble(status, errcode, message)
    return BY_CODE.get(errcode, TokenRefused if status == 401 else Refused)(status, errcode, message)


def new_session(limit: int = 64) -> ClientSession:
    """A connection pool for one homeserver."""
    return ClientSession(timeout=TIMEOUT, connector=aiohttp.TCPConnector(limit=limit, keepalive_timeout=60))
