"""The plan: everything that differs between what is declared and what stands, as a tree by space. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from esnbot.provisioning.compare import PENDING, Action, Change, compare, is_archived
from esnbot.provisioning.desired import DesiredRoom
from esnbot.provisioning.facets import View
from esnbot.provisioning.limits import limits
from esnbot.provisioning.orders import appended, orders
from esnbot.provisioning.seen import Observed, SeenRoom


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change, in the order of the tree."""

    changes: tuple[Change, ...] = ()
    rooms: Mapping[str, DesiredRoom] = field(default_factory=dict)
    view: View = field(default_factory=lambda: View("", ""))

    @property
    def limits(self) -> dict[str, tuple[str, ...]]:
        """Key to what cannot work there, in sentences: nothing that is to do, and something to know beforehand."""
        found = {key: limits(room.place) for key, room in self.rooms.items() if not room.archived}
        return {key: tuple(map(str, sentences)) for key, sentences in found.items() if sentences}

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        return not self.changes

    @property
    def pending(self) -> bool:
        """Whether something is to do, by apply or by a person."""
        return any(change.action in PENDING for change in self.changes)

    def count(self) -> dict[str, int]:
        """Objects by action."""
        keys: dict[str, set[str]] = defaultdict(set)
        for change in self.changes:
            keys[change.action.value].add(change.key)
        return {action.value: len(keys[action.value]) for action in Action if keys[action.value]}

    def of(self, key: str) -> list[Change]:
        """The changes of one object."""
        return [change for change in self.changes if change.key == key]

    def path(self, key: str) -> list[str]:
        """Keys of the spaces that an object stands in, from the top."""
        path: list[str] = []
        room = self.rooms.get(key)
        while room is not None and room.place.parent in self.rooms and room.place.parent not in path:
            parent = room.place.parent
            assert parent is not None
            path.insert(0, parent)
            room = self.rooms[parent]
        return path


def make_plan(
    desired: Mapping[str, DesiredRoom],
    observed: Observed,
    bot: str,
    server: str,
    *,
    keys: Iterable[str] | None = None,
) -> Plan:
    """Compare everything, or some rooms only."""
    chosen = frozenset(desired if keys is None else keys)
    view = make_view(desired, observed, bot, server, partial=keys is not None)
    spaces = {
        key: observed.rooms[view.ids[key]]
        for key, room in desired.items()
        if room.is_space and view.ids.get(key) in observed.rooms
    }
    changes: list[Change] = []
    for key in in_tree_order(desired):
        if key not in chosen:
            continue
        changes += _of_one(desired[key], observed, view, spaces)
    return Plan(tuple(changes), desired, view)


def make_view(
    desired: Mapping[str, DesiredRoom], observed: Observed, bot: str, server: str, *, partial: bool = False
) -> View:
    """What the rooms need to know of each other; ``partial`` where not all of them are known."""
    ids = {key: room_id for key, room_id in observed.bindings.items() if key in desired}
    for key, room_id in observed.found.items():
        if key in desired:
            ids.setdefault(key, room_id)
    listing: dict[str, set[str]] = defaultdict(set)
    children: dict[str, list[str]] = defaultdict(list)
    for key, room in desired.items():
        for space in (*room.links, *room.shown):
            children[space].append(key)
    positions = {key: index for index, key in enumerate(in_tree_order(desired))}
    placed: dict[tuple[str, str], str] = {}
    for space in (key for key, room in desired.items() if room.is_space):
        seen = observed.rooms.get(ids.get(space, ""))
        found: dict[str, str] = {}
        for (type, state_key), fact in seen.state.items() if seen is not None else ():
            if type != "m.space.child":
                continue
            # The place of what was taken out waits for its return.
            found[state_key] = str(fact.content.get("order", ""))
            if fact.content.get("via"):
                listing[state_key].add(ids[space])
        keys = sorted(children[space], key=positions.__getitem__)
        known = {key: found[ids[key]] for key in keys if ids.get(key) in found}
        numbers = appended(keys, known, found.values()) if partial else orders(keys, known)
        placed |= {(space, key): number for key, number in numbers.items()}
    return View(
        bot=bot,
        server=server,
        ids=ids,
        keys={room_id: key for key, room_id in ids.items()},
        media=observed.media,
        orders=placed,
        parents_seen={room_id: frozenset(spaces) for room_id, spaces in listing.items()},
    )


def in_tree_order(desired: Mapping[str, DesiredRoom]) -> list[str]:
    """Keys as one reads a table of contents: each space, then what stands in it."""
    below: dict[str | None, list[str]] = defaultdict(list)
    for key, room in desired.items():
        parent = room.place.parent
        below[parent if parent in desired and parent != key else None].append(key)
    order: dict[str, None] = {}

    def visit(key: str) -> None:
        if key in order:
            return
        order[key] = None
        for child in below[key]:
            visit(child)

    for key in below[None]:
        visit(key)
    for key in desired:
        visit(key)
    return list(order)


def _of_one(desired: DesiredRoom, observed: Observed, view: View, spaces: dict[str, SeenRoom]) -> list[Change]:
    key = desired.key
    room_id = observed.bindings.get(key)
    if room_id is None:
        return _of_missing(desired, observed, view, spaces)
    room = observed.rooms.get(room_id)
    if room is None:
        return [_rejoin(key, room_id, view.bot)]
    changes = [] if room.joined(view.bot) else [_rejoin(key, room_id, view.bot)]
    changes += compare(desired, room, view, spaces)
    changes += _listing(desired, observed)
    if key not in observed.ready and not desired.archived and not changes:
        changes.append(Change(key=key, action=Action.change, what="making", old="begun", new="finished"))
    return _as_archive(desired, room, changes)


