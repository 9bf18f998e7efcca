"""What should be: the declared objects of the file and of chat, as data that features read and write.

The file owns the keys that it states, and who may come in (``PERIMETER``); a change in chat to one of them raises
``Owned``. Any other change in chat becomes an override, which is desired state like everything else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Row, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group, Origin, Place
from esnbot.community.model import Community
from esnbot.provisioning import reasons
from esnbot.provisioning.codec import Frame, dump, dump_frame, frame_of, kind_of, load, load_frame
from esnbot.provisioning.errors import Owned, UnknownPlace
from esnbot.provisioning.reasons import Reason
from esnbot.provisioning.tables import (
    community_frame,
    desired_object,
    drift,
    provisioned,
    room_attempt,
    withdrawn,
)
from esnbot.store import bindings
from esnbot.store.upsert import upsert

RECONCILER: Final = "reconciler"
"""For ``Nudge(machine=RECONCILER)``, after a write here."""

PERIMETER: Final = frozenset(
    {"audiences", "joining", "parent", "also_in", "history", "guests", "federate", "encrypted"}
)
"""Keys that say who is inside and what they see: of the file's objects they change in the file only."""

_BOOKKEEPING: Final = frozenset({"key", "origin", "source", "stated"})
_STATED_AS: Final = {"parent": "space"}
_WANTED: Final = "wanted"
_ARCHIVED: Final = "archived"
_AFTER_THE_FILE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedObject:
    """One declared object, with what the reconciler needs to know about it."""

    place: Place
    archived: bool
    position: int
    revision: int
    settled: int
    problem: Reason | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """What people changed in chat of an object of the file."""

    @property
    def key(self) -> str:
        """Its natural key."""
        return self.place.key


async def want(conn: AsyncConnection, place: Place, by: str, now_ms: int) -> None:
    """Declare an object made in chat, or change one; raises ``Owned`` when the file has the say over what changes."""
    row = await _row(conn, place.key)
    if row is not None and row.origin == Origin.file:
        await _override(conn, row, place, by, now_ms)
        return
    spec = dump(replace(place, origin=Origin.chat, source=None, stated=frozenset()))
    if row is not None and row.spec == spec and row.state == _WANTED:
        return
    values = {
        "key": place.key,
        "kind": kind_of(place),
        "origin": Origin.chat.value,
        "spec": spec,
        "overrides": {},
        "state": _WANTED,
        "position": row.position if row is not None else await _last_position(conn) + 1,
        "by": by,
        "changed": now_ms,
        "revision": (row.revision if row is not None else await _spent(conn, place.key)) + 1,
        "settled": row.settled if row is not None else 0,
        "problem": None,
    }
    await upsert(conn, desired_object, values)


async def archive(conn: AsyncConnection, key: str, now_ms: int) -> None:
    """Archive an object: read-only, out of its spaces, nothing deleted. Raises ``Owned`` for one of the file."""
    await _set_state(conn, key, _ARCHIVED, now_ms)


async def revive(conn: AsyncConnection, key: str, now_ms: int) -> None:
    """Open an archived object again."""
    await _set_state(conn, key, _WANTED, now_ms)


async def withdraw(conn: AsyncConnection, key: str, revision: int) -> bool:
    """Take back a wish of chat that came to nothing, and free its key; whether that was done.

    Only this very revision, only what no room was ever made for, and not while an attempt is under way (``attempt``),
    whose outcome is told in its turn.
    """
    row = await _locked(conn, key)
    if row is None or (row.origin, row.state, row.revision) != (Origin.chat, _WANTED, revision):
        return False
    if await bindings.room_of(conn, key) is not None:
        return False
    for table in (provisioned, room_attempt):
        if (await conn.execute(select(table.c.key).where(table.c.key == key))).one_or_none() is not None:
            return False
    await conn.execute(delete(desired_object).where(desired_object.c.key == key))
    await upsert(conn, withdrawn, {"key": key, "revision": revision})
    return True


