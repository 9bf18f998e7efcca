"""What is different between one room as it should be and as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from esnbot.provisioning.desired import DesiredRoom
from esnbot.provisioning.facets import Facet, View, charter_pins, facets
from esnbot.provisioning.rights import out_of_reach
from esnbot.provisioning.seen import WIDGET, Content, Fact, SeenRoom


class Action(StrEnum):
    """What a change is."""

    create = "create"
    change = "change"
    adopt = "adopt"
    archive = "archive"
    revive = "revive"
    accept = "accept"
    """An owner changed by hand what the file does not state: it becomes desired state."""
    remake = "replace"
    """Only a new room could be so; it is shown, and left to a person."""
    conflict = "conflict"
    """It cannot be done as it stands; a person has to act."""
    unenforceable = "not enforceable"
    """It is declared, and cannot be made sure of on this homeserver or in this room."""


PENDING = frozenset(Action) - {Action.unenforceable}
"""Actions that mean that something is to do."""

DOABLE = frozenset((Action.create, Action.change, Action.adopt, Action.archive, Action.revive, Action.accept))
"""Actions that apply carries out."""


LEFT = "the group is encrypted: the running bot says it there, with its device"
"""Why a charter may be left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a plan."""

    key: str
    action: Action
    what: str = ""
    old: Any = None
    new: Any = None
    why: str = ""
    field: str = ""
    by: str = ""
    """Who set what is there now, when that was not the bot."""
    type: str = ""
    state_key: str = ""


def compare(desired: DesiredRoom, room: SeenRoom, view: View, spaces: dict[str, SeenRoom]) -> list[Change]:
    """All that differs; ``spaces`` are the rooms of the spaces, by key."""
    obstacle = obstacles(desired, room, view.bot)
    changes = [change for change in obstacle if change.action is not Action.conflict]
    conflict = [change for change in obstacle if change.action is Action.conflict]
    if conflict:
        return [*changes, *conflict]
    many: list[Change] = []
    for facet in facets(desired, view, room, room.version):
        where = room if not facet.space else spaces.get(facet.space)
        if (change := difference(desired, facet, where, view)) is not None:
            (many if facet.many else changes).append(change)
    changes += _charter(desired, room)
    changes += _together(many)
    return changes


def _together(many: list[Change]) -> Iterator[Change]:
    """One change a sort, of many that nobody wants to read one by one."""
    sorts = {change.what: [one for one in many if one.what == change.what] for change in many}
    for what, changes in sorts.items():
        counts = {
            "new": sum(change.old is None for change in changes),
            "changed": sum(change.old is not None and change.new is not None for change in changes),
            "gone": sum(change.new is None for change in changes),
        }
        yield Change(
            key=changes[0].key,
            action=Action.change,
            what=what,
            new=", ".join(f"{count} {word}" for word, count in counts.items() if count),
            by=next((change.by for change in changes if change.by), ""),
            type=changes[0].type,
        )


def obstacles(desired: DesiredRoom, room: SeenRoom, bot: str) -> list[Change]:
    """What stands in the way: a version that cannot be changed, people above the bot, a bot without power."""
    place, found = desired.place, []
    if place.room_version is not None and place.room_version != room.version:
        found.append(
            Change(
                key=desired.key,
                action=Action.remake,
                what="room version",
                old=room.version,
                new=place.room_version,
                field="room_version",
                why="a room keeps its version for ever: upgrade it in a client, then adopt the new room",
            )
        )
    federate = (room.content("m.room.create") or {}).get("m.federate", True)
    if place.federate is not None and place.federate != federate:
        found.append(
            Change(
                key=desired.key,
                action=Action.remake,
                what="federation",
                old=federate,
                new=place.federate,
                field="federate",
                why="a room federates or not from its first event on: declare another group and archive this one",
            )
        )
    power = room.content("m.room.power_levels")
    beyond = out_of_reach(power, desired.power, room.version, room.founders)
    if beyond:
        found.append(
            Change(
                key=desired.key,
                action=Action.unenforceable,
                what="power levels",
                old=beyond,
                why="these people stand at or above the bot: nobody can pause or remove them here",
            )
        )
    if room.joined(bot) and not room.may_set(bot, "m.room.power_levels"):
        found.append(
            Change(
                key=desired.key,
                action=Action.conflict,
                what="power levels",
                old=min(room.power_of(bot), 2**31),
                new=100,
                why=f"the bot may not set power levels here: give {bot} power level 100 in a client",
            )
        )
    if getattr(place, "encrypted", None) is False and desired.states("encrypted") and room.content("m.room.encryption"):
        found.append(
            Change(
                key=desired.key,
                action=Action.unenforceable,
                what="encryption",
                old=True,
                new=False,
                why="encryption, once on, stays on",
            )
        )
    return found


def difference(desired: DesiredRoom, facet: Facet, where: SeenRoom | None, view: View) -> Change | None:
    """How one facet differs; None when it does not."""
    fact = where.state.get((facet.type, facet.state_key)) if where is not None else None
    wanted = facet.merge(fact)
    found = fact.content if fact is not None else None
    if (wanted or None) == (found or None):
        return None
    by = fact.sender if fact is not None and fact.sender != view.bot else ""
    accepted = accepts(desired, facet, fact, view.bot)
    old, new = shown(facet, found), shown(facet, wanted)
    return Change(
        key=desired.key,
        action=Action.accept if accepted else Action.change,
        what=facet.what,
        old=new if accepted else old,
        new=old if accepted else new,
        field=facet.field,
        by=by,
        type=facet.type,
        state_key=facet.state_key,
    )


def accepts(desired: DesiredRoom, facet: Facet, fact: Fact | None, bot: str) -> bool:
    """Whether what somebody set by hand becomes desired state: it is not the file's, and nothing was declared since."""
    if not facet.soft or fact is None or fact.sender == bot or desired.archived:
        return False
    if not _by_hand(facet, fact.content):
        return False
    return not desired.states(facet.field) and desired.stands


