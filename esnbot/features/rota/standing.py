"""Who takes what comes up, for other features."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.model import Community
from esnbot.community.person import UserID
from esnbot.features.rota import records


async def on_duty(conn: AsyncConnection, community: Community, moment: datetime) -> tuple[UserID, ...]:
    """The animators who are on at an instant; empty where nobody keeps a rota, or everybody is away."""
    rota = await records.rota(conn)
    on = rota.on_duty(moment.astimezone(community.zone).date())
    return tuple(person for person in on if person in community.roles.animators)


async def stand_in(conn: AsyncConnection, community: Community, person: UserID, moment: datetime) -> UserID | None:
    """Who takes what falls to an animator at an instant: themselves, or somebody else while they are away.

    None when nobody is there.
    """
    rota = await records.rota(conn)
    return rota.stand_in(person, moment.astimezone(community.zone).date(), community.roles.animators)