async def attempt(conn: AsyncConnection, key: str, revision: int, alias: str, now_ms: int) -> bool:
    """Note that a room is about to be asked for; False when this revision is not the wanted one any more."""
    row = await _locked(conn, key)
    if row is None or row.revision != revision:
        return False
    await upsert(conn, room_attempt, {"key": key, "alias": alias, "since": now_ms})
    return True


async def forget_attempt(conn: AsyncConnection, key: str) -> None:
    """Note that no room of ours can stand behind the alias."""
    await conn.execute(delete(room_attempt).where(room_attempt.c.key == key))


async def revision_of(conn: AsyncConnection, key: str) -> int | None:
    """The last change of an object, None when nobody wants it."""
    query = select(desired_object.c.revision).where(desired_object.c.key == key)
    return (await conn.execute(query)).scalar_one_or_none()


async def get(conn: AsyncConnection, key: str) -> Place | None:
    """The space or group of a key, as it should be now; an archived group has ``archived``."""
    row = await _row(conn, key)
    return _object(row).place if row is not None else None


async def all_places(conn: AsyncConnection) -> list[Place]:
    """Everything declared, of the file and of chat, in order; archived groups with ``archived``, no archived spaces."""
    found = await objects(conn)
    return [entry.place for entry in found if not entry.archived or isinstance(entry.place, Group)]


async def each_place(conn: AsyncConnection, at_once: int = 500) -> AsyncIterator[Place]:
    """Like ``all_places``, a few at a time: for whoever goes through ten thousand groups and keeps none."""
    for keys in await batches(conn, at_once):
        for entry in await some(conn, keys):
            if not entry.archived or isinstance(entry.place, Group):
                yield entry.place


async def spaces(conn: AsyncConnection) -> dict[str, Place]:
    """The spaces by key: all that inheritance (audiences, language) needs to know, however many groups there are."""
    query = select(desired_object).where(desired_object.c.kind == "space", desired_object.c.state == _WANTED)
    return {row.key: _object(row).place for row in await conn.execute(query.order_by(desired_object.c.position))}


async def names(conn: AsyncConnection, keys: Iterable[str]) -> dict[str, str]:
    """Key to name of these objects, as far as there are any."""
    return {entry.key: entry.place.name for entry in await some(conn, keys)}


async def place_of(conn: AsyncConnection, room_id: str) -> Place | None:
    """The space or group that a room stands for."""
    key = await bindings.key_of(conn, room_id)
    return await get(conn, key) if key is not None else None


async def frame(conn: AsyncConnection) -> Frame:
    """What all rooms depend on; empty before the first apply."""
    spec = (await conn.execute(select(community_frame.c.spec))).scalar_one_or_none()
    return load_frame(spec) if spec else Frame()


async def objects(conn: AsyncConnection) -> list[WantedObject]:
    """Everything declared, in the order of the file, then of chat."""
    query = select(desired_object).order_by(desired_object.c.position, desired_object.c.key)
    return [_object(row) for row in await conn.execute(query)]


async def some(conn: AsyncConnection, keys: Iterable[str]) -> list[WantedObject]:
    """The declared objects of these keys, as far as there are any."""
    query = select(desired_object).where(desired_object.c.key.in_(list(keys)))
    query = query.order_by(desired_object.c.position, desired_object.c.key)
    return [_object(row) for row in await conn.execute(query)]


async def with_spaces(conn: AsyncConnection, objects: Sequence[WantedObject]) -> list[WantedObject]:
    """These objects after the spaces that list them, and those around these: what they inherit from."""
    known = {entry.key: entry for entry in objects}
    above: list[WantedObject] = []
    missing = _spaces_of(objects) - known.keys()
    while missing and (found := await some(conn, missing)):
        known |= {entry.key: entry for entry in found}
        above = [*found, *above]
        missing = _spaces_of(found) - known.keys()
    return [*above, *objects]


