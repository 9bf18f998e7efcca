"""Waiting for a condition, never for a while."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(condition: Callable[[], Awaitable[T]], timeout: float = 10.0, *, message: str = "") -> T: ...
@overload
async def eventually(condition: Callable[[], T], timeout: float = 10.0, *, message: str = "") -> T: ...
async def eventually(condition: Callable[[], Any], timeout: float = 10.0, *, message: str = "") -> Any:
    """Return the first true value of ``condition``; fail after ``timeout`` seconds, saying what it gave last.

    A plain or async function; its ``AssertionError`` means 'not yet', so that asserts may do for a condition (they
    return nothing, so end such a condition with ``return True``).
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    pause = 0.005
    while True:
        failed: AssertionError | None = None
        value: Any = None
        try:
            given = condition()
            value = await given if inspect.isawaitable(given) else given
        except AssertionError as error:
            failed = error
        if failed is None and value:
            return value
        if loop.time() >= deadline:
            what = message or getattr(condition, "__name__", repr(condition))
            raise AssertionError(f"not so after {timeout} s: {what} (last: {failed or value!r})") from failed
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.1)
