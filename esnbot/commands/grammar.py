"""How a line is cut into words: like a shell, with the quotation marks that people and their keyboards use.

Nothing is a mistake here: a mark that is never closed, or stands inside a word as in l'eau, is a letter like another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CLOSING = {'"': '"”“', "'": "'’", "“": '”“"', "„": "“”", "‘": "’", "«": "»"}
"""Opening marks, each with what may close it; phones turn straight marks into curly ones as they like."""
_ESCAPED = frozenset("\"'“”„‘’«» \\")
_OPTION = re.compile(
    r"(?:--|[—–])(?P<long>[^\W\d][\w-]*)(?:=(?P<value>.*))?$|(?P<short>[^\W\d][\w-]*)=(?P<given>.+)$", re.S
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line."""

    text: str
    quoted: bool
    """It stood in quotation marks, and is therefore no option and no name."""
    start: int
    """Where it begins in the line."""


def split(line: str) -> tuple[Word, ...]:
    """The words of a line."""
    words: list[Word] = []
    position = 0
    while position < len(line):
        if line[position].isspace():
            position += 1
            continue
        word, position = _word(line, position)
        words.append(word)
    return tuple(words)


def _word(line: str, start: int) -> tuple[Word, int]:
    """The word that begins there, and where it ends."""
    closed = _quotation(line, start)
    if closed is not None:
        return Word(closed[0], True, start), closed[1]
    letters: list[str] = []
    position = start
    while position < len(line) and not line[position].isspace():
        letter = line[position]
        if letter == "\\" and position + 1 < len(line) and line[position + 1] in _ESCAPED:
            letters.append(line[position + 1])
            position += 2
            continue
        # kind="à deux": the value of an option may stand in marks too.
        after = _quotation(line, position + 1) if letter == "=" and position > start else None
        if after is not None:
            letters += ["=", after[0]]
            position = after[1]
            break
        letters.append(letter)
        position += 1
    return Word("".join(letters), False, start), position


def _quotation(line: str, start: int) -> tuple[str, int] | None:
    """What stands in the marks that open there and where it ends; None when none do, or none close."""
    closing = CLOSING.get(line[start : start + 1])
    if closing is None:
        return None
    letters: list[str] = []
    position = start + 1
    while position < len(line):
        letter = line[position]
        if letter == "\\" and position + 1 < len(line) and line[position + 1] in "\\" + closing:
            letters.append(line[position + 1])
            position += 2
            continue
        # A mark closes only at the end of a word: 'l'eau' and "le "petit" club" are read as they are meant.
        if letter in closing and (position + 1 == len(line) or line[position + 1].isspace()):
            text = "".join(letters)
            return (text.strip(" \u00a0\u202f") if line[start] == "«" else text), position + 1
        letters.append(letter)
        position += 1
    return None


def option(word: Word) -> tuple[str, str | None, bool] | None:
    """Name, value and whether it began with dashes, when the word has the shape of an option."""
    match = None if word.quoted else _OPTION.match(word.text)
    if match is None:
        return None
    if match["long"]:
        return match["long"], match["value"], True
    return match["short"], match["given"], False


def quote(text: str) -> str:
    """The text as one word of a line, in quotation marks where it needs them."""
    plain = Word(text, False, 0)
    marked = any(letter in _ESCAPED for letter in text)
    if not marked and split(text) == (plain,) and option(plain) is None and text != "--":
        return text
    return '"' + re.sub(r'(["”“\\])', r"\\\1", text) + '"'
