"""Sites and teams of people, declared or said by themselves; they help encounters across, and rank nobody.

Public: ``whereabouts_of``.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.model import Community
from esnbot.features.person import records
from esnbot.features.person.model import Whereabouts, whereabouts

__all__ = ["Whereabouts", "whereabouts_of"]


async def whereabouts_of(conn: AsyncConnection, community: Community, person: str) -> Whereabouts:
    """The sites and teams of a person: what they said themselves, else what the community declares."""
    return whereabouts(community, person, await records.said_by(conn, person))
