"""The board's frame: ``/health``, ``/ready``, ``/metrics``, errors in words, and the pages that features declare."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web

from esnbot.web.board import Board
from esnbot.web.errors import errors_in_words
from esnbot.web.metrics import CONTENT_TYPE, Figures, Gauges
from esnbot.web.page import Page
from esnbot.web.readiness import MIGRATED, Readiness

BODY_LIMIT: Final = 1_000_000
"""Bytes; no page of the board takes more."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def make_app(
    board: Board,
    gauges: Gauges,
    readiness: Readiness,
    figures: Callable[[], Awaitable[Figures]] | None = None,
    pages: Iterable[Page] = (),
) -> web.Application:
    """Put the frame together; ``figures`` reads what waits from the store."""

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def ready(_request: web.Request) -> web.Response:
        waiting = readiness.waiting_for
        body = {"ready": not waiting, "waiting_for": list(waiting)}
        return web.json_response(body, status=503 if waiting else 200)

    async def show_metrics(_request: web.Request) -> web.Response:
        # Before the schema is there, there is nothing to read figures from.
        read = figures if readiness.met(MIGRATED) else None
        text = await gauges.exposition(ready=readiness.ready, read=read)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[errors_in_words(board)])
    app.on_response_prepare.append(_careful)
    app.router.add_get("/health", health)
    app.router.add_get("/ready", ready)
    app.router.add_get("/metrics", show_metrics)
    for page in pages:
        app.router.add_route(page.method, page.path, page.handle)
    return app


async def _careful(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
