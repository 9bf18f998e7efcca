"""Time zones as people write them."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import available_timezones

from esnbot.commands.reading import Kind, Problem, Reading
from esnbot.commands.words import fold, near
from esnbot.features.calendar.values import NEVER
from esnbot.speech import Quoted, later


@dataclass(frozen=True, slots=True)
class ZoneValue(Kind):
    """A time zone, 'Europe/Paris' or 'Paris'; '' for the community's own."""

    async def read(self, text: str, reading: Reading) -> str:
        """Its name."""
        if fold(text) in NEVER:
            return ""
        zones = available_timezones()
        named = fold(text).replace(" ", "_")
        found = sorted(zone for zone in zones if named in (fold(zone), fold(zone.rpartition("/")[2])))
        if found:
            return found[0]
        unknown = later("I do not know any time zone {text}.", text=Quoted(text[:100]))
        raise Problem(unknown, near(text, zones), ("Europe/Paris",))