def _by_hand(facet: Facet, content: Content) -> bool:
    value = content.get(_MAIN.get(facet.type, ""))
    return isinstance(value, str) and (bool(value.strip()) or facet.field != "name")


_MAIN = {
    "m.room.name": "name",
    "m.room.topic": "topic",
    "m.room.avatar": "url",
    "m.room.canonical_alias": "alias",
    "m.room.history_visibility": "history_visibility",
    "m.room.guest_access": "guest_access",
    "m.room.encryption": "algorithm",
    "m.room.retention": "max_lifetime",
}
"""The one key of a content that people want to read."""


def shown(facet: Facet, content: Content | None) -> Any:
    """The part of a content that a plan shows."""
    if not content:
        return None
    if facet.type in _MAIN:
        return content.get(_MAIN[facet.type]) or None
    if facet.type == "m.space.parent":
        return facet.state_key
    if facet.type == WIDGET:
        return content.get("url") or None
    if facet.type == "m.space.child":
        if not content.get("via"):
            return None
        shown = {name: content[name] for name in ("order", "suggested") if name in content}
        return {"space": facet.space, **shown}
    return content


def _charter(desired: DesiredRoom, room: SeenRoom) -> Iterator[Change]:
    charter, pins = charter_pins(desired, room)
    stands = charter.get("digest", "") if charter else ""
    if stands != desired.charter_digest:
        yield Change(
            key=desired.key,
            action=Action.change,
            what="charter",
            old=stands or None,
            new=desired.charter_digest or None,
            field="charter",
            why=LEFT if desired.charter and getattr(desired.place, "encrypted", False) else "",
            type="org.esnbot.charter",
        )
    elif pins is not None:
        yield Change(
            key=desired.key,
            action=Action.change,
            what="pinned charter",
            old="not pinned" if desired.charter else "pinned",
            new="pinned" if desired.charter else "not pinned",
            field="charter",
            type="m.room.pinned_events",
        )


def is_archived(desired: DesiredRoom, room: SeenRoom) -> bool:
    """Whether a room looks archived: nobody but the bot may post or change anything."""
    levels = room.content("m.room.power_levels") or {}
    needed = [levels.get("state_default", 50), levels.get("invite", 0)]
    return all(isinstance(level, int) and level >= 100 for level in needed)


__all__ = [
    "DOABLE",
    "LEFT",
    "PENDING",
    "Action",
    "Change",
    "accepts",
    "compare",
    "difference",
    "is_archived",
    "obstacles",
    "shown",
]