def _rejoin(key: str, room_id: str, bot: str) -> Change:
    why = f"{bot} is not in the room {room_id}"
    return Change(key=key, action=Action.change, what="the bot's membership", old="leave", new="join", why=why)


def _of_missing(desired: DesiredRoom, observed: Observed, view: View, spaces: dict[str, SeenRoom]) -> list[Change]:
    key, place = desired.key, desired.place
    if desired.archived:
        return []
    if place.adopt is not None:
        return _adoption(desired, observed, view, spaces)
    if key in observed.found:
        why = f"{observed.found[key]} was made for it and is taken up again"
        return [Change(key=key, action=Action.create, new=desired.alias, why=why)]
    stranger = observed.aliases.get(desired.alias)
    if stranger is not None and key not in observed.attempts:
        why = (
            f"the alias {desired.alias} leads to a room that is not ours ({stranger}): "
            f"take it over with 'adopt: \"{desired.alias}\"', or declare another alias"
        )
        return [Change(key=key, action=Action.conflict, what="alias", old=stranger, new=desired.alias, why=why)]
    return [Change(key=key, action=Action.create, new=desired.alias)]


def _adoption(desired: DesiredRoom, observed: Observed, view: View, spaces: dict[str, SeenRoom]) -> list[Change]:
    key, target = desired.key, desired.place.adopt or ""
    room_id = target if target.startswith("!") else observed.aliases.get(target)
    if room_id is None and target in observed.aliases:
        why = f"there is no room {target} to adopt"
        return [Change(key=key, action=Action.conflict, what="adopt", old=None, new=target, why=why)]
    other = next((name for name, bound in observed.bindings.items() if bound == room_id), None)
    if other is not None:
        why = f"the room {target} stands for '{other}' already"
        return [Change(key=key, action=Action.conflict, what="adopt", old=other, new=key, why=why)]
    adopt = Change(key=key, action=Action.adopt, old=room_id, new=target)
    room = observed.rooms.get(room_id or "")
    if room is None:
        return [adopt]
    return [adopt, *compare(desired, room, view, spaces), *_listing(desired, observed)]


def _listing(desired: DesiredRoom, observed: Observed) -> list[Change]:
    wanted = "public" if desired.place.listed and not desired.archived else "private"
    found = observed.listed.get(desired.key, "private")
    if found == wanted or (found == "refused" and wanted == "private"):
        return []
    if found == "refused":
        why = "the homeserver's room_list_publication_rules do not let the bot list rooms"
        return [
            Change(
                key=desired.key,
                action=Action.unenforceable,
                what="directory",
                old="private",
                new="public",
                field="listed",
                why=why,
            )
        ]
    return [Change(key=desired.key, action=Action.change, what="directory", old=found, new=wanted, field="listed")]


def _as_archive(desired: DesiredRoom, room: SeenRoom, changes: list[Change]) -> list[Change]:
    """An object that is closed or opened again shows as that, in one line; what else differs stays."""
    if desired.archived == is_archived(desired, room) or not changes:
        return changes
    own = [change for change in changes if change.field in ("owners", "parent") and change.action is Action.change]
    if not own:
        return changes
    rest = [change for change in changes if change not in own]
    if desired.archived:
        spaces = [change.old["space"] for change in own if isinstance(change.old, dict) and "space" in change.old]
        where = f" and out of {', '.join(spaces)}" if spaces else ""
        first = Change(key=desired.key, action=Action.archive, why=f"read-only{where}; nothing is deleted")
    else:
        first = Change(key=desired.key, action=Action.revive, why="open again, and back in its spaces")
    return [first, *rest]


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan for machines."""
    return {
        "pending": plan.pending,
        "summary": plan.count(),
        "changes": [_change_json(plan, change) for change in plan.changes],
        "limits": {key: list(sentences) for key, sentences in plan.limits.items()},
    }


def _change_json(plan: Plan, change: Change) -> dict[str, Any]:
    room = plan.rooms.get(change.key)
    value: dict[str, Any] = {"key": change.key, "action": change.action.value, "path": plan.path(change.key)}
    if room is not None:
        value["kind"] = "space" if room.is_space else "group"
        value["name"] = room.place.name
        value["origin"] = room.place.origin.value
        if room.place.source is not None:
            value["source"] = str(room.place.source)
    for name in ("what", "why", "by"):
        if getattr(change, name):
            value[name] = getattr(change, name)
    if change.what or change.action in (Action.create, Action.adopt):
        value["old"], value["new"] = change.old, change.new
    return value


def drift_content(change: Change, room_id: str) -> dict[str, Any]:
    """The content of the ``DRIFT`` event for something that was changed by hand."""
    return {
        "key": change.key,
        "room_id": room_id,
        "what": change.what,
        "by": change.by,
        "wanted": change.new,
        "found": change.old,
    }


def keys_with(plan: Plan, actions: Iterable[Action]) -> list[str]:
    """Keys that have a change of one of these kinds, in order."""
    wanted = frozenset(actions)
    return list(dict.fromkeys(change.key for change in plan.changes if change.action in wanted))
