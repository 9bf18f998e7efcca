"""Words as people mean them: without capitals, accents and the endings of the plural, in French and English. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from esnbot.speech import fold

_LONGEST: Final = 40
_SHORT: Final = 3
"""Words of so many letters are left as they are: 'CAD', 'bus', 'TIG'."""
_NEAR: Final = 0.72
_LONGER: Final = 4
"""By so many letters at most a word is longer or shorter than one that was meant."""
_SMALL: Final = frozenset(
    "a an and au aux d de des du en et for in l la le les of on or ou sur the to un une with".split()  # noqa: SIM905
)
"""Words that say nothing about what is looked for."""


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """What a folded word has in common with its plural and feminine: 'soudures' and 'soudure', 'welding' and 'weld'."""
    word = word[:_LONGEST]
    if len(word) <= _SHORT or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("eaux"):
        return word[:-1]
    if word.endswith("aux"):
        return f"{word[:-3]}al"
    if word[-1] in "sx" and not word.endswith("ss"):
        word = word[:-1]
    if word.endswith("ing") and len(word) > 5:
        word = word[:-3]
        if word[-1] == word[-2]:
            word = word[:-1]
    while len(word) > _SHORT and word[-1] == "e":
        word = word[:-1]
    return f"{word[:-1]}i" if word[-1] == "y" else word


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words, each once, in their order."""
    return tuple(dict.fromkeys(map(stem, fold(text).split())))


def telling(text: str) -> list[str]:
    """The folded words of a question that tell what is looked for; all of them when none does."""
    words = fold(text).split()
    return [word for word in words if word not in _SMALL] or words


def near(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The words that somebody may have meant, nearest first; ties in the order of the alphabet."""
    wanted = fold(word)[:_LONGEST]
    if len(wanted) < _SHORT:
        return []
    folded = {one: fold(one) for one in sorted(set(known)) if abs(len(one) - len(word)) <= _LONGER}
    found = process.extract(wanted, folded, scorer=OSA.normalized_similarity, score_cutoff=_NEAR, limit=None)
    return [one for _, _, one in sorted(found, key=lambda hit: (-hit[1], hit[2]))][:most]
