"""Spaces and groups as a community declares them: what should be, not what a homeserver has."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from esnbot.community.person import UserID
from esnbot.community.tempo import Tempo


class Kind(StrEnum):
    """What a group is for."""

    project = "project"
    hobby = "hobby"
    practice = "practice"
    help = "help"
    informal = "informal"
    event = "event"
    announcements = "announcements"
    animators = "animators"


class Posting(StrEnum):
    """Who may post; a loudspeaker is declared, never drifted into."""

    everyone = "everyone"
    owners = "owners"
    animators = "animators"


class Joining(StrEnum):
    """How people come in."""

    public = "public"
    space = "space"
    """Restricted: members of the spaces that the group stands in."""
    knock = "knock"
    invite = "invite"


class History(StrEnum):
    """Who reads what was said before (``m.room.history_visibility``)."""

    shared = "shared"
    joined = "joined"
    invited = "invited"
    world = "world_readable"


class Origin(StrEnum):
    """Where an object was declared."""

    file = "file"
    chat = "chat"


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a file that people wrote: ``path:line:column``."""

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What spaces and groups have in common."""

    key: str
    """Natural key, stable for ever; spaces and groups share one set of keys."""
    name: str
    topic: str = ""
    alias: str | None = None
    """The local part of the room alias; None: none declared (provisioning derives one from the key)."""
    avatar: str | None = None
    """A path of an image file, or an ``mxc://`` URI."""
    audiences: tuple[str, ...] = ()
    joining: Joining = Joining.space
    parent: str | None = None
    """The key of the space it stands in; None: top level."""
    language: str | None = None
    listed: bool = False
    """In the homeserver's public room directory."""
    adopt: str | None = None
    """An alias or room id of an existing room to take over instead of making one."""
    room_version: str | None = None
    federate: bool | None = None
    origin: Origin = Origin.file
    source: Source | None = None
    stated: frozenset[str] = frozenset()
    """The keys that the file states, and therefore owns."""
    tempo: Tempo | None = None
    """What is posted here unasked: when a group's prompts come, and what a room bears; what stands in a space inherits.

    None: all of it is inherited, and there are no prompts.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Space(Place):
    """A space; the tree of spaces is the table of contents of the community."""

    open_to_additions: bool = False
    """Whether its members may add groups to it, which only a group's owners and animators take out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Place):
    """A room for people."""

    kind: Kind = Kind.informal
    posting: Posting = Posting.everyone
    history: History = History.shared
    guests: bool = False
    encrypted: bool = False
    retention: timedelta | None = None
    charter: str = ""
    """Markdown, posted and pinned; '' for none."""
    owners: frozenset[UserID] = frozenset()
    template: str = ""
    """The key of the template that it began with; '': the standard one of its kind."""
    archived: bool = False
    also_in: tuple[str, ...] = field(default=())
    """Further spaces that list it, and whose members may join as those of the space around it."""
    shown_in: tuple[str, ...] = field(default=())
    """Further spaces that list it, and let nobody in by that."""
