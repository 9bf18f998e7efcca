"""Links between pages: ``[[Name]]``, ``[[Name|shown]]``, and ``[[Group/Name]]`` to a page of another group. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from esnbot.speech import Markdown

MOST: Final = 500
"""Links of one page that are looked at."""
_LINK: Final = re.compile(r"\[\[([^\[\]|\n]{1,220})(?:\|([^\[\]\n]{1,200}))?\]\]")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_TICKS: Final = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Link:
    """One link, as it was written."""

    name: str
    group: str = ""
    """Of the group or space whose page it is; '' for the same."""
    shown: str = ""

    @property
    def text(self) -> str:
        """What one reads."""
        return self.shown or self.name


def links(words: str) -> list[Link]:
    """The links of a text, each once."""
    found = dict.fromkeys(link for piece in _pieces(words) if isinstance(piece, Link) for link in (piece,))
    return list(found)[:MOST]


def replaced(words: str, put: Callable[[Link], str]) -> Markdown:
    """The Markdown with each link put in another way; code stays as it is."""
    left = MOST
    parts: list[str] = []
    for piece in _pieces(words):
        if isinstance(piece, Link) and left:
            left -= 1
            parts.append(put(piece))
        else:
            parts.append(written(piece) if isinstance(piece, Link) else piece)
    return Markdown("".join(parts))


def written(link: Link) -> str:
    """A link as one writes it."""
    target = f"{link.group}/{link.name}" if link.group else link.name
    return f"[[{target}|{link.shown}]]" if link.shown else f"[[{target}]]"


def _pieces(words: str) -> Iterator[str | Link]:
    """The text in pieces: what is no link, and links."""
    plain: list[str] = []
    for is_code, line in _lines(words):
        if is_code:
            plain.append(line)
            continue
        position = 0
        codes = list(_code(line))
        for match in _LINK.finditer(line):
            link = _link(match)
            if link is None or any(start < match.end() and match.start() < end for start, end in codes):
                continue
            yield "".join([*plain, line[position : match.start()]])
            yield link
            plain, position = [], match.end()
        plain.append(line[position:])
    yield "".join(plain)


def _link(match: re.Match[str]) -> Link | None:
    group, slash, name = match[1].rpartition("/")
    group, name, shown = group.strip(), name.strip(), (match[2] or "").strip()
    if not name or (slash and not group):
        return None
    return Link(name, group, shown)


def _lines(words: str) -> Iterator[tuple[bool, str]]:
    """The lines with their ends, and whether each stands in a block of code."""
    fence = ""
    for line in words.splitlines(keepends=True):
        marks = _FENCE.match(line)
        if fence:
            yield True, line
            if marks and marks[1][0] == fence[0] and len(marks[1]) >= len(fence) and not line[marks.end() :].strip():
                fence = ""
        elif marks:
            fence = marks[1]
            yield True, line
        else:
            yield False, line


def _code(line: str) -> Iterator[tuple[int, int]]:
    """Where inline code stands in a line."""
    runs = [(match.start(), match.end()) for match in _TICKS.finditer(line)][:200]
    index = 0
    while index < len(runs):
        start, end = runs[index]
        closing = next((n for n in range(index + 1, len(runs)) if runs[n][1] - runs[n][0] == end - start), None)
        if closing is None:
            index += 1
        else:
            yield start, runs[closing][1]
            index = closing + 1
