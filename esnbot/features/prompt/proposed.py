"""The index of prompts that people proposed. Their words stand in the animators' room, as kept texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Row, Table, Text, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.tables import Sequence as Number

OPEN: Final = "open"
ACCEPTED: Final = "accepted"
DECLINED: Final = "declined"
WITHDRAWN: Final = "withdrawn"

proposal = Table(
    "prompt_proposal",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # NULL until the animators' room has it.
    Column("text", BigInteger, unique=True),
    # Who proposed it; '' once forgotten.
    Column("author", Text, nullable=False, index=True),
    Column("language", Text, nullable=False),
    # For groups of a kind, or for one group; '' for all.
    Column("kind", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    # Of its folded words: the same one is not proposed twice.
    Column("digest", Text, nullable=False, index=True),
    Column("state", Text, nullable=False),
    # The animator who decided; '' for nobody yet, or once forgotten.
    Column("decided_by", Text, nullable=False),
    Column("made", Milliseconds, nullable=False),
    # Effects have the id in their keys.
    sqlite_autoincrement=True,
)
Index("prompt_proposal_state", proposal.c.state, proposal.c.id)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A prompt that somebody proposed."""

    id: int
    text: int | None
    author: str
    language: str
    kind: str
    group_key: str
    state: str
    decided_by: str
    made: int


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(**{name: getattr(row, name) for name in Proposal.__slots__})


async def add(
    conn: AsyncConnection, author: str, language: str, kind: str, group_key: str, digest: str, now_ms: int
) -> int:
    """A new proposal; returns its number."""
    row = {
        "text": None,
        "author": author,
        "language": language,
        "kind": kind,
        "group_key": group_key,
        "digest": digest,
        "state": OPEN,
        "decided_by": "",
        "made": now_ms,
    }
    return int((await conn.execute(proposal.insert().values(row).returning(proposal.c.id))).scalar_one())


async def kept_as(conn: AsyncConnection, id: int, text: int) -> None:
    """Note which kept text has the words."""
    await conn.execute(update(proposal).where(proposal.c.id == id).values(text=text))


async def get(conn: AsyncConnection, id: int) -> Proposal | None:
    """The proposal of a number."""
    row = (await conn.execute(select(proposal).where(proposal.c.id == id))).one_or_none()
    return None if row is None else _proposal(row)


async def of_text(conn: AsyncConnection, text: int) -> Proposal | None:
    """The proposal whose words a kept text has."""
    row = (await conn.execute(select(proposal).where(proposal.c.text == text))).one_or_none()
    return None if row is None else _proposal(row)


async def is_known(conn: AsyncConnection, digest: str) -> bool:
    """Whether the same words wait, or are in the library."""
    query = select(proposal.c.id).where(proposal.c.digest == digest, proposal.c.state.in_([OPEN, ACCEPTED]))
    return (await conn.execute(query.limit(1))).first() is not None


async def open_of(conn: AsyncConnection, author: str) -> int:
    """How many proposals of a person wait."""
    query = select(func.count()).where(proposal.c.author == author, proposal.c.state == OPEN)
    return int((await conn.execute(query)).scalar_one())


async def in_states(conn: AsyncConnection, states: Sequence[str], author: str = "") -> list[Proposal]:
    """Proposals, oldest first; of one person, or of all."""
    query = select(proposal).where(proposal.c.state.in_(states)).order_by(proposal.c.id)
    rows = await conn.execute(query.where(proposal.c.author == author) if author else query)
    return [_proposal(row) for row in rows]


async def decide(conn: AsyncConnection, id: int, before: str, after: str, by: str) -> bool:
    """Move a proposal on; False when it does not stand as it should any more."""
    same = (proposal.c.id == id) & (proposal.c.state == before)
    done = await conn.execute(update(proposal).where(same).values(state=after, decided_by=by))
    return done.rowcount == 1


async def of_person(conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
    """What a person proposed, and decided."""
    theirs = (proposal.c.author == person) | (proposal.c.decided_by == person)
    rows = await conn.execute(select(proposal).where(theirs).order_by(proposal.c.id))
    return [
        {
            "proposal": row.id,
            "text": row.text,
            "for": row.group_key or row.kind or None,
            "state": row.state,
            "made": row.made,
            "as": "author" if row.author == person else "animator",
        }
        for row in rows
    ]


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget a person; what they proposed and was taken in stays without their name."""
    for column in (proposal.c.author, proposal.c.decided_by):
        await conn.execute(update(proposal).where(column == person).values({column.name: ""}))
