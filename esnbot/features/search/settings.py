"""What a community can set about search."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SearchSettings(BaseModel):
    """``features.search`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    questions: bool = True
    """Whether questions that people ask in open help, practice and project groups can be found again; a group's owners
    can switch that off for their group. Never those of encrypted rooms."""
