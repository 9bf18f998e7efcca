"""The order of children in a space: kept where it is right, so that one new child does not move the others. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

STEP: Final = 1_000
WIDTH: Final = 9
_END: Final = 10**WIDTH


def orders(children: Sequence[str], found: Mapping[str, str]) -> dict[str, str]:
    """Child to order: nine digits each, growing in the wanted sequence; orders found that fit are kept."""
    numbers = [_number(found.get(child, "")) for child in children]
    kept = _longest_growing(numbers)
    placed: list[int | None] = [number if index in kept else None for index, number in enumerate(numbers)]
    if not _fill(placed):
        placed = [(index + 1) * STEP for index in range(len(children))]
    return {child: f"{number:0{WIDTH}d}" for child, number in zip(children, placed, strict=True)}


def appended(children: Sequence[str], found: Mapping[str, str], all_found: Iterable[str]) -> dict[str, str]:
    """The same where not all siblings are known: those without an order come after everything that is there."""
    last = max((number for order in all_found if (number := _number(order)) is not None), default=0)
    result: dict[str, str] = {}
    for child in children:
        if _number(found.get(child, "")) is None:
            last += STEP
            result[child] = f"{last:0{WIDTH}d}"
        else:
            result[child] = found[child]
    return result


def _number(order: str) -> int | None:
    return int(order) if len(order) == WIDTH and order.isascii() and order.isdigit() else None


def _longest_growing(numbers: Sequence[int | None]) -> frozenset[int]:
    """Positions of a longest strictly growing subsequence (patience sorting)."""
    tails: list[int] = []
    last: list[int] = []
    before: dict[int, int | None] = {}
    for index, number in enumerate(numbers):
        if number is None:
            continue
        pile = bisect_left(tails, number)
        before[index] = last[pile - 1] if pile else None
        if pile == len(tails):
            tails.append(number)
            last.append(index)
        else:
            tails[pile], last[pile] = number, index
    found: set[int] = set()
    at = last[-1] if last else None
    while at is not None:
        found.add(at)
        at = before[at]
    return frozenset(found)


def _fill(placed: list[int | None]) -> bool:
    """Give those without a number one between their neighbours; False when there is no room."""
    index = 0
    while index < len(placed):
        if placed[index] is not None:
            index += 1
            continue
        end = index
        while end < len(placed) and placed[end] is None:
            end += 1
        low = placed[index - 1] if index else 0
        count = end - index
        assert low is not None
        high = placed[end] if end < len(placed) else low + STEP * (count + 1)
        assert high is not None
        if high - low <= count or high >= _END:
            return False
        gap = (high - low) // (count + 1)
        for offset in range(count):
            placed[index + offset] = low + gap * (offset + 1)
        index = end
    return True
