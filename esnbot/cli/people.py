"""`esnbot export` and `esnbot forget`: what is kept about one person, and forgetting it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.app import Application
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
from esnbot.community.person import is_user_id
from esnbot.discovery import discover
from esnbot.engine import people
from esnbot.engine.feature import Context
from esnbot.settings import Settings
from esnbot.stored import existing

T = TypeVar("T")

PersonArgument = Annotated[str, typer.Argument(help="A Matrix id; '@zoe' is short for '@zoe:THIS-HOMESERVER'.")]

STAYS = (
    "What they wrote stays in the rooms, on the homeserver. To remove that too, an administrator of the homeserver "
    "deactivates the account and erases it (Synapse: POST /_synapse/admin/v1/deactivate/{user} with "
    '{{"erase": true}}), or redacts what they wrote (POST /_synapse/admin/v1/user/{user}/redact with {{"rooms": []}}).'
)
IN_THE_FILE = "What the configuration says about them stays in it, until you take it out: look for '{user}' there."


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting did."""

    before: Mapping[str, Mapping[str, Any]]
    after: Mapping[str, Mapping[str, Any]]
    rooms: Mapping[str, str]

    @property
    def by(self) -> list[str]:
        """The modules that kept something, and keep less now."""
        return [name for name, kept in self.before.items() if kept != self.after.get(name)]


def export(
    person: Annotated[
        str | None, typer.Argument(help="A Matrix id; '@zoe' is short for '@zoe:THIS-HOMESERVER'.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    group: Annotated[str | None, typer.Option("--group", help="Instead: the notes and pages of this group.")] = None,
    form: Annotated[Literal["zip", "git"], typer.Option("--format", help="Of a group's notes and pages.")] = "zip",
    to: Annotated[Path | None, typer.Option("--to", help="Where a group's notes and pages are written.")] = None,
) -> None:
    """Write all that is kept about a person as JSON, or the notes and pages of a group as Markdown files."""
    if (person is None) == (group is None):
        raise Failure("Name a person, or a group with --group.", "'esnbot export --help' shows both.")
    if group is not None:
        from esnbot.cli.pages import export_group  # not loaded for persons

        export_group(group, form, to, config)
        return
    settings = load_settings(config)
    user = user_id(person or "", settings)

    async def work(app: Application) -> Any:
        async with app.database.read() as conn:
            return await people.collect(app.engine.modules, conn, user)

    print_json({"person": user, "kept": with_application(settings, work)})


def forget(
    person: PersonArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False, yes: YesOption = False
) -> None:
    """Forget a person, and say what stays in rooms. It cannot be taken back."""
    settings = load_settings(config)
    user = user_id(person, settings)
    if not yes:
        _ask(user)

    async def work(app: Application) -> Forgotten:
        async def job(conn: AsyncConnection) -> Forgotten:
            before = await people.collect(app.engine.modules, conn, user)
            context = Context(conn=conn, now=app.clock.now(), bot=app.client.user)
            await people.erase(app.engine.modules, context, user)
            after = await people.collect(app.engine.modules, conn, user)
            return Forgotten(before, after, await people.rooms_of(conn, user))

        return await app.database.write(job)

    _report(user, with_application(settings, work), as_json=as_json)


def user_id(person: str, settings: Settings) -> str:
    """The Matrix id that is meant; raises Failure for what is none."""
    user = person.strip()
    if ":" not in user:
        user = f"@{user.removeprefix('@')}:{settings.homeserver.server_name}"
    if not is_user_id(user):
        raise Failure(f"'{person}' is no Matrix id.", "write it whole, such as '@zoe:example.org'.")
    return user


def _ask(user: str) -> None:
    if not sys.stdin.isatty():
        raise Failure(
            f"'{user}' would be forgotten, which cannot be taken back.", "say --yes when that is what you want."
        )
    typer.confirm(f"Forget {user}? This cannot be taken back.", abort=True)


def _report(user: str, done: Forgotten, *, as_json: bool) -> None:
    joined = sorted(room for room, membership in done.rooms.items() if membership == "join")
    stays = [STAYS.format(user=user), IN_THE_FILE.format(user=user)]
    if as_json:
        print_json({"person": user, "erased": done.by, "left": done.after, "rooms": joined, "stays": stays})
        return
    out = console()
    if done.by:
        out.print(f"Forgotten: {user}, in {', '.join(done.by)}.", markup=False)
    else:
        out.print(f"Nothing was kept about {user}.", markup=False)
    if joined:
        out.print(f"They are still in {len(joined)} rooms that the bot knows: {', '.join(joined)}.", markup=False)
    for sentence in stays:
        out.print(sentence, markup=False)


def with_application(settings: Settings, work: Callable[[Application], Awaitable[T]]) -> T:
    """Put the application together, without starting it: its modules know what they keep."""

    async def run() -> T:
        found = discover()
        async with existing(settings.database, found) as database:
            app = Application(settings, found, database)
            try:
                return await work(app)
            finally:
                await app.client.close()

    return asyncio.run(run())
