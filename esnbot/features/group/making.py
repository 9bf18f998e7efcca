"""Writing a group down as wanted: all its places at once or none, under keys and addresses that nobody has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.model import Community
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, Nudge
from esnbot.engine.feature import Context
from esnbot.features.group import families, model, plans, records
from esnbot.features.group.events import ASKED_FOR
from esnbot.features.group.plans import Plan
from esnbot.provisioning import wanted


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes groups from plans."""

    community: Community

    async def make(self, ctx: Context, plan: Plan, wish: records.Request) -> tuple[str, Sequence[Effect]] | None:
        """Write it all down; the key of the group and what follows. None when every key of that name is taken.

        The answer to the wish comes when the rooms are there.
        """
        template = self.community.templates.get(plan.template)
        head = await self._claim(ctx.conn, plan, wish)
        if head is None:
            return None
        now = milliseconds(ctx.now)
        for place in plans.places(plan, template, head):
            await wanted.want(ctx.conn, place, wish.person, now)
        made = plans.keys(template, head)
        if len(made) > 1:
            await families.keep(ctx.conn, head, ((key, part) for part, key in made.items()))
        return head, [Nudge(machine=wanted.RECONCILER), Emit(type=ASKED_FOR, content={"key": head})]

    async def _claim(self, conn: AsyncConnection, plan: Plan, wish: records.Request) -> str | None:
        """Take a key of which all that follow from it are free."""
        template = self.community.templates.get(plan.template)
        declared = {place.alias for place in (*self.community.spaces.values(), *self.community.groups.values())}
        for head in model.keys_of(plan.name):
            keys = list(plans.keys(template, head).values())
            if any([key in declared or await self._taken(conn, key) for key in keys]):
                continue
            if await records.claim(conn, replace(wish, key=head)):
                return head
        return None

    async def _taken(self, conn: AsyncConnection, key: str) -> bool:
        return await wanted.get(conn, key) is not None or await records.find(conn, key) is not None