def _spaces_of(objects: Iterable[WantedObject]) -> set[str]:
    """Keys of the spaces that these objects stand in or are shown in."""
    return {
        key
        for entry in objects
        for key in (
            entry.place.parent,
            *(getattr(entry.place, "also_in", ())),
            *(getattr(entry.place, "shown_in", ())),
        )
        if key
    }


async def unsettled(conn: AsyncConnection) -> dict[str, int]:
    """Keys whose last change does not stand on the homeserver yet, with its revision."""
    columns = desired_object.c.key, desired_object.c.revision
    query = select(*columns).where(desired_object.c.revision != desired_object.c.settled)
    return {row.key: row.revision for row in await conn.execute(query)}


async def batches(conn: AsyncConnection, size: int) -> list[list[str]]:
    """All keys in groups of that size, in the order of the file: neighbours mostly stand in one space."""
    keys = list((await conn.execute(select(desired_object.c.key).order_by(desired_object.c.position))).scalars())
    return [keys[start : start + size] for start in range(0, len(keys), size)]


async def settle(conn: AsyncConnection, revisions: Mapping[str, int]) -> None:
    """Note which revisions stand; a change made meanwhile stays unsettled."""
    for key, revision in revisions.items():
        statement = update(desired_object).where(desired_object.c.key == key)
        await conn.execute(statement.values(settled=revision, problem=None))


async def fail(conn: AsyncConnection, key: str, problem: Reason) -> None:
    """Note why an object could not be made so."""
    await conn.execute(update(desired_object).where(desired_object.c.key == key).values(problem=problem.dump()))


async def problems(conn: AsyncConnection) -> dict[str, Reason]:
    """Key to reason, of what could not be made so at the last attempt."""
    query = select(desired_object.c.key, desired_object.c.problem).where(desired_object.c.problem.is_not(None))
    return {row.key: reasons.load(row.problem) for row in await conn.execute(query)}


