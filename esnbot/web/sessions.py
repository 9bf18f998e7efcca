"""Who is signed in: an opaque token in a cookie, its hash in a table, until it expires or is taken back."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Boolean, Column, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.clock import milliseconds
from esnbot.store.tables import Milliseconds, metadata

TOKEN_BYTES: Final = 32
LONGEST_TOKEN: Final = 64
"""Characters that are looked at: whatever is longer was not made here."""

web_session = Table(
    "web_session",
    metadata,
    # SHA-256 of the token: whoever reads the table cannot sign in with it.
    Column("token", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("created", Milliseconds, nullable=False),
    Column("expires", Milliseconds, nullable=False, index=True),
    # Signed in inside a client's widget: only these pages may be shown in a frame.
    Column("framed", Boolean, nullable=False),
    # What was chosen on the board; '' leaves it to the person's language and the browser's colours.
    Column("language", Text, nullable=False),
    Column("theme", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser in which somebody is signed in."""

    token: str = field(repr=False)
    """As the cookie has it; kept nowhere."""
    user: str
    framed: bool = False
    language: str = ""
    theme: str = ""


def hashed(token: str) -> str:
    """What is kept of a token. It has as much chance in it as the hash, so a plain one is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


async def begin(
    conn: AsyncConnection, user: str, now: datetime, stay: timedelta, *, framed: bool = False, language: str = ""
) -> Session:
    """Sign somebody in, under a token that did not exist before; sessions that are over are forgotten."""
    await conn.execute(delete(web_session).where(web_session.c.expires <= milliseconds(now)))
    session = Session(new_token(), user, framed, language)
    row = {
        "token": hashed(session.token),
        "user_id": user,
        "created": milliseconds(now),
        "expires": milliseconds(now + stay),
        "framed": framed,
        "language": language,
        "theme": "",
    }
    await conn.execute(web_session.insert(), row)
    return session


async def find(conn: AsyncConnection, token: str, now: datetime, *, framed: bool) -> Session | None:
    """The session of a cookie; None when there is none, or none any more."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    query = select(web_session).where(
        web_session.c.token == hashed(token),
        web_session.c.expires > milliseconds(now),
        web_session.c.framed.is_(framed),
    )
    row = (await conn.execute(query)).first()
    return None if row is None else Session(token, row.user_id, row.framed, row.language, row.theme)


async def look(conn: AsyncConnection, token: str, **chosen: str) -> None:
    """Keep the ``language`` or the ``theme`` that was chosen."""
    await conn.execute(update(web_session).where(web_session.c.token == hashed(token)).values(**chosen))


async def end(conn: AsyncConnection, token: str) -> None:
    """Sign out in one browser."""
    await conn.execute(delete(web_session).where(web_session.c.token == hashed(token)))


async def end_all(conn: AsyncConnection, user: str) -> int:
    """Sign somebody out everywhere; in how many browsers that was."""
    return (await conn.execute(delete(web_session).where(web_session.c.user_id == user))).rowcount


async def of_person(conn: AsyncConnection, user: str) -> Sequence[Mapping[str, Any]]:
    """What is kept about somebody's browsers; their tokens are nobody's business."""
    kept = web_session.c
    query = select(kept.created, kept.expires, kept.framed, kept.language, kept.theme).where(kept.user_id == user)
    return [dict(row) for row in (await conn.execute(query.order_by(kept.created))).mappings()]
