"""The homeserver itself: reachable, really one, of which version, with which clock and room version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

from esnbot.cli.checkup.finding import Findings
from esnbot.cli.checkup.probe import Answer, Probe, Trouble
from esnbot.community.clock import Clock

NEEDED: Final = (1, 7)
"""The Matrix version with the application-service ping and reserved media."""
DEVICES: Final = (1, 17)
"""The Matrix version in which application services make devices without a login."""
SYNAPSE: Final = (1, 141)
"""The Synapse that does so, although it does not say 1.17."""
ROOM_VERSIONS: Final = ("10", "11", "12")
TOLERATED: Final = 5
"""Seconds by which two clocks may differ."""


async def examine(probe: Probe, findings: Findings, clock: Clock) -> bool:
    """Whether a homeserver that can be asked further is there."""
    answer = await probe.ask("/_matrix/client/versions", token="")
    if isinstance(answer, Trouble):
        findings.failed("homeserver", answer.what, "Without a homeserver there is no community.", answer.todo)
        return False
    versions = _versions(answer)
    if not versions:
        await _no_homeserver(probe, findings, answer)
        return False
    findings.ok("homeserver", f"A homeserver answers at {probe.url}.")
    await _version(probe, findings, versions, answer.headers.get("Server", ""))
    _clock(findings, answer.headers, clock)
    return True


def _versions(answer: Answer) -> list[tuple[int, int]]:
    listed = answer.json.get("versions") if answer.status == 200 and answer.json else None
    if not isinstance(listed, list):
        return []
    matches = [re.fullmatch(r"v(\d+)\.(\d+)", str(version)) for version in listed]
    found = [(int(match[1]), int(match[2])) for match in matches if match]
    # Servers from before 'v1.1' list 'r0.…' only; they are homeservers, and too old.
    return sorted(found) or ([(0, 0)] if listed else [])


async def _no_homeserver(probe: Probe, findings: Findings, answer: Answer) -> None:
    why = "The bot speaks the Matrix client-server API and nothing else."
    base = await _well_known(probe)
    advice = f"The server names '{base}' as its address for clients: use that as 'url'." if base else ""
    if answer.location:
        what = f"{probe.url} only redirects, to {answer.location}."
        findings.failed("homeserver", what, why, advice or "Use the address that it leads to as 'url'.")
    elif answer.errcode == "M_UNRECOGNIZED":
        what = f"{probe.url} is a Matrix port, but not the one for clients (perhaps the one for federation)."
        findings.failed(
            "homeserver", what, why, advice or "Use the address of the listener with the resource 'client'."
        )
    elif answer.is_html:
        what = f"{probe.url} answers with a web page (HTTP {answer.status}), not with Matrix."
        todo = (
            "Use the homeserver's address, not the one of a web client or a home page; if it is the right one, let the "
            "reverse proxy pass '/_matrix' on to the homeserver, and see that the homeserver runs."
        )
        findings.failed("homeserver", what, why, advice or todo)
    else:
        what = f"{probe.url} answers, but not as a homeserver (HTTP {answer.status})."
        findings.failed(
            "homeserver", what, why, advice or "Check host and port in 'url', and the homeserver's own log."
        )


async def _well_known(probe: Probe) -> str:
    answer = await probe.ask("/.well-known/matrix/client", token="")
    if isinstance(answer, Trouble) or answer.json is None:
        return ""
    section = answer.json.get("m.homeserver")
    base = section.get("base_url") if isinstance(section, dict) else None
    return base.rstrip("/") if isinstance(base, str) and base.rstrip("/") != probe.url else ""


async def _version(probe: Probe, findings: Findings, versions: list[tuple[int, int]], header: str) -> None:
    newest = versions[-1]
    name, number = await _software(probe, header)
    speaks = "from before Matrix 1.1" if newest == (0, 0) else f"with Matrix {newest[0]}.{newest[1]}"
    spoken = f"{name or 'The homeserver'}{' ' + number if number else ''}, {speaks}."
    synapse = _numbers(number) if name == "Synapse" else None
    if newest < NEEDED:
        why = "It lacks the ping of application services and reserved media: lost events are not noticed in time."
        findings.failed("version", spoken, why, "Update the homeserver (Synapse 1.141 or newer is best).")
    elif synapse is not None and synapse < SYNAPSE:
        why = "The bot may get no device: then repeated sends are not recognised, and encrypted rooms stay closed."
        findings.warning("version", spoken, why, "Update Synapse to 1.141 or newer.")
    elif synapse is None and newest < DEVICES:
        why = "Application services make devices since Matrix 1.17; without one, a repeated send may be said twice."
        findings.note("version", spoken, why, "The first start tells whether this homeserver can do it all the same.")
    else:
        findings.ok("version", spoken)


async def _software(probe: Probe, header: str) -> tuple[str, str]:
    """Name and version, from whichever place tells them: ports and proxies differ in what they let through."""
    answer = await probe.ask("/_matrix/federation/v1/version", token="")
    server = answer.json.get("server") if isinstance(answer, Answer) and answer.json else None
    if isinstance(server, dict) and isinstance(server.get("name"), str):
        return server["name"], str(server.get("version", "")).partition(" ")[0]
    match = re.fullmatch(r"(Synapse)/(\S+).*", header)
    if match:
        return match[1], match[2]
    answer = await probe.ask("/_synapse/admin/v1/server_version", token="")
    version = answer.json.get("server_version") if isinstance(answer, Answer) and answer.json else None
    return ("Synapse", version.partition(" ")[0]) if isinstance(version, str) else ("", "")


def _numbers(version: str) -> tuple[int, int] | None:
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else None


def _clock(findings: Findings, headers: Mapping[str, str], clock: Clock) -> None:
    try:
        theirs = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        findings.skipped("clock", "The homeserver's answers carry no date, so the clocks were not compared.")
        return
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    seconds = int((clock.now() - theirs).total_seconds())
    if abs(seconds) <= TOLERATED:
        findings.ok("clock", "The clocks of this machine and of the homeserver agree.")
        return
    what = f"This machine's clock is {_span(abs(seconds))} {'ahead of' if seconds > 0 else 'behind'} the homeserver's."
    why = "Posts come at the wrong time, and what happened seems to come from the future or the past."
    todo = "Let both machines take their time from the network (chrony, systemd-timesyncd)."
    if abs(seconds) > 60:
        findings.failed("clock", what, why, todo)
    else:
        findings.warning("clock", what, why, todo)


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{seconds // 60} minutes" if seconds < 7200 else f"{seconds // 3600} hours"


async def room_version(probe: Probe, findings: Findings) -> None:
    """Which version new rooms get."""
    answer = await probe.ask("/_matrix/client/v3/capabilities")
    section: Any = answer.json.get("capabilities", {}) if isinstance(answer, Answer) and answer.json else {}
    versions = section.get("m.room_versions", {}) if isinstance(section, dict) else {}
    default = versions.get("default") if isinstance(versions, dict) else None
    if not isinstance(default, str):
        findings.skipped("room version", "The homeserver does not say which version new rooms get.")
    elif default in ROOM_VERSIONS:
        findings.ok("room version", f"New rooms get version {default}.")
    else:
        findings.warning(
            "room version",
            f"New rooms get version {default}.",
            "Restricted joins and the bot's rights are tried with versions 10, 11 and 12.",
            "Set 'default_room_version: \"12\"' in the homeserver, or 'room_version' at the spaces and groups.",
        )
