"""What makes a note: titles, tags, quotes of a thread, and when it is old. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import groupby
from typing import Any, Final

from esnbot.commands.grammar import CLOSING, split
from esnbot.commands.words import fold
from esnbot.community.group import Kind
from esnbot.speech import bold, clean, cut, escape

LONGEST_TITLE: Final = 120
DERIVED_TITLE: Final = 70
"""Characters of a title that is made of the first words of a text."""
LONGEST_TEXT: Final = 30_000
MOST_TAGS: Final = 10
LONGEST_TAG: Final = 40
LONGEST_EMOJI: Final = 12
HOLDS, LOOK = "✅", "✏"
"""The answers to 'does it still hold?', without the selector that some keyboards add."""
PENCIL: Final = "✏️"
_BUTTONS: Final = frozenset(["✅", "❌", HOLDS, LOOK, "◀", "⏭", "⏩"])

_TAG: Final = re.compile(r"(?:(?<=\s)|(?<![\s\S]))#([^\W_][\w-]*+)(?![:#/])")
_ONLY_TAGS: Final = re.compile(r"(?:#[^\W_][\w-]*+[ \t,;]{0,10}){1,50}")
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_REPLY: Final = re.compile(r"(?:>[^\n]*\n)+\n?")
_MARKS: Final = re.compile(r"^[\s>#*+\-=_`~|.)\d]*(?=\S)")
_LINK: Final = re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\n]{0,500}\)")
_SENTENCE: Final = re.compile(r"(?<=[.!?…])\s")


class Problem(Enum):
    """What is wrong with something that is to be a note."""

    title = auto()
    """Its title is too long."""
    text = auto()
    """It is too long."""
    tags = auto()
    """It has too many tags."""
    tag = auto()
    """One of its tags is too long."""
    empty = auto()


class Unusable(ValueError):
    """It cannot be a note as it is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.name)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Written:
    """A note as somebody wrote it."""

    title: str
    words: str
    """Markdown, perhaps ''."""
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A message that is to be kept."""

    event_id: str
    author: str
    moment: datetime
    text: str


def written(text: str) -> Written:
    """A note from a text: the first line is its title. Raises ``Unusable``."""
    text = clean(text).strip()
    first, _, rest = text.partition("\n")
    first, rest = first.strip(), rest.strip("\n").rstrip()
    if first[:1] in CLOSING and (words := split(first)) and words[0].quoted and words[0].text.strip():
        after = first[words[1].start :] if len(words) > 1 else ""
        return proper(words[0].text, "\n".join(filter(None, [after, rest])))
    if rest or len(first) <= LONGEST_TITLE:
        return proper(first, rest)
    return proper(title_of(first), first)


def proper(title: str, words: str) -> Written:
    """Title and text with the tags that stand in them. Raises ``Unusable``."""
    title, words = " ".join(clean(title).split()), clean(words).strip("\n").rstrip()
    if len(words) > LONGEST_TEXT:
        raise Unusable(Problem.text)
    # Before the title is measured: with many tags behind it, the title is not what is too long.
    tags = tags_in(f"{title}\n{words}")
    if len(tags) > MOST_TAGS:
        raise Unusable(Problem.tags)
    if any(len(tag) > LONGEST_TAG for tag in tags):
        raise Unusable(Problem.tag)
    shown = _without_tags_at_end(title)
    if len(shown) > LONGEST_TITLE:
        raise Unusable(Problem.title)
    if shown.lower() in (f"#{tag}" for tag in tags):
        shown = shown.removeprefix("#")
    if not shown.strip():
        raise Unusable(Problem.empty)
    return Written(shown, _without_lines_of_tags(words), tags)


def tags_in(text: str) -> tuple[str, ...]:
    """The tags (``#word``) of a text, in small letters, each once; what stands in code is none."""
    found: dict[str, str] = {}
    for match in _TAG.finditer(_CODE.sub(" ", text)):
        tag = match[1].rstrip("-_").lower()
        # '#12' is the number of something.
        if not tag.isdigit():
            found.setdefault(fold(tag), tag)
        if len(found) > MOST_TAGS:
            break
    return tuple(found.values())


def usable_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """As many tags as a note can have, of what was gathered."""
    return tuple(tag for tag in tags if len(tag) <= LONGEST_TAG)[:MOST_TAGS]


def _without_tags_at_end(title: str) -> str:
    words = title.split()
    while len(words) > 1 and _ONLY_TAGS.fullmatch(words[-1]) and not words[-1][1:].isdigit():
        words.pop()
    return " ".join(words)


def _without_lines_of_tags(words: str) -> str:
    """The text without what only says its tags, above it and below it: they are shown by themselves."""
    lines = words.split("\n")
    while lines and _says_nothing_else(lines[-1]):
        lines.pop()
    while lines and _says_nothing_else(lines[0]):
        del lines[0]
    return "\n".join(lines)


def _says_nothing_else(line: str) -> bool:
    return not line.strip() or bool(_ONLY_TAGS.fullmatch(line.strip()))


def title_of(text: str) -> str:
    """A title from the first words of a text."""
    for line in text.split("\n"):
        plain = _MARKS.sub("", _LINK.sub(r"\1", line[:2_000]), count=1)
        plain = " ".join(re.sub(r"[*_`~]{1,3}(?=\S)|(?<=\S)[*_`~]{1,3}", "", plain).split())
        if any(character.isalnum() for character in plain):
            sentence = _SENTENCE.split(plain, maxsplit=1)[0].rstrip(" .:;,")
            return cut(sentence or plain, DERIVED_TITLE)
    return cut(" ".join(text[:2_000].split()), DERIVED_TITLE)


# --- messages ----------------------------------------------------------------------------------------------------


def text_of(content: Mapping[str, Any]) -> str:
    """What a message says, without the quotation of what it replies to; '' for what cannot be kept."""
    if content.get("msgtype") not in ("m.text", "m.notice", "m.emote", "m.image", "m.file", "m.video", "m.audio"):
        return ""
    body = content.get("body")
    if not isinstance(body, str):
        return ""
    body = clean(body[: 2 * LONGEST_TEXT])
    relation = content.get("m.relates_to")
    if isinstance(relation, Mapping) and isinstance(relation.get("m.in_reply_to"), Mapping) and body.startswith("> "):
        body = _REPLY.sub("", body, count=1)
    body = body.strip()
    if content["msgtype"] in ("m.image", "m.file", "m.video", "m.audio"):
        return f"📎 {escape(body)}" if body else ""
    return body


def edited(content: Mapping[str, Any], edit: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A message's content as its last edit has it."""
    new = edit.get("m.new_content") if edit is not None else None
    if not isinstance(new, Mapping):
        return content
    return {**new, "m.relates_to": content.get("m.relates_to")}


def is_command(text: str) -> bool:
    """Whether a message was said to the bot."""
    return text[:5].lower().startswith(("!esn", "!rse"))


def quotes(messages: Sequence[Said], names: Mapping[str, str]) -> str:
    """Messages as quotes (Markdown), each run of one author's under their name; what was said twice stands once."""
    parts: list[str] = []
    for author, run in groupby(_once(messages), key=lambda said: said.author):
        lines = "\n\n".join(said.text for said in run)
        quoted = "\n".join(f"> {line}".rstrip() for line in lines.split("\n"))
        parts.append(f"{bold(names.get(author, author))}\n\n{quoted}")
    return "\n\n".join(parts)


def _once(messages: Iterable[Said]) -> list[Said]:
    known: set[tuple[str, str]] = set()
    found = []
    for said in messages:
        mark = (said.author, " ".join(said.text.split()))
        if said.text and mark not in known:
            known.add(mark)
            found.append(said)
    return found


def fitting(messages: Sequence[Said], longest: int = LONGEST_TEXT) -> tuple[list[Said], bool]:
    """The first messages that together are not too long, and whether those are all."""
    kept: list[Said] = []
    length = 0
    for said in messages:
        length += len(said.text) + 80
        if length > longest and kept:
            return kept, False
        kept.append(said if len(said.text) <= longest else _cut(said, longest))
    return kept, True


def _cut(said: Said, longest: int) -> Said:
    return Said(said.event_id, said.author, said.moment, cut(said.text, longest))


# --- emoji, age --------------------------------------------------------------------------------------------------


def proper_emoji(text: str) -> str | None:
    """An emoji that people can choose for keeping, without the variation selector; None for what is none."""
    emoji = clean(text).strip().replace("\ufe0f", "")
    if not emoji or len(emoji) > LONGEST_EMOJI or emoji in _BUTTONS or "\u20e3" in emoji:
        return None
    if any(character.isalnum() or character.isspace() or ord(character) < 0x2000 for character in emoji):
        return None
    return emoji


def holds_for(kind: Kind | None, usual: timedelta, by_kind: Mapping[Kind, timedelta]) -> timedelta:
    """How long a note of such a group is taken to hold."""
    return by_kind.get(kind, usual) if kind is not None else usual


def is_old(known_good: datetime, now: datetime, holds: timedelta) -> bool:
    """Whether a reader is asked if a note still holds."""
    return now - known_good >= holds
