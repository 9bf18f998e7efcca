"""How a page is shown in a browser: safe HTML with headings that one can go to, and links between pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Final

from markupsafe import Markup

from esnbot.features.page.links import Link, replaced
from esnbot.speech import escape, render
from esnbot.speech import link as link_to

TO_WRITE: Final = "?to-write"
"""What marks the address of a page that is not there yet, until it is shown."""
_HEADING: Final = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
_MISSING: Final = re.compile(r'<a href="([^"]*)\?to-write(?:&amp;|&)([^"]*)">(.*?)</a>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the table of contents."""

    level: int
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as HTML, with its table of contents."""

    html: Markup
    headings: tuple[Heading, ...]


def shown(words: str, address: Callable[[Link], str], to_write: str) -> Shown:
    """The page. ``address`` gives where a link leads, with ``TO_WRITE`` in it for a page that is not there.

    ``to_write`` is said after the links to those.
    """
    message = render(replaced(words, lambda link: _markdown(link, address(link))))
    html = message.html if message.html else str(Markup.escape(message.body))
    headings: list[Heading] = []

    def heading(match: re.Match[str]) -> str:
        # The page's own name is the first heading, so that those in its text stand one step below.
        level, id = min(int(match[1]) + 1, 6), f"section-{len(headings) + 1}"
        headings.append(Heading(level, id, unescape(_TAG.sub("", match[2])).strip()))
        return f'<h{level} id="{id}">{match[2]}</h{level}>'

    html = _HEADING.sub(heading, html)
    said = str(Markup.escape(to_write))
    html = _MISSING.sub(
        lambda match: f'<a class="to-write" href="{match[1]}?{match[2]}">{match[3]} <span>({said})</span></a>', html
    )
    return Shown(Markup(html), tuple(headings))


def _markdown(link: Link, address: str) -> str:
    return link_to(link.text, address) if address else f"*{escape(link.text)}*"


def nested(headings: Sequence[Heading]) -> list[tuple[Heading, int]]:
    """The table of contents with how deep each line stands; the highest level there is stands at 0."""
    top = min((heading.level for heading in headings), default=0)
    return [(heading, min(heading.level - top, 3)) for heading in headings]
