"""What a community can set about polls."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration

LONGEST: Final = timedelta(days=60)


class PollSettings(BaseModel):
    """``features.poll`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    a_day: int = Field(default=10, ge=1, le=1000)
    """How many polls one person can begin in a day."""
    longest: Duration = LONGEST
    """A poll stays open this long at most: who voted what is kept until it is closed, and no longer."""
    kept: Duration = timedelta(days=180)
    """How long the totals of a closed poll are kept, without names and texts."""
