"""What a benchmark gives back: rows with a figure, what it is compared with, and the goal."""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True):
    """One line of the table."""

    what: str
    value: float
    unit: str
    against: str = ""
    """The peer that was measured in the same run, with its figure."""
    ratio: float | None = None
    """Our figure divided by the peer's."""
    goal: str = ""
    """As a sentence: what the figure or the ratio should be."""
    met: bool | None = None
    """None: there is no goal, the row is for information."""


class Result(msgspec.Struct, frozen=True):
    """What one benchmark gave."""

    name: str
    seconds: float
    rows: list[Row] = []
    error: str = ""
    """Why there are no rows; '' when all went well."""


class Report(msgspec.Struct, frozen=True):
    """What a run of `make bench` gave, as `var/bench.json` keeps it."""

    taken: str
    machine: str
    quick: bool
    results: list[Result]


def at_least(ratio: float, goal: float) -> tuple[str, bool]:
    """Goal and verdict for a ratio that should be large."""
    return f"≥ {goal:g} ×", ratio >= goal


def at_most(ratio: float, goal: float) -> tuple[str, bool]:
    """Goal and verdict for a ratio that should be small."""
    return f"≤ {goal:g} ×", ratio <= goal
