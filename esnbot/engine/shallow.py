"""The events of a transaction without looking into them, for bodies that are nested deeper than a decoder goes."""

from __future__ import annotations

import re
from typing import Final


class MalformedTransaction(ValueError):
    """The body is no transaction at all."""


_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]', re.DOTALL)
_KEY: Final = b'"events"'
_INSIDE: Final = 2
"""Depth of the list of events: within the object, within the list."""


def events_of(body: bytes) -> list[bytes]:
    """The bytes of each event; brackets and strings are all that is looked at. Raises ``MalformedTransaction``."""
    depth = 0
    begins: int | None = None
    before = b""
    found: list[bytes] = []
    within = False
    for token in _TOKEN.finditer(body):
        sign = token.group()
        if sign in b"[{":
            depth += 1
            if sign == b"[" and depth == _INSIDE and before == _KEY:
                within, begins = True, token.end()
        elif sign in b"]}":
            depth -= 1
            if depth < 0:
                break
            if within and depth == _INSIDE - 1:
                assert begins is not None
                found.append(body[begins : token.start()].strip())
                within = False
        elif sign == b"," and within and depth == _INSIDE:
            assert begins is not None
            found.append(body[begins : token.start()].strip())
            begins = token.end()
        if sign != b":":
            before = sign
    if depth != 0:
        raise MalformedTransaction("the body is no transaction: its brackets do not match")
    return [event for event in found if event]
