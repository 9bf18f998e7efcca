"""What a community can set about sites and teams of people."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PersonSettings(BaseModel):
    """``features.person`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    most_teams: int = Field(default=5, ge=1, le=50)
    """How many teams one person can name."""
