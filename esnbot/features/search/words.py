"""Words as search sees them: folded, without accents, inflections taken off, in French and English. Pure.

Both databases get the same words from here, so that both find the same things.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import snowballstemmer

from esnbot.speech import folding

LONGEST_WORD: Final = 48
"""Of longer words only the beginning counts."""
_PASSES: Final = 4
_WORD: Final = re.compile(r"[^\W_]+")
_FRENCH: Final = snowballstemmer.stemmer("french")
_ENGLISH: Final = snowballstemmer.stemmer("english")

# Function words alone: what is a noun in the other language (car, or, son, but, fin) is not here.
_FR: Final = (
    "au aux avec ce ces cet cette comme d dans de des du elle elles en est et eux il ils j je l la le les leur leurs "
    "lui m ma mais me mes moi n ne nos notre nous on ont ou par pas pour qu que quel quelle quelles quels qui quoi s "
    "sa se ses si sont sur t ta te tes toi tu un une vos votre vous y avez avons ete etre ai as suis sommes c comment "
    "pourquoi quand quelqu bonjour merci ca cela donc"
)
_EN: Final = (
    "a about am an and any are as at be been by can could did do does for from had has have he her him his how i if in "
    "into is it its my no nor not of on our she should so that the their them then there these they this those to was "
    "we were what when where which who whom why will with would you your hello thanks please"
)
STOP_FR: Final = frozenset(_FR.split())
STOP_EN: Final = frozenset(_EN.split())
"""What says nothing about what a text is about, folded."""
_STOPS: Final = {"fr": STOP_FR, "en": STOP_EN}
_BOTH: Final = STOP_FR | STOP_EN

# What inflection adds to a stem, so that a word typed halfway finds its stem too.
_ENDING: Final = (
    "ations ateurs atrices ements iques ismes istes ables euses ivement ment ments ance ances ence ences ite ites "
    "aient erons erez erait eront issons issez issent antes ants ees ing ings edly ingly ness ful fulness ational "
    "ization izing izer izers ities ively iveness ibility ability ables ies ied ation ements ully ously"
)
_ENDINGS: Final = tuple(_ENDING.split())


def tokens(text: str) -> Iterator[str]:
    """The words of a text in lower case, with their accents."""
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).lower()):
        yield match.group()[:LONGEST_WORD]


def fold(word: str) -> str:
    """A word without accents, in lower case, in one piece."""
    return folding.fold(word).replace(" ", "")


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """What a word has in common with its inflections, folded; '' for what has no letters."""
    if language == "en":
        return str(_ENGLISH.stemWord(fold(word)))
    # Until nothing more comes off: without its accents a word keeps an ending longer, and must come to the same.
    found = word.translate(folding.LETTERS)
    for _ in range(_PASSES):
        before, found = found, fold(_FRENCH.stemWord(found))
        if found == before:
            break
    return found


@lru_cache(maxsize=100_000)
def forms(word: str) -> tuple[str, ...]:
    """The stems that a word of unknown language has: one or two."""
    french, english = stem(word, "fr"), stem(word, "en")
    return tuple(dict.fromkeys(one for one in (french, english) if one))


def language_of(words: Sequence[str]) -> str:
    """'fr' or 'en', by the function words of a text; '' when they do not tell."""
    folded = [fold(word) for word in words[:300]]
    french = sum(word in STOP_FR and word not in STOP_EN for word in folded)
    english = sum(word in STOP_EN and word not in STOP_FR for word in folded)
    if french == english:
        return ""
    return "fr" if french > english else "en"


def stems(words: Sequence[str], language: str, *, all_of_them: bool = False) -> list[str]:
    """The words as they are indexed, without function words unless asked; both forms where the language is unknown."""
    stops: frozenset[str] = frozenset() if all_of_them else _STOPS.get(language, _BOTH)
    found: list[str] = []
    for word in words:
        if fold(word) in stops:
            continue
        if language in _STOPS:
            one = stem(word, language)
            if one:
                found.append(one)
        else:
            found.extend(forms(word))
    return found


def is_stop(word: str) -> bool:
    """Whether a word says nothing about what a text is about."""
    return fold(word) in _BOTH


@lru_cache(maxsize=10_000)
def halfway(word: str) -> tuple[str, ...]:
    """Stems that a word typed halfway may have grown out of ('configurat': 'configur')."""
    plain = fold(word)
    cut = []
    for end in range(4, len(plain)):
        rest = plain[end:]
        if len(rest) <= 6 and any(ending.startswith(rest) for ending in _ENDINGS):
            cut.append(plain[:end])
    return tuple(cut)
