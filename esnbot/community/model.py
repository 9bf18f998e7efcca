"""The community: one immutable value with everything that was declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from esnbot.community.audience import Audience
from esnbot.community.group import Group, History, Joining, Kind, Place, Posting, Space
from esnbot.community.person import UserID
from esnbot.community.tempo import QuietHours, Tempo


@dataclass(frozen=True, slots=True)
class Roles:
    """Who has which function in the whole community."""

    animators: frozenset[UserID] = frozenset()
    administrators: frozenset[UserID] = frozenset()


class Occasion(StrEnum):
    """What a prompt can be kept for."""

    silence = "silence"
    """Nobody has written in the group for a month."""
    meetup = "meetup"
    """The group has met in the last days."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question that starts a conversation, in every language of the community."""

    key: str
    texts: Mapping[str, str]
    """Language to Markdown."""
    kinds: frozenset[Kind] = frozenset()
    """Kinds of group that it suits; empty: all."""
    family: str = ""
    template: str = ""
    """The key of the template whose own question it is; '': one of the library."""
    months: frozenset[int] = frozenset()
    """Months in which it can appear, 1 is January; empty: all year."""
    weekdays: frozenset[int] = frozenset()
    """Days of the week on which it can appear, 0 is Monday; empty: all."""
    occasion: Occasion | None = None
    """It appears only then."""


@dataclass(frozen=True, slots=True)
class TemplateRoom:
    """One of several rooms that a group gets, in a space of its own."""

    key: str
    name: Mapping[str, str] = field(default_factory=dict)
    """What it is called within the group; the first room itself goes by the group's name."""
    topic: Mapping[str, str] = field(default_factory=dict)
    posting: Posting | None = None
    """Who may post there; None: as in the whole group."""


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A text that a group finds in its wiki or among its notes from the first day."""

    key: str
    title: Mapping[str, str]
    text: Mapping[str, str] = field(default_factory=dict)
    """Language to Markdown."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """What a group starts with; the one whose key is a kind is the standard template of that kind."""

    kind: Kind
    key: str = ""
    summary: Mapping[str, str] = field(default_factory=dict)
    """What it is good for, in a sentence."""
    name: Mapping[str, str] = field(default_factory=dict)
    topic: Mapping[str, str] = field(default_factory=dict)
    welcome: Mapping[str, str] = field(default_factory=dict)
    charter: Mapping[str, str] = field(default_factory=dict)
    posting: Posting | None = None
    """What groups of the kind have when they say nothing themselves; None: the model's default."""
    history: History | None = None
    tempo: Tempo | None = None
    joining: Joining | None = None
    encrypted: bool | None = None
    retention: timedelta | None = None
    founders: int | None = None
    """How many people it takes to make such a group, 1 or 2; None: as the community has it."""
    rooms: tuple[TemplateRoom, ...] = ()
    """Several stand in a space that is made for the group; the first is where people meet."""
    pages: tuple[TemplateText, ...] = ()
    """First pages of its wiki."""
    notes: tuple[TemplateText, ...] = ()
    """First notes."""
    prompts: tuple[Prompt, ...] = ()
    """Its own questions."""


def standard_template(templates: Mapping[str, Template], kind: Kind) -> Template | None:
    """The template called like the kind, or the first of that kind."""
    called = templates.get(kind.value)
    if called is not None and called.kind is kind:
        return called
    return next((template for template in templates.values() if template.kind is kind), None)


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
    families: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Families of prompts to what people call them, by language."""
    templates: Mapping[str, Template] = field(default_factory=dict)
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

    def standard(self, kind: Kind) -> Template | None:
        """The template for groups of a kind that name none: the one called like the kind, or the first of that kind."""
        return standard_template(self.templates, kind)

    def template_of(self, group: Group) -> Template | None:
        """The template that a group began with; one that is declared no more counts as the standard one of its kind."""
        return self.templates.get(group.template) or self.standard(group.kind)

    def audiences_of(self, user: UserID, today: date) -> frozenset[str]:
        """Keys of the audiences that a person belongs to on that day."""
        return frozenset(key for key, audience in self.audiences.items() if audience.includes(user, today))
