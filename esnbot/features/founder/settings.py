"""What a community can set about those who found groups."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration


class FounderSettings(BaseModel):
    """``features.founder`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    company: int = Field(default=3, ge=1, le=100)
    """So many interested people are enough to suggest a first meet-up."""
    check_after: Duration = timedelta(days=30)
    """How long after its group began a founder is asked how it goes."""
    ideas: int = Field(default=3, ge=1, le=50)
    """How many ideas of one person can be on their way."""
