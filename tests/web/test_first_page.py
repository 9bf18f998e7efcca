"""The board's first page, asked over real HTTP: for everybody, in their language, and safe to show in a frame."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from aiohttp import ClientSession

from esnbot.commands.command import Call, Command, Names, Noun, Param
from esnbot.commands.registry import Registry
from esnbot.commands.values import Text
from esnbot.community.person import Role
from esnbot.discovery import Discovery
from esnbot.engine.effects import Effect
from esnbot.engine.metrics import Metrics
from esnbot.speech import Speech, later
from esnbot.stored import migrated
from esnbot.testing import ManualClock
from esnbot.testing.board import BoardOnHouse
from esnbot.web import Gauges, Readiness, WebServer, first_page, make_app
from esnbot.web.board import assets, frame_ancestors
from tests.features.house import BOT, a_community

CLIENTS = ("https://app.element.io", "https://chat.example.org/element/", "http://localhost:8080/#/")
NASTY = '"><script>alert(1)</script>'


async def nothing(_call: Call) -> Sequence[Effect]:
    return []


def a_registry() -> Registry:
    """A noun whose words and examples try to be HTML."""
    nasty = Names((f"group{NASTY}",), (f"groupe{NASTY}",))
    param = Param("name", Names((NASTY,), (NASTY,)), Text(), later("What you can do here."))
    command = Command(
        "group",
        "create",
        Names(("create",), ("créer",)),
        later("Lists what you can do here."),
        nothing,
        (param,),
        who=frozenset({Role.animator}),
        examples={"en": (f"group create {NASTY}",), "fr": (f"groupe créer {NASTY}",)},
    )
    return Registry([Noun("group", nasty, later("What you can do here."))], [command])


class Site:
    def __init__(self, url: str, session: ClientSession) -> None:
        self.url, self.session = url, session

    async def get(self, path: str, **headers: str) -> tuple[dict[str, str], str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(self.url + path, headers=named) as answer:
            assert answer.status == 200, path
            return dict(answer.headers), await answer.text()


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    speech = Speech(languages=("fr", "en"), default="fr", strict=True)
    async with migrated(sqlite_url, Discovery()) as database:
        house = BoardOnHouse(
            database=database,
            community=a_community(),
            speech=speech,
            features={},
            templates={},
            clock=ManualClock(),
            bot=BOT,
        )
        reception = replace(house.reception(), clients=CLIENTS)
        pages = [*assets(), *first_page.pages(reception, a_registry())]
        app = make_app(reception.board, Gauges(Metrics().registry, "1"), Readiness(), None, pages)
        server = WebServer(app, "127.0.0.1", 0)
        await server.start()
        async with ClientSession() as session:
            yield Site(server.url, session)
        await server.stop()


class Tags(HTMLParser):
    """Which tags a page has, and where its attributes lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.scripts: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("path", ["/", "/widget"])
async def test_it_says_what_one_can_ask_in_the_readers_language(site: Site, path: str) -> None:
    for language, title in (("fr", "Ce que vous pouvez demander au bot"), ("en", "What you can ask the bot")):
        for page in (
            (await site.get(f"{path}?lang={language}", Accept_Language="en" if language == "fr" else "fr"))[1],
            (await site.get(path, Accept_Language=f"de, {language};q=0.8"))[1],
        ):
            assert f'<html lang="{language}">' in page
            assert f"<h1>{title}</h1>" in page
    # What a client fills in that says a region, or does not fill in at all.
    assert '<html lang="en">' in (await site.get(f"{path}?lang=en_GB"))[1]
    unfilled = quote("$org.matrix.msc2873.client_language")
    assert '<html lang="fr">' in (await site.get(f"{path}?lang={unfilled}&theme={unfilled}"))[1]


@pytest.mark.parametrize(
    ("theme", "shown"), [("dark", "dark"), ("dark-custom-Night", "dark"), ("light-high-contrast", "light")]
)
async def test_it_takes_over_the_clients_colours(site: Site, theme: str, shown: str) -> None:
    _, page = await site.get(f"/widget?theme={theme}&lang=en")
    assert f'data-theme="{shown}"' in page
    assert f'href="?lang=fr&amp;theme={shown}"' in page
    assert 'href="?lang=fr&amp;theme=dark&amp;widgetId=x"' in (await site.get("/widget?theme=dark&widgetId=x"))[1]
    assert "data-theme" not in (await site.get("/widget?theme=blue"))[1]


async def test_only_the_declared_clients_may_show_the_widget_and_nobody_frames_the_board(site: Site) -> None:
    headers, _ = await site.get("/widget")
    policy = headers["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self' https://app.element.io https://chat.example.org http://localhost:8080 vector:"
    )
    headers, _ = await site.get("/")
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Vary"] == "Accept-Language, Cookie"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Set-Cookie" not in headers


def test_an_address_cannot_add_to_the_policy() -> None:
    odd = ["https://a.example/; script-src *", "https://b.example;x", "https://c.example *", "https://*"]
    assert frame_ancestors(odd) == "'self' https://a.example vector:"


@pytest.mark.parametrize(
    "query", ["", "?lang=en", f"?lang={quote(NASTY)}&theme={quote('dark' + NASTY)}", "?theme=dark"]
)
async def test_nothing_on_it_is_taken_for_html_and_nothing_comes_from_elsewhere(site: Site, query: str) -> None:
    _, page = await site.get(f"/widget{query}")
    found = Tags(page)
    assert "&lt;script&gt;alert(1)" in page
    assert not {"iframe", "img", "object", "base"} & set(found.tags)
    assert found.scripts == ["./assets/widget.js"]
    assert found.handlers == []
    ours = r"(\?|data:,$|#main$|\./|\./(assets/board\.css|assets/widget\.js|widget/sign-in)$)"
    assert all(re.match(ours, link) for link in found.links), found.links


@pytest.mark.parametrize(
    "query",
    [
        "lang=" + "x" * 5_000,
        "lang=%00&theme=%00",
        "lang=%ff%fe",
        "lang=fr&lang=en&lang[]=x",
        "theme=dark%0d%0aSet-Cookie:%20a=b",
        "lang=../../etc/passwd",
        "lang={{7*7}}&theme={{7*7}}",
        "&&&===&",
    ],
)
async def test_hostile_queries_get_the_page_all_the_same(site: Site, query: str) -> None:
    headers, page = await site.get(f"/widget?{query}")
    assert "Set-Cookie" not in headers
    assert re.search(r'<html lang="(fr|en)"', page)
    assert "passwd" not in page
    assert "49" not in page


async def test_the_style_sheet_is_its_own_and_may_be_kept(site: Site) -> None:
    headers, css = await site.get("/assets/board.css")
    assert headers["Content-Type"].startswith("text/css")
    assert headers["Cache-Control"] == "public, max-age=3600"
    assert "url(" not in css
    assert "@import" not in css
    assert "prefers-color-scheme: dark" in css


def luminance(colour: str) -> float:
    """Relative luminance as in WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_text_stands_out_in_both_colour_schemes(site: Site) -> None:
    _, css = await site.get("/assets/board.css")
    blocks = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r"{([^{}]*--ground:[^{}]*)}", css)]
    assert len(blocks) == 4
    for colours in blocks:
        for ground in (colours["ground"], colours["panel"]):
            for text in (colours["text"], colours["quiet"], colours["accent"]):
                bright, dim = sorted((luminance(ground), luminance(text)), reverse=True)
                assert (bright + 0.05) / (dim + 0.05) >= 4.5, (ground, text)
