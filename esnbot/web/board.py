"""The board's layout: pages from templates, in the reader's language and colours, with nothing from third parties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from esnbot.community.person import Role
from esnbot.speech import Later, Markdown, Speech, Voice, later, render
from esnbot.web.guard import CSRF_FIELD
from esnbot.web.language import reader_language
from esnbot.web.page import Page

HERE: Final = Path(__file__).parent
ASSETS: Final = "assets"
LANGUAGE_NAMES: Final = {"en": "English", "fr": "Français"}
DESKTOP: Final = "vector:"
"""The scheme under which Element Desktop shows itself."""
NOBODY: Final = "'none'"
COMMANDS: Final = later("Ask the bot")
_ORIGIN: Final = re.compile(r"https?://[\w.-]+(:\d+)?|https?://\[[\da-fA-F:]+\](:\d+)?", re.ASCII)
_LONGEST: Final = 40
"""Characters of a query's value that are looked at."""
_LONGEST_QUERY: Final = 1_000
_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}


def frame_ancestors(clients: Iterable[str]) -> str:
    """The part of a content security policy that lets these clients (and nobody else) show a page in a frame."""
    found = (f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, clients))
    origins = [origin for origin in found if _ORIGIN.fullmatch(origin)]
    return " ".join(dict.fromkeys(["'self'", *origins, DESKTOP]))


def policy(ancestors: str) -> str:
    """The content security policy of all pages: what is not ours is neither loaded nor run, and goes nowhere."""
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the navigation."""

    path: str
    label: Later
    roles: frozenset[Role] = frozenset()
    """Who has it in their navigation: whoever has one of them; everybody, where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who a page is made for."""

    voice: Voice
    theme: str = ""
    """'light', 'dark', or '' for the browser's."""
    user: str = ""
    """'' for somebody who is not signed in."""
    roles: frozenset[Role] = frozenset()
    """In the whole community."""
    csrf: str = ""
    """The token of forms; '' for pages without."""
    ancestors: str = NOBODY


READER: Final = web.RequestKey("esnbot.reader", Reader)
"""Under which a request knows its reader, once that is found out."""


