"""Audiences and their perimeters: who belongs to the extended community, as what, sponsored by whom, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from esnbot.community.person import UserID, server_of


@dataclass(frozen=True, slots=True)
class Perimeter:
    """Who is inside, declared in advance: by homeserver (``*`` allowed), by person, by directory group."""

    homeservers: tuple[str, ...] = ()
    people: frozenset[UserID] = frozenset()
    directory_groups: tuple[str, ...] = ()
    by_invitation: bool = False
    """Also those whom a sponsor or an animator invites by name; the invitations are kept elsewhere."""

    @property
    def is_empty(self) -> bool:
        """Whether nobody could ever be inside."""
        return not (self.homeservers or self.people or self.directory_groups or self.by_invitation)

    def contains(self, user: UserID) -> bool:
        """Whether the person is inside by name or by homeserver."""
        if user in self.people:
            return True
        server = server_of(user)
        return any(fnmatchcase(server, pattern) for pattern in self.homeservers)


@dataclass(frozen=True, slots=True)
class Audience:
    """A named part of the extended community: staff, suppliers, clients …"""

    key: str
    name: str
    perimeter: Perimeter
    external: bool = False
    sponsor: UserID | None = None
    until: date | None = None

    @property
    def is_listed(self) -> bool:
        """Whether the declaration itself says of everybody whether they belong to it."""
        return not (self.perimeter.directory_groups or self.perimeter.by_invitation)

    def includes(self, user: UserID, today: date) -> bool:
        """Whether the person belongs to it on that day (``until`` is the last day)."""
        if self.until is not None and today > self.until:
            return False
        return self.perimeter.contains(user)
