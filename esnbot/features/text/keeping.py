"""Keeping texts: what is written down here, and the messages that stand in the room for it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import name_of
from esnbot.community.group import Group, Place
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Attach, Effect, PostRef, Redact, Say, post, room
from esnbot.engine.feature import Context
from esnbot.features.text import model, records
from esnbot.features.text.model import Draft, Text
from esnbot.features.text.showing import show_for
from esnbot.speech import Voice
from esnbot.store import bindings, rooms

LONGEST_MESSAGE: Final = 40_000
"""Bytes of a message's content: encrypted and signed, it must stay below the 65,536 of an event (Client-Server API,
'size limits')."""


class TooLong(ValueError):
    """A text that an encrypted room cannot take: there, it is one message."""


async def keep(
    ctx: Context, kind: str, place: Place, draft: Draft, *, voice: Voice, module: str
) -> tuple[int, list[Effect]]:
    """Keep a new text in a place's room; returns its id and what posts it.

    ``voice`` speaks the room's language; ``module`` is whose effects these will be. Raises ``TooLong``.
    """
    conn, now_ms = ctx.conn, milliseconds(ctx.now)
    sealed = await _is_sealed(conn, place)
    id = await records.add(conn, kind, place.key, voice.language, sealed=sealed, now_ms=now_ms)
    key = f"text:{id}:1"
    say, attached = await _posts(ctx, kind, id, 1, draft, place.key, voice, key, sealed=sealed)
    await records.add_version(conn, id, 1, draft, f"{module}/{key}", sealed=sealed, now_ms=now_ms)
    await records.posted_by(conn, id, f"{module}/{key}", now_ms)
    return id, [say, *attached]


async def revise(ctx: Context, id: int, draft: Draft, *, voice: Voice, module: str) -> tuple[int, list[Effect]]:
    """Keep a new version of a text; returns its number and what corrects the message.

    Raises ``TooLong``, and ``KeyError`` for a text that is not there any more.
    """
    conn, now_ms = ctx.conn, milliseconds(ctx.now)
    await records.lock(conn, id)
    text = await records.get(conn, id)
    if text is None or text.gone:
        raise KeyError(id)
    number = await records.last_of(conn, id) + 1
    key = f"text:{id}:{number}"
    say, attached = await _posts(
        ctx, text.kind, id, number, draft, text.place, voice, key, sealed=text.sealed, replaces=thread(text)
    )
    await records.add_version(conn, id, number, draft, f"{module}/{key}", sealed=text.sealed, now_ms=now_ms)
    return number, [say, *attached]


async def withdraw(ctx: Context, id: int, *, reason: str) -> list[Effect]:
    """Take a text away: its messages in the room, and its words here."""
    text = await records.get(ctx.conn, id)
    if text is None or text.gone:
        return []
    taken = [version.event_id for version in await records.versions(ctx.conn, id) if version.event_id]
    await records.take(ctx.conn, id)
    posts: list[PostRef] = [thread(text), *(event for event in taken if event != text.root)]
    return [Redact(room=room(text.place), event=event, reason=reason) for event in posts]


def thread(text: Text) -> PostRef:
    """The message that people see: what they answer to, and what a correction replaces."""
    if text.root:
        return text.root
    module, _, key = text.root_key.partition("/")
    return post(key, of=module)


async def renew(ctx: Context, text: Text, draft: Draft, *, voice: Voice, module: str) -> list[Effect]:
    """Keep a new version as a message of its own, which people see from now on: the old one is about to go."""
    conn, now_ms = ctx.conn, milliseconds(ctx.now)
    await records.lock(conn, text.id)
    number = await records.last_of(conn, text.id) + 1
    key = f"text:{text.id}:{number}"
    say, attached = await _posts(ctx, text.kind, text.id, number, draft, text.place, voice, key, sealed=text.sealed)
    await records.add_version(conn, text.id, number, draft, f"{module}/{key}", sealed=text.sealed, now_ms=now_ms)
    await records.posted_by(conn, text.id, f"{module}/{key}", now_ms)
    return [say, *attached]


async def _is_sealed(conn: AsyncConnection, place: Place) -> bool:
    """Whether the room is encrypted, or is about to be."""
    if isinstance(place, Group) and place.encrypted:
        return True
    room_id = await bindings.room_of(conn, place.key)
    return room_id is not None and await rooms.content(conn, room_id, "m.room.encryption") is not None


async def _posts(
    ctx: Context,
    kind: str,
    id: int,
    number: int,
    draft: Draft,
    place: str,
    voice: Voice,
    key: str,
    *,
    sealed: bool,
    replaces: PostRef = "",
) -> tuple[Say, list[Effect]]:
    room_id = await bindings.room_of(ctx.conn, place)
    author = await name_of(ctx.conn, room_id or "", draft.author) if draft.author else None
    show = await show_for(ctx, kind, place, draft.words)
    shown = model.looks(kind, draft, number, voice, author, whole=True, show=show)
    said = model.structure(kind, id, number, draft, words=draft.words)
    if sealed:
        if _size(shown, said) > LONGEST_MESSAGE:
            shown = model.looks(kind, draft, number, voice, author, whole=True)
        if _size(shown, said) > LONGEST_MESSAGE:
            # The message alone has the words, as they were written: they are read from there.
            raise TooLong(id)
    elif _size(shown, said) > LONGEST_MESSAGE:
        # What reads the rooms again finds the words in the text of the message.
        said = model.structure(kind, id, number, draft, words="")
        if _size(shown, said) > LONGEST_MESSAGE:
            shown = model.looks(kind, draft, number, voice, author, whole=False, show=show)
    say = Say(
        key=key,
        room=room(place),
        body=shown.message.body,
        html=shown.message.html,
        replaces=replaces,
        fallback=draft.title if replaces else "",
        content={model.STRUCTURE: said},
    )
    if not shown.whole:
        return say, []
    file = Attach(
        key=f"{key}:file",
        room=room(place),
        name=f"{file_name(draft.title)}.md",
        text=shown.whole,
        thread=replaces or post(key),
    )
    return say, [file]


def _size(shown: model.Looks, said: dict[str, Any]) -> int:
    return len(msgspec.json.encode([shown.message.body, shown.message.html, said]))


def file_name(title: str) -> str:
    """A title as the name of a file on any system."""
    name = "".join(character if character.isalnum() or character in " -_" else " " for character in title)
    return "-".join(name.split())[:60].strip("-") or "text"
