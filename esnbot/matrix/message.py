"""Contents of events that the bot sends (Client-Server API, 'instant messaging', 'threading', 'event replacements')."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

CAUSE: Final = "org.esnbot.cause"
"""Names what an event was sent for, so that it is found again when a transaction id is too old to be remembered."""
_ROOM: Final = re.compile(r"@(?=room\b)", re.IGNORECASE)
_TEXTS: Final = ("body", "formatted_body", "m.new_content")


def message(
    body: str,
    html: str,
    msgtype: str,
    *,
    cause: str,
    mentions: Sequence[str] = (),
    thread: str = "",
    replaces: str = "",
    fallback: str = "",
    rouse: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Content of an ``m.room.message``. ``thread`` is the root's event id; ``replaces`` the edited event's.

    ``fallback`` is what clients that know no edits show of one, in place of the whole text.
    """
    text: dict[str, Any] = {"msgtype": msgtype, "body": body}
    if html:
        text |= {"format": "org.matrix.custom.html", "formatted_body": html}
    # Always there: its absence lets old push rules look for names in the text.
    text["m.mentions"] = {"user_ids": list(mentions)} if mentions else {}
    if rouse:
        text["m.mentions"]["room"] = True
    content: dict[str, Any] = {**(extra or {}), **text, CAUSE: cause}
    if replaces:
        content["m.new_content"] = dict(text)
        content["body"] = f"* {fallback or body}"
        if html and fallback:
            del content["format"], content["formatted_body"]
        elif html:
            content["formatted_body"] = f"* {html}"
        content["m.relates_to"] = {"rel_type": "m.replace", "event_id": replaces}
    elif thread:
        content["m.relates_to"] = {
            "rel_type": "m.thread",
            "event_id": thread,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": thread},
        }
    return content


def calm(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content without what would call everybody in the room: ``m.mentions: {room: true}`` and ``@room``."""
    quiet = dict(content)
    if isinstance(mentions := quiet.get("m.mentions"), dict) and "room" in mentions:
        quiet["m.mentions"] = {key: value for key, value in mentions.items() if key != "room"}
    for key in _TEXTS:
        value = quiet.get(key)
        if isinstance(value, str):
            quiet[key] = _ROOM.sub("@\u2060", value)
        elif isinstance(value, dict):
            quiet[key] = calm(value)
    return quiet


def file(
    name: str,
    uri: str,
    size: int,
    mimetype: str,
    *,
    cause: str,
    thread: str = "",
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Content of an ``m.room.message`` that is a file of ``size`` bytes; ``thread`` is the root's event id."""
    content = message(name, "", "m.file", cause=cause, thread=thread, extra=extra)
    return {**content, "filename": name, "url": uri, "info": {"mimetype": mimetype, "size": size}}


def reaction(to: str, emoji: str, *, cause: str) -> dict[str, Any]:
    """Content of an ``m.reaction``."""
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": to, "key": emoji}, CAUSE: cause}


def event(content: Mapping[str, Any], *, cause: str, refers: str = "") -> dict[str, Any]:
    """Content of another event; ``refers`` is the event id that it refers to (``m.reference``)."""
    whole = {**content, CAUSE: cause}
    if refers:
        whole["m.relates_to"] = {"rel_type": "m.reference", "event_id": refers}
    return whole
