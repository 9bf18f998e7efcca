"""Finding and reading pages: which there are, what they are called, what links to what, and who may read and write."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import OWNER_POWER
from esnbot.community.group import Group, Place, Space
from esnbot.community.model import Community
from esnbot.engine.feature import Context
from esnbot.features import text
from esnbot.features.page import records
from esnbot.features.page.names import above, fold, in_order
from esnbot.features.page.records import Stand
from esnbot.features.places import may_read, memberships
from esnbot.features.text import PAGE, Draft, Text
from esnbot.provisioning import wanted
from esnbot.store import bindings, rooms

PAUSED: Final = 0
"""Whoever has less power than this may not post anywhere."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its text as it stands."""

    stand: Stand
    text: Text
    draft: Draft | None
    """What it says; None when that cannot be read any more, or not yet."""

    @property
    def id(self) -> int:
        """That of its kept text."""
        return self.stand.id

    @property
    def title(self) -> str:
        """Its name; '' when it cannot be read."""
        return self.draft.title if self.draft is not None else ""

    @property
    def words(self) -> str:
        """Its Markdown."""
        return self.draft.words if self.draft is not None else ""

    @property
    def number(self) -> int:
        """The number of the version that stands."""
        return self.text.current.number


@dataclass(frozen=True, slots=True)
class Shelf:
    """The pages of one place, by id: their names and how they stand; their words are not looked up."""

    place: Place
    pages: Mapping[int, Page]
    parents: Mapping[int, int] = field(default_factory=dict)

    def titled(self) -> dict[int, str]:
        """The names of the pages that can be read."""
        return {page.id: page.title for page in self.pages.values() if page.title}

    def contents(self) -> list[tuple[Page, int]]:
        """The table of contents: pages, and how deep each stands."""
        return [(self.pages[id], depth) for id, depth in in_order(self.titled(), self.parents)]

    def above(self, page: Page) -> list[Page]:
        """The pages above a page, the topmost first."""
        return [self.pages[id] for id in reversed(above(page.id, self.parents)) if id in self.pages]

    def children(self, page: Page) -> list[Page]:
        """The pages right below a page, by name."""
        own = [one for one in self.pages.values() if one.stand.parent == page.id and one.title]
        return sorted(own, key=lambda one: fold(one.title))

    def called(self, name: str) -> Page | None:
        """The page of that name, looked up among those that are here."""
        folded = fold(name)
        return next((page for page in self.pages.values() if page.title and fold(page.title) == folded), None)


async def shelf(ctx: Context | AsyncConnection, place: Place, *, hidden: bool = False) -> Shelf:
    """The pages of a place by their names, without their words; those of encrypted groups need a context.

    With ``hidden`` those too that were put away.
    """
    conn = ctx.conn if isinstance(ctx, Context) else ctx
    stands = await records.of_place(conn, place.key, hidden=hidden)
    heads = {one.id: one for one in await text.of_place(conn, place.key, PAGE, words=False)}
    pages: dict[int, Page] = {}
    for stand in stands:
        head = heads.get(stand.id)
        if head is not None and head.sealed:
            pages[stand.id] = await _opened(ctx, stand, head)
        elif head is not None:
            pages[stand.id] = Page(stand, head, head.current.draft)
    return Shelf(place, pages, {stand.id: stand.parent for stand in stands})


async def page(ctx: Context | AsyncConnection, id: int) -> Page | None:
    """A page by its id, also one that was put away."""
    conn = ctx.conn if isinstance(ctx, Context) else ctx
    stand, found = await records.get(conn, id), await text.get(conn, id)
    if stand is None or found is None or found.gone:
        return None
    return await _opened(ctx, stand, found)


async def _opened(ctx: Context | AsyncConnection, stand: Stand, found: Text) -> Page:
    if isinstance(ctx, Context):
        return Page(stand, found, await text.opened(ctx, found))
    readable = not found.sealed and found.current.words is not None
    return Page(stand, found, found.current.draft if readable else None)


