"""Beginning a poll: what is kept of it, and its two forms in the room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.model import Community
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Emit, React, Say, Send, post
from esnbot.engine.feature import Context
from esnbot.features.poll import model, records, wording
from esnbot.features.poll.settings import LONGEST
from esnbot.speech import Voice, render
from esnbot.store import bindings, rooms

OPENED: Final = "org.esnbot.poll_opened"
"""Domain event: a poll is being posted; content: ``poll`` (its number)."""
CLOSED: Final = "org.esnbot.poll_closed"
"""Domain event: a poll is closed; content: ``poll``, ``key``, ``room_id``, ``totals`` (one an answer, in their order),
``voters``, ``removed`` (its message was taken away, and no result was said)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    question: str
    answers: Sequence[str]
    several: int = 1
    """How many answers one may choose."""
    secret: bool = False
    """No count before the end."""
    until: datetime | None = None
    """None: until somebody closes it, or for ``longest``."""


async def start(
    ctx: Context,
    asked: Question,
    *,
    room_id: str,
    module: str,
    voice: Voice,
    community: Community,
    key: str = "",
    by: str = "",
    longest: timedelta = LONGEST,
) -> list[Effect]:
    """Begin a poll in a room: the effects that post it, for the handler to return. Raises ``model.Unusable``.

    ``module`` is the name of the module whose handler returns them, ``voice`` speaks the language of the room, ``key``
    comes back in ``CLOSED``, and ``by`` may close it besides owners and animators.
    """
    question, answers = model.proper(asked.question, asked.answers)
    several = max(1, min(asked.several, len(answers)))
    until = min(asked.until or ctx.now + longest, ctx.now + longest)
    new = records.Poll(
        key=key,
        module=module,
        room_id=room_id,
        creator=by,
        language=voice.language,
        created=milliseconds(ctx.now),
        until=milliseconds(until),
        dated=asked.until is not None,
        answers=len(answers),
        several=several,
        secret=asked.secret,
        texts=None if await is_private(ctx.conn, room_id) else [question, *answers],
        shown=[0] * (len(answers) + 1),
    )
    id = await records.add(ctx.conn, new)
    end = wording.end(voice, until, new.dated, community.quiet_hours, community.zone)
    message = render(wording.paper(voice, [question, *answers], several, asked.secret, end, None))
    posted, text = records.start_key(id), records.text_key(id)
    return [
        Send(key=posted, room=room_id, type=model.START, content=model.start_content(question, answers, several)),
        Say(key=text, room=room_id, msgtype=TEXT, body=message.body, html=message.html, thread=post(posted)),
        *(React(room=room_id, to=post(text), emoji=model.sign(number)) for number in range(1, len(answers) + 1)),
        Emit(type=OPENED, content={"poll": id}, room=room_id),
    ]


async def is_private(conn: AsyncConnection, room_id: str) -> bool:
    """Whether what is said in a room must not be kept: it is encrypted, or not known well enough to say."""
    if await rooms.content(conn, room_id, "m.room.encryption") is not None:
        return True
    known = await rooms.content(conn, room_id, "m.room.create") is not None
    return not known and await bindings.key_of(conn, room_id) is None
