"""What a community can set about groups made in chat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from esnbot.community.model import Community
from esnbot.settings.mistakes import Unfit
from esnbot.settings.values import Duration, Key


class MayCreate(BaseModel):
    """What people of an audience may make. Whoever belongs to several may what any of them may."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    templates: list[Key] | None = None
    """Only from these templates; from all when not given, from none with `[]`."""
    a_week: int | None = Field(default=None, ge=0)
    """How many groups one person can make in seven days; as many as they like when not given."""
    at_once: int | None = Field(default=None, ge=0)
    """How many groups made in chat one person can own at a time, archived ones not counted."""


class GroupSettings(BaseModel):
    """``features.group`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    longest_name: int = Field(default=80, ge=10, le=120)
    """The most characters that a group's name may have."""
    a_day: int = Field(default=20, ge=1)
    """How many groups one person can make in a day; it only keeps a runaway script from filling the community."""
    listed_at_once: int = Field(default=20, ge=1, le=100)
    """How many groups one answer of `group list` shows."""
    slow_after: Duration = timedelta(seconds=30)
    """When a new room is not there after this time, the person who asked for it is told that it takes longer."""
    founders: int = Field(default=1, ge=1, le=2)
    """How many people it takes to make a group; with 2, somebody else says yes first. A template can say otherwise."""
    founders_wait: Duration = timedelta(days=3)
    """How long the second person can think about it."""
    may_create: dict[Key, MayCreate] = Field(default={})
    """Who may make what, audience by audience: `suppliers: {templates: [help], a_week: 2}`. No limits for others."""

    def mistakes(self, community: Community) -> Iterator[Unfit]:
        """What only shows beside the community: audiences and templates that there are none of."""
        for audience, rule in self.may_create.items():
            if audience not in community.audiences:
                what = f"the unknown audience '{audience}'"
                yield Unfit(("may_create", audience), what, "a declared audience", tuple(community.audiences))
            for index, template in enumerate(rule.templates or ()):
                if template not in community.templates:
                    what = f"the unknown template '{template}'"
                    at = ("may_create", audience, "templates", index)
                    yield Unfit(at, what, "a declared template", tuple(community.templates))
