"""`esnbot dead-letters`: what was set aside, and putting it back where it came from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    Failure,
    JsonOption,
    console,
    load_settings,
    print_json,
)
from esnbot.discovery import discover
from esnbot.engine import letters
from esnbot.store.database import Database
from esnbot.stored import existing

T = TypeVar("T")

WORDS_GONE = "its words are not kept: the room is encrypted"
NO_EVENT = "it is no event and cannot be put back; discard it"
REFUSED_WORDS = (
    "its words are gone, because the room is encrypted; have its cause handled again (ask the bot once more), "
    "and discard it"
)

app = typer.Typer(
    help="What could not be handled or delivered, set aside so that everything else goes on.", no_args_is_help=True
)

Ids = Annotated[list[int] | None, typer.Argument(help="Numbers, as 'esnbot dead-letters list' shows them.")]
All = Annotated[bool, typer.Option("--all", help="All of them.")]


@app.command("list")
def list_letters(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show the dead letters, oldest first; never what people wrote in them."""
    found = _with_database(config, lambda database: _read(database, letters.all_letters))
    if as_json:
        print_json([_as_json(letter) for letter in found])
        return
    if not found:
        console().print("No dead letters.")
        return
    table = Table("number", "since", "what", "module", "where", "why", box=None, pad_edge=False)
    for letter in found:
        since = f"{letter.died:%Y-%m-%d %H:%M} UTC"
        why = f"{letter.error} ({WORDS_GONE})" if letter.emptied else letter.error
        cells = (letter.kind, letter.module, letter.room, why)
        table.add_row(str(letter.id), since, *(escape(cell) for cell in cells))
    console().print(table)
    console().print("\nOnce the cause is gone: esnbot dead-letters replay NUMBER … (or --all)")


@app.command()
def replay(ids: Ids = None, every: All = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Put dead letters back; a bot that runs takes them within a second. Nothing is done or said twice."""
    _change(config, ids, every, letters.replay, "put back", NO_EVENT)


@app.command()
def discard(ids: Ids = None, every: All = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Throw dead letters away for good."""
    _change(config, ids, every, letters.discard, "thrown away", "it could not be thrown away")


def _change(
    config: ConfigOption,
    ids: list[int] | None,
    every: bool,
    change: Callable[[AsyncConnection, int], Awaitable[bool]],
    done: str,
    refused: str,
) -> None:
    if bool(ids) == every:
        raise Failure("which dead letters?", "name their numbers, or --all; 'esnbot dead-letters list' shows them.")

    emptied: set[int] = set()

    async def run(database: Database) -> tuple[int, list[int], list[int]]:
        found = await _read(database, letters.all_letters)
        emptied.update(letter.id for letter in found if letter.emptied)
        known = [letter.id for letter in found]
        unknown = [id for id in ids or () if id not in known]
        chosen = known if every else [id for id in dict.fromkeys(ids or ()) if id in known]
        results = {id: await _write(database, change, id) for id in chosen}
        return sum(results.values()), unknown, [id for id, changed in results.items() if not changed]

    number, unknown, unchanged = _with_database(config, run)
    console().print(f"{number} dead {'letter' if number == 1 else 'letters'} {done}.")
    if unknown:
        numbers = ", ".join(map(str, unknown))
        raise Failure(f"there is no dead letter {numbers}.", "'esnbot dead-letters list' shows them.")
    if unchanged and not every:
        why = REFUSED_WORDS if unchanged[0] in emptied and refused == NO_EVENT else refused
        raise Failure(f"dead letter {unchanged[0]} is left: {why}.")


def _with_database(config: ConfigOption, use: Callable[[Database], Awaitable[T]]) -> T:
    url = load_settings(config).database

    async def run() -> T:
        async with existing(url, discover()) as database:
            return await use(database)

    return asyncio.run(run())


async def _read(database: Database, query: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    async with database.read() as conn:
        return await query(conn)


async def _write(database: Database, change: Callable[[AsyncConnection, int], Awaitable[bool]], id: int) -> bool:
    return await database.write(lambda conn: change(conn, id))


def _as_json(letter: letters.Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "kind": letter.kind,
        "key": letter.key,
        "module": letter.module,
        "room": letter.room,
        "error": letter.error,
        "died": letter.died.isoformat(),
        "words_kept": not letter.emptied,
    }
