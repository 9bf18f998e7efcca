"""Power levels and server ACLs: what of them is ours, merged into what a room has. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Final

from esnbot.community.audience import Audience
from esnbot.community.group import Group, Joining, Origin, Place, Posting, Space
from esnbot.community.person import server_of

Content = dict[str, Any]

BOT: Final = 100
ANIMATOR: Final = 75
OWNER: Final = 50
MEMBER: Final = 0
FOUNDER: Final = 2**31
"""Stands for the power of a creator of a room of version 12 and later: above every level."""

_DEFAULTS: Final = {
    "users_default": 0,
    "events_default": 0,
    "state_default": 50,
    "invite": 0,
    "kick": 50,
    "ban": 50,
    "redact": 50,
}
"""What a missing key means (Client-Server API, ``m.room.power_levels``)."""

_BOTS_OWN: Final = (
    "m.room.power_levels",
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.guest_access",
    "m.room.canonical_alias",
    "m.room.retention",
    "org.esnbot.charter",
)
_ANSWERS: Final = ("m.reaction", "m.poll.response", "org.matrix.msc3381.poll.response")


@dataclass(frozen=True, slots=True)
class Power:
    """The part of a room's power levels that is ours."""

    bot: str
    users: Mapping[str, int] = field(default_factory=dict)
    exact: bool = False
    """Whether nobody else may stand at an owner's level or above."""
    levels: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acl:
    """The homeservers that may take part; patterns without ports."""

    allow: tuple[str, ...]
    literals: bool
    """Whether servers that are named by an IP address may."""


def founders_rule(version: str) -> bool:
    """Whether creators stand above all power levels in rooms of this version (12 and later)."""
    return version.isdigit() and int(version) >= 12


def power_for(place: Place, *, archived: bool, bot: str, animators: Iterable[str]) -> Power:
    """What the power levels of a room should be."""
    owners = place.owners if isinstance(place, Group) else frozenset()
    users = dict.fromkeys(sorted(owners), OWNER) | dict.fromkeys(sorted(animators), ANIMATOR)
    users.pop(bot, None)
    answers = BOT if archived else MEMBER
    events = dict.fromkeys(_BOTS_OWN, BOT)
    if isinstance(place, Group):
        # A room where few may post is still a conversation: everyone reacts, votes, and takes back their own words.
        events |= dict.fromkeys(_ANSWERS, answers) | {"m.room.redaction": MEMBER}
    elif isinstance(place, Space):
        # Where members add what nobody but a group's owner takes out, the bot alone writes the list.
        events["m.space.child"] = BOT if archived or place.open_to_additions else OWNER
    return Power(
        bot=bot,
        users=users,
        exact=isinstance(place, Group) and _owners_are_known(place),
        levels={
            "users_default": MEMBER,
            "events_default": _posting_level(place, archived),
            "state_default": BOT if archived else OWNER,
            "invite": _invite_level(place, archived),
            "kick": OWNER,
            "ban": OWNER,
            "redact": OWNER,
        },
        events=events,
    )


def _owners_are_known(group: Group) -> bool:
    """Whether the owners are those that are named, be it nobody; else people of the room decide who helps."""
    # Of a group that people made, the owners are known from its first day: whoever left it has no power there.
    return bool(group.owners) or "owners" in group.stated or group.origin is Origin.chat


def _posting_level(place: Place, archived: bool) -> int:
    if archived or not isinstance(place, Group):
        return BOT
    return {Posting.everyone: MEMBER, Posting.owners: OWNER, Posting.animators: ANIMATOR}[place.posting]


def _invite_level(place: Place, archived: bool) -> int:
    # Whoever may invite can also authorise a restricted join, so with a perimeter it is the bot's alone.
    if archived or place.audiences:
        return BOT
    return OWNER if place.joining is Joining.invite else MEMBER


def merged_power(found: Content | None, power: Power, version: str, founders: Iterable[str] = ()) -> Content:
    """The content that ``m.room.power_levels`` should have: ours set, everything else as it was found."""
    above = frozenset(founders) if founders_rule(version) else frozenset()
    content: Content = dict(found or {})
    for name, level in power.levels.items():
        if found is None or content.get(name, _DEFAULTS[name]) != level:
            content[name] = level
    events = _levels(content.get("events"))
    founder = power.bot in above
    events |= power.events
    if founder or not founders_rule(version):
        # A room that is replaced is a room lost: in versions with founders only they may, as the server has it.
        events["m.room.tombstone"] = 150 if founder else BOT
    content["events"] = events
    users = _levels(content.get("users"))
    ceiling = FOUNDER if founder else BOT
    for user, level in list(users.items()):
        if user in power.users or user == power.bot or level >= ceiling:
            continue
        # An animator's level comes from the declaration alone; who else helps in a room, its people may decide.
        if level >= (OWNER if power.exact else ANIMATOR):
            del users[user]
    for user, level in power.users.items():
        # Below zero is a pause, which is lifted by whoever imposed it.
        if users.get(user, 0) >= 0 and users.get(user, 0) < ceiling:
            users[user] = level
    for user in above:
        users.pop(user, None)
    if not founder:
        users[power.bot] = BOT
    content["users"] = users
    return content


