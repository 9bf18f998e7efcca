"""What a community can set about private words that nobody asked for."""

from __future__ import annotations

from datetime import time, timedelta

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration, TimeOfDay


class CalmSettings(BaseModel):
    """``features.calm`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    a_week: int = Field(default=3, ge=0, le=50)
    """How many private messages that nobody asked for a person gets within seven days, from all features together."""
    at: TimeOfDay = time(10, 0)
    """The hour at which they come, on working days: what gathered since the last time comes as one message."""
    together: int = Field(default=5, ge=1, le=20)
    """How many things one such message holds at most; the others wait for the next one."""
    lasts: Duration = timedelta(days=14)
    """What found no room within this time is left out, where its feature says nothing else."""
    owners_word: Duration = timedelta(days=30)
    """So long only owners and animators can lift what one of them silenced in a group."""
