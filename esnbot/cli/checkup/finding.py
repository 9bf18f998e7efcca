"""Findings: what was seen, why it matters, what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a check ended."""

    ok = "ok"
    note = "note"
    """Nothing is wrong; worth knowing."""
    warning = "warning"
    """It works, but something will be missing or slow."""
    failed = "failed"
    """It does not work like this."""
    skipped = "skipped"
    """Not looked at, because of an earlier finding."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check. What is ``ok`` needs no more than ``what``."""

    check: str
    state: State
    what: str
    why: str = ""
    todo: str = ""

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "check": self.check,
            "state": self.state.value,
            "what": self.what,
            "why": self.why,
            "todo": self.todo,
        }


@dataclass(slots=True)
class Findings:
    """All findings so far, in order."""

    all: list[Finding] = field(default_factory=list)

    def ok(self, check: str, what: str) -> None:
        """A check that passed."""
        self.all.append(Finding(check, State.ok, what))

    def note(self, check: str, what: str, why: str = "", todo: str = "") -> None:
        """Worth knowing."""
        self.all.append(Finding(check, State.note, what, why, todo))

    def warning(self, check: str, what: str, why: str, todo: str) -> None:
        """Something will be missing or slow."""
        self.all.append(Finding(check, State.warning, what, why, todo))

    def failed(self, check: str, what: str, why: str, todo: str) -> None:
        """It does not work like this."""
        self.all.append(Finding(check, State.failed, what, why, todo))

    def skipped(self, check: str, what: str) -> None:
        """Not looked at."""
        self.all.append(Finding(check, State.skipped, what))

    def state(self, check: str) -> State | None:
        """The worst state of a check, None when it was not made."""
        states = [finding.state for finding in self.all if finding.check == check]
        order = list(State)
        return max(states, key=order.index, default=None) if states else None

    @property
    def broken(self) -> bool:
        """Whether anything failed."""
        return any(finding.state is State.failed for finding in self.all)