async def named(ctx: Context | AsyncConnection, place: Place, name: str, *, hidden: bool = False) -> Page | None:
    """The page of a place that a name leads to, also one that it had before."""
    conn = ctx.conn if isinstance(ctx, Context) else ctx
    id = await records.named(conn, place.key, fold(name))
    if id is None and await is_sealed(conn, place):
        found = (await shelf(ctx, place, hidden=hidden)).called(name)
    else:
        found = await page(ctx, id) if id is not None else None
    return found if found is not None and (hidden or not found.stand.hidden) else None


async def is_sealed(conn: AsyncConnection, place: Place) -> bool:
    """Whether the room of a place is encrypted, or is about to be."""
    if isinstance(place, Group) and place.encrypted:
        return True
    room_id = await bindings.room_of(conn, place.key)
    return room_id is not None and await rooms.content(conn, room_id, "m.room.encryption") is not None


@dataclass(frozen=True, slots=True)
class Reader:
    """What somebody may read: found out once for a request."""

    user: str
    places: Mapping[str, Place]
    memberships: Mapping[str, str]
    audiences: Collection[str]
    community: Community

    def may_read(self, place: Place) -> bool:
        """Whether they may read what is kept in a place."""
        membership = self.memberships.get(place.key, "leave")
        return may_read(place, self.places, self.community, self.audiences, membership)

    def readable(self) -> list[Place]:
        """The places whose pages they may read, by name."""
        return sorted((one for one in self.places.values() if self.may_read(one)), key=lambda one: fold(one.name))

    def joined(self) -> list[Place]:
        """The places that they are in."""
        return [one for one in self.places.values() if self.memberships.get(one.key) == "join"]

    def called(self, name: str) -> list[Place]:
        """The places of that name, key or alias that they may read."""
        folded = fold(name)
        known = [one for one in self.readable() if folded in (fold(one.name), fold(one.key), fold(one.alias or ""))]
        return known if folded else []


async def reader(conn: AsyncConnection, user: str, community: Community, today: date) -> Reader:
    """What somebody may read."""
    places = {place.key: place for place in await wanted.all_places(conn)}
    audiences = community.audiences_of(user, today)
    return Reader(user, places, await memberships(conn, user), audiences, community)


async def may_write(conn: AsyncConnection, place: Place, user: str) -> bool:
    """Whether somebody may change the pages of a place: those in it who may post there; in a space, those in it."""
    room_id = await bindings.room_of(conn, place.key)
    if room_id is None or (isinstance(place, Group) and place.archived):
        return False
    if await rooms.membership(conn, room_id, user) != "join":
        return False
    return await rooms.power_of(conn, room_id, user) >= await _needed(conn, room_id, place)


async def _needed(conn: AsyncConnection, room_id: str, place: Place) -> int:
    if isinstance(place, Space):
        return PAUSED
    levels = await rooms.content(conn, room_id, "m.room.power_levels") or {}
    events = levels.get("events")
    needed = events.get("m.room.message") if isinstance(events, dict) else None
    if not isinstance(needed, int):
        needed = levels.get("events_default", 0)
    return max(needed, PAUSED) if isinstance(needed, int) else PAUSED


async def may_protect(conn: AsyncConnection, place: Place, user: str, community: Community) -> bool:
    """Whether somebody owns a place that they are in, or looks after the community and is in it."""
    room_id = await bindings.room_of(conn, place.key)
    if room_id is None or await rooms.membership(conn, room_id, user) != "join":
        return False
    if user in getattr(place, "owners", ()) or await rooms.power_of(conn, room_id, user) >= OWNER_POWER:
        return True
    return user in community.roles.animators or user in community.roles.administrators


async def what_links_to(conn: AsyncConnection, found: Page, place: Place, reader: Reader) -> list[tuple[Page, Place]]:
    """The pages that link to a page, of those that somebody may read."""
    names = await records.names_of(conn, found.id) or ({fold(found.title)} if found.title else set())
    groups = {fold(place.name), fold(place.key), fold(place.alias or place.key)}
    linking: list[tuple[Page, Place]] = []
    for id, group in await records.linking(conn, names):
        other = await page(conn, id)
        at = reader.places.get(other.stand.place) if other is not None else None
        if other is None or at is None or other.stand.hidden or other.id == found.id or not reader.may_read(at):
            continue
        if (at.key == place.key and not group) or group in groups:
            linking.append((other, at))
    return sorted(linking, key=lambda pair: (fold(pair[1].name), fold(pair[0].title)))
