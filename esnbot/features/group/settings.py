"""What a community can set about groups made in chat."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration


class GroupSettings(BaseModel):
    """``features.group`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    longest_name: int = Field(default=80, ge=10, le=120)
    """The most characters that a group's name may have."""
    a_day: int = Field(default=20, ge=1)
    """How many groups one person can make in a day; it only keeps a runaway script from filling the community."""
    listed_at_once: int = Field(default=20, ge=1, le=100)
    """How many groups one answer of `group list` shows."""
    slow_after: Duration = timedelta(seconds=30)
    """When a new room is not there after this time, the person who asked for it is told that it takes longer."""
