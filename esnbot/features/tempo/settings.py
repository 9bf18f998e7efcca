"""What a community can set about how the tempo is shown; the tempo itself stands with spaces and groups."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TempoSettings(BaseModel):
    """``features.tempo`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    weeks: int = Field(default=2, ge=1, le=12)
    """Weeks that `tempo plan` lays out when it is not told how many."""
    shown: int = Field(default=30, ge=1, le=200)
    """How many posts one answer of `tempo plan` shows."""
