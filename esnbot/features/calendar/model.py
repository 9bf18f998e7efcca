"""What an entry of the calendar is, which way it goes, and what a change of it was. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from esnbot.community.person import UserID

LONGEST_TITLE: Final = 150
"""Characters."""
LONGEST_WORDS: Final = 60_000
"""Characters of a draft; what is posted must besides fit into one message (``LONGEST_POST``)."""
LONGEST_POST: Final = 40_000
"""Bytes of a posted message: encrypted and signed, it must stay below the 65,536 of an event."""
MOST_TARGETS: Final = 50
MOST_FILES: Final = 5
LOCAL: Final = "%Y-%m-%dT%H:%M"
"""How a local time without a zone is written: the name of an occurrence."""


class State(StrEnum):
    """Where an entry stands."""

    idea = "idea"
    draft = "draft"
    review = "review"
    """Somebody else looks at it."""
    scheduled = "scheduled"
    published = "published"
    recapped = "recapped"
    cancelled = "cancelled"
    withdrawn = "withdrawn"
    """It was published, and taken away again."""


class What(StrEnum):
    """What was done to an entry."""

    added = "added"
    worded = "worded"
    """Its words were changed."""
    moved = "moved"
    changed = "changed"
    submitted = "submitted"
    approved = "approved"
    returned = "returned"
    """It was looked at, and goes back to its author."""
    attached = "attached"
    cancelled = "cancelled"
    withdrawn = "withdrawn"
    recapped = "recapped"
    undone = "undone"
    published = "published"
    missed = "missed"
    declined = "declined"
    """Somebody was asked before it was posted, and said no, or nothing."""
    expired = "expired"


OPEN: Final = frozenset({State.idea, State.draft, State.review, State.scheduled})
"""Nothing of it is over yet."""
LIVE: Final = frozenset({State.published, State.recapped})
_FROM: Final[Mapping[What, frozenset[State]]] = {
    What.worded: OPEN | LIVE,
    What.moved: OPEN,
    What.changed: OPEN,
    What.attached: OPEN,
    What.submitted: frozenset({State.idea, State.draft}),
    What.approved: frozenset({State.idea, State.draft, State.review}),
    What.returned: frozenset({State.review}),
    What.cancelled: OPEN,
    What.withdrawn: LIVE | {State.scheduled, State.cancelled},
    What.recapped: frozenset({State.published}),
}


def may_be(what: What, state: State) -> bool:
    """Whether that can be done to an entry that stands there."""
    return state in _FROM[what]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry; its words are messages in the animators' room."""

    id: int = 0
    state: State = State.draft
    revision: int = 0
    """Grows with each change."""
    author: UserID = ""
    reviewer: UserID = ""
    """Who is to look at it; '' for whoever comes first."""
    approved_by: UserID = ""
    line: str = ""
    audience: tuple[str, ...] = ()
    """Keys of the audiences that it is for; empty: whoever reads the places."""
    targets: tuple[str, ...] = ()
    """Keys of the groups that get it."""
    at: str = ""
    """Local time of its first occurrence (``LOCAL``); '' while it has none."""
    zone: str = ""
    """Where its readers are; '' for the community's zone."""
    rule: str = ""
    """RFC 5545, without a start; '' for what comes once."""
    excepts: tuple[str, ...] = ()
    """Local days (ISO) on which it does not come."""
    embargo: int | None = None
    """Milliseconds: not before."""
    expires_at: int | None = None
    """Milliseconds: over by then."""
    expires_after: int | None = None
    """Seconds after it was posted."""
    ask: bool = False
    """Whether somebody is asked before it is posted."""
    rouse: bool = False
    """Whether it calls everybody in the room."""
    link: str = ""
    credit: str = ""
    source: str = ""
    """The feature that it came from; '' for a person."""
    next: str = ""
    """The occurrence that is on the schedule; '' for none."""
    due: int | None = None
    """When that is, in milliseconds."""
    confirmed: str = ""
    """The occurrence that somebody agreed to."""
    created: int = 0
    changed: int = 0

    @property
    def recurs(self) -> bool:
        """Whether it comes more than once."""
        return bool(self.rule)

    @property
    def is_complete(self) -> bool:
        """Whether it has all that it needs to be posted."""
        return bool(self.at and self.targets)

    @property
    def first(self) -> datetime | None:
        """Its first local time."""
        return local(self.at)


FIELDS: Final = (
    "state",
    "reviewer",
    "approved_by",
    "line",
    "audience",
    "targets",
    "at",
    "zone",
    "rule",
    "excepts",
    "embargo",
    "expires_at",
    "expires_after",
    "ask",
    "rouse",
    "link",
    "credit",
)
"""What people change of an entry, and get back by undoing it."""
_LISTS: Final = frozenset({"audience", "targets", "excepts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that was done to an entry."""

    number: int
    entry: int
    at: int
    """Milliseconds."""
    by: UserID
    """'' for the bot, or somebody who was forgotten."""
    what: What
    before: Mapping[str, Any] = field(default_factory=dict)
    """The fields that changed, as they were (JSON values); ``words`` has versions of texts by language."""
    after: Mapping[str, Any] = field(default_factory=dict)
    undone: bool = False


def difference(old: Entry, new: Entry) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that differ, as they were and as they are, as JSON values."""
    before, after = _values(old), _values(new)
    keys = [key for key in FIELDS if before[key] != after[key]]
    return {key: before[key] for key in keys}, {key: after[key] for key in keys}


def _values(entry: Entry) -> dict[str, Any]:
    values = {key: getattr(entry, key) for key in FIELDS}
    return {key: list(value) if key in _LISTS else value for key, value in values.items()} | {"state": str(entry.state)}


def restored(entry: Entry, change: Change) -> Entry | None:
    """The entry as it was before a change; None when it has changed since in what that would put back."""
    present = _values(entry)
    fields = [key for key in FIELDS if key in change.before]
    if any(present[key] != change.after[key] for key in fields):
        return None
    values: dict[str, Any] = {key: tuple(change.before[key]) if key in _LISTS else change.before[key] for key in fields}
    if "state" in values:
        values["state"] = State(values["state"])
    return replace(entry, **values)


def local(text: str) -> datetime | None:
    """A local time as it is written, naive; None for ''."""
    return datetime.strptime(text, LOCAL) if text else None


def approved(entry: Entry, by: UserID) -> Entry:
    """The entry with somebody's yes."""
    return replace(entry, state=State.scheduled, approved_by=by)


def may_approve(entry: Entry, user: UserID, *, keeper: bool, other: bool) -> bool:
    """Whether somebody may say yes: ``keeper`` looks after the community, ``other`` asks for somebody else's eyes."""
    if other and user == entry.author:
        return False
    return keeper or (bool(user) and user == entry.reviewer)


def outside(audience: Collection[str], reached: Collection[str]) -> list[str]:
    """The audiences that a place reaches and an entry is not for."""
    return sorted(set(reached) - set(audience)) if audience else []


@dataclass(frozen=True, slots=True)
class Line:
    """An editorial line."""

    key: str
    names: Mapping[str, str]
    color: str = ""
    weight: int = 1
    promotional: bool = False
    review: bool = False

    def name(self, language: str) -> str:
        """What it is called in a language."""
        return self.names.get(language) or next(iter(self.names.values()), self.key)
