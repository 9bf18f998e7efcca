"""Commands that a client sends as values (MSC4391), read as the line that a person would have typed.

So they take the same way as every command, with the same rights, values and answers. A client is not to be trusted:
what has another shape is left out, and whatever is left is read like any text that people write.
"""

from __future__ import annotations

import re
from typing import Any, Final

from esnbot.commands.grammar import quote
from esnbot.engine.event import Event
from esnbot.speech import clean

KEYS: Final = ("org.matrix.msc4391.command", "m.bot.command")
LONGEST_NAME: Final = 100
LONGEST_VALUE: Final = 5_000
LONGEST_LINE: Final = 10_000
MOST_ARGUMENTS: Final = 30
MOST_ITEMS: Final = 20
_ARGUMENT: Final = re.compile(r"[^\W\d][\w-]{0,59}")
_MARKS: Final = re.compile(r'(["”“\\])')


def invoked(event: Event, bot: str) -> str | None:
    """The line that an invocation of this bot stands for; None when the event is none.

    The bot has to be mentioned, as the draft has clients do: another bot may have a command of the same name.
    """
    block = next((found for key in KEYS if isinstance(found := event.content.get(key), dict)), None)
    if block is None or not _mentions(event, bot):
        return None
    command = block.get("command")
    if not isinstance(command, str) or not (words := clean(command[:LONGEST_NAME]).split()):
        return None
    given = block.get("arguments")
    parts = [quote(word) for word in words]
    length = LONGEST_NAME
    for key, value in list(given.items())[:MOST_ARGUMENTS] if isinstance(given, dict) else ():
        text = _text(value) if isinstance(key, str) and _ARGUMENT.fullmatch(key) else None
        if text is None:
            continue
        part = f'--{key}="{_MARKS.sub(_ESCAPED, clean(text))}"'
        length += len(part)
        if length > LONGEST_LINE:
            break
        parts.append(part)
    return " ".join(parts)


_ESCAPED: Final = r"\\\1"


def _mentions(event: Event, bot: str) -> bool:
    mentions = event.content.get("m.mentions")
    users = mentions.get("user_ids") if isinstance(mentions, dict) else None
    return isinstance(users, list) and bot in users[:MOST_ITEMS]


def _text(value: Any) -> str | None:
    """A value as one would type it; None for what no parameter takes."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value) if abs(value) < 10**18 else None
        case str():
            return value[:LONGEST_VALUE]
        case {"type": "room_id" | "event_id", "id": str(id)} | {"room_id": str(id)}:
            return id[:LONGEST_VALUE]
        case list():
            texts = [text for one in value[:MOST_ITEMS] if not isinstance(one, list) and (text := _text(one))]
            return " ".join(texts)[:LONGEST_VALUE]
    return None
