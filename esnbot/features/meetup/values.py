"""The kinds of value that only meet-ups take: one or several dates, and the address of a video meeting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal
from urllib.parse import urlsplit

from esnbot.commands.reading import Kind, Problem, Reading
from esnbot.speech import MomentError, clean, later, parse_moment

LONGEST_TITLE: Final = 100
LONGEST_PLACE: Final = 150
LONGEST_LINK: Final = 500
"""Characters."""
MOST_DATES: Final = 8
MOST_PEOPLE: Final = 10_000
_OR: Final = re.compile(r"\s+(?:or|ou)\s+|\s*[;|]\s*", re.IGNORECASE)
_HOST: Final = re.compile(r"[\w-]+(\.[\w-]+)+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Dates(Kind):
    """One moment, or several among which people choose: 'friday 6pm or saturday 10am'."""

    words: ClassVar[Literal["one", "longest", "all"]] = "longest"

    async def read(self, text: str, reading: Reading) -> tuple[datetime, ...]:
        """The instants, aware, in the community's zone, each once and in their order."""
        pieces = [piece for piece in _OR.split(text.strip()) if piece.strip()]
        if len(pieces) > MOST_DATES:
            raise Problem(later("People can choose among {most} dates at most.", most=MOST_DATES))
        try:
            found = [
                parse_moment(piece, reading.voice.language, reading.now, reading.community.zone)
                for piece in pieces or [text]
            ]
        except MomentError as error:
            raise Problem(error.reason, examples=error.examples) from error
        return tuple(sorted(set(found)))


@dataclass(frozen=True, slots=True)
class VideoLink(Kind):
    """The address of a video meeting: https, without a name or password in it."""

    async def read(self, text: str, reading: Reading) -> str:
        """The address."""
        address = clean(text).strip().removeprefix("<").removesuffix(">")
        if not is_safe_link(address):
            example = "https://meet.example.org/lunch"
            raise Problem(
                later("A video link begins with `https://` and has no spaces, name or password in it."),
                examples=(example,),
            )
        return address


def is_safe_link(address: str) -> bool:
    """Whether an address may be shown to people as that of a video meeting."""
    if len(address) > LONGEST_LINK or any(char.isspace() or char in "<>\"'`\\" for char in address):
        return False
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme.lower() != "https" or "@" in parts.netloc or not parts.hostname:
        return False
    return port != 0 and _HOST.fullmatch(parts.hostname) is not None