def level_of(user: str, content: Content | None, version: str, founders: Iterable[str]) -> int:
    """A person's power in a room."""
    if founders_rule(version) and user in founders:
        return FOUNDER
    if content is None:
        return BOT if user in founders else 0
    users = content.get("users")
    level = users.get(user) if isinstance(users, dict) else None
    if not isinstance(level, int):
        level = content.get("users_default", 0)
    return level if isinstance(level, int) else 0


def out_of_reach(content: Content | None, power: Power, version: str, founders: Iterable[str]) -> list[str]:
    """People whose power is not below the bot's, so that nobody can lower it."""
    everyone = frozenset(founders)
    ceiling = level_of(power.bot, content, version, everyone)
    users = _levels((content or {}).get("users"))
    equal = [user for user, level in users.items() if user != power.bot and level >= min(ceiling, FOUNDER)]
    others = [user for user in everyone if user != power.bot] if founders_rule(version) else []
    return sorted({*equal, *others})


def acl_for(place: Place, audiences: Mapping[str, Audience], own: str, today: date) -> Acl | None:
    """The allow list that follows from the audiences; None when one of them is not bounded by homeservers."""
    if not place.audiences:
        return None
    # Synapse checks others without their port, but that we do not lock ourselves out with it.
    allowed = {own, hostname(own)}
    for key in place.audiences:
        audience = audiences.get(key)
        if audience is None:
            return None
        if audience.until is not None and today > audience.until:
            continue
        perimeter = audience.perimeter
        if perimeter.directory_groups or perimeter.by_invitation or not (perimeter.homeservers or perimeter.people):
            return None
        allowed |= {hostname(server) for server in perimeter.homeservers}
        allowed |= {hostname(server_of(user)) for user in perimeter.people}
        if audience.sponsor is not None:
            allowed.add(hostname(server_of(audience.sponsor)))
    if "*" in allowed:
        return None
    return Acl(tuple(sorted(allowed)), any(_is_address(server) for server in allowed))


def merged_acl(found: Content | None, acl: Acl | None, own: str) -> Content | None:
    """The content that ``m.room.server_acl`` should have; None when there should be none, and is none.

    Servers that something else denied stay denied, except our own: nobody could undo that.
    """
    if found is None:
        if acl is None:
            return None
        return {"allow": list(acl.allow), "allow_ip_literals": acl.literals, "deny": []}
    content = dict(found)
    denied = [entry for entry in _strings(found.get("deny")) if not matches(own, entry)]
    if denied != _strings(found.get("deny")):
        content["deny"] = denied
    if acl is None:
        allowed = _strings(found.get("allow"))
        if "*" not in allowed:
            content["allow"] = ["*"]
        if _is_address(hostname(own)) and found.get("allow_ip_literals") is False:
            content["allow_ip_literals"] = True
        return content
    if sorted(_strings(found.get("allow"))) != list(acl.allow):
        content["allow"] = list(acl.allow)
    if found.get("allow_ip_literals", True) != acl.literals:
        content["allow_ip_literals"] = acl.literals
    return content


def admits(content: Content | None, server: str) -> bool:
    """Whether a server ACL lets a server take part (Client-Server API, ``m.room.server_acl``)."""
    if content is None:
        return True
    if content.get("allow_ip_literals", True) is False and _is_address(hostname(server)):
        return False
    if any(matches(server, entry) for entry in _strings(content.get("deny"))):
        return False
    return any(matches(server, entry) for entry in _strings(content.get("allow")))


def hostname(server: str) -> str:
    """A server name without its port: ACLs know none."""
    name, colon, port = server.rpartition(":")
    return name if colon and port.isdigit() and not name.endswith(":") else server


def matches(server: str, pattern: str) -> bool:
    """Whether an ACL's pattern covers a server."""
    # In a bracketed address the brackets are letters, not a set of them.
    return fnmatchcase(hostname(server).lower().replace("[", "("), pattern.lower().replace("[", "("))


def _is_address(server: str) -> bool:
    try:
        ipaddress.ip_address(server.strip("[]"))
    except ValueError:
        return False
    return True


def _levels(value: Any) -> dict[str, int]:
    if not isinstance(value, dict):
        return {}
    return {key: level for key, level in value.items() if isinstance(key, str) and isinstance(level, int)}


def _strings(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []
