"""Settings of kept texts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class TextSettings(BaseModel):
    """There is nothing to set."""

    model_config = ConfigDict(extra="forbid")
