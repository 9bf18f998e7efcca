"""One-time links by which people come in, and how often somebody has asked for one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, Integer, Table, Text, case, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.clock import milliseconds
from esnbot.store.tables import Milliseconds, metadata
from esnbot.web.sessions import LONGEST_TOKEN, hashed, new_token

LASTS: Final = timedelta(minutes=10)
ASKED: Final = "org.esnbot.sign_in_asked"
"""Somebody at the door says who they are; content: ``user``, ``browser`` (hashed), ``path``."""
SIGNED_IN: Final = "org.esnbot.signed_in"
"""A link was used; content: ``user``, ``link`` (its id), ``asked_at_the_door`` (bool)."""

web_link = Table(
    "web_link",
    metadata,
    Column("token", Text, primary_key=True),
    # Names the link where the token must not stand.
    Column("id", Text, nullable=False, unique=True),
    Column("user_id", Text, nullable=False, index=True),
    # Hash of the cookie of the browser that asked; '' for any, the first.
    Column("browser", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("expires", Milliseconds, nullable=False, index=True),
)
web_asked = Table(
    "web_asked",
    metadata,
    # A person or an address, hashed with a key.
    Column("key", Text, primary_key=True),
    Column("began", Milliseconds, nullable=False, index=True),
    Column("count", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A way in for one person, once."""

    id: str
    user: str
    browser: str
    path: str
    """Where it leads once one is in."""


async def make(
    conn: AsyncConnection, user: str, now: datetime, *, browser: str = "", path: str = "/"
) -> tuple[Link, str]:
    """A new link and its token, which is kept nowhere; links that are over are forgotten."""
    await conn.execute(delete(web_link).where(web_link.c.expires <= milliseconds(now)))
    link, token = Link(secrets.token_hex(8), user, browser, path or "/"), new_token()
    row = {
        "token": hashed(token),
        "id": link.id,
        "user_id": user,
        "browser": browser,
        "path": link.path,
        "expires": milliseconds(now + LASTS),
    }
    await conn.execute(web_link.insert(), row)
    return link, token


async def find(conn: AsyncConnection, token: str, now: datetime) -> Link | None:
    """The link of a token, used by nobody and not too old; looking uses nothing up."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    query = select(web_link).where(web_link.c.token == hashed(token), web_link.c.expires > milliseconds(now))
    row = (await conn.execute(query)).first()
    return None if row is None else _link(row)


async def take(conn: AsyncConnection, token: str, browser: str, now: datetime) -> Link | None:
    """Use a link up; None when there is none (any more), or when another browser asked for it."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    fitting = or_(web_link.c.browser == "", web_link.c.browser == browser)
    taken = (
        delete(web_link)
        .where(web_link.c.token == hashed(token), web_link.c.expires > milliseconds(now), fitting)
        .returning(web_link)
    )
    row = (await conn.execute(taken)).first()
    return None if row is None else _link(row)


async def withdraw(conn: AsyncConnection, user: str) -> None:
    """No link that somebody was given works any more."""
    await conn.execute(delete(web_link).where(web_link.c.user_id == user))


async def count(conn: AsyncConnection, key: str, now: datetime, window: timedelta) -> int:
    """Note that somebody asked; how often they have within the window, this time included."""
    began, since = milliseconds(now), milliseconds(now - window)
    await conn.execute(delete(web_asked).where(web_asked.c.began <= milliseconds(now - timedelta(days=1))))
    insert: Any = sqlite.insert(web_asked) if conn.dialect.name == "sqlite" else postgresql.insert(web_asked)
    # One statement: those who ask at the same moment are all counted.
    over = web_asked.c.began <= since
    counted = insert.values(key=key, began=began, count=1).on_conflict_do_update(
        index_elements=["key"],
        set_={
            "began": case((over, began), else_=web_asked.c.began),
            "count": case((over, 1), else_=web_asked.c.count + 1),
        },
    )
    return int((await conn.execute(counted.returning(web_asked.c.count))).scalar_one())


def _link(row: Any) -> Link:
    return Link(row.id, row.user_id, row.browser, row.path)
