"""Words compared as people type them: without accents and capitals, and with their slips."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from esnbot.speech import unaccented

_NEAR = 66.0
"""Similarity, out of 100, from which a word is offered as the one that was meant."""


def fold(text: str) -> str:
    """Lower case without accents, one space between words, and one kind of apostrophe.

    Signs stay, as in `re-open` and `C++`; so do œ and æ, since tags and answers are kept as this folds them.
    """
    return " ".join(unaccented(text.replace("’", "'")).split())


def near(text: str, words: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The words most like the text, nearest first, as they are written."""
    folded = fold(text)[:100]
    known = {word: fold(word) for word in words}
    found = process.extract(folded, known, scorer=_likeness, processor=None, limit=limit, score_cutoff=_NEAR)
    return tuple(word for _, _, word in found)


def is_slip(text: str, word: str) -> bool:
    """Whether a text is most likely that word, mistyped: stricter than `near`, for where it may be another word too.

    One letter wrong, missing, too many or swapped with its neighbour; two in a word of eight letters and more.
    """
    typed, meant = fold(text)[:100], fold(word)
    shorter = min(len(typed), len(meant))
    return typed != meant and shorter >= 4 and OSA.distance(typed, meant) <= (1 if shorter < 8 else 2)


def _likeness(one: str, other: str, **_options: object) -> float:
    """Letters changed or swapped, or the one beginning with the other ('cal' for 'calendar')."""
    if len(one) >= 3 and other.startswith(one):
        return 90.0
    return fuzz.ratio(one, other)
