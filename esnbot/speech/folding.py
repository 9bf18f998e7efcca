"""Texts compared as people mean them: what all that reads names has in common. Pure.

``decomposed`` is where every comparison begins; ``unaccented`` keeps the signs between words, ``fold`` the words alone.
What features keep in their tables is folded by these: a change here has to fold it anew.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from esnbot.speech.markup import clean

LETTERS: Final = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})
"""Small letters that nothing decomposes, as people without them on their keyboard type them."""
_WORD: Final = re.compile(r"[^\W_]+")
_ASCII_WORD: Final = re.compile(r"[a-z0-9]+")
_MARKS_IN_A_ROW: Final = 2


def decomposed(text: str) -> str:
    """A text without capitals and letters that only look different (ﬁ, ²), its accents as marks by themselves."""
    # Decomposed first: some capitals (mathematical letters) appear only then.
    return unicodedata.normalize("NFKD", text).casefold()


def unaccented(text: str) -> str:
    """A text without capitals and accents; signs and spaces stay as they are."""
    if text.isascii():
        return text.lower()
    return "".join(character for character in decomposed(text) if not unicodedata.combining(character))


@lru_cache(maxsize=100_000)
def fold(text: str) -> str:
    """The words of a text without capitals, accents and ligatures; what is no letter or digit is one space.

    Two names that fold alike are the same to people.
    """
    if text.isascii():
        return " ".join(_ASCII_WORD.findall(text.lower()))
    # Once more: what stands for a letter (ǽ) may be decomposed only now.
    plain = unaccented(decomposed(text).translate(LETTERS))
    return " ".join(_WORD.findall(plain))


def tidy(text: str) -> str:
    """A name as it is kept: one line, without control characters, overrides and towers of accents."""
    # Composed after cleaning: what stood between a letter and its accent is gone only then.
    line = " ".join(unicodedata.normalize("NFC", clean(text)).split())
    kept: list[str] = []
    marks = 0
    for character in line:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MARKS_IN_A_ROW:
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))
