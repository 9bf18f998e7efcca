"""`esnbot run`: the bot, and with `homeserver: embedded` a homeserver with the whole community on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from esnbot.app import Application, application, until_stopped
from esnbot.cli.common import DEFAULT_CONFIG, ConfigOption, Failure
from esnbot.cli.display import MOST_ROOMS, CurrentStderr, Display, Picture, Pulse, Room
from esnbot.community.group import Place, Space
from esnbot.discovery import Discovery, discover
from esnbot.embedded import Embedded, rooms_for
from esnbot.logs import FORMATS, LEVELS, set_up_logs
from esnbot.provisioning import wanted
from esnbot.settings import Settings, load
from esnbot.store import bindings, rooms
from esnbot.store.bindings import DIRECT

Level = Annotated[
    str | None, typer.Option("--log-level", envvar="ESNBOT_LOG_LEVEL", help="debug, info, warning or error.")
]
Format = Annotated[
    str,
    typer.Option(
        "--log-format",
        envvar="ESNBOT_LOG_FORMAT",
        help="auto, plain (key=value), json or pretty; auto looks at the terminal.",
    ),
]


def run(config: ConfigOption = DEFAULT_CONFIG, log_level: Level = None, log_format: Format = "auto") -> None:
    """Run the bot until Ctrl-C or SIGTERM; with an embedded homeserver, make the community and run that too."""
    display = Display()
    _set_up_logs(display, log_level, log_format)
    found = discover()
    settings = load(config, found.schemas)
    work = _embedded(settings, found, display) if settings.homeserver.embedded else _external(settings, found, display)
    asyncio.run(until_stopped(work))


def _set_up_logs(display: Display, level: str | None, format: str) -> None:
    if level is not None and level not in LEVELS:
        raise Failure(f"'{level}' is no log level.", f"it is one of {', '.join(LEVELS)}.")
    if format not in FORMATS:
        raise Failure(f"'{format}' is no log format.", f"it is one of {', '.join(FORMATS)}.")
    # Where somebody looks at the live picture, only what needs their attention is worth a line.
    quiet = display.is_terminal and level is None
    set_up_logs(level or "info", format, stream=CurrentStderr() if display.is_terminal else None, quiet=quiet)


async def _external(settings: Settings, found: Discovery, display: Display) -> None:
    """The bot alone; what is declared is made by `esnbot apply`."""
    async with application(settings, found) as app:
        await app.start()
        await app.until_ready()
        display.show(await _picture(app))
        await _live(app, display)


async def _embedded(settings: Settings, found: Discovery, display: Display) -> None:
    embedded = Embedded(settings.homeserver)
    async with _homeserver(settings, embedded, display) as settings:
        seats = await embedded.make_accounts(embedded.seats(settings.community))
        async with application(settings, found) as app:
            await app.listen()
            display.say("making what the file declares …")
            await _apply(app, display, embedded.notices)
            await app.start()
            await app.until_ready()
            today = app.clock.now().astimezone(settings.community.zone).date()
            bound = await _bindings(app)
            places = {
                seat.localpart: rooms_for(
                    settings.community, f"@{seat.localpart}:{settings.homeserver.server_name}", today, bound
                )
                for seat in seats
            }
            seats = await embedded.seat(seats, places, app.client)
            display.show(
                replace(
                    await _picture(app),
                    accounts=seats,
                    accounts_file=str(embedded.accounts_file),
                    notices=embedded.notices,
                )
            )
            assert embedded.server is not None
            await _live(app, display, asyncio.create_task(_fails(embedded)))


@asynccontextmanager
async def _homeserver(settings: Settings, embedded: Embedded, display: Display) -> AsyncIterator[Settings]:
    """The embedded homeserver, and the settings with the ports and tokens that it got."""
    display.say("starting the homeserver …")
    try:
        homeserver = await embedded.start()
        port = embedded.port("the board", settings.web.host, settings.web.port)
        url = settings.web.url.replace(f":{settings.web.port}", f":{port}")
        yield replace(settings, homeserver=homeserver, web=replace(settings.web, port=port, url=url))
    finally:
        await embedded.stop()


async def _apply(app: Application, display: Display, notices: list[str]) -> None:
    """Make what the file declares; what cannot be made is said, and the rest runs."""
    outcome = await app.apply(lambda done, total, _key: display.progress(done, total))
    if outcome is None:
        notices.append("something is no longer in the file: 'esnbot plan' shows it, 'esnbot apply' archives it.")
        return
    notices.extend(outcome.notices)
    notices.extend(f"'{key}' could not be made: {reason}" for key, reason in outcome.failures.items())


async def _fails(embedded: Embedded) -> None:
    """Raise when the homeserver ends by itself."""
    assert embedded.server is not None
    raise await embedded.server.wait_for_death()


async def _live(app: Application, display: Display, *others: asyncio.Task[Any]) -> None:
    """Say that all is up, then show how it goes until somebody stops it."""
    display.ready()
    with display.living():
        pulses = asyncio.create_task(_beat(app, display))
        try:
            await app.watch(*others, pulses)
        finally:
            for task in (*others, pulses):
                task.cancel()


async def _beat(app: Application, display: Display) -> None:
    while True:
        if display.is_terminal:
            display.refresh(await _pulse(app))
        await asyncio.sleep(1.0)


async def _pulse(app: Application) -> Pulse:
    backlog = await app.engine.backlog()
    zone = app.settings.community.zone
    due = datetime.fromtimestamp(backlog.next_due_ms / 1000, UTC) if backlog.next_due_ms is not None else None
    return Pulse(
        now=app.clock.now().astimezone(zone),
        ready=app.readiness.ready,
        waiting_for=app.readiness.waiting_for,
        homeserver_error=app.engine.homeserver.last_error,
        handled=app.count("esnbot_events_handled"),
        delivered=app.count("esnbot_effects_delivered"),
        inbox=backlog.inbox,
        outbox=backlog.outbox,
        letters=backlog.letters,
        next_due=due.astimezone(zone) if due is not None else None,
    )


async def _bindings(app: Application) -> dict[str, str]:
    async with app.database.read() as conn:
        return await bindings.all_bindings(conn)


async def _picture(app: Application) -> Picture:
    homeserver = app.settings.homeserver
    listed, more = await _rooms(app)
    return Picture(
        community=app.settings.community.name,
        url=homeserver.url,
        server_name=homeserver.server_name,
        bot=homeserver.bot,
        board=app.settings.web.url,
        rooms=listed,
        more_rooms=more,
    )


async def _rooms(app: Application) -> tuple[list[Room], int]:
    """Spaces and groups as a tree, of the file and of chat, with where to find them; and how many are left out."""
    async with app.database.read() as conn:
        bound = {key: room for key, room in (await bindings.all_bindings(conn)).items() if not key.startswith(DIRECT)}
        places: list[Place] = []
        async for place in wanted.each_place(conn, at_once=MOST_ROOMS):
            if place.key in bound:
                places.append(place)
            if len(places) == MOST_ROOMS:
                break
        contents = await rooms.contents(conn, "m.room.canonical_alias", [bound[place.key] for place in places])
    aliases = {place.key: str(contents.get(bound[place.key], {}).get("alias") or bound[place.key]) for place in places}
    known = {place.key for place in places}
    listed: list[Room] = []

    def walk(parent: str | None, depth: int) -> None:
        for place in places:
            if (place.parent if place.parent in known else None) == parent:
                listed.append(Room(place.name, aliases[place.key], depth, isinstance(place, Space)))
                if isinstance(place, Space):
                    walk(place.key, depth + 1)

    walk(None, 0)
    return listed, max(len(bound) - len(listed), 0)
