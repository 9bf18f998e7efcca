"""Telling a database in trouble (full, read-only, gone) from a statement that is wrong."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError

SQLITE_TROUBLE: Final = frozenset({5, 6, 8, 10, 11, 13, 14, 26})
"""Primary result codes: busy, locked, read-only, I/O error, corrupt, full, cannot open, not a database."""

POSTGRES_TROUBLE: Final = ("08", "40", "53", "55", "57", "58")
"""SQLSTATE classes: connection, rollback, resources, not in state, operator, system."""

READ_ONLY: Final = "25006"
CANCELLED: Final = "57014"
"""A statement that took too long: the statement's fault."""


def is_trouble(error: BaseException) -> bool:
    """Whether the database itself could not do its work, so that the same work makes sense later."""
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return False
    if error.connection_invalidated:
        return True
    for cause in (error.orig, getattr(error.orig, "__cause__", None)):
        code = getattr(cause, "sqlite_errorcode", None)
        if isinstance(code, int) and code & 0xFF in SQLITE_TROUBLE:
            return True
        state = getattr(cause, "sqlstate", None)
        if isinstance(state, str) and state != CANCELLED and (state[:2] in POSTGRES_TROUBLE or state == READ_ONLY):
            return True
    return False
