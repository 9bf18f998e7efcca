"""What rooms look like, as values: the observed side of a plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from esnbot.provisioning.rights import FOUNDER, founders_rule, level_of

StateKey = tuple[str, str]
Content = dict[str, Any]

CREATION_KEY: Final = "org.esnbot.key"
"""In ``creation_content``: which natural key a room of ours was made for."""

CHARTER: Final = "org.esnbot.charter"
"""State: which message is the charter (``event_id``), and which text it has (``digest``)."""

COMMAND: Final = "org.matrix.msc4391.command_description"
"""State: a command of a bot, for clients that complete them."""

WIDGET: Final = "im.vector.modular.widgets"
"""State: a page that clients show beside a room."""

OWNED: Final = (
    "m.room.create",
    "m.room.name",
    "m.room.topic",
    "m.room.avatar",
    "m.room.canonical_alias",
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.guest_access",
    "m.room.power_levels",
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.retention",
    "m.room.pinned_events",
    "m.room.tombstone",
    "m.space.child",
    "m.space.parent",
    CHARTER,
    COMMAND,
    WIDGET,
)
"""Types of state that a plan compares."""


class Fact(NamedTuple):
    """One state event: its content, who sent it and when (milliseconds)."""

    content: Content
    sender: str
    ts: int


@dataclass(frozen=True, slots=True)
class SeenRoom:
    """One room of the homeserver."""

    room_id: str
    state: Mapping[StateKey, Fact]

    def content(self, type: str, state_key: str = "") -> Content | None:
        """The content of a state event, None when there is none (or it was emptied)."""
        fact = self.state.get((type, state_key))
        return fact.content or None if fact is not None else None

    @property
    def whole(self) -> bool:
        """Whether its creation is known; else events told of it before its state was read."""
        return ("m.room.create", "") in self.state

    @property
    def version(self) -> str:
        """Its room version."""
        create = self.content("m.room.create") or {}
        return str(create.get("room_version", "1"))

    @property
    def founders(self) -> frozenset[str]:
        """Its creators."""
        fact = self.state.get(("m.room.create", ""))
        if fact is None:
            return frozenset()
        more = fact.content.get("additional_creators")
        return frozenset([fact.sender, *(more if isinstance(more, list) and founders_rule(self.version) else ())])

    @property
    def made_for(self) -> str | None:
        """The key that it was made for, when it is a room of ours."""
        key = (self.content("m.room.create") or {}).get(CREATION_KEY)
        return key if isinstance(key, str) else None

    def power_of(self, user: str) -> int:
        """A person's power level."""
        return level_of(user, self.content("m.room.power_levels"), self.version, self.founders)

    def may_set(self, user: str, type: str) -> bool:
        """Whether a person's power suffices to set a type of state."""
        power = self.power_of(user)
        if power >= FOUNDER:
            return True
        levels = self.content("m.room.power_levels")
        if levels is None:
            return power >= 50
        events = levels.get("events")
        needed = events.get(type) if isinstance(events, dict) else None
        if not isinstance(needed, int):
            needed = levels.get("state_default", 50)
        return isinstance(needed, int) and power >= needed

    def joined(self, user: str) -> bool:
        """Whether a person is in it, as far as it is known."""
        member = self.state.get(("m.room.member", user))
        return member is not None and member.content.get("membership") == "join"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All that is known of the homeserver's side."""

    rooms: Mapping[str, SeenRoom] = field(default_factory=dict)
    """By room id."""
    bindings: Mapping[str, str] = field(default_factory=dict)
    """Key to room id."""
    ready: frozenset[str] = frozenset()
    """Keys whose room was once whole."""
    listed: Mapping[str, str] = field(default_factory=dict)
    """Key to 'public', 'private' or 'refused': the server's room directory."""
    found: Mapping[str, str] = field(default_factory=dict)
    """Key to the id of a room of ours that is not bound: made before a crash."""
    aliases: Mapping[str, str | None] = field(default_factory=dict)
    """Aliases that were looked up, and where they lead."""
    attempts: frozenset[str] = frozenset()
    """Keys for which a room was being made when the process ended."""
    media: Mapping[str, str] = field(default_factory=dict)
    """Avatar files that are uploaded: path to content URI."""
