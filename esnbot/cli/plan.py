"""`esnbot plan`: what would change, as a tree by space."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from esnbot.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, console, load_settings, print_json
from esnbot.cli.connection import reconciler
from esnbot.discovery import discover
from esnbot.provisioning.display import plan_tree
from esnbot.provisioning.plan import Plan, to_json
from esnbot.settings import Settings

PENDING = 2
"""The exit code that says that changes are pending."""

FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Read every room from the homeserver instead of what changed since last time.")
]


def plan(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False, fresh: FreshOption = False) -> None:
    """Show what 'esnbot apply' would change. Exit code 0: nothing to do, 2: changes are pending, 1: an error."""
    found = asyncio.run(_plan(load_settings(config), fresh=fresh))
    if as_json:
        print_json(to_json(found))
    else:
        console().print(plan_tree(found))
    raise typer.Exit(PENDING if found.pending else 0)


async def _plan(settings: Settings, *, fresh: bool) -> Plan:
    async with reconciler(settings, discover()) as machine:
        return await machine.plan(settings.community, fresh=fresh)
