"""What all tables share: one metadata, column types that mean the same on SQLite and PostgreSQL, JSON as text."""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Integer, MetaData, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata: Final = MetaData()
"""Tables of every package and feature; their schema comes from migrations, never from ``create_all``."""

Sequence: Final = BigInteger().with_variant(Integer, "sqlite")
"""An autoincrementing primary key."""

Milliseconds: Final = BigInteger
"""Instants, as milliseconds since 1970 in UTC, like ``origin_server_ts``."""


class Json(TypeDecorator[Any]):
    """A JSON value in a text column: the same bytes on both databases, and no driver's own idea of JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Python to text."""
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Text to Python."""
        return None if value is None else orjson.loads(value)
