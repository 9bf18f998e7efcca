"""Which parts of two sequences are the same: difflib, kept from taking long over texts that repeat themselves. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Final

COSTLY: Final = 400_000
"""Pairs of equal parts that are compared at most; beyond that, what lies between is taken for changed as a whole."""
_TOKENS: Final = re.compile(r"\s+|\w+|[^\w\s]")

Same = tuple[int, int, int]
"""Where it begins in the one and in the other, and how long it is."""


def lines_of(text: str) -> list[str]:
    """The lines of a text, with their ends."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def tokens_of(text: str) -> list[str]:
    """The words of a text, its signs and the space between them."""
    return _TOKENS.findall(text)


def same(first: Sequence[str], second: Sequence[str]) -> list[Same]:
    """The parts that both have, in order, each as long as it can be."""
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
    left = min(len(first), len(second)) - head
    ends = zip(reversed(first[-left:] if left else ()), reversed(second[-left:] if left else ()), strict=False)
    tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    found: list[Same] = [(0, 0, head)] if head else []
    a, b = first[head : len(first) - tail], second[head : len(second) - tail]
    counts = Counter(b)
    if a and b and sum(counts[part] for part in a) <= COSTLY:
        blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
        found += [(head + block.a, head + block.b, block.size) for block in blocks if block.size]
    if tail:
        found.append((len(first) - tail, len(second) - tail, tail))
    return found
