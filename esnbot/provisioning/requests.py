"""Handing work over: who holds the reconciler's lease, and what others ask of them."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.provisioning.tables import apply_request
from esnbot.store import leases
from esnbot.store.upsert import insert_new

LEASE: Final = "reconciler"
SECONDS: Final = 20.0
"""How long a lease lives without its holder."""


@dataclass(frozen=True, slots=True)
class Request:
    """One apply that was asked of whoever holds the lease."""

    id: str
    fresh: bool
    state: str
    done: int
    total: int
    result: dict[str, Any] | None


def new_holder() -> str:
    """A name for this process as a holder, by which others on the same machine see whether it lives."""
    return f"{_machine()}|{os.getpid()}|{secrets.token_hex(4)}"


def is_dead(holder: str) -> bool:
    """Whether a holder is known to be gone: a process of this machine that does not exist any more."""
    machine, _, rest = holder.rpartition("|")[0].rpartition("|")
    if machine != _machine() or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _machine() -> str:
    # Process ids mean something inside one namespace only, and containers may share a host name.
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()} {namespace}".replace("|", "")


async def take_lease(conn: AsyncConnection, holder: str, now_ms: int) -> bool:
    """Take or renew the lease; the one of a dead process of this machine is taken over at once."""
    if await leases.take(conn, LEASE, holder, now_ms, SECONDS):
        return True
    other = await leases.holder_of(conn, LEASE, now_ms)
    if other is None or not is_dead(other):
        return False
    await leases.release(conn, LEASE, other)
    return await leases.take(conn, LEASE, holder, now_ms, SECONDS)


async def ask(conn: AsyncConnection, now_ms: int, *, fresh: bool) -> str:
    """Ask for an apply; returns the request's id."""
    id = secrets.token_hex(8)
    row = {"id": id, "asked": now_ms, "fresh": fresh, "state": "waiting", "done": 0, "total": 0, "result": None}
    await insert_new(conn, apply_request, row)
    return id


async def waiting(conn: AsyncConnection) -> list[Request]:
    """What was asked and is not done, also by a holder that died over it; oldest first."""
    query = select(apply_request).where(apply_request.c.state != "done").order_by(apply_request.c.asked)
    return [_request(row) for row in await conn.execute(query)]


async def look(conn: AsyncConnection, id: str) -> Request | None:
    """How far a request is."""
    row = (await conn.execute(select(apply_request).where(apply_request.c.id == id))).one_or_none()
    return _request(row) if row is not None else None


async def note(conn: AsyncConnection, id: str, done: int, total: int) -> None:
    """Note how far a request is."""
    statement = update(apply_request).where(apply_request.c.id == id)
    await conn.execute(statement.values(state="running", done=done, total=total))


async def finish(conn: AsyncConnection, id: str, result: dict[str, Any]) -> None:
    """Note the result of a request."""
    await conn.execute(update(apply_request).where(apply_request.c.id == id).values(state="done", result=result))


async def withdraw(conn: AsyncConnection, id: str) -> None:
    """Take a request back, or clear one whose result was read."""
    await conn.execute(delete(apply_request).where(apply_request.c.id == id))


def _request(row: Any) -> Request:
    return Request(row.id, row.fresh, row.state, row.done, row.total, row.result)
