"""The board's layout: pages from templates, in the reader's language and colours, without scripts or third parties."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from esnbot.speech import Speech
from esnbot.web.errors import reader_language
from esnbot.web.page import Page

HERE: Final = Path(__file__).parent
ASSETS: Final = "assets"
LANGUAGE_NAMES: Final = {"en": "English", "fr": "Français"}
DESKTOP: Final = "vector:"
"""The scheme under which Element Desktop shows itself."""
_ORIGIN: Final = re.compile(r"https?://[\w.-]+(:\d+)?|https?://\[[\da-fA-F:]+\](:\d+)?", re.ASCII)
_LONGEST: Final = 40
"""Characters of a query's value that are looked at."""


def frame_ancestors(clients: Iterable[str]) -> str:
    """The part of a content security policy that lets these clients (and nobody else) show a page in a frame."""
    found = (f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, clients))
    origins = [origin for origin in found if _ORIGIN.fullmatch(origin)]
    return " ".join(dict.fromkeys(["'self'", *origins, DESKTOP]))


def policy(ancestors: str) -> str:
    """A content security policy for a page that needs nothing but its own style sheet."""
    return (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {ancestors}"
    )


class Board:
    """Renders pages."""

    def __init__(self, speech: Speech, languages: Iterable[str]) -> None:
        self.speech = speech
        self.languages = tuple(language for language in languages if language in LANGUAGE_NAMES)
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def language(self, request: web.Request) -> str:
        """The reader's language: the one asked for in the query, or the first of the browser that is spoken here."""
        asked = self.speech.known(request.query.get("lang", "")[:_LONGEST])
        return asked if asked is not None else reader_language(request, self.speech)

    def render(
        self, request: web.Request, template: str, title: str, choose: str, values: dict[str, Any], ancestors: str
    ) -> web.Response:
        """A page; ``choose`` names the choice of languages for those who do not see it."""
        theme = _theme(request)
        others = [
            {
                "code": code,
                "name": LANGUAGE_NAMES[code],
                "query": urlencode({"lang": code, **({"theme": theme} if theme else {})}),
            }
            for code in self.languages
        ]
        text = self._templates.get_template(template).render(
            language=self.language(request),
            theme=theme,
            title=title,
            choose=choose,
            languages=others if len(others) > 1 else [],
            # Relative, so that the board can stand below a path of a proxy.
            assets=ASSETS,
            **values,
        )
        headers = {"Content-Security-Policy": policy(ancestors), "Vary": "Accept-Language"}
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)


def _theme(request: web.Request) -> str:
    """'light' or 'dark' when the client says so, as with 'dark-custom-Night'; '' leaves it to the browser."""
    asked = request.query.get("theme", "")[:_LONGEST]
    return next((theme for theme in ("light", "dark") if asked.startswith(theme)), "")


def assets() -> Iterable[Page]:
    """The addresses of what pages load: the style sheet."""

    async def style(_request: web.Request) -> web.Response:
        headers = {"Cache-Control": "public, max-age=3600"}
        return web.Response(text=css, content_type="text/css", charset="utf-8", headers=headers)

    css = (HERE / "assets" / "board.css").read_text(encoding="utf-8")
    yield Page(f"/{ASSETS}/board.css", style)
