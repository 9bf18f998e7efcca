"""A wish for a group that another feature brings: what people said yes to together, such as after a meet-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from esnbot.community.group import Group, Joining, Kind, Place, Space
from esnbot.community.reach import is_for
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, direct
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.group import families, foundings, model, plans, records
from esnbot.features.group.allowance import Made, allows, has_room, owned_by, rules_for
from esnbot.features.group.desk import Desk
from esnbot.features.group.events import GROUP_GRANTED
from esnbot.features.group.making import Maker
from esnbot.features.group.plans import Plan
from esnbot.provisioning import wanted

WEEK = timedelta(days=7)


class Wishing:
    """Makes groups that several people wish for, near the group that they are in and no wider than it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._community = desk.community
        self._maker = Maker(desk.community)

    async def wished(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Write the group down as wanted, owned by the first of the people who may make one; say what came of it."""
        key, effects = await self._make(ctx, event)
        granted = Emit(type=GROUP_GRANTED, content={"ref": event.text("ref"), "key": key})
        return [*effects, granted]

    async def _make(self, ctx: Context, event: Event) -> tuple[str, Sequence[Effect]]:
        people = event.content.get("people")
        near = await wanted.get(ctx.conn, event.text("near"))
        if not isinstance(people, list) or not isinstance(near, Group):
            return "", ()
        spaces = await wanted.spaces(ctx.conn)
        parent = await self._parent(ctx, near, spaces)
        template = self._community.standard(Kind.hobby)
        owner = await self._owner(ctx, people, parent, template.key if template is not None else Kind.hobby.value)
        if parent is None or owner is None:
            return "", ()
        plan = Plan(
            name=self._name(event.text("name")),
            template=(template.key or Kind.hobby.value) if template is not None else "",
            kind=Kind.hobby,
            parent=parent.key,
            language=event.text("language") or self._community.default_language,
            owners=(owner,),
            audiences=near.audiences,
            joining=_door(near, plans.door(template, parent, near.audiences)),
        )
        wish = records.Request("", plan.name, owner, plan.language, direct(owner), "", milliseconds(ctx.now))
        made = await self._maker.make(ctx, plan, wish)
        return ("", ()) if made is None else made

    def _name(self, name: str) -> str:
        longest = self._desk.settings.longest_name
        try:
            return model.proper_name(name[:longest], longest)
        except model.UnusableName:
            return model.proper_name(self._community.name[:longest], longest)

    async def _parent(self, ctx: Context, near: Group, spaces: Mapping[str, Place]) -> Space | None:
        """The space around the group; around the whole of it, where it has one of its own."""
        key = near.parent
        if key in await families.further(ctx.conn):
            own = spaces.get(key or "")
            key = own.parent if own is not None else None
        found = spaces.get(key or self._community.home or "")
        return found if isinstance(found, Space) else None

    async def _owner(self, ctx: Context, people: Sequence[Any], parent: Place | None, template: str) -> str | None:
        if parent is None:
            return None
        spaces = await wanted.spaces(ctx.conn)
        today = ctx.now.astimezone(self._community.zone).date()
        for person in people:
            if not isinstance(person, str):
                continue
            audiences = self._community.audiences_of(person, today)
            if is_for(parent, spaces, self._community, audiences) and await self._may(ctx, person, audiences, template):
                return person
        return None

    async def _may(self, ctx: Context, person: str, audiences: frozenset[str], template: str) -> bool:
        rules = [rule for rule in rules_for(self._desk.settings, audiences) if allows(rule, template)]
        if not rules_for(self._desk.settings, audiences):
            return True
        waiting = len(await foundings.of_maker(ctx.conn, person))
        asked = await records.asked_since(ctx.conn, person, milliseconds(ctx.now - WEEK))
        made = Made(asked + waiting, await owned_by(ctx.conn, person) + waiting)
        return any(has_room(rule, made) for rule in rules)


def _door(near: Group, door: Joining) -> Joining:
    """What comes of a closed group is as closed."""
    return near.joining if near.joining in (Joining.invite, Joining.knock) else door
