"""`esnbot doctor`: look at the real thing, and say about each finding what it is, why it matters and what to do."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from esnbot.cli.checkup import board, capabilities, homeserver, keys, storage
from esnbot.cli.checkup.finding import Finding, Findings, State
from esnbot.cli.checkup.probe import Answer, Probe
from esnbot.cli.checkup.service import Service
from esnbot.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, console, print_json
from esnbot.community.clock import Clock
from esnbot.discovery import Discovery, discover
from esnbot.engine.clock import SystemClock
from esnbot.matrix.crosssigning import SigningKeys
from esnbot.settings import Homeserver, Settings, SettingsError, load

MARKS: Final = {
    State.ok: "[green]ok[/]",
    State.note: "[cyan]note[/]",
    State.warning: "[yellow]warning[/]",
    State.failed: "[red]FAILED[/]",
    State.skipped: "[dim]skipped[/]",
}
LATER: Final = "Not looked at: see the finding above first."


def doctor(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Look at configuration, database and homeserver, and say what to do about each finding.

    Exit code 1 when something failed. Nothing is changed.
    """
    findings = asyncio.run(examine(config, SystemClock()))
    table = capabilities.held(findings)
    if as_json:
        print_json(
            {
                "ok": not findings.broken,
                "findings": [finding.as_json() for finding in findings.all],
                "capabilities": capabilities.as_json(table),
            }
        )
    else:
        _show(findings, table)
    if findings.broken:
        raise typer.Exit(1)


async def examine(
    config: Path, clock: Clock, *, environment: Mapping[str, str] | None = None, found: Discovery | None = None
) -> Findings:
    """All findings about a configuration and what it leads to; ``environment`` stands for ``os.environ``."""
    findings = Findings()
    found = found or discover()
    for sentence in found.broken.values():
        why = "Its commands and jobs are missing; everything else runs."
        findings.warning("features", sentence, why, "Update or remove the package that brings it.")
    try:
        settings = load(config, found.schemas, environment=environment)
    except SettingsError as error:
        for mistake in error.mistakes:
            todo = f"Did you mean '{mistake.suggestion}'?" if mistake.suggestion else "See docs/configuration.md."
            findings.failed("configuration", f"{mistake}.", "Nothing starts with a mistake in it.", todo)
        for check in ("database", "homeserver", "as_token"):
            findings.skipped(check, LATER)
        return findings
    findings.ok("configuration", f"'{config}' has no mistakes.")
    storage.secrets_are_private(_secret_files(settings), findings)
    bindings = await storage.database(settings, found, findings)
    signing = keys.folder(settings, findings)
    board.address(settings, findings)
    server = settings.homeserver
    running = _embedded(server, findings) if server.embedded else server
    if running is not None:
        await _examine_homeserver(settings, running, bindings, signing, findings, clock)
    return findings


async def _examine_homeserver(
    settings: Settings,
    server: Homeserver,
    bindings: Mapping[str, str],
    signing: SigningKeys | None,
    findings: Findings,
    clock: Clock,
) -> None:
    async with Probe(server.url, server.as_token) as probe:
        if not await homeserver.examine(probe, findings, clock):
            findings.skipped("as_token", LATER)
            return
        service = Service(server, probe, findings)
        if await service.examine():
            await homeserver.room_version(probe, findings)
            await _directory(settings, bindings, probe, findings)
            await keys.signed(server, signing, probe, findings)
            await board.widgets(settings, probe, findings)
        await service.admin()


async def _directory(settings: Settings, bindings: Mapping[str, str], probe: Probe, findings: Findings) -> None:
    """Whether rooms that are to be listed are: the rules themselves cannot be read."""
    community = settings.community
    listed = [place for place in (*community.spaces.values(), *community.groups.values()) if place.listed]
    made = [place for place in listed if place.key in bindings]
    if not made:
        return
    missing: list[str] = []
    for place in made:
        answer = await probe.ask(f"/_matrix/client/v3/directory/list/room/{bindings[place.key]}")
        if isinstance(answer, Answer) and answer.json and answer.json.get("visibility") != "public":
            missing.append(place.name)
    if missing:
        findings.warning(
            "directory",
            f"Not in the room directory, although declared: {', '.join(missing)}.",
            "People who look for a group there do not find it. Synapse refuses to publish rooms unless told.",
            "Add to the homeserver: room_list_publication_rules: [{user_id: '*', action: allow}]; then 'esnbot apply'.",
        )
    else:
        findings.ok("directory", "What is to be listed in the room directory is.")


def _secret_files(settings: Settings) -> list[Path]:
    server = settings.homeserver
    if server.embedded:
        return []
    return [*settings.secret_files, *([server.registration] if server.registration else [])]


def _embedded(server: Homeserver, findings: Findings) -> Homeserver | None:
    """The embedded homeserver as it was last started, None when it never was."""
    if importlib.util.find_spec("synapse") is None:
        findings.failed(
            "homeserver",
            "Synapse is not installed in this environment.",
            "'homeserver: embedded' starts it as a process of its own.",
            "pip install 'esnbot[embedded]', or 'make setup' in the repository; or name a homeserver of your own.",
        )
        return None
    tokens, ports = _kept(server.data / "tokens.json"), _kept(server.data / "ports.json")
    if not tokens:
        what = "The embedded homeserver was never started; 'esnbot run' does."
        findings.note("homeserver", what, "", "Start it, then look again while it runs.")
        findings.skipped("as_token", "Not looked at: the homeserver does not run.")
        return None
    client = _port(ports, "the homeserver", server.client_port)
    service = _port(ports, "the application service", server.listen_port)
    return replace(
        server,
        url=server.url.replace(f":{server.client_port}", f":{client}"),
        client_port=client,
        listen_port=service,
        appservice_url=server.appservice_url.replace(f":{server.listen_port}", f":{service}"),
        as_token=str(tokens.get("as", "")),
        hs_token=str(tokens.get("hs", "")),
        registration=server.data / "registration.yaml",
    )


def _kept(path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _port(ports: Mapping[str, Any], name: str, wanted: int) -> int:
    kept = ports.get(name)
    taken = kept.get("taken") if isinstance(kept, dict) else None
    return taken if isinstance(taken, int) else wanted


def _show(findings: Findings, table: list[capabilities.Held]) -> None:
    out = console()
    for finding in findings.all:
        out.print(f"{MARKS[finding.state]:>18} [bold]{finding.check}[/]: {escape(finding.what)}", soft_wrap=True)
        _more(finding, out)
    out.print()
    out.print(_capabilities(table))
    number = sum(finding.state is State.failed for finding in findings.all)
    warnings = sum(finding.state is State.warning for finding in findings.all)
    out.print(f"\n{number or 'Nothing'} failed, {warnings or 'no'} warning{'' if warnings == 1 else 's'}.")


def _more(finding: Finding, out: Any) -> None:
    if finding.why:
        out.print(f"          why: {escape(finding.why)}", soft_wrap=True)
    if finding.todo:
        out.print(f"          do:  {escape(finding.todo)}", soft_wrap=True)


def _capabilities(table: list[capabilities.Held]) -> Table:
    shown = Table(title="What each capability needs of the homeserver", title_justify="left", expand=False)
    for heading in ("capability", "needs", "without it", "there?"):
        shown.add_column(heading, overflow="fold")
    colours = {"yes": "green", "no": "red", "unknown": "dim"}
    for one in table:
        capability = one.capability
        there = "not seen" if one.there == "unknown" else one.there
        shown.add_row(capability.does, capability.needs, capability.without, f"[{colours[one.there]}]{there}[/]")
    return shown
