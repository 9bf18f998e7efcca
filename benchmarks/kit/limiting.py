"""A homeserver that answers 429: a proxy before the real one, that lets so many sends a second pass and no more."""

from __future__ import annotations

import time
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from yarl import URL

_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "host", "date", "server"}


@dataclass(slots=True)
class LimitingProxy:
    """A token bucket over all sends that come through; everything else passes."""

    homeserver: str
    per_second: float
    burst: int
    refused: int = 0
    _tokens: float = 0.0
    _filled: float = 0.0
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None

    async def start(self) -> str:
        """Listen on a free port; returns the URL."""
        self._tokens, self._filled = float(self.burst), time.monotonic()
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=120), connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
        )
        app = web.Application(client_max_size=100_000_000)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def _wait(self) -> float:
        """Seconds until the next send may pass; 0 takes a token."""
        now = time.monotonic()
        self._tokens = min(self._tokens + (now - self._filled) * self.per_second, float(self.burst))
        self._filled = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.per_second

    async def _pass(self, request: web.Request) -> web.Response:
        if request.method == "PUT" and "/send/" in request.path:
            seconds = self._wait()
            if seconds:
                self.refused += 1
                refusal = {
                    "errcode": "M_LIMIT_EXCEEDED",
                    "error": "Too Many Requests",
                    "retry_after_ms": int(seconds * 1000) + 1,
                }
                return web.json_response(refusal, status=429)
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        url = URL(self.homeserver + request.raw_path, encoded=True)
        body = await request.read()
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)
