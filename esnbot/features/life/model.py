"""The rules of a group's life: what people can answer, what follows from their answers, how lively a group is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from esnbot.commands.words import fold
from esnbot.speech import Later, later


class About(StrEnum):
    """What a group is asked."""

    quiet = "quiet"
    """Nobody speaks there any more: what should become of it?"""
    owner = "owner"
    """Nobody looks after it any more: who wants to?"""


class Choice(StrEnum):
    """What people can answer."""

    keep = "keep"
    hand_over = "hand over"
    merge = "merge"
    archive = "archive"
    volunteer = "volunteer"


BUTTONS: Final[Mapping[Choice, str]] = {
    Choice.keep: "🌱",
    Choice.archive: "📦",
    Choice.hand_over: "🤝",
    Choice.merge: "🔀",
    Choice.volunteer: "🙋",
}
OFFERED: Final[Mapping[About, tuple[Choice, ...]]] = {
    About.quiet: (Choice.keep, Choice.archive, Choice.hand_over, Choice.merge),
    About.owner: (Choice.volunteer,),
}
_GENTLEST: Final = (Choice.keep, Choice.hand_over, Choice.merge, Choice.archive)
"""Where as many want one thing as another, what changes least."""
_WORDS: Final[Mapping[Choice, str]] = {
    Choice.keep: "keep / garder / on garde / garde / keep it / je garde",
    Choice.archive: "archive / archiver / on archive / archive it / close / fermer",
    Choice.hand_over: "hand over / confier / transmettre / hand it over",
    Choice.merge: "merge / fusionner / fusion / merge it",
    Choice.volunteer: "me / i do / moi / je veux bien / i will / i'll do it / je m'en occupe",
}
_BY_WORD: Final = {fold(word): choice for choice, words in _WORDS.items() for word in words.split(" / ")}
LONGEST_WORD: Final = 20


def pressed(emoji: str) -> Choice | None:
    """What a reaction says; skin tones and genders of a raised hand are all the same."""
    for choice, button in BUTTONS.items():
        if emoji.startswith(button):
            return choice
    return None


def spoken(text: str) -> Choice | None:
    """What an answer in words says, when that is all it says; what a reply quotes is left out."""
    if text.startswith("> "):
        text = text.partition("\n\n")[2]
    if len(text) > LONGEST_WORD:
        return None
    return _BY_WORD.get(fold(text).strip(" .!"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered."""

    person: str
    choice: Choice


def outcome(answers: Sequence[Answer]) -> Choice | None:
    """What most of those who answered want, each by their last answer; None when nobody answered."""
    last = {answer.person: answer.choice for answer in answers}
    counts = Counter(last.values())
    if not counts:
        return None
    most = max(counts.values())
    return next(choice for choice in _GENTLEST if counts.get(choice) == most)


def owners_present(owners: Iterable[str], members: Iterable[str]) -> list[str]:
    """Those of the owners who are in the group."""
    return sorted(set(owners) & set(members))


TODAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
MONTH: Final = timedelta(days=31)


def liveliness(heard: datetime | None, now: datetime) -> Later:
    """How lively a group is, in words: never a count, and nothing about anybody."""
    if heard is None:
        return later("no word yet")
    if now - heard < TODAY:
        return later("lively (somebody wrote in the last day)")
    if now - heard < WEEK:
        return later("lively (somebody wrote in the last week)")
    if now - heard < MONTH:
        return later("calm (somebody wrote in the last month)")
    return later("quiet (nobody has written for a month or more)")
