"""The reader's language, as the browser says it."""

from __future__ import annotations

from aiohttp import web

from esnbot.speech import Speech


def reader_language(request: web.Request, speech: Speech) -> str:
    """The first language of the browser that the community speaks; else the community's."""
    for part in request.headers.get("Accept-Language", "").split(","):
        known = speech.known(part.partition(";")[0].strip())
        if known is not None:
            return known
    return speech.default
