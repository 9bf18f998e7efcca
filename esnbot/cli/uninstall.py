"""`esnbot uninstall`: what would stay behind, and how to remove each thing. It removes nothing itself."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote

from sqlalchemy.engine import make_url

from esnbot.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, print_json
from esnbot.discovery import Discovery, discover
from esnbot.settings import Settings, load
from esnbot.store.bindings import all_bindings
from esnbot.store.database import Database, DatabaseError
from esnbot.stored import existing

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Remains:
    """Something that stays, and how to remove it."""

    what: str
    items: tuple[str, ...]
    keep: str
    """Why one may want to keep it."""
    remove: tuple[str, ...]
    """Steps or shell commands."""


def uninstall(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say what stays behind when esnbot goes, and how to remove each thing. Nothing is removed."""
    found = discover()
    settings = load(config, found.schemas)
    rooms = asyncio.run(_rooms(settings, found))
    remains = list(what_remains(settings, config, rooms))
    if as_json:
        print_json({"remains": [asdict(one) for one in remains]})
        return
    sys.stdout.write("Nothing was removed. In this order, after 'esnbot run' was stopped:\n")
    for number, one in enumerate(remains, 1):
        sys.stdout.write(f"\n{number}. {one.what}\n")
        shown = one.items[:_SHOWN]
        sys.stdout.writelines(f"     {item}\n" for item in shown)
        if len(one.items) > len(shown):
            sys.stdout.write(f"     … and {len(one.items) - len(shown)} more (--json lists all)\n")
        sys.stdout.write(f"   keep it?  {one.keep}\n")
        sys.stdout.writelines(f"   remove:   {step}\n" for step in one.remove)


async def _rooms(settings: Settings, found: Discovery) -> dict[str, str] | None:
    """Rooms by key, None when the database does not tell."""
    try:
        async with existing(settings.database, found) as database:
            return await _bindings(database)
    except DatabaseError:
        return None


async def _bindings(database: Database) -> dict[str, str]:
    async with database.read() as connection:
        return await all_bindings(connection)


def what_remains(settings: Settings, config: Path, rooms: dict[str, str] | None) -> list[Remains]:
    """Everything that stays, in the order in which to remove it. ``rooms`` are those that the database knows."""
    if settings.homeserver.embedded:
        return [_embedded(settings), _database(settings), *_keys(settings), _files(settings, config)]
    return [
        _rooms_of(settings, rooms),
        _account(settings),
        _registration(settings),
        _database(settings),
        *_keys(settings),
        _files(settings, config),
    ]


def _embedded(settings: Settings) -> Remains:
    data = settings.homeserver.data
    return Remains(
        "The embedded homeserver: accounts, rooms and everything that was said.",
        (str(data.absolute()),),
        "Only if somebody wants to read it again; nothing else has a copy.",
        (f"rm -r {quote(str(data))}",),
    )


def _rooms_of(settings: Settings, rooms: dict[str, str] | None) -> Remains:
    url = settings.homeserver.url
    if rooms is None:
        items: tuple[str, ...] = (
            "(the database is not there, so the rooms cannot be listed; the bot's account is in all)",
        )
    else:
        named = ((key, room, settings.community.place(key)) for key, room in sorted(rooms.items()))
        items = tuple(f"{room}  {place.name if place else key}" for key, room, place in named)
    return Remains(
        "The rooms and spaces on the homeserver, with what people wrote in them.",
        items or ("(none was made)",),
        "People can go on talking there; hand groups over first, for nobody else has the bot's power.",
        (
            "hand a group over while the bot still runs, by saying in it: !esn group hand-over @person",
            f"or delete a room, as server administrator: curl -X DELETE -H 'Authorization: Bearer ADMIN_TOKEN' "
            f"-d '{{\"purge\": true}}' '{url}/_synapse/admin/v2/rooms/ROOM_ID'",
        ),
    )


def _account(settings: Settings) -> Remains:
    homeserver = settings.homeserver
    return Remains(
        "The bot's account, and the service's sender.",
        (homeserver.bot, f"@_{homeserver.bot_localpart}_service:{homeserver.server_name}"),
        "Deactivated, it leaves all rooms; its messages stay, unless it is erased.",
        (
            f"as server administrator: curl -X POST -H 'Authorization: Bearer ADMIN_TOKEN' -d '{{\"erase\": true}}' "
            f"'{homeserver.url}/_synapse/admin/v1/deactivate/{homeserver.bot}'",
        ),
    )


def _registration(settings: Settings) -> Remains:
    path = settings.homeserver.registration
    return Remains(
        "The registration in the homeserver's configuration.",
        (str(path.absolute()) if path else "the file that 'app_service_config_files' names",),
        "While it is loaded, the homeserver keeps events for a bot that no longer listens.",
        (
            "take its line out of 'app_service_config_files', restart the homeserver, then delete the file",
            "take back what was set for the bot only: room_list_publication_rules, retention",
        ),
    )


def _database(settings: Settings) -> Remains:
    parsed = make_url(settings.database)
    why = "It holds indexes, schedules and decisions, no texts of people. Without it, a new bot begins anew."
    if parsed.get_backend_name() == "sqlite":
        path = parsed.database or ""
        return Remains(
            "The bot's database.",
            (str(Path(path).absolute()),),
            why,
            (f"rm -f {' '.join(quote(path + end) for end in ('', '-wal', '-shm'))}",),
        )
    host = f" --host {quote(parsed.host)}" if parsed.host else ""
    place = f"{parsed.database} on {parsed.host or 'this machine'}"
    return Remains("The bot's database.", (place,), why, (f"dropdb{host} {quote(parsed.database or '')}",))


def _keys(settings: Settings) -> list[Remains]:
    folder = settings.encryption
    if folder is None:
        return []
    return [
        Remains(
            "The keys of the bot's encrypted device.",
            (str(folder.absolute()),),
            "Only together with the database: with them one reads what was said to the bot in encrypted rooms.",
            (f"rm -r {quote(str(folder))}",),
        )
    ]


def _files(settings: Settings, config: Path) -> Remains:
    files = [config, *settings.secret_files]
    return Remains(
        "The configuration and its secrets.",
        tuple(str(path.absolute()) for path in files),
        "The configuration is worth keeping; tokens are of no use once the registration is gone.",
        tuple(f"rm {quote(str(path))}" for path in settings.secret_files) or (f"rm {quote(str(config))}",),
    )
