"""Who finds what: whatever the places and the people, only what may be read or known of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from esnbot.commands.reading import Person
from esnbot.community.group import Group, History, Joining, Kind, Place
from esnbot.community.person import Role
from esnbot.features.places import may_read, may_see
from esnbot.features.search import Document, Readable, find, forget_place, put, readable_by, readable_in, similar
from esnbot.features.search.readable import Some
from esnbot.features.search.shelf import number_of
from esnbot.provisioning import wanted
from esnbot.store import bindings, rooms
from esnbot.store.rooms import StateEvent
from tests.features.house import ALI, BOT, MAX, PAT, ZOE, House, a_group

AUDIENCES = st.lists(st.sampled_from(("staff", "partners")), unique=True).map(tuple)
GROUPS = st.lists(
    st.builds(
        Group,
        key=st.just(""),
        name=st.just("Licorne"),
        audiences=AUDIENCES,
        joining=st.sampled_from(Joining),
        history=st.sampled_from(History),
        kind=st.sampled_from((Kind.help, Kind.project, Kind.animators)),
        encrypted=st.booleans(),
        parent=st.sampled_from(("home", "workshop", None)),
    ),
    min_size=1,
    max_size=5,
)
MEMBERS = st.dictionaries(
    st.tuples(st.sampled_from((ZOE, ALI, PAT)), st.integers(0, 4)),
    st.sampled_from(("join", "invite", "leave")),
    max_size=6,
)


def person(house: House, user: str) -> Person:
    today = house.clock.now().date()
    roles = {ZOE: {Role.member}, ALI: {Role.member}, PAT: {Role.partner}, MAX: {Role.member, Role.animator}}[user]
    return Person(user, "fr", house.community.audiences_of(user, today), frozenset(roles))


async def settle(conn: Any, groups: list[Group], members: dict[tuple[str, int], str]) -> None:
    """The groups are wanted, have rooms with people in them, and each has a note and a question."""
    for group in groups:
        await wanted.want(conn, group, MAX, 1)
        await bindings.bind(conn, group.key, f"!{group.key}", 1)
        await put(conn, Document(key=f"group:{group.key}", kind="group", place=group.key, title="Licorne", text=""))
        if group.encrypted:
            continue
        note = Document(key=f"note:{group.key}", kind="note", place=group.key, title="Licorne", text="Une licorne.")
        await put(conn, note)
        text = "Qui a vu la licorne rose ?"
        await put(conn, Document(key=f"question:{group.key}", kind="question", place=group.key, title="", text=text))
    for (user, place), membership in members.items():
        if place < len(groups):
            event = StateEvent(
                room_id=f"!{groups[place].key}",
                type="m.room.member",
                state_key=user,
                event_id=f"$m{user}{groups[place].key}",
                sender=user,
                ts=1,
                content={"membership": membership},
            )
            await rooms.trust(conn, [event])


def allowed(house: House, places: dict[str, Place], groups: list[Group], who: Person, mine: dict[str, str]) -> set[str]:
    """The slow way: each document by itself."""
    keys: set[str] = set()
    for group in groups:
        membership = mine.get(group.key, "leave")
        if may_see(group, places, house.community, who.audiences, who.roles, membership):
            keys.add(f"group:{group.key}")
        if not group.encrypted and may_read(group, places, house.community, who.audiences, membership):
            keys |= {f"note:{group.key}", f"question:{group.key}"}
    return keys


async def test_everybody_finds_just_what_they_may(any_house: House) -> None:
    numbers = iter(range(10_000))

    async def one(groups: list[Group], members: dict[tuple[str, int], str]) -> None:
        house, number = any_house, next(numbers)
        groups = [replace(group, key=f"w{number}-{place}") for place, group in enumerate(groups)]
        await house.write(lambda conn: settle(conn, groups, members))
        async with house.database.read() as conn:
            places = {place.key: place for place in await wanted.all_places(conn)}
            found_by: dict[str, set[str]] = {}
            for user in (ZOE, ALI, PAT, MAX):
                who = person(house, user)
                mine = {groups[at].key: what for (one, at), what in members.items() if one == user and at < len(groups)}
                readable = await readable_by(conn, house.community, who)
                hits = await find(conn, "licornes", readable, limit=500)
                here = {hit.key for hit in hits if hit.place in {group.key for group in groups}}
                assert here == allowed(house, places, groups, who, mine), user
                like = await similar(conn, "Qui a vu la licorne rose ?", readable, limit=500)
                assert {hit.key for hit in like if hit.place.startswith(f"w{number}-")} <= here
                found_by[user] = here
            for group in groups:
                aloud = await readable_in(conn, house.community, group, BOT, house.clock.now())
                hits = await find(conn, "licornes", aloud, limit=500)
                own = {f"{kind}:{group.key}" for kind in ("group", "note", "question")}
                said = {hit.key for hit in hits if hit.place.startswith(f"w{number}-")} - own
                at = groups.index(group)
                for user in {who for (who, place), what in members.items() if place == at and what != "leave"}:
                    assert said <= found_by[user], (user, group)
        await house.write(lambda conn: clear(conn, groups))

    examples: list[tuple[list[Group], dict[tuple[str, int], str]]] = []

    @settings(max_examples=25, deadline=None, database=None, phases=(Phase.generate,))
    @given(GROUPS, MEMBERS)
    def collect(groups: list[Group], members: dict[tuple[str, int], str]) -> None:
        examples.append((groups, members))

    collect()
    for groups, members in examples:
        await one(groups, members)


async def clear(conn: Any, groups: list[Group]) -> None:
    """The next world has none of this one's documents."""
    for group in groups:
        await forget_place(conn, group.key)


