"""What cannot work in a place, however much it is wished: said by plan, check and help. Pure."""

from __future__ import annotations

from typing import Final

from esnbot.community.group import Group, Place
from esnbot.speech import Later, later

NO_SEARCH: Final = later("This group is encrypted: the homeserver cannot search in it.")
NOT_BEFORE: Final = later("Who joins later cannot read what people wrote before; the charter they can.")


def limits(place: Place) -> tuple[Later, ...]:
    """Sentences; none where everything works."""
    return (NO_SEARCH, NOT_BEFORE) if isinstance(place, Group) and place.encrypted else ()
