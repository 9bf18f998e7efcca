"""The command line as a person sees it: exit code, what was said, what was complained of."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from esnbot.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a call left."""

    code: int
    out: str
    err: str


class Caller:
    """Calls the command line in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: object) -> Outcome:
        """Run `esnbot ARGUMENTS`."""
        self._capture.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = self._capture.readouterr()
        return Outcome(code, captured.out, captured.err)
