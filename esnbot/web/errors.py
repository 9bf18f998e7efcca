"""Errors in words: one clear sentence, as a page for people and as JSON for programs; never a traceback."""

from __future__ import annotations

from html import escape
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from esnbot.speech import Later, Speech, later
from esnbot.web.guard import Refusal

log = structlog.get_logger("esnbot.web")

SENTENCES: Final[dict[int, Later]] = {
    400: later("This request is not understood."),
    401: later("Please sign in first."),
    403: later("You may not see this page."),
    404: later("There is nothing at this address."),
    405: later("This address does not take that kind of request."),
    413: later("This is too large."),
    503: later("The service is not ready yet; please try again in a moment."),
}
TROUBLE: Final = later("Something went wrong here; it has been written to the log. Please try again later.")

_PAGE: Final = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{status}</title>
<body style="font: 1.1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 20vh auto; padding: 0 1rem">
<p>{sentence}</p>
</body></html>
"""


def errors_in_words(speech: Speech) -> Middleware:
    """The middleware that answers for whatever a handler raises."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            sentence = error.sentence if isinstance(error, Refusal) else None
            return explain(request, speech, error.status, headers, sentence)
        # The edge of the program: whatever a page raises becomes a sentence, and a line in the log.
        except Exception:
            log.exception("page failed", path=request.path, method=request.method)
            return explain(request, speech, 500, {})

    return middleware


def explain(
    request: web.Request, speech: Speech, status: int, headers: dict[str, str], said: Later | None = None
) -> web.Response:
    """The answer for a status, in the reader's language."""
    language = reader_language(request, speech)
    sentence = str(speech.voice(language).say(said or SENTENCES.get(status, TROUBLE)))
    if "text/html" in request.headers.get("Accept", ""):
        page = _PAGE.format(language=language, status=status, sentence=escape(sentence))
        return web.Response(status=status, text=page, content_type="text/html", headers=headers)
    return web.json_response({"error": sentence}, status=status, headers=headers)


def reader_language(request: web.Request, speech: Speech) -> str:
    """The first language of the browser that the community speaks; else the community's."""
    for part in request.headers.get("Accept-Language", "").split(","):
        known = speech.known(part.partition(";")[0].strip())
        if known is not None:
            return known
    return speech.default
