"""`esnbot demo`: a week of a community's life in two minutes, with a partner's homeserver beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from esnbot.app import until_stopped
from esnbot.cli.common import Failure
from esnbot.cli.display import how_to_log_in
from esnbot.demo.clock import ScaledClock
from esnbot.demo.narrator import Narrator
from esnbot.demo.town import open_town, town
from esnbot.demo.week import MONDAY, TALKING, ZONE, Week
from esnbot.logs import LEVELS, set_up_logs

Once = Annotated[
    bool, typer.Option("--once", help="End after the week; exit code 1 when something was not as expected.")
]
Folder = Annotated[
    Path | None, typer.Option("--folder", help="Where everything is kept; a temporary folder when not given.")
]
Level = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")]


def demo(once: Once = False, folder: Folder = None, log_level: Level = "error") -> None:
    """See a week of a community's life in two minutes: people talk, the bot animates, a partner joins."""
    if log_level not in LEVELS:
        raise Failure(f"'{log_level}' is no log level.", f"it is one of {', '.join(LEVELS)}.")
    set_up_logs(log_level)
    with _place(folder) as place:
        clock = ScaledClock(MONDAY, TALKING)
        narrator = Narrator(clock, ZONE)
        asyncio.run(until_stopped(_play(place, clock, narrator, once=once)))
    if narrator.failed or not narrator.expectations:
        raise typer.Exit(1)


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        if folder.exists() and any(folder.iterdir()):
            raise Failure(f"'{folder}' is not empty.", "the demo begins with a new community: give it a new folder.")
        yield folder.resolve()
        return
    with TemporaryDirectory(prefix="esnbot-demo-") as temporary:
        yield Path(temporary)


async def _play(folder: Path, clock: ScaledClock, narrator: Narrator, *, once: bool) -> None:
    began = time.monotonic()
    narrator.plain("starting the company's homeserver and a partner's, with nothing on them yet …")
    async with town(folder, clock) as here:
        await open_town(here)
        community = here.app.settings.community
        narrator.plain(
            f"{community.name}: {len(community.spaces)} spaces and {len(community.groups)} groups made and open "
            f"after {time.monotonic() - began:.0f} s. The bot is {here.bot}."
        )
        await Week(here, narrator).play()
        narrator.summary()
        narrator.plain(f"A week in {time.monotonic() - began:.0f} s.")
        if once:
            return
        narrator.plain("\nThe community lives on until Ctrl-C. You can look around in it:")
        for user, password in here.passwords.items():
            narrator.plain(f"  {user}  password: {password}")
        for line in how_to_log_in(here.company.url, "camille"):
            narrator.plain(line)
        await here.app.watch(asyncio.create_task(_for_ever()))


async def _for_ever() -> None:
    await asyncio.Event().wait()
