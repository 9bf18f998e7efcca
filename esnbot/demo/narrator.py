"""Tells the week on the terminal: who, where, what, when; and keeps the list of what was expected of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from esnbot.community.clock import Clock
from esnbot.speech import in_a_line

LONGEST: Final = 180
"""Characters of a message that are shown."""
BOT: Final = "esnbot"
_ADDRESS: Final = re.compile(r" \(https://matrix\.to/[^)\s]*\)")
_COLOURS: Final = ("green", "yellow", "magenta", "blue", "bright_red", "bright_green", "bright_magenta")


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that had to be so, and whether it was."""

    what: str
    problem: str = ""
    """'' when it was met."""

    @property
    def met(self) -> bool:
        """Whether it was so."""
        return not self.problem


@dataclass(slots=True)
class Narrator:
    """Writes one line for each thing that happens, with the community's local time."""

    clock: Clock
    zone: ZoneInfo
    out: IO[str] | None = None
    expectations: list[Expectation] = field(default_factory=list)
    _console: Console = field(init=False)
    _colours: dict[str, str] = field(default_factory=lambda: {BOT: "cyan"})

    def __post_init__(self) -> None:
        """Lines are wrapped on a terminal only."""
        file = self.out or sys.stdout
        plain = Console(file=file, highlight=False)
        self._console = plain if plain.is_terminal else Console(file=file, highlight=False, soft_wrap=True)

    @property
    def is_terminal(self) -> bool:
        """Whether somebody looks at it."""
        return self._console.is_terminal

    def now(self) -> datetime:
        """The community's local time."""
        return self.clock.now().astimezone(self.zone)

    def chapter(self, title: str) -> None:
        """A new part of the week."""
        self._print(Text(f"\n{self.now():%A %d %B}  {title}", style="bold"))

    def note(self, text: str) -> None:
        """What happens, in words."""
        self._print(self._stamped(Text(text, style="italic")))

    def plain(self, text: str = "") -> None:
        """A line without a time."""
        self._print(Text(text))

    def says(self, who: str, where: str, text: str) -> None:
        """Somebody says something in a room."""
        colour = self._colours.setdefault(who, _COLOURS[(len(self._colours) - 1) % len(_COLOURS)])
        line = Text()
        line.append(f"{where:<20} ", style="dim")
        line.append(who, style=f"bold {colour}")
        line.append(f": {shortened(text)}")
        self._print(self._stamped(line))

    async def expect(self, what: str, check: Awaitable[object]) -> bool:
        """Note whether something is so; a check that raises or gives False says no."""
        try:
            found = await check
            problem = "it was not so" if found is False else ""
        # The demo goes on and tells at the end what was missing, whatever the check ran into.
        except Exception as error:  # noqa: BLE001
            problem = shortened(f"{error}") or type(error).__name__
        self.expectations.append(Expectation(what, problem))
        mark = Text("✗ ", style="bold red") if problem else Text("✓ ", style="bold green")
        line = mark + Text(what + (f" ({problem})" if problem else ""))
        self._print(self._stamped(line))
        return not problem

    def summary(self) -> None:
        """What was expected and what of it was met."""
        met = sum(expectation.met for expectation in self.expectations)
        self._print(Text(f"\n{met} of {len(self.expectations)} expectations were met.", style="bold"))
        for expectation in self.expectations:
            if not expectation.met:
                self._print(Text(f"not met: {expectation.what}: {expectation.problem}", style="bold red"))

    @property
    def failed(self) -> list[Expectation]:
        """The expectations that were not met."""
        return [expectation for expectation in self.expectations if not expectation.met]

    def _stamped(self, text: Text) -> Text:
        return Text(f"  {self.now():%a %H:%M}  ", style="dim") + text

    def _print(self, text: Text) -> None:
        self._console.print(text)
        self._console.file.flush()


def shortened(text: str) -> str:
    """The text on one line, without the addresses of its links, cut where it gets long."""
    return in_a_line(_ADDRESS.sub("", text), LONGEST)
