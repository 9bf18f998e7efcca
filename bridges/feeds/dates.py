"""Dates as feeds write them: the standards', and the twenty other ways. Pure."""

from __future__ import annotations

import calendar
import re
import warnings
from datetime import UTC, datetime
from typing import Final

from feedparser.datetimes import _parse_date  # the library's readers of the standards, and of what goes for them

LONGEST: Final = 80
LANGUAGES: Final = ("fr", "en", "de", "es", "it")
"""In which months and days are understood."""
_EARLIEST: Final = 631_152_000
"""1990: what is before was meant to be something else."""
_LATEST: Final = 4_102_444_800
"""2100."""
_SECONDS: Final = re.compile(r"1\d{9}(?:\d{3})?")
_EXTRA: Final = re.compile(r"\s*\((?:[^()]{0,40})\)\s*$")
_YEAR_FIRST: Final = re.compile(r"\d{4}([-/.]\d{1,2}\b|\d{4}(?!\d)|$)")
_HALVES: Final = re.compile(r"(?<=\d)h(?=\d{2}\b)", re.IGNORECASE)


def read_date(text: str) -> int | None:
    """Milliseconds of an instant as a feed says it; None for what is none. Without a zone, UTC is meant."""
    text = " ".join(text.split())[:LONGEST]
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return _sane(int(text[:10]))
    plain = _EXTRA.sub("", text)
    if _YEAR_FIRST.match(plain):
        return _ordered(plain)
    try:
        found = _parse_date(plain)
        if found is not None:
            return _sane(calendar.timegm(found))
    except (ValueError, OverflowError, TypeError):
        pass
    return _guess(plain)


def _ordered(text: str) -> int | None:
    """Year, month and day in this order, however they are set apart and whatever follows."""
    from dateutil.parser import ParserError, parse

    try:
        found = parse(text, default=datetime(2000, 1, 1), yearfirst=True)
        return _sane(int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()))
    except (ParserError, OverflowError, ValueError):
        return None


def _guess(text: str) -> int | None:
    """As people write: 'mardi 3 mars 2026 à 10h30', 'March 3, 2026', '03/03/2026 10:30'."""
    # It takes a while to load, and hardly any feed needs it.
    import dateparser

    if not re.search(r"\d{4}|\d{1,2}[/.]\d{1,2}[/.]\d{2}", text):
        return None
    options = {
        "DATE_ORDER": "DMY",
        "TIMEZONE": "UTC",
        "RETURN_AS_TIMEZONE_AWARE": True,
        "REQUIRE_PARTS": ["day", "month", "year"],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = dateparser.parse(_HALVES.sub(":", text), languages=list(LANGUAGES), settings=options)
        # A guess that fails in whatever way is no date.
        except Exception:  # noqa: BLE001
            return None
    if not isinstance(found, datetime):
        return None
    return _sane(int(found.astimezone(UTC).timestamp()))


def _sane(seconds: int) -> int | None:
    return seconds * 1000 if _EARLIEST <= seconds <= _LATEST else None
