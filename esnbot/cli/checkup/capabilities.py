"""Which setting of the homeserver, or which right, each capability needs, and what is lost without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from esnbot.cli.checkup.finding import Findings, State


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that the software can do on a homeserver. Features name it by ``key`` in their ``needs``."""

    key: str
    does: str
    needs: str
    without: str
    checks: tuple[str, ...] = ()
    """Checks that show whether it is there; none: it cannot be seen from outside."""


CAPABILITIES: Final = (
    Capability(
        "hear",
        "Hear what happens in its rooms",
        "the registration in app_service_config_files; its url reachable from the homeserver",
        "nothing works: the bot hears nobody",
        ("as_token", "ping"),
    ),
    Capability(
        "speak",
        "Speak as the bot",
        "the bot in an exclusive user namespace of the registration",
        "nothing works: the bot says nothing",
        ("as_token", "bot"),
    ),
    Capability(
        "once",
        "Say everything once, also after a crash",
        "a device for the bot: Matrix 1.17 (Synapse 1.141)",
        "what is sent again after a crash may be said twice",
        ("version", "device"),
    ),
    Capability(
        "bursts",
        "Answer many people at once",
        "rate_limited: false in the registration",
        "answers are slowed down as if the bot were a person",
        ("registration file",),
    ),
    Capability(
        "rooms",
        "Make spaces and groups with aliases",
        "aliases of the server in the registration's namespaces; no rule in alias_creation_rules or "
        "room creation against the bot",
        "plan and apply stop with what the homeserver says",
        ("bot",),
    ),
    Capability(
        "join",
        "Bring people into groups, and move them",
        "an admin token (admin_token_file)",
        "'join' and 'move' mean 'invite': people accept by themselves",
        ("admin right",),
    ),
    Capability(
        "directory",
        "Show groups in the room directory (listed: true)",
        "room_list_publication_rules with an entry that allows the bot",
        "groups are found through their spaces and links only",
        ("directory",),
    ),
    Capability(
        "retention",
        "Delete old messages (retention: …)",
        "retention: {enabled: true} in the homeserver",
        "the declared time stands in the room, and nothing is deleted",
    ),
    Capability(
        "partners",
        "Talk with partners' homeservers",
        "federation open to them: a federation listener, federation_domain_whitelist",
        "external audiences cannot come in",
    ),
    Capability(
        "encryption",
        "Read and write in encrypted rooms and direct chats",
        "a device for the bot: Matrix 1.17 (Synapse 1.141)",
        "people who write to the bot in an encrypted chat get no answer",
        ("version", "device"),
    ),
    Capability(
        "widgets",
        "Sign people in to the board inside a widget",
        "'openid' (or 'federation') among the resources of its listener for clients",
        "its people sign in by links only",
        ("widgets",),
    ),
    Capability(
        "media",
        "Avatars, calendar files, long pages as files",
        "Matrix 1.7 (media by reservation); max_upload_size large enough",
        "rooms stay without avatars, long texts are cut into several messages",
        ("version",),
    ),
    Capability(
        "forget",
        "Erase an account with its messages and media",
        "an admin token (admin_token_file)",
        "'forget' erases what esnbot itself keeps; the account is the homeserver administrator's to erase",
        ("admin right",),
    ),
)


@dataclass(frozen=True, slots=True)
class Held:
    """A capability, and whether it is there: 'yes', 'no', or 'unknown'."""

    capability: Capability
    there: str


def held(findings: Findings) -> list[Held]:
    """Every capability with what the findings say about it."""
    return [Held(capability, _there(capability, findings)) for capability in CAPABILITIES]


def _there(capability: Capability, findings: Findings) -> str:
    states = [findings.state(check) for check in capability.checks]
    if any(state is State.failed for state in states):
        return "no"
    if capability.key in ("join", "forget"):
        return "yes" if states == [State.ok] else "no" if states == [State.note] else "unknown"
    if capability.key in ("bursts", "directory", "once", "encryption") and State.warning in states:
        return "no"
    if states and all(state in (State.ok, State.note, State.warning) for state in states):
        return "yes"
    return "unknown"


def as_json(table: list[Held]) -> list[Mapping[str, str]]:
    """For machines."""
    return [
        {
            "capability": one.capability.key,
            "does": one.capability.does,
            "needs": one.capability.needs,
            "without": one.capability.without,
            "there": one.there,
        }
        for one in table
    ]


def as_markdown() -> str:
    """The table in docs/doctor.md."""
    rows = [f"| {one.does} (`{one.key}`) | {one.needs} | {one.without} |" for one in CAPABILITIES]
    return "\n".join(["| capability | what it needs of the homeserver | without it |", "|---|---|---|", *rows])
