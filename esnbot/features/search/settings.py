"""What a community can set about search."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from esnbot.settings.values import Duration


class SearchSettings(BaseModel):
    """``features.search`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    questions: bool = True
    """Whether questions that people ask in open help, practice and project groups can be found again; a group's owners
    can switch that off for their group. Never those of encrypted groups."""
    hints: bool = True
    """Whether the bot points out, in the thread of a question, where the same was asked before or a note tells it: in
    help groups, and in others whose owners switch it on. Only what everybody in the room may read."""
    hint_every: Duration = timedelta(minutes=30)
    """The bot gives such a hint in one group once in this time at most."""
