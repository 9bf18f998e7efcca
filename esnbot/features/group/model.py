"""The rules of groups made in chat: names, keys, look-alikes, owners, and the space that a new one goes to. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from hashlib import sha256
from typing import Final

from rapidfuzz import fuzz, process

from esnbot.commands.command import Names
from esnbot.community.group import Group, Kind, Place
from esnbot.community.model import Community
from esnbot.community.reach import is_for
from esnbot.speech import fold, tidy

OWNER_POWER: Final = 50
"""Who has it in a room owns the group."""
MADE_IN_CHAT: Final = (Kind.project, Kind.hobby, Kind.practice, Kind.help, Kind.informal, Kind.event)
"""Kinds that anyone can make; a loudspeaker and the animators' own room are declared in the file."""
KINDS: Final = {
    Kind.project: Names(("project",), ("projet",)),
    Kind.hobby: Names(("hobby", "leisure"), ("loisir", "loisirs")),
    Kind.practice: Names(("practice", "trade"), ("métier", "pratique")),
    Kind.help: Names(("help", "question"), ("entraide", "aide", "question")),
    Kind.informal: Names(("informal", "chat"), ("informel", "détente")),
    Kind.event: Names(("event", "meet-up"), ("événement", "rencontre")),
}
"""What people call them in commands."""
LONGEST_KEY: Final = 40
TOPIC: Final = 100
"""So many characters of a topic are shown in a list at most."""
ALIKE: Final = 88
"""From this score on (0 to 100) two names are pointed out as near-duplicates."""
_CLOSING: Final = {'"': '"', "“": "”", "„": "“”", "«": "»"}
"""The quotation marks that end what one of them began."""
# They say that it is a group, not which one; French and English.
_GENERIC_FR: Final = (
    "a au aux avec cercle club communaute d de des du en equipe et groupe l la le les nos notre pour projet salon sur"
)
_GENERIC_EN: Final = "a an and at club community for group in of on our project room team the"
_GENERIC: Final = frozenset(f"{_GENERIC_FR} {_GENERIC_EN}".split())


class NameProblem(StrEnum):
    """Why a name cannot be used."""

    empty = "empty"
    long = "long"


class UnusableName(ValueError):
    """A name that cannot be used."""

    def __init__(self, problem: NameProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def proper_name(text: str, longest: int) -> str:
    """The name as it is kept: one line, without control characters, overrides and towers of accents.

    Raises UnusableName for what is empty or has more than ``longest`` characters.
    """
    if len(text) > 20 * longest:
        raise UnusableName(NameProblem.long)
    name = tidy(text)
    closing = _CLOSING.get(name[:1])
    if closing is not None and not any(mark in name[1:] for mark in closing):
        # Somebody forgot the second quotation mark.
        name = name[1:].lstrip()
    if not any(_shows(character) for character in name):
        raise UnusableName(NameProblem.empty)
    if len(name) > longest:
        raise UnusableName(NameProblem.long)
    return name


def _shows(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS"


def key_of(name: str) -> str:
    """The natural key that a name gives: ASCII words with dashes, or a short hash where no ASCII is left."""
    words = "".join(c if c.isascii() else " " for c in fold(name)).split()
    slug = ""
    for word in words:
        if len(slug) + len(word) + 1 > LONGEST_KEY:
            break
        slug = f"{slug}-{word}" if slug else word
    slug = slug or (words[0][:LONGEST_KEY] if words else "")
    if len(slug) >= 2:
        return slug
    return f"group-{sha256(name.encode()).hexdigest()[:8]}"


def keys_of(name: str) -> Iterator[str]:
    """The key of a name and, for further groups of that name, the ones to try after it."""
    base = key_of(name)
    yield base
    for number in range(2, 1000):
        yield f"{base[: LONGEST_KEY - 4]}-{number}"


def look_alikes(name: str, others: Mapping[str, str], most: int = 3) -> list[str]:
    """Keys of those among ``others`` (key to name) whose names are near-duplicates of the name, nearest first."""
    mine = fold(name)
    folded = {key: fold(other) for key, other in others.items()}
    if not mine:
        return [key for key, other in others.items() if other == name][:most]
    core = _core(mine)
    same = [key for key, other in folded.items() if other == mine]
    found = process.extract(
        core,
        {key: _core(other) for key, other in folded.items() if other and other != mine},
        scorer=fuzz.token_set_ratio,
        score_cutoff=ALIKE,
        limit=None,
    )
    near = [key for _, _, key in found if _numbers(folded[key]) == _numbers(mine)]
    return (same + near)[:most]


def _core(folded: str) -> str:
    """The words that tell one group from another; all of them when there are no such words."""
    words = [word for word in folded.split() if word not in _GENERIC]
    return " ".join(words) or folded


def _numbers(folded: str) -> frozenset[str]:
    """'Team 1' is no near-duplicate of 'Team 2'."""
    return frozenset(word for word in folded.split() if any(c.isdigit() for c in word))


def matches(group: Place, words: str) -> bool:
    """Whether a group's name or topic has all the words, as people type them."""
    text = fold(f"{group.name} {group.topic}")
    return all(word in text for word in fold(words).split())


def handed_over(owners: frozenset[str], giver: str, taker: str) -> frozenset[str]:
    """The owners once one of them (or an animator for them all) has handed the group over."""
    return (owners - {giver} if giver in owners else frozenset()) | {taker}


def home_for(
    community: Community, places: Mapping[str, Place], audiences: Collection[str], asked: Iterable[str | None]
) -> str | None:
    """The space that a new group goes to: the first of those asked for, the home, or any that is for them."""
    for key in (*asked, community.home, *community.spaces):
        place = places.get(key) if key else None
        if place is not None and key in community.spaces and is_for(place, places, community, audiences):
            return key
    return None


def without_owner(group: Group, person: str) -> Group:
    """The group after one of its owners has gone."""
    return replace(group, owners=group.owners - {person})
