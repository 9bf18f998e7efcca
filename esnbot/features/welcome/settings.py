"""What a community can set about greetings."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration


class WelcomeSettings(BaseModel):
    """``features.welcome`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    patience: Duration = timedelta(seconds=5)
    """How long it waits after somebody came in: who joins three spaces at once gets one greeting."""
    groups_shown: int = Field(default=6, ge=1, le=20)
    """How many groups a greeting suggests."""