async def drifts(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """What people changed by hand and nobody put right: ``key, what, room_id, by, wanted, found, since``."""
    return (await conn.execute(select(drift).order_by(drift.c.since))).all()


async def forget_drifts(conn: AsyncConnection, key: str, *, except_for: Iterable[str] = ()) -> None:
    """Forget what people changed by hand of one object, once it was put right or taken back; some may be left."""
    await conn.execute(delete(drift).where(drift.c.key == key, drift.c.what.not_in(list(except_for))))


async def forget_these(conn: AsyncConnection, drifts: Iterable[Row[Any]]) -> None:
    """Forget drifts as they were read; what was noted since stays."""
    for row in drifts:
        same = and_(drift.c.key == row.key, drift.c.what == row.what, drift.c.since == row.since, drift.c.by == row.by)
        await conn.execute(delete(drift).where(same))


async def locked(conn: AsyncConnection, key: str) -> tuple[int, int] | None:
    """Revision and settled revision of an object, which nobody else changes until this transaction ends.

    Whoever settles an object and whoever looks at what people changed in its room come one after the other.
    """
    query = select(desired_object.c.revision, desired_object.c.settled).where(desired_object.c.key == key)
    row = (await conn.execute(query.with_for_update())).one_or_none()
    return (row.revision, row.settled) if row is not None else None


async def accept(conn: AsyncConnection, key: str, what: str, value: Any, by: str, now_ms: int) -> None:
    """Make what an owner changed by hand the desired state; ``what`` is a field that the file does not state."""
    row = await _row(conn, key)
    if row is None:
        raise UnknownPlace(key)
    place = _object(row).place
    changed = replace(place, **{what: value})
    if isinstance(changed, Group):
        changed = replace(changed, archived=bool(row.spec.get("archived", False)))
    await want(conn, changed, by, now_ms)


# --- the file ------------------------------------------------------------------------------------------------------


def declared(community: Community, known: Iterable[WantedObject]) -> list[WantedObject]:
    """What is wanted once the file is declared, with objects that vanished from it archived; pure, for plans."""
    before = {entry.key: entry for entry in known}
    result: list[WantedObject] = []
    for position, place in enumerate(_places(community)):
        old = before.pop(place.key, None)
        merged = _with_overrides(place, _kept_overrides(place, old))
        archived = isinstance(place, Group) and place.archived
        if old is not None and "archived" not in place.stated:
            archived = archived or bool(old.overrides.get("archived"))
        if isinstance(merged, Group):
            merged = replace(merged, archived=archived)
        same = old is not None and _meaning(old.place) == _meaning(merged) and old.archived == archived
        result.append(
            WantedObject(
                place=merged,
                archived=archived,
                position=position,
                revision=old.revision + (not same) if old is not None else 1,
                settled=old.settled if old is not None else 0,
                overrides=_kept_overrides(place, old),
            )
        )
    for old in sorted(before.values(), key=lambda entry: entry.position):
        gone = old.place.origin is Origin.file and not old.archived
        result.append(replace(old, archived=True, revision=old.revision + 1) if gone else old)
    return result


async def declare(conn: AsyncConnection, community: Community, now_ms: int) -> None:
    """Write down what the file declares; its objects that vanished are archived, those of chat stay."""
    rows = {row.key: row for row in await conn.execute(select(desired_object))}
    after = declared(community, [_object(row) for row in rows.values()])
    own = {place.key: place for place in _places(community)}
    spent = {row.key: row.revision for row in await conn.execute(select(withdrawn))}
    changed = []
    for entry in after:
        row = rows.get(entry.key)
        if row is None and entry.key in spent:
            entry = replace(entry, revision=entry.revision + spent[entry.key])
        same = row is not None and row.revision == entry.revision and row.position == entry.position
        # The line in the file may have moved: no change of the object, but worth writing down.
        if same and row is not None and (entry.key not in own or row.spec == dump(own[entry.key])):
            continue
        changed.append(_declared_row(entry, row, own.get(entry.key), now_ms))
    await upsert(conn, desired_object, changed)
    await upsert(conn, community_frame, {"id": 1, "spec": dump_frame(frame_of(community))})


def vanished(community: Community, known: Iterable[WantedObject]) -> list[WantedObject]:
    """Objects of the file that it does not name any more, and that are not archived yet."""
    named = community.spaces.keys() | community.groups.keys()
    return [
        entry for entry in known if entry.place.origin is Origin.file and not entry.archived and entry.key not in named
    ]


def _places(community: Community) -> list[Place]:
    return [*community.spaces.values(), *community.groups.values()]


def _declared_row(entry: WantedObject, row: Row[Any] | None, own: Place | None, now_ms: int) -> dict[str, Any]:
    origin = Origin.file if own is not None else entry.place.origin
    changed = row is None or row.revision != entry.revision
    return {
        "key": entry.key,
        "kind": kind_of(entry.place),
        "origin": origin.value,
        "spec": dump(own) if own is not None else dict(row.spec if row is not None else dump(entry.place)),
        "overrides": dict(entry.overrides),
        "state": _ARCHIVED if entry.archived else _WANTED,
        "position": entry.position,
        "by": "" if row is None else row.by,
        "changed": now_ms if changed or row is None else row.changed,
        "revision": entry.revision,
        "settled": entry.settled,
        "problem": None if row is None else row.problem,
    }


# --- overrides -----------------------------------------------------------------------------------------------------


def _owned_by_file(place: Place, name: str) -> bool:
    return name in _BOOKKEEPING or name in PERIMETER or _STATED_AS.get(name, name) in place.stated


def _chat_part(old: WantedObject) -> dict[str, Any]:
    """What chat said about an object: its overrides, or all of it when it was made in chat."""
    if old.place.origin is Origin.chat:
        return {name: value for name, value in dump(old.place).items() if name not in _BOOKKEEPING | {"archived"}}
    return dict(old.overrides)


def _kept_overrides(place: Place, old: WantedObject | None) -> dict[str, Any]:
    if old is None:
        return {}
    return {name: value for name, value in _chat_part(old).items() if not _owned_by_file(place, name)}


def _meaning(place: Place) -> dict[str, Any]:
    """Everything but where it stands written."""
    return {name: value for name, value in dump(place).items() if name not in ("source", "stated")}


def _with_overrides(place: Place, overrides: Mapping[str, Any]) -> Place:
    kept = {name: value for name, value in overrides.items() if not _owned_by_file(place, name)}
    kept.pop("archived", None)
    if not kept:
        return place
    return load(kind_of(place), {**dump(place), **kept})


async def _override(conn: AsyncConnection, row: Row[Any], place: Place, by: str, now_ms: int) -> None:
    declared_place = load(row.kind, row.spec)
    before, after = dump(_object(row).place), dump(place)
    overrides = dict(row.overrides)
    for name, value in after.items():
        if name in _BOOKKEEPING or before.get(name) == value:
            continue
        if _owned_by_file(declared_place, name):
            raise Owned(place.key, _STATED_AS.get(name, name), declared_place.source)
        overrides[name] = value
    if overrides == row.overrides:
        return
    statement = update(desired_object).where(desired_object.c.key == place.key)
    await conn.execute(
        statement.values(overrides=overrides, by=by, changed=now_ms, revision=row.revision + 1, problem=None)
    )


async def _set_state(conn: AsyncConnection, key: str, state: str, now_ms: int) -> None:
    row = await _row(conn, key)
    if row is None:
        raise UnknownPlace(key)
    if row.state == state:
        return
    values: dict[str, Any] = {"state": state, "changed": now_ms, "revision": row.revision + 1, "problem": None}
    if row.origin == Origin.file:
        place = load(row.kind, row.spec)
        if "archived" in place.stated:
            raise Owned(key, "archived", place.source)
        if state == _WANTED and not row.overrides.get("archived"):
            # The file does not name it any more: from here on it lives by chat.
            values |= {"origin": Origin.chat.value, "position": await _last_position(conn) + 1}
            values["spec"] = dump(replace(place, origin=Origin.chat, source=None, stated=frozenset()))
        else:
            values["overrides"] = {**row.overrides, "archived": state == _ARCHIVED}
    await conn.execute(update(desired_object).where(desired_object.c.key == key).values(**values))


async def _row(conn: AsyncConnection, key: str) -> Row[Any] | None:
    return (await conn.execute(select(desired_object).where(desired_object.c.key == key))).one_or_none()


async def _locked(conn: AsyncConnection, key: str) -> Row[Any] | None:
    """The row, which nobody else changes or deletes before this transaction is over."""
    query = select(desired_object).where(desired_object.c.key == key).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def _spent(conn: AsyncConnection, key: str) -> int:
    """Revisions of a key that belonged to wishes which were withdrawn."""
    query = select(withdrawn.c.revision).where(withdrawn.c.key == key)
    return (await conn.execute(query)).scalar_one_or_none() or 0


async def _last_position(conn: AsyncConnection) -> int:
    last = (await conn.execute(select(func.max(desired_object.c.position)))).scalar_one_or_none()
    return max(last or 0, _AFTER_THE_FILE)


def _object(row: Row[Any]) -> WantedObject:
    place = load(row.kind, row.spec)
    if row.overrides:
        place = _with_overrides(place, row.overrides)
    archived = row.state == _ARCHIVED
    if isinstance(place, Group) and place.archived != archived:
        place = replace(place, archived=archived)
    return WantedObject(
        place=place,
        archived=archived,
        position=row.position,
        revision=row.revision,
        settled=row.settled,
        problem=reasons.load(row.problem) if row.problem is not None else None,
        overrides=row.overrides,
    )
