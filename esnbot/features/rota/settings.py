"""What a community can set about its animators' rota."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from esnbot.settings.values import Duration, TimeOfDay

MOST: Final = 60


class RotaSettings(BaseModel):
    """``features.rota`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    at: TimeOfDay = time(9)
    """The hour at which the animators' room hears who is on, on the first working day of the week."""
    shown: int = Field(default=5, ge=1, le=26)
    """How many weeks `rota show` looks ahead."""
    work_kept: Duration = timedelta(days=400)
    """How long what animators noted of their own work is kept for them."""
