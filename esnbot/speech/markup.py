"""Pieces of Markdown: the marker that says 'this is Markdown already', and helpers that build it from plain values."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote as percent

# Directional overrides and isolates can make a name read as something else; other controls have no place in a room.
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_ROOM = re.compile(r"@(?=room\b)", re.IGNORECASE)
WORD_JOINER = "\u2060"


class Markdown(str):
    """Text that is Markdown already: it is put into a sentence as it stands, where plain `str` is escaped first."""

    __slots__ = ()


def visible(text: str) -> str:
    """The text without control characters and directional overrides."""
    return _UNSEEN.sub("", text)


def clean(text: str) -> str:
    """The text without control characters and directional overrides, and with an `@room` that calls nobody."""
    return _ROOM.sub("@" + WORD_JOINER, visible(text))


def escape(value: object) -> Markdown:
    """A plain value as Markdown that shows it literally, on one line; `Markdown` is returned as it is."""
    if isinstance(value, Markdown):
        return value
    line = " ".join(clean(str(value).replace("\u2028", " ").replace("\u2029", " ")).split())
    return Markdown(_PUNCTUATION.sub(r"\\\1", line))


def bold(value: object) -> Markdown:
    """The value in strong type."""
    text = escape(value)
    return Markdown(f"**{text}**") if text else text


def code(value: object) -> Markdown:
    """The value as inline code, shown literally: a command to type, an identifier."""
    line = " ".join(clean(str(value)).split())
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return Markdown(f"{fence}{pad}{line}{pad}{fence}") if line else Markdown("")


def link(text: object, url: str) -> Markdown:
    """A link whose text is a plain value."""
    target = percent(clean(url).strip(), safe="!#$%&'*+,/:;=?@[]~-._")
    return Markdown(f"[{escape(text)}](<{target}>)")


def mention(mxid: str, name: str | None = None) -> Markdown:
    """A person as a pill; say in the effect's `mentions` whether it should also notify."""
    return link(name or mxid, f"https://matrix.to/#/{mxid}")


def room_link(room: str, name: str | None = None, via: Iterable[str] = ()) -> Markdown:
    """A room, by id or alias, as a link that every client opens; `via` names servers to join a room id through."""
    servers = "&".join(f"via={server}" for server in via)
    return link(name or room, f"https://matrix.to/#/{room}" + (f"?{servers}" if servers else ""))


def bullets(items: Iterable[object]) -> Markdown:
    """A list with one line an item."""
    return Markdown("\n".join(f"- {escape(item)}" for item in items))


def numbered(items: Iterable[object]) -> Markdown:
    """A list with numbers."""
    return Markdown("\n".join(f"{number}. {escape(item)}" for number, item in enumerate(items, start=1)))


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Markdown:
    """A table; rows that are too short are filled up."""

    def line(cells: Sequence[object]) -> str:
        full = [*cells, *[""] * (len(header) - len(cells))]
        return "| " + " | ".join(_cell(cell) for cell in full[: len(header)]) + " |"

    return Markdown("\n".join([line(header), "|" + " --- |" * len(header), *(line(row) for row in rows)]))


def _cell(value: object) -> str:
    text = escape(value)
    return re.sub(r"(?<!\\)\|", r"\\|", text) if isinstance(value, Markdown) else text


def details(summary: object, content: object) -> Markdown:
    """Content that is folded under its summary (`<details>`); in plain text both are shown."""
    inside = escape(content)
    fence = ":" * (max((len(run) for run in re.findall(r"^:{3,}", inside, re.MULTILINE)), default=2) + 1)
    return Markdown(f"{fence} details {escape(summary)}\n{inside}\n{fence}")


def paragraphs(*parts: object) -> Markdown:
    """The parts that are not empty, with a blank line between them."""
    return Markdown("\n\n".join(text for text in (escape(part) for part in parts if part is not None) if text))
