"""A homeserver that answers some requests otherwise: everything else goes on to the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Self

import aiohttp
from aiohttp import web

from esnbot.homeserver import free_port
from esnbot.settings import Settings

Answer = Callable[[web.Request], web.Response]


class Between:
    """Stands between the bot and its homeserver. Use ``async with``."""

    def __init__(self, url: str, port: int = 0) -> None:
        self._url = url
        self._port = port or free_port()
        self._answers: list[tuple[str, str, Answer]] = []
        self.passed: list[tuple[str, str]] = []
        """Method and path of what went on to the real homeserver."""

    def answer(self, method: str, part: str, answer: Answer) -> None:
        """Answer requests whose path contains that part."""
        self._answers.append((method, part, answer))

    def forget(self) -> None:
        """Let everything pass again."""
        self._answers.clear()

    def before(self, settings: Settings) -> Settings:
        """The settings of a bot for which this is the homeserver."""
        return replace(settings, homeserver=replace(settings.homeserver, url=f"http://127.0.0.1:{self._port}"))

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        app = web.Application(client_max_size=10_000_000)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _pass(self, request: web.Request) -> web.Response:
        for method, part, answer in self._answers:
            if request.method == method and part in request.path:
                return answer(request)
        self.passed.append((request.method, request.path))
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        async with self._session.request(
            request.method, f"{self._url}{request.raw_path}", data=await request.read(), headers=headers
        ) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)