class Board:
    """Renders pages. ``templates`` are the features' folders, by the feature's name."""

    def __init__(
        self,
        speech: Speech,
        languages: Iterable[str],
        *,
        name: str = "",
        templates: Mapping[str, Path] | None = None,
        menu: Iterable[Entry] = (),
    ) -> None:
        self.speech = speech
        self.name = name
        self.menu = tuple(menu)
        self.languages = tuple(language for language in languages if language in LANGUAGE_NAMES)
        features = {feature: FileSystemLoader(folder) for feature, folder in (templates or {}).items()}
        self._templates = Environment(
            loader=ChoiceLoader([FileSystemLoader(HERE / "templates"), PrefixLoader(features)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def language(self, request: web.Request, chosen: str = "") -> str:
        """The reader's language: asked for in the query, else the chosen one, else the browser's first spoken here."""
        asked = self.speech.known(request.query.get("lang", "")[:_LONGEST])
        return asked or self.speech.known(chosen) or reader_language(request, self.speech)

    def stranger(self, request: web.Request, *, csrf: str = "", ancestors: str = NOBODY) -> Reader:
        """Somebody who is not signed in."""
        voice = self.speech.voice(self.language(request))
        return Reader(voice=voice, theme=theme_asked(request), csrf=csrf, ancestors=ancestors)

    def render(
        self,
        request: web.Request,
        reader: Reader,
        template: str,
        title: str | Later,
        values: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> web.Response:
        """A page; ``values`` go before what templates have otherwise. A title that is not plain is made so."""
        voice, root = reader.voice, _root(request)

        def say(text: str | Later, /, **named: object) -> Markup:
            return html(voice.say(text, **named))

        def plural(one: str, many: str, n: int, /, **named: object) -> Markup:
            return html(voice.plural(one, many, n, **named))

        def plain(text: str | Later, /, **named: object) -> str:
            return render(voice.say(text, **named)).body

        if isinstance(title, Later):
            title = voice.say(title)
        if isinstance(title, Markdown):
            title = render(title).body
        text = self._templates.get_template(template).render(
            {
                "language": voice.language,
                "theme": reader.theme,
                "title": title,
                "community": self.name,
                "languages": self._others(request, reader) if request.method == "GET" else [],
                "menu": [
                    {"path": entry.path, "label": plain(entry.label), "here": _is_below(request.path, entry.path)}
                    for entry in self._entries(reader)
                ],
                "user": reader.user,
                "path": request.path,
                "framed": reader.ancestors != NOBODY,
                "csrf": Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, reader.csrf),
                "say": say,
                "say_markdown": html,
                "plain": plain,
                "plural": plural,
                "voice": voice,
                "url": lambda path: root + path.lstrip("/"),
                **(values or {}),
            }
        )
        headers = {
            "Content-Security-Policy": policy(reader.ancestors),
            # With 'no-referrer', browsers would not say that a form comes from here.
            "Referrer-Policy": "same-origin",
            "Vary": "Accept-Language, Cookie",
        }
        if reader.ancestors == NOBODY:
            headers["X-Frame-Options"] = "DENY"
        return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)

    def go(self, request: web.Request, path: str) -> web.Response:
        """Send the browser to another page of the board."""
        if not path.startswith("/") or path.startswith(("//", "/\\")):
            raise ValueError(f"'{path}' is no page of the board")
        # Relative, like all links: the board can stand below a path of a proxy.
        return web.Response(status=303, headers={"Location": _root(request) + path[1:]})

    def _entries(self, reader: Reader) -> tuple[Entry, ...]:
        """The navigation, for those who are signed in."""
        if not reader.user:
            return ()
        mine = (entry for entry in self.menu if not entry.roles or entry.roles & reader.roles)
        return (*mine, Entry("/widget" if reader.ancestors != NOBODY else "/", COMMANDS))

    def _others(self, request: web.Request, reader: Reader) -> list[dict[str, str]]:
        """The languages, each with the query that shows this page in it."""
        if len(self.languages) < 2:
            return []
        theme = [("theme", reader.theme)] if reader.theme and not reader.user else []
        asked = [(name, value) for name, value in request.query.items() if name not in ("lang", "theme")]
        rest = asked if sum(len(name) + len(value) for name, value in asked) <= _LONGEST_QUERY else []
        return [
            {"code": code, "name": LANGUAGE_NAMES[code], "query": urlencode([("lang", code), *theme, *rest])}
            for code in self.languages
        ]


def html(markdown: str) -> Markup:
    """Our own sentences, and what people wrote in Markdown, as the safe HTML that rooms get."""
    message = render(markdown)
    return Markup(message.html) if message.html else Markup.escape(message.body)


def theme_asked(request: web.Request) -> str:
    """'light' or 'dark' when the client says so, as with 'dark-custom-Night'; '' leaves it to the browser."""
    asked = request.query.get("theme", "")[:_LONGEST]
    return next((theme for theme in ("light", "dark") if asked.startswith(theme)), "")


def _root(request: web.Request) -> str:
    """How the board's root is reached from a page; never empty, so that what follows is never taken for a scheme."""
    return "../" * (request.rel_url.raw_path.count("/") - 1) or "./"


def _is_below(path: str, entry: str) -> bool:
    return path == entry or (entry != "/" and path.startswith(f"{entry}/"))


def assets(features: Mapping[str, Path] | None = None) -> Iterable[Page]:
    """The addresses of what pages load: of the board, and of each feature's folder below the feature's name."""
    for below, folder in {"": HERE / ASSETS, **(features or {})}.items():
        for file in sorted(folder.iterdir()):
            if file.suffix in _TYPES:
                yield _asset(file, f"/{ASSETS}/{below}/{file.name}" if below else f"/{ASSETS}/{file.name}")


def _asset(file: Path, path: str) -> Page:
    text = file.read_text(encoding="utf-8")

    async def send(_request: web.Request) -> web.Response:
        headers = {"Cache-Control": "public, max-age=3600"}
        return web.Response(text=text, content_type=_TYPES[file.suffix], charset="utf-8", headers=headers)

    return Page(path, send)
