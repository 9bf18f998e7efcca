"""What a community can set about discussion prompts."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration


class PromptSettings(BaseModel):
    """``features.prompt`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    grace: Duration = timedelta(hours=2)
    """A prompt that could not appear in time still does within this; after it, it is left out."""
    shown: int = Field(default=10, ge=1, le=50)
    """How many coming prompts one answer of `prompt next` shows."""
