"""What a community can set about the status."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration


class StatusSettings(BaseModel):
    """``features.status`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    jobs_shown: int = Field(default=5, ge=1, le=50)
    """How many of the jobs that are due next are shown."""
    drift_kept: Duration = timedelta(days=30)
    """How long it is remembered what people changed by hand."""
