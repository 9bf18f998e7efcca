"""Reading a kept text: from its copy here, or by opening the message of an encrypted room."""

from __future__ import annotations

from typing import Any

import msgspec

from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.text.model import STRUCTURE, Draft, Text, Version


async def opened(ctx: Context, text: Text, version: Version | None = None) -> Draft | None:
    """What a text says; None when it was taken away or cannot be read any more.

    Raises ``DeviceAway`` while another process has the encrypted device.
    """
    found = version or text.current
    if found.gone or text.gone:
        return None
    if not text.sealed:
        return found.draft if found.words is not None else None
    if found.sealed is None:
        return None
    event = ctx.open(msgspec.convert(found.sealed, type=Event))
    said = event.content.get(STRUCTURE) if event is not None else None
    return _read(said, found.author) if isinstance(said, dict) else None


def _read(said: dict[str, Any], author: str) -> Draft | None:
    match said:
        case {"title": str(title), "words": str(words)}:
            tags = said.get("tags")
            foot = said.get("foot")
            return Draft(
                title=title,
                words=words,
                author=author,
                tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
                foot=foot if isinstance(foot, str) else "",
            )
    return None
