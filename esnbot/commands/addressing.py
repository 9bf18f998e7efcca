"""Whether a message speaks to the bot, and what it says to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import msgspec

from esnbot.commands.grammar import Word
from esnbot.commands.invocation import invoked
from esnbot.engine.event import Event
from esnbot.speech import clean

LONGEST = 10_000
"""Characters of a message that are looked at; a command with a longer text is cut there."""
PREFIXES = {"!esn": None, "!rse": "fr"}
"""What begins a command, and the language that this shows."""
_PREFIX = re.compile(r"\s*(!esn|!rse)(?:\s+|$)", re.IGNORECASE)
_PILL = re.compile(
    r'<a\s[^>]{0,200}?href="(https://matrix\.to/#/[^"]{1,300})"[^>]{0,200}>([^<]{1,200})</a>', re.IGNORECASE
)
_MARKDOWN_PILL = re.compile(r"\[([^\]\n]{1,200})\]\(<?(https://matrix\.to/#/[^)\s>]{1,300})>?\)")
_REPLY = re.compile(r"(?:>[^\n]*\n)+\n?")


@dataclass(frozen=True, slots=True)
class Addressed:
    """What was said to the bot, without the prefix or its name."""

    line: str
    language: str | None = None
    """The language that the prefix shows."""
    prefixed: bool = False
    """By prefix or name; otherwise it was simply written in a direct chat."""


def may_address(event: Event) -> bool:
    """A cheap look: a text that a person wrote. Notices are bots'."""
    return event.content.get("msgtype") == "m.text" and isinstance(event.content.get("body"), str)


def original_of(event: Event) -> str:
    """The event id of the message that this one edits, '' when it edits none."""
    relation = _relation(event)
    return _text(relation, "event_id") if relation.get("rel_type") == "m.replace" else ""


def as_edited(event: Event) -> Event:
    """An edit with the text that it gives the original; other messages as they are."""
    new = event.content.get("m.new_content")
    if not original_of(event) or not isinstance(new, dict):
        return event
    content = {**event.content, "formatted_body": "", **new, "m.relates_to": event.content["m.relates_to"]}
    return msgspec.structs.replace(event, content=content)


def replied_to(event: Event) -> str:
    """The event id of what the message replies to on purpose; in threads, clients name the last message anyway."""
    relation = _relation(event)
    reply = relation.get("m.in_reply_to")
    meant = isinstance(reply, Mapping) and relation.get("is_falling_back") is not True
    return _text(reply, "event_id") if meant and isinstance(reply, Mapping) else ""


def thread_of(event: Event) -> str:
    """The root of the thread that the message stands in, '' for none."""
    relation = _relation(event)
    return _text(relation, "event_id") if relation.get("rel_type") == "m.thread" else ""


def mentions(event: Event, bot: str) -> bool:
    """Whether the message mentions the bot (``m.mentions``)."""
    meant = event.content.get("m.mentions")
    users = meant.get("user_ids") if isinstance(meant, dict) else None
    return isinstance(users, list) and bot in users


def _relation(event: Event) -> Mapping[str, Any]:
    relation = event.content.get("m.relates_to")
    return relation if isinstance(relation, dict) else {}


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def addressed(event: Event, bot: str, names: tuple[str, ...]) -> Addressed | None:
    """What the message says to the bot by prefix, or by its name or id at the start; None when it does neither.

    What a client sent as a command with its values is that, whatever its text says.
    """
    if (line := invoked(event, bot)) is not None:
        return Addressed(line, None, True)
    body = _body(event)
    if prefix := _PREFIX.match(body):
        return Addressed(_with_ids(body[prefix.end() :], event), PREFIXES[prefix[1].lower()], True)
    called = _called(body, event, bot, names)
    return None if called is None else Addressed(_with_ids(called, event), None, True)


def whole(event: Event) -> Addressed:
    """The whole message as said to the bot, as in a direct chat."""
    return Addressed(_with_ids(_body(event), event))


def below(line: str, words: Sequence[Word], event: Event) -> tuple[tuple[Word, ...], str, str]:
    """The words and the line of a command without what stands on the lines below it, and that text, all of it.

    A line that breaks within quotation marks goes on.
    """
    for number, (before, word) in enumerate(pairwise(words), start=1):
        if line[before.start : word.start].count("\n") > before.text.count("\n"):
            text = line[word.start :]
            body = clean(event.text("body"))
            if len(body) > LONGEST and (start := body.find(text[:100])) >= 0:
                # Commands look at the beginning of a message only; what is below may be longer.
                text = body[start:].strip()
            return tuple(words[:number]), line[: word.start].rstrip(), text
    return tuple(words), line, ""


def in_full(event: Event, bot: str, text: str | None) -> str:
    """A text that goes to the end of a command, to its last word: of a long message, commands look at the beginning.

    ``text`` is what was read of it; '' for None.
    """
    said = as_edited(event)
    body = said.text("body")
    if not text or len(body) <= LONGEST or invoked(said, bot) is not None:
        return text or ""
    head = clean(body[:LONGEST])
    return f"{text}{head[len(head.rstrip()) :]}{clean(body[LONGEST:])}".rstrip()


def _body(event: Event) -> str:
    """The text without the quotation of what it replies to (Matrix specification, 'Fallbacks for rich replies')."""
    body = clean(event.text("body")[:LONGEST])
    relation = event.content.get("m.relates_to")
    replies = isinstance(relation, dict) and isinstance(relation.get("m.in_reply_to"), dict)
    return (_REPLY.sub("", body, count=1) if replies and body.startswith("> ") else body).strip()


def _called(body: str, event: Event, bot: str, names: tuple[str, ...]) -> str | None:
    """What follows the bot's name. A pill counts by its target: its text is whatever the client shows."""
    formatted = event.text("formatted_body")[:LONGEST].lstrip()
    formatted = re.sub(r"^(?:<mx-reply>.{0,5000}?</mx-reply>|<p>|\s)*", "", formatted, flags=re.DOTALL)
    pill = _PILL.match(formatted)
    pilled = [unescape(pill[2])] if pill and unescape(pill[1]).split("?")[0].endswith("/" + bot) else []
    for name in sorted({*pilled, bot, bot.partition(":")[0], *names}, key=len, reverse=True):
        if body[: len(name)].casefold() == name.casefold():
            rest = body[len(name) :]
            if not rest or rest[0] in ":,! \u00a0\n" or (pilled and name == pilled[0]):
                return rest.lstrip(":,! \u00a0\n")
    markdown = _MARKDOWN_PILL.match(body)
    if markdown and markdown[2].split("?")[0].endswith("/" + bot):
        return body[markdown.end() :].lstrip(":,! \u00a0\n")
    return None


def _with_ids(line: str, event: Event) -> str:
    """The line with each pill as the id that it stands for, so that a name of two words is one word here."""
    line = _MARKDOWN_PILL.sub(lambda pill: _id(pill[2]), line)
    position = 0
    for address, name in _PILL.findall(event.text("formatted_body")[:LONGEST]):
        shown = unescape(name)
        found = line.find(shown, position)
        if found >= 0 and not shown.startswith(("@", "!", "#")):
            id = _id(unescape(address))
            line = line[:found] + id + line[found + len(shown) :]
            position = found + len(id)
    return line


def _id(address: str) -> str:
    return unquote(address.partition("/#/")[2].split("?")[0])