async def test_a_door_that_closes_is_closed_at_once(any_house: House) -> None:
    """What may be read is looked at for each search, whatever was known before."""
    house = any_house
    note = Document(key="note:1", kind="note", place="yard", title="Licorne", text="")
    await house.write(lambda conn: put(conn, note))

    async def found() -> list[str]:
        async with house.database.read() as conn:
            readable = await readable_by(conn, house.community, person(house, PAT))
            return [hit.key for hit in await find(conn, "licorne", readable)]

    assert await found() == ["note:1"]
    own = Group(key="made", name="Fait main", parent="workshop")
    await house.write(lambda conn: wanted.want(conn, own, ZOE, 5))
    await house.write(lambda conn: put(conn, replace(note, key="note:2", place="made")))
    assert set(await found()) == {"note:1", "note:2"}
    await house.write(lambda conn: wanted.want(conn, replace(own, joining=Joining.invite), ZOE, 6))
    assert await found() == ["note:1"]


async def test_where_most_is_open_what_is_closed_is_left_out(any_house: House) -> None:
    house = any_house
    groups = [a_group(f"open{number}", "Ouvert") for number in range(40)]
    closed = [a_group(f"closed{number}", "Fermé", joining=Joining.invite) for number in range(3)]

    async def job(conn: Any) -> None:
        for group in (*groups, *closed):
            await wanted.want(conn, group, MAX, 1)
            await bindings.bind(conn, group.key, f"!{group.key}", 1)
            await put(conn, Document(key=f"note:{group.key}", kind="note", place=group.key, title="Licorne", text=""))
        member = StateEvent(
            room_id="!closed1",
            type="m.room.member",
            state_key=ZOE,
            event_id="$member",
            sender=ZOE,
            ts=1,
            content={"membership": "join"},
        )
        await rooms.trust(conn, [member])

    await house.write(job)
    async with house.database.read() as conn:
        readable = await readable_by(conn, house.community, person(house, ZOE))
        assert readable.open.left_out is not None
        found = {hit.place for hit in await find(conn, "licorne", readable, limit=100)}
        assert found == {group.key for group in groups} | {"closed1"}
        stranger = replace(person(house, PAT), audiences=frozenset())
        assert await find(conn, "licorne", await readable_by(conn, house.community, stranger)) == []


async def test_places_whose_numbers_are_the_same_are_told_apart_by_their_keys(any_house: House) -> None:
    """Numbers in ids are 30 bits of a checksum: two places may share one, and still have doors of their own."""
    shared = number_of("cafe")
    note = Document(key="note:1", kind="note", place="cafe", title="Licorne", text="")
    await any_house.write(lambda conn: put(conn, note))
    impostor = Readable(Twins(["other"], [shared]))
    async with any_house.database.read() as conn:
        assert await find(conn, "licorne", impostor) == []


class Twins(Some):
    """Places with numbers that another place has."""

    def __init__(self, keys: list[str], numbers: list[int]) -> None:
        super().__init__(keys)
        self.inside = ",".join(map(str, numbers))
