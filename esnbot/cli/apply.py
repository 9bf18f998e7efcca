"""`esnbot apply`: make everything as declared."""

from __future__ import annotations

import asyncio
import sys

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from esnbot.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    Failure,
    JsonOption,
    YesOption,
    console,
    load_settings,
    print_json,
)
from esnbot.cli.connection import reconciler
from esnbot.cli.plan import FreshOption
from esnbot.discovery import discover
from esnbot.provisioning.display import plan_tree
from esnbot.provisioning.errors import Busy
from esnbot.provisioning.plan import Plan, to_json
from esnbot.provisioning.reconciler import Outcome, Reconciler
from esnbot.settings import Settings


def apply(
    config: ConfigOption = DEFAULT_CONFIG,
    yes: YesOption = False,
    as_json: JsonOption = False,
    fresh: FreshOption = False,
) -> None:
    """Make spaces and groups as declared, and show what is done. Archiving asks first, or needs --yes."""
    settings = load_settings(config)
    plan, outcome = asyncio.run(_apply(settings, yes=yes, as_json=as_json, fresh=fresh))
    if as_json:
        done = {"done": outcome.done, "failures": outcome.failures, "notices": outcome.notices}
        print_json({"plan": to_json(plan), **done})
    else:
        _tell(plan, outcome)
    raise typer.Exit(0 if outcome.ok else 1)


async def _apply(settings: Settings, *, yes: bool, as_json: bool, fresh: bool) -> tuple[Plan, Outcome]:
    async with reconciler(settings, discover()) as machine:
        plan = await machine.plan(settings.community, fresh=fresh, look_up=False)
        if not as_json:
            console().print(plan_tree(plan))
        gone = [entry.place.name for entry in await machine.vanished(settings.community)]
        if gone and not yes:
            await asyncio.to_thread(_ask, gone)
        await machine.declare(settings.community)
        try:
            return plan, await _with_progress(machine, quiet=as_json)
        except Busy as error:
            raise Failure(str(error)) from error


def _ask(gone: list[str]) -> None:
    names = ", ".join(f"'{name}'" for name in gone)
    what = f"{'this is' if len(gone) == 1 else 'these are'} not in the file any more and would be archived: {names}"
    if not sys.stdin.isatty():
        raise Failure(what, "nothing was changed; agree with --yes, or put them back into the file.")
    typer.confirm(f"{what[0].upper()}{what[1:]}. Read-only, out of the space, nothing deleted. Go on?", abort=True)


async def _with_progress(machine: Reconciler, *, quiet: bool) -> Outcome:
    terminal = Console(stderr=True)
    if quiet or not terminal.is_terminal:
        return await machine.apply()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True) as bar:
        task: TaskID = bar.add_task("applying", total=None)

        def progress(done: int, total: int, key: str) -> None:
            bar.update(task, completed=done, total=total, description=key or "applying")

        return await machine.apply(progress=progress)


def _tell(plan: Plan, outcome: Outcome) -> None:
    say = console()
    for notice in outcome.notices:
        say.print(f"? {notice}", markup=False)
    for key, reason in outcome.failures.items():
        say.print(f"! {key}: {reason}", markup=False)
    if outcome.failures:
        number = len(outcome.failures)
        say.print(f"{number} could not be made as declared; the rest is done. 'esnbot apply' tries again.")
    elif outcome.done and not plan.empty:
        say.print(f"Done: {len(outcome.done)} spaces and groups are as declared.")
