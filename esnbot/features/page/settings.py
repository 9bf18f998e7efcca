"""What a community can set about pages."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration


class PageSettings(BaseModel):
    """``features.page`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    longest: int = Field(default=60_000, ge=1_000, le=60_000)
    """How many characters a page can have."""
    most: int = Field(default=2_000, ge=1, le=20_000)
    """How many pages a group or space can have."""
    drafts_kept: Duration = timedelta(days=30)
    """How long what somebody has written and not saved is kept for them."""
