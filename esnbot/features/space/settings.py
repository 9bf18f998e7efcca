"""What a community can set about spaces."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SpaceSettings(BaseModel):
    """``features.space`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    a_day: int = Field(default=20, ge=1, le=1_000)
    """How many groups one person can add to spaces within a day."""
    most: int = Field(default=300, ge=1, le=5_000)
    """How many groups can be added to one space: a list that nobody reads helps nobody."""
    listed_at_once: int = Field(default=20, ge=1, le=100)
    """How many lines one answer shows."""
