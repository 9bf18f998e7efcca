"""Errors in words: one clear sentence, as a page for people and as JSON for programs; never a traceback."""

from __future__ import annotations

from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from esnbot.speech import Later, later, render
from esnbot.web.board import READER, Board
from esnbot.web.guard import Refusal

log = structlog.get_logger("esnbot.web")

SENTENCES: Final[dict[int, Later]] = {
    400: later("This request is not understood."),
    401: later("Please sign in first."),
    403: later("You may not see this page."),
    404: later("There is nothing at this address."),
    405: later("This address does not take that kind of request."),
    413: later("This is too large: at most one megabyte fits. One page back, what you wrote is still there."),
    503: later("The service is not ready yet; please try again in a moment."),
}
TITLE: Final = later("This did not work")
TROUBLE: Final = later("Something went wrong here; it has been written to the log. Please try again later.")


def errors_in_words(board: Board) -> Middleware:
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
            return explain(request, board, error.status, headers, sentence)
        # The edge of the program: whatever a page raises becomes a sentence, and a line in the log.
        except Exception:
            log.exception("page failed", page=_page(request), method=request.method)
            return explain(request, board, 500, {})

    return middleware


def explain(
    request: web.Request, board: Board, status: int, headers: dict[str, str], said: Later | None = None
) -> web.Response:
    """The answer for a status, in the reader's language."""
    sentence = said or SENTENCES.get(status, TROUBLE)
    reader = request.get(READER) or board.stranger(request)
    if "text/html" in request.headers.get("Accept", ""):
        response = board.render(request, reader, "error.html", TITLE, {"sentence": sentence}, status)
        response.headers.update(headers)
        return response
    return web.json_response({"error": render(reader.voice.say(sentence)).body}, status=status, headers=headers)


def _page(request: web.Request) -> str:
    """The page as it is declared: what stands in an address may be secret, or say what somebody reads."""
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical
