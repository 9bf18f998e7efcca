"""The community: one immutable value with everything that was declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from esnbot.community.audience import Audience
from esnbot.community.group import Group, History, Kind, Place, Posting, Space
from esnbot.community.person import UserID
from esnbot.community.tempo import QuietHours, Tempo


@dataclass(frozen=True, slots=True)
class Roles:
    """Who has which function in the whole community."""

    animators: frozenset[UserID] = frozenset()
    administrators: frozenset[UserID] = frozenset()


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question that starts a conversation, in every language of the community."""

    key: str
    texts: Mapping[str, str]
    """Language to Markdown."""
    kinds: frozenset[Kind] = frozenset()
    """Kinds of group that it suits; empty: all."""
    family: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """What a group of a kind starts with."""

    kind: Kind
    name: Mapping[str, str] = field(default_factory=dict)
    topic: Mapping[str, str] = field(default_factory=dict)
    welcome: Mapping[str, str] = field(default_factory=dict)
    charter: Mapping[str, str] = field(default_factory=dict)
    posting: Posting | None = None
    """What groups of the kind have when they say nothing themselves; None: the model's default."""
    history: History | None = None
    tempo: Tempo | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A place of work, or a team; it helps encounters across, and ranks nobody."""

    key: str
    name: str
    people: frozenset[UserID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """A declared community."""

    name: str
    languages: tuple[str, ...]
    """The first is the default."""
    zone: ZoneInfo
    country: str | None = None
    """ISO 3166 code, with a subdivision after a dash where it matters ('FR', 'DE-BY'); for public holidays."""
    quiet_hours: QuietHours | None = None
    audiences: Mapping[str, Audience] = field(default_factory=dict)
    spaces: Mapping[str, Space] = field(default_factory=dict)
    """In the order of the file; parents before children."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    roles: Roles = Roles()
    prompts: tuple[Prompt, ...] = ()
    templates: Mapping[Kind, Template] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)
    teams: Mapping[str, Site] = field(default_factory=dict)
    animators_room: str | None = None
    """The key of the animators' room."""
    home: str | None = None
    """The key of the space that groups made in chat go to when nothing else is said."""

    @property
    def default_language(self) -> str:
        """The language for whoever has not chosen one."""
        return self.languages[0]

    def place(self, key: str) -> Place | None:
        """The space or group of that key."""
        return self.spaces.get(key) or self.groups.get(key)

    def audiences_of(self, user: UserID, today: date) -> frozenset[str]:
        """Keys of the audiences that a person belongs to on that day."""
        return frozenset(key for key, audience in self.audiences.items() if audience.includes(user, today))
