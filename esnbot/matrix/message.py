"""Contents of events that the bot sends (Client-Server API, 'instant messaging', 'threading', 'event replacements')."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

CAUSE: Final = "org.esnbot.cause"
"""Names what an event was sent for, so that it is found again when a transaction id is too old to be remembered."""


def message(
    body: str,
    html: str,
    msgtype: str,
    *,
    cause: str,
    mentions: Sequence[str] = (),
    thread: str = "",
    replaces: str = "",
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Content of an ``m.room.message``. ``thread`` is the root's event id; ``replaces`` the edited event's."""
    text: dict[str, Any] = {"msgtype": msgtype, "body": body}
    if html:
        text |= {"format": "org.matrix.custom.html", "formatted_body": html}
    # Always there: its absence lets old push rules look for names in the text.
    text["m.mentions"] = {"user_ids": list(mentions)} if mentions else {}
    content: dict[str, Any] = {**(extra or {}), **text, CAUSE: cause}
    if replaces:
        content["m.new_content"] = dict(text)
        content["body"] = f"* {body}"
        if html:
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


def reaction(to: str, emoji: str, *, cause: str) -> dict[str, Any]:
    """Content of an ``m.reaction``."""
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": to, "key": emoji}, CAUSE: cause}


def event(content: Mapping[str, Any], *, cause: str, refers: str = "") -> dict[str, Any]:
    """Content of another event; ``refers`` is the event id that it refers to (``m.reference``)."""
    whole = {**content, CAUSE: cause}
    if refers:
        whole["m.relates_to"] = {"rel_type": "m.reference", "event_id": refers}
    return whole
