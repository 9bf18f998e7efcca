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
    silence: Duration = timedelta(days=30)
    """After so long without a word, what is kept for that occasion can appear."""
    after_meetup: Duration = timedelta(days=7)
    """So long after a meet-up of a group, what is kept for that occasion can appear."""
    proposals: int = Field(default=5, ge=1, le=100)
    """How many prompts of one person may wait for the animators."""
    shown: int = Field(default=10, ge=1, le=50)
    """How many coming prompts one answer of `prompt next` shows."""
