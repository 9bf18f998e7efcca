"""Two people change one note at once: both changes together, where they can be had together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from esnbot.features.note.model import Written
from esnbot.features.text import Version, merge


@dataclass(frozen=True, slots=True)
class Combined:
    """What two people made of one note."""

    written: Written
    """Both together; where both changed the same, one below the other."""
    clean: bool
    """Whether nothing is left for a person to decide."""


def combined(before: Version | None, theirs: Version, mine: Written) -> Combined:
    """``theirs`` stands, ``mine`` began from ``before``, which is None when its words are gone."""
    words = merge((before.words if before is not None else "") or "", theirs.words or "", mine.words)
    title, settled = mine.title, True
    if before is not None and mine.title == before.title:
        title = theirs.title
    elif theirs.title != mine.title:
        settled = before is not None and theirs.title == before.title
    had = before.tags if before is not None else ()
    added = [tag for tag in mine.tags if tag not in had and tag not in theirs.tags]
    tags = (*(tag for tag in theirs.tags if tag in mine.tags or tag not in had), *added)
    return Combined(Written(title, words.text, tags), settled and words.clean)


def standing_before(versions: Sequence[Version], number: int) -> Version | None:
    """The version of that number, if its words are there."""
    return next((one for one in versions if one.number == number and not one.gone), None)


def is_in(versions: Sequence[Version], base: int, mine: Written, author: str) -> tuple[bool, bool]:
    """Whether what somebody made of version ``base`` was saved, and whether together with somebody else's change."""
    before = standing_before(versions, base)
    standing = [one for one in versions if not one.gone]
    for theirs, one in pairwise(standing):
        if one.number > base and one.author == author and theirs.number >= base:
            found = combined(before, theirs, mine)
            if found.clean and found.written == _written(one):
                return True, theirs.number > base
    last = combined(before, standing[-1], mine) if standing else None
    return last is not None and last.clean and last.written == _written(standing[-1]), False


def _written(version: Version) -> Written:
    return Written(version.title, version.words or "", tuple(version.tags))
