"""What a community can set about the board's door: nothing yet; where the board is stands under ``web:``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class BoardSettings(BaseModel):
    """``features.board`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)
