"""What a community can set about meet-ups."""

from __future__ import annotations

from datetime import time, timedelta

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration, TimeOfDay


class MeetupSettings(BaseModel):
    """``features.meetup`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    a_day: int = Field(default=5, ge=1, le=1000)
    """How many meet-ups one person can propose in a day."""
    ahead: Duration = timedelta(days=366)
    """How far ahead a meet-up can be planned."""
    lasts: Duration = timedelta(hours=2)
    """How long a meet-up lasts where nothing is said."""
    vote_for: Duration = timedelta(days=3)
    """How long people choose among several dates, where nothing else is said."""
    offer: Duration = timedelta(hours=4)
    """How long a place that became free is held for somebody who waits; hours of the night do not count."""
    morning: TimeOfDay = time(8, 30)
    """The hour at which people hear what they take part in on that day."""
    group_from: int = Field(default=3, ge=2, le=100)
    """So many 👍 after a meet-up make it a group."""
    kept: Duration = timedelta(days=60)
    """How long a meet-up that is over or cancelled is kept, and who took part in it."""
    feed_an_hour: int = Field(default=60, ge=1, le=10_000)
    """How often in an hour one personal calendar feed can be read."""
