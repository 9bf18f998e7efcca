"""What a handler wants done: values that commit with the handler's own writes and that the outbox delivers.

Rooms and posts are named by reference, and the outbox resolves them at delivery:

* a *room reference* is a room id (``!…``), ``key:KEY`` for a declared space or group, or ``direct:@user:server`` for
  the direct chat with a person (opened when there is none);
* a *post reference* is an event id (``$…``), or ``post:KEY`` for what an earlier effect with that key sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

RoomRef = str
PostRef = str
NOTICE = "m.notice"
TEXT = "m.text"


def room(key: str) -> RoomRef:
    """The room of a declared space or group."""
    return f"key:{key}"


def direct(user: str) -> RoomRef:
    """The direct chat with a person."""
    return f"direct:{user}"


def post(key: str, of: str = "") -> PostRef:
    """What the effect with that key sent; ``of`` names the module that it came from, when that was another one."""
    return f"post:/{of}/{key}" if of else f"post:{key}"


class Effect(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="effect", omit_defaults=True):
    """Base of all effects. ``key`` names it for later reference; '' lets the engine derive one from the cause."""

    key: str = ""


class Say(Effect, frozen=True, kw_only=True):
    """Send a message. ``m.notice`` answers one person, ``m.text`` speaks to people."""

    room: RoomRef
    body: str
    html: str = ""
    msgtype: str = NOTICE
    thread: PostRef = ""
    """The post under which it goes, as a thread."""
    replaces: PostRef = ""
    """The post that it corrects (``m.replace``)."""
    fallback: str = ""
    """Of a correction: what clients show that know no corrections; '' lets them show the whole text once more."""
    mentions: tuple[str, ...] = ()
    rouse: bool = False
    """Whether it may call everybody in the room (``m.mentions: {room: true}``, ``@room``): an animator asked for it."""
    pinned: bool = False
    """Pin it once sent (as by ``Pin``)."""
    content: dict[str, Any] = {}
    """Further keys of the content."""
    otherwise: Say | None = None
    """What to say instead when the room (a direct chat) cannot be opened."""
    answers: str = ""
    """The event id of the question that it answers: whoever asked sees the bot typing until then."""


class Send(Effect, frozen=True, kw_only=True):
    """Send an event of any kind that is neither a message nor state, such as a poll; sealed where the room is."""

    room: RoomRef
    type: str
    content: dict[str, Any] = {}
    refers: PostRef = ""
    """The post that it refers to (``m.reference``)."""


class Attach(Effect, frozen=True, kw_only=True):
    """Upload a text as a file, and post it; not for encrypted rooms."""

    room: RoomRef
    name: str
    """Of the file."""
    text: str
    mimetype: str = "text/markdown"
    thread: PostRef = ""
    content: dict[str, Any] = {}
    """Further keys of the content."""
    uri: str = ""
    """Where it is uploaded to: reserved and written down by the outbox before anything is sent."""


class React(Effect, frozen=True, kw_only=True):
    """React to a post."""

    room: RoomRef
    to: PostRef
    emoji: str


class Redact(Effect, frozen=True, kw_only=True):
    """Redact an event; overtakes posts in the outbox."""

    room: RoomRef
    event: PostRef
    reason: str = ""


class Pin(Effect, frozen=True, kw_only=True):
    """Pin a post beside what is pinned already."""

    room: RoomRef
    event: PostRef


class Invite(Effect, frozen=True, kw_only=True):
    """Invite somebody; already there is success."""

    room: RoomRef
    user: str
    reason: str = ""


class Kick(Effect, frozen=True, kw_only=True):
    """Remove somebody; already out is success. Overtakes posts."""

    room: RoomRef
    user: str
    reason: str = ""


class Join(Effect, frozen=True, kw_only=True):
    """The bot joins a room that it was invited to."""

    room: RoomRef


class Leave(Effect, frozen=True, kw_only=True):
    """The bot leaves a room."""

    room: RoomRef


class SetState(Effect, frozen=True, kw_only=True):
    """Set a state event whole; already so is success."""

    room: RoomRef
    type: str
    state_key: str = ""
    content: dict[str, Any] = {}


class AdjustPower(Effect, frozen=True, kw_only=True):
    """Change power levels by difference, merged with what the room has at delivery. None takes an entry out."""

    room: RoomRef
    users: dict[str, int | None] = {}
    events: dict[str, int | None] = {}
    levels: dict[str, int] = {}
    """Top-level keys such as ``events_default``."""


class Withdraw(Effect, frozen=True, kw_only=True):
    """Take back an invitation to a chat of two, if it is still open, and leave the chat then."""

    room: RoomRef
    user: str


class Acquaint(Effect, frozen=True, kw_only=True):
    """Let who came into an encrypted room read what was said there for newcomers, such as the charter."""

    room: RoomRef


class Observe(Effect, frozen=True, kw_only=True):
    """Read the room's whole state from the homeserver and keep it, as when the bot comes into a room."""

    room: RoomRef


class Fetch(Effect, frozen=True, kw_only=True):
    """Read an event from the homeserver for a job of the module's (a name in ``Module.due``).

    The job gets a ``FETCHED`` event, in the order of the room's events, which ``esnbot.engine.fetching.read`` reads:
    also when there is nothing to be found.
    """

    room: RoomRef
    event: str
    """Its id."""
    job: str
    of: str = ""
    """The module whose job it is; '' for the one that asks. Commands run in a module of their own."""
    thread: bool = False
    """With the thread under it, when it is the root of one."""
    most: int = 200
    """Events of the thread at most."""
    payload: dict[str, Any] = {}
    """For the job; words of an encrypted room only as ``Context.lock`` locks them."""


class Schedule(Effect, frozen=True, kw_only=True):
    """Put a job on the schedule, or move the one with the same ``key`` (which must be given)."""

    job: str
    """Name of the feature's due-handler."""
    due: datetime
    payload: dict[str, Any] = {}
    if_late: Literal["run", "skip"] = "run"
    grace: int = 0
    """Seconds of lateness that do not count as missed, for ``if_late='skip'``."""


class Unschedule(Effect, frozen=True, kw_only=True):
    """Take the job with this ``key`` off the schedule."""


class Emit(Effect, frozen=True, kw_only=True):
    """Tell other features something: an internal event, handled after this one is committed."""

    type: str
    """Begins with ``org.esnbot.``."""
    content: dict[str, Any] = {}
    room: str = ""
    """A room id: keeps the order with that room's events."""


class Nudge(Effect, frozen=True, kw_only=True):
    """Wake a machine of this process (such as the reconciler) after the commit; it loses nothing when it is lost."""

    machine: str


class Heed(Effect, frozen=True, kw_only=True):
    """Let people see that the bot has read an event; done after the commit if at all, and lost without harm."""

    room: RoomRef
    """A room id."""
    event: str
    thread: str = ""
    """The root of the thread that the event stands in; '' for the room's main timeline."""
    awaited: bool = False
    """Whether an answer is on its way, so that the bot is seen typing when it takes a moment."""


AnyEffect = (
    Say
    | Send
    | Attach
    | React
    | Redact
    | Pin
    | Invite
    | Kick
    | Join
    | Leave
    | SetState
    | AdjustPower
    | Withdraw
    | Acquaint
    | Observe
    | Fetch
    | Schedule
    | Unschedule
    | Emit
    | Nudge
    | Heed
)
