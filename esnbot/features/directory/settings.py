"""What a community can set about its directory."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class DirectorySettings(BaseModel):
    """``features.directory`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    listed_at_once: int = Field(default=15, ge=1, le=50)
    """How many groups or people one answer in chat shows."""
    page_size: int = Field(default=30, ge=5, le=200)
    """How many groups or people one page of the board shows."""
    lively_days: int = Field(default=8, ge=1, le=28)
    """On how many of the last 28 days people wrote in a group that is called lively."""
    lively_messages: int = Field(default=40, ge=1)
    """How many messages there were at least in those four weeks in a group that is called lively."""
    calm_days: int = Field(default=2, ge=1, le=28)
    """On how many of the last 28 days people wrote in a group that is called calm; below, it is called quiet."""
    least_members: int = Field(default=5, ge=3)
    """How many people a group has at least for anything to be said about how lively it is."""
    most_subjects: int = Field(default=20, ge=1, le=100)
    """How many subjects one person can be asked about."""
    longest_subject: int = Field(default=60, ge=10, le=200)
    """The most characters that one subject may have."""
