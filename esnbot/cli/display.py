"""What `esnbot run` shows: plain lines where nobody looks, a live picture of the community on a terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from esnbot.embedded import Seat

MOST_ROOMS: Final = 100
"""So many rooms are listed at a start; a community of thousands would push everything else off the screen."""


@dataclass(frozen=True, slots=True)
class Room:
    """A space or group as it is listed."""

    name: str
    address: str
    """Its alias, or its id."""
    depth: int
    is_space: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """What stands still while the bot runs."""

    community: str
    url: str
    server_name: str
    bot: str
    board: str
    accounts: Sequence[Seat] = ()
    accounts_file: str = ""
    rooms: Sequence[Room] = ()
    more_rooms: int = 0
    """How many there are beside those that are listed."""
    notices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Pulse:
    """What moves."""

    now: datetime
    ready: bool
    waiting_for: Sequence[str]
    homeserver_error: str
    handled: int
    delivered: int
    inbox: int
    outbox: int
    letters: int
    next_due: datetime | None


class Display:
    """Writes to a console; ``live`` is for terminals."""

    def __init__(self, out: IO[str] | None = None) -> None:
        self.console = Console(file=out or sys.stdout, highlight=False)
        if not self.console.is_terminal:
            # Lines are for programs and log files: none is wrapped, at no width.
            self.console = Console(file=out or sys.stdout, highlight=False, soft_wrap=True, markup=False)
        self._live: Live | None = None
        self._picture: Picture | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether somebody looks at it."""
        return self.console.is_terminal

    def say(self, line: str) -> None:
        """One line on what is being done."""
        self.console.print(line, style="dim" if self.is_terminal else None, markup=False)
        self.console.file.flush()

    def progress(self, done: int, total: int) -> None:
        """How far a long work is; a line where it ends, and a few on the way."""
        if done == total or done % 10 == 0:
            self.say(f"  {done} of {total}")

    def show(self, picture: Picture) -> None:
        """Who can log in, how, and which rooms there are."""
        self._picture = picture
        for line in lines(picture):
            self.console.print(line, markup=False)
        self.console.file.flush()

    def ready(self) -> None:
        """Programs wait for this line."""
        self.console.print("ready", style="bold green" if self.is_terminal else None)
        self.console.file.flush()

    @contextmanager
    def living(self) -> Iterator[None]:
        """While inside, ``refresh`` moves the picture; logs and lines appear above it."""
        if not self.is_terminal:
            yield
            return
        with Live(console=self.console, refresh_per_second=4, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def refresh(self, pulse: Pulse) -> None:
        """Show what has changed; nothing without a terminal."""
        if self._live is not None:
            self._live.update(_moving(self._picture, pulse))


class CurrentStderr(io.StringIO):
    """Writes to what ``sys.stderr`` is at that moment, so that logs do not tear the picture."""

    def write(self, text: str) -> int:
        """As a file."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """As a file."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """As a file."""
        return sys.stderr.isatty()


def lines(picture: Picture) -> Iterator[str]:
    """The picture as plain lines."""
    yield ""
    yield picture.community
    yield f"homeserver: {picture.url} (user ids end in :{picture.server_name})"
    yield f"bot: {picture.bot}   board: {picture.board}"
    if picture.accounts:
        yield "accounts:"
        width = max(len(_user(picture, seat)) for seat in picture.accounts)
        for seat in picture.accounts:
            yield f"  {_user(picture, seat):<{width}}  {seat.role:<8}  password: {seat.password}"
        yield f"  (kept in {picture.accounts_file}, readable by you alone)"
    if picture.rooms:
        yield "rooms:"
        width = max(len(room.name) + 2 * room.depth for room in picture.rooms)
        for room in picture.rooms:
            name = f"{'  ' * room.depth}{room.name}"
            yield f"  {name:<{width}}  {room.address}"
        if picture.more_rooms:
            yield f"  … and {picture.more_rooms:,} more"
    if picture.accounts:
        yield from how_to_log_in(picture.url, picture.accounts[0].localpart)
    for notice in picture.notices:
        yield f"note: {notice}"


def how_to_log_in(url: str, localpart: str) -> Iterator[str]:
    """For somebody who has never done it."""
    yield "to log in, with any Matrix client on this machine:"
    yield f"  Element (web or desktop): Sign in > Edit (beside 'homeserver') > {url} > '{localpart}' and the password"
    yield f"  other clients: choose your own homeserver, give {url}, then '{localpart}' and the password"
    yield "  then write to the bot:  !esn help   (in French:  !rse aide)"


def _user(picture: Picture, seat: Seat) -> str:
    return f"@{seat.localpart}:{picture.server_name}"


def _moving(picture: Picture | None, pulse: Pulse) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", justify="right")
    grid.add_column()
    if pulse.homeserver_error:
        state = Text(f"the homeserver is away: {pulse.homeserver_error}", style="bold red")
    elif pulse.ready:
        state = Text("ready", style="bold green")
    else:
        state = Text(f"waiting for: {', '.join(pulse.waiting_for)}", style="yellow")
    grid.add_row("state", state)
    grid.add_row("handled", f"{pulse.handled} events, {pulse.inbox} waiting")
    grid.add_row("said and done", f"{pulse.delivered} effects, {pulse.outbox} waiting")
    if pulse.letters:
        grid.add_row("dead letters", Text(f"{pulse.letters}: see 'esnbot dead-letters list'", style="bold red"))
    grid.add_row("next due", f"{pulse.next_due:%A %d %B, %H:%M}" if pulse.next_due else "nothing")
    title = f"{picture.community if picture else 'esnbot'}  {pulse.now:%H:%M:%S}"
    return Group(Panel(grid, title=title, title_align="left", subtitle="Ctrl-C stops everything", border_style="cyan"))
