"""A room as a list of facets: each one state event, with how ours is merged into what is there. Pure.

The same facets make a new room's first state, show what differs in a plan, and put it right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from esnbot.community.group import Group, History, Joining
from esnbot.provisioning.desired import DesiredRoom
from esnbot.provisioning.rights import merged_acl, merged_power
from esnbot.provisioning.seen import CHARTER, COMMAND, CREATION_KEY, WIDGET, Content, Fact, SeenRoom

EXTRAS: Final = {COMMAND: "published commands", WIDGET: "widget"}
"""Type of state to what it is, in words: what a room has besides (``DesiredRoom.extras``)."""

MEGOLM: Final = {"algorithm": "m.megolm.v1.aes-sha2"}

Merge = Callable[[Fact | None], Content | None]
"""From what is there to what should be; the same content when nothing is to do, None when there should be nothing."""


@dataclass(frozen=True, slots=True)
class View:
    """What a room's facets need to know of the others."""

    bot: str
    server: str
    ids: Mapping[str, str] = field(default_factory=dict)
    """Key to room id, of the rooms that stand."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """The same the other way round."""
    media: Mapping[str, str] = field(default_factory=dict)
    orders: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(space, child) to the child's order among its siblings."""
    parents_seen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Room id to the ids of the spaces of ours that list it."""

    def id(self, key: str) -> str:
        """The room id, or a stand-in for a room that is still to be made."""
        return self.ids.get(key, f"key:{key}")


@dataclass(frozen=True, slots=True)
class Facet:
    """One state event as it should be."""

    what: str
    """In words, for people."""
    type: str
    merge: Merge
    state_key: str = ""
    space: str = ""
    """Key of the space whose room it stands in; '' for the room itself."""
    field: str = ""
    """The field of the declaration that it comes from."""
    soft: bool = False
    """Whether an owner may change it by hand where the file does not state it."""
    fresh: bool = False
    """Whether it is read anew before it is written: others write to it too."""
    many: bool = False
    """One of many that a plan shows in one line."""


def facets(desired: DesiredRoom, view: View, room: SeenRoom | None, version: str) -> Iterator[Facet]:
    """The facets of a room; of an existing one also those that take stale links away."""
    place = desired.place
    yield _power(desired, room, version)
    yield Facet("name", "m.room.name", _value("name", place.name), field="name", soft=True)
    yield Facet("topic", "m.room.topic", _managed(desired, "topic", "topic", place.topic), field="topic", soft=True)
    avatar_merge = _managed(desired, "avatar", "url", _avatar(place.avatar, view))
    yield Facet("avatar", "m.room.avatar", avatar_merge, field="avatar", soft=True)
    yield Facet("alias", "m.room.canonical_alias", _alias(desired), field="alias", fresh=True)
    yield Facet("join rule", "m.room.join_rules", _join_rule(desired, view), field="joining")
    yield from _visibility(desired)
    yield Facet("server ACL", "m.room.server_acl", _acl(desired, view), field="audiences", fresh=True)
    yield from _links(desired, view, room)
    yield from _extras(desired, view, room)


def creation(desired: DesiredRoom, view: View, version: str) -> Content:
    """The body of the one ``createRoom`` request that makes the room, whole."""
    state: list[Content] = []
    power: Content = {}
    for facet in facets(desired, view, None, version):
        content = None if facet.space else facet.merge(None)
        if facet.type == "m.room.power_levels":
            power = content or {}
        elif content is not None and facet.type != "m.room.canonical_alias":
            state.append({"type": facet.type, "state_key": facet.state_key, "content": content})
    made: Content = {CREATION_KEY: desired.key}
    if desired.is_space:
        made["type"] = "m.space"
    if desired.place.federate is not None:
        made["m.federate"] = desired.place.federate
    body: Content = {
        "preset": "private_chat",
        "visibility": "private",
        "room_alias_name": desired.alias[1:].partition(":")[0],
        "creation_content": made,
        "initial_state": state,
        "power_level_content_override": power,
    }
    if desired.place.room_version is not None:
        body["room_version"] = desired.place.room_version
    return body


def made_state(body: Content, desired: DesiredRoom, view: View, room_id: str, version: str, ts: int) -> SeenRoom:
    """The room as that request leaves it."""
    state = {
        (entry["type"], entry["state_key"]): Fact(entry["content"], view.bot, ts) for entry in body["initial_state"]
    }
    state["m.room.create", ""] = Fact({**body["creation_content"], "room_version": version}, view.bot, ts)
    state["m.room.power_levels", ""] = Fact(body["power_level_content_override"], view.bot, ts)
    state["m.room.canonical_alias", ""] = Fact({"alias": desired.alias}, view.bot, ts)
    state["m.room.member", view.bot] = Fact({"membership": "join"}, view.bot, ts)
    return SeenRoom(room_id, state)


def charter_pins(desired: DesiredRoom, room: SeenRoom) -> tuple[Content | None, list[str] | None]:
    """What stands as charter, and what should be pinned (None: leave the pins alone)."""
    charter = room.content(CHARTER)
    event = charter.get("event_id") if charter else None
    pinned = (room.content("m.room.pinned_events") or {}).get("pinned")
    pins = [entry for entry in pinned if isinstance(entry, str)] if isinstance(pinned, list) else []
    if not isinstance(event, str):
        return charter, None
    if desired.charter:
        return charter, None if event in pins else [event, *pins]
    return charter, [entry for entry in pins if entry != event] if event in pins else None


# --- how each is merged ------------------------------------------------------------------------------------------


def _power(desired: DesiredRoom, room: SeenRoom | None, version: str) -> Facet:
    founders = room.founders if room is not None else frozenset((desired.power.bot,))

    def merge(found: Fact | None) -> Content | None:
        return merged_power(found.content if found else None, desired.power, version, founders)

    return Facet("power levels", "m.room.power_levels", merge, field="owners", fresh=True)


def _value(name: str, wanted: Any, **more: Any) -> Merge:
    """One key has a value; everything else stays as it was."""

    def merge(found: Fact | None) -> Content | None:
        if found is not None and found.content.get(name) == wanted:
            return found.content
        return {name: wanted, **more}

    return merge


def _managed(desired: DesiredRoom, field: str, name: str, wanted: Any) -> Merge:
    """Like ``_value``; an empty value that nobody stated leaves alone what a person set."""

    def merge(found: Fact | None) -> Content | None:
        if wanted:
            return _value(name, wanted)(found)
        if found is None or not found.content.get(name):
            return found.content if found else None
        if not desired.states(field) and found.sender != desired.power.bot:
            return found.content
        return {name: ""} if name == "topic" else {}

    return merge


def _alias(desired: DesiredRoom) -> Merge:
    def merge(found: Fact | None) -> Content | None:
        content = found.content if found else {}
        alias = content.get("alias")
        kept = desired.place.alias is None and desired.place.adopt is not None and isinstance(alias, str)
        if alias == desired.alias or kept:
            return content
        others = content.get("alt_aliases")
        alternatives = [entry for entry in others if isinstance(entry, str)] if isinstance(others, list) else []
        # Links to the old alias go on working.
        alternatives += [alias] if isinstance(alias, str) and alias and alias not in alternatives else []
        alternatives = [entry for entry in alternatives if entry != desired.alias]
        return {"alias": desired.alias, **({"alt_aliases": alternatives} if alternatives else {})}

    return merge


def _join_rule(desired: DesiredRoom, view: View) -> Merge:
    joining = desired.place.joining
    # Where all spaces around are for more people than the room, nobody comes in but by the bot's invitation.
    spaces = [view.id(key) for key in desired.doors]

    def merge(found: Fact | None) -> Content | None:
        if joining is Joining.space and spaces:
            wanted: Content = {
                "join_rule": "restricted",
                "allow": [{"type": "m.room_membership", "room_id": space} for space in spaces],
            }
        else:
            rules = {Joining.public: "public", Joining.knock: "knock"}
            wanted = {"join_rule": rules.get(joining, "invite")}
        if found is None or found.content.get("join_rule") != wanted["join_rule"]:
            return wanted
        if _allowed(found.content) == _allowed(wanted):
            return found.content
        return wanted

    return merge


def _opens(desired: DesiredRoom) -> bool:
    """Whether the members of a space around come in without asking."""
    return desired.place.joining is Joining.space and bool(desired.doors)


def _allowed(content: Content) -> list[str]:
    """The conditions, in an order that does not matter; one of an unknown kind counts as different."""
    entries = content.get("allow")
    if not isinstance(entries, list):
        return []
    return sorted(str(entry.get("room_id", entry)) if isinstance(entry, dict) else str(entry) for entry in entries)


def _visibility(desired: DesiredRoom) -> Iterator[Facet]:
    place = desired.place
    group = place if isinstance(place, Group) else None
    history = group.history if group else History.shared
    guests = "can_join" if group and group.guests else "forbidden"
    yield Facet(
        "history visibility",
        "m.room.history_visibility",
        _value("history_visibility", history.value),
        field="history",
    )
    yield Facet("guest access", "m.room.guest_access", _value("guest_access", guests), field="guests")
    if group is None:
        return
    if group.encrypted:
        yield Facet(
            "encryption",
            "m.room.encryption",
            # Whatever algorithm is there: encryption is never undone, nor changed.
            lambda found: found.content if found and found.content.get("algorithm") else dict(MEGOLM),
            field="encrypted",
        )
    lifetime = int(group.retention.total_seconds() * 1000) if group.retention else 0
    yield Facet(
        "retention",
        "m.room.retention",
        _managed(desired, "retention", "max_lifetime", lifetime),
        field="retention",
    )


def _acl(desired: DesiredRoom, view: View) -> Merge:
    return lambda found: merged_acl(found.content or None if found else None, desired.acl, view.server)


def _links(desired: DesiredRoom, view: View, room: SeenRoom | None) -> Iterator[Facet]:
    """Both directions of each space and child, and the end of those that should not be."""
    joining = desired.place.joining
    for number, space in enumerate(desired.links):
        parent = {"via": [view.server], "canonical": number == 0}
        yield Facet("space", "m.space.parent", _exactly(parent), view.id(space), field="parent")
        # What can be joined without asking is worth pointing out to whoever looks at the space.
        yield _child(desired, view, space, suggested=joining is Joining.public or _opens(desired), field="parent")
    for space in desired.shown:
        yield _child(desired, view, space, suggested=joining is Joining.public, field="shown_in")
    if room is None:
        return
    listed = {view.id(key) for key in (*desired.links, *desired.shown)}
    kept = {view.id(key) for key in desired.links}
    for type, state_key in room.state:
        if type == "m.space.parent" and state_key in view.keys and state_key not in kept:
            yield Facet("space", "m.space.parent", _nothing, state_key, field="parent")
    for space_id in sorted(view.parents_seen.get(room.room_id, frozenset()) - listed):
        if space_id in view.keys:
            space = view.keys[space_id]
            yield Facet("place in the space", "m.space.child", _taken_out, room.room_id, space, field="parent")


def _child(desired: DesiredRoom, view: View, space: str, *, suggested: bool, field: str) -> Facet:
    order = view.orders.get((space, desired.key), "")
    child = {"via": [view.server], "order": order, "suggested": suggested}
    return Facet("place in the space", "m.space.child", _exactly(child), view.id(desired.key), space, field=field)


def _extras(desired: DesiredRoom, view: View, room: SeenRoom | None) -> Iterator[Facet]:
    """What clients show besides, and the end of what they should show no more; others' is left alone."""
    wanted = {(extra.type, extra.state_key) for extra in desired.extras}
    for extra in desired.extras:
        what = EXTRAS[extra.type]
        yield Facet(what, extra.type, _whole(extra.content), extra.state_key, many=extra.type == COMMAND)
    for (type, state_key), fact in room.state.items() if room is not None else ():
        if type in EXTRAS and fact.sender == view.bot and fact.content and (type, state_key) not in wanted:
            yield Facet(EXTRAS[type], type, _nothing, state_key, many=type == COMMAND)


def _whole(wanted: Content) -> Merge:
    return lambda found: found.content if found is not None and found.content == wanted else wanted


def _exactly(wanted: Content) -> Merge:
    def merge(found: Fact | None) -> Content | None:
        if found is not None and found.content.get("via") and _same_link(found.content, wanted):
            return found.content
        return wanted

    return merge


def _same_link(found: Content, wanted: Content) -> bool:
    return all(found.get(name, False) == value for name, value in wanted.items() if name != "via")


def _taken_out(found: Fact | None) -> Content | None:
    """What is no child of a space any more, as nothing without a ``via`` is one; its place waits for its return."""
    if found is None or not found.content.get("via"):
        return found.content if found is not None else None
    order = found.content.get("order")
    return {"order": order} if isinstance(order, str) else {}


def _nothing(found: Fact | None) -> Content | None:
    return {} if found is not None and found.content else (found.content if found is not None else None)


def _avatar(avatar: str | None, view: View) -> str:
    """The content URI of an avatar; a stand-in for a file that is still to be uploaded."""
    if avatar is None or avatar.startswith("mxc://"):
        return avatar or ""
    return view.media.get(avatar, f"file:{avatar}")
