"""What a page can be called, when two names are one, and how pages stand below one another. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from esnbot.speech import Later, Quoted, clean, later
from esnbot.speech.folding import decomposed

LONGEST_NAME: Final = 100
"""Characters."""
DEEPEST: Final = 8
"""Pages below one another."""
_SPACES: Final = re.compile(r"\s+")
_RESERVED: Final = frozenset("/\\[]|")
"""They mean something in links and addresses."""
_SHOWN: Final = 60


class BadName(ValueError):
    """A name that no page can have; the sentence says why and what to do."""

    def __init__(self, sentence: Later) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def name_of(text: str) -> str:
    """The name as it is kept. Raises ``BadName``."""
    lines = _SPACES.sub(" ", clean(text))
    shown = "".join(character for character in lines if unicodedata.category(character) not in ("Cc", "Cs", "Co"))
    # Once more: what stood between two spaces, or after the last one, is gone only now.
    name = _SPACES.sub(" ", shown).strip()
    quoted = Quoted(name[:_SHOWN])
    if not fold(name):
        raise BadName(later("A page needs a name with at least one letter, digit or sign."))
    if len(name) > LONGEST_NAME:
        raise BadName(
            later(
                "The name of a page has {most} characters at most, and this one has {n}. Choose a shorter one.",
                most=LONGEST_NAME,
                n=len(name),
            )
        )
    if ".." in name or name == ".":
        raise BadName(later("The name of a page cannot have `..` in it. Choose another one than {name}.", name=quoted))
    if found := next((character for character in name if character in _RESERVED), None):
        raise BadName(
            later(
                "The name of a page cannot have the sign {sign} in it. Choose another one than {name}.",
                sign=Quoted(found),
                name=quoted,
            )
        )
    return name


def fold(name: str) -> str:
    """What two names that are one have in common: case, accents and invisible signs count for nothing.

    Other signs count: `C++` and `C#` are two pages. Pages are kept under what this makes of their names: for ø, ł, đ
    and ı to be taken apart too, the kept ones would have to be folded anew.
    """
    kept = "".join(sign for sign in decomposed(name) if unicodedata.category(sign) not in ("Mn", "Me", "Cf", "Cc"))
    return _SPACES.sub(" ", kept.replace("’", "'").replace("œ", "oe").replace("æ", "ae")).strip()


def above(id: int, parents: Mapping[int, int]) -> list[int]:
    """The pages above a page, nearest first; ``parents`` maps a page to the one above it, 0 for none."""
    found: list[int] = []
    at = parents.get(id, 0)
    while at and at not in found and at != id:
        found.append(at)
        at = parents.get(at, 0)
    return found


def below(id: int, parents: Mapping[int, int]) -> set[int]:
    """All pages below a page, at any depth."""
    return {page for page in parents if id in above(page, parents)}


def would_loop(id: int, parent: int, parents: Mapping[int, int]) -> bool:
    """Whether a page would stand below itself."""
    return parent == id or id in above(parent, parents)


def too_deep(id: int, parent: int, parents: Mapping[int, int]) -> bool:
    """Whether pages would stand too deep below one another; ``id`` 0 is a page that is not there yet."""
    if not parent:
        return False
    height = max((len(above(page, parents)) - len(above(id, parents)) for page in below(id, parents)), default=0)
    return len(above(parent, parents)) + 2 + height > DEEPEST


def in_order(titles: Mapping[int, str], parents: Mapping[int, int]) -> list[tuple[int, int]]:
    """Pages as a table of contents: (page, how deep), each below its parent, by name."""
    children: dict[int, list[int]] = {}
    for page in titles:
        parent = parents.get(page, 0)
        loops = page in above(page, parents) or (parent and would_loop(page, parent, parents))
        children.setdefault(parent if parent in titles and not loops else 0, []).append(page)
    ordered: list[tuple[int, int]] = []

    def walk(parent: int, depth: int) -> None:
        for page in sorted(children.get(parent, ()), key=lambda one: (fold(titles[one]), one)):
            ordered.append((page, depth))
            walk(page, depth + 1)

    walk(0, 0)
    return ordered
