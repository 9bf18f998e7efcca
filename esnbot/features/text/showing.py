"""How the words of a kind of text read in their room, where that is not quite as they were written.

What is kept stays as it was written: it is what people change, compare and carry out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from esnbot.engine.feature import Context

Show = Callable[[str], str]
"""Markdown as it was written, to Markdown as it is read."""
Prepare = Callable[[Context, str, str], Awaitable[Show]]
"""Given the key of a place and a whole text: what shows that text, or the beginning of it."""

_KINDS: Final[dict[str, Prepare]] = {}


def shows(kind: str, prepare: Prepare) -> None:
    """Say how the words of a kind of text read; said once, by the feature that keeps them."""
    _KINDS[kind] = prepare


async def show_for(ctx: Context, kind: str, place: str, words: str) -> Show:
    """What shows a text of this kind in a place's room."""
    prepare = _KINDS.get(kind)
    return await prepare(ctx, place, words) if prepare is not None else as_written


def as_written(words: str) -> str:
    """Words that read as they were written."""
    return words
