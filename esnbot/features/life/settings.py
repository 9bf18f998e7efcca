"""What a community can set about the life of its groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from esnbot.community.group import Group, Kind
from esnbot.community.model import Community
from esnbot.settings.mistakes import Unfit
from esnbot.settings.values import Duration, Key, TimeOfDay, duration, unexpected

NEVER: Final = timedelta(0)
_WORDS: Final = frozenset({"never", "no", "off", "0", "jamais", "false"})
ALWAYS_QUIET: Final = frozenset({Kind.animators, Kind.announcements})
"""Kinds of group that nobody is asked about: they are no conversations of their members."""


def span(value: object) -> timedelta:
    """A duration, or 'never', which is 0."""
    if str(value).strip().lower() in _WORDS:
        return NEVER
    try:
        return duration(value)
    except PydanticCustomError as error:
        near = (error.context or {}).get("suggestion")
        raise unexpected("a duration such as '90 days', or 'never'", near) from error


Span = Annotated[
    timedelta,
    BeforeValidator(span),
    WithJsonSchema({"type": ["string", "integer"], "description": "a duration such as '90 days', or 'never'"}),
]


class LifeSettings(BaseModel):
    """``features.life`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    quiet_after: Span = timedelta(days=90)
    """A group in which nobody wrote for this long is asked what should become of it; 'never' asks nobody."""
    quiet_after_of: dict[Key, Span] = Field(default={})
    """Other times for kinds of group, and for templates: `{event: 30 days, help: never, onboarding: 1 year}`."""
    answer_within: Duration = timedelta(days=7)
    """How long a question waits for answers: what becomes of a group, and who looks after it."""
    ask_at: TimeOfDay = time(10)
    """When groups are asked, local time, on working days; quiet hours move it."""
    asked_a_day: int = Field(default=20, ge=1, le=1000)
    """How many groups are asked in a day at most, those first that have been quiet for longest."""

    def quiet_span(self, group: Group) -> timedelta | None:
        """After how long without a word a group is asked; None: never. Its template says more than its kind."""
        if group.kind in ALWAYS_QUIET:
            return None
        of_kind = self.quiet_after_of.get(group.kind.value, self.quiet_after)
        found = self.quiet_after_of.get(group.template, of_kind)
        return found if found > NEVER else None

    def mistakes(self, community: Community) -> Iterator[Unfit]:
        """What only shows beside the community: kinds and templates that there are none of."""
        known = tuple(dict.fromkeys([*(kind.value for kind in Kind), *community.templates]))
        for name in self.quiet_after_of:
            if name not in known:
                yield Unfit(("quiet_after_of", name), f"'{name}'", "a kind of group or a declared template", known)
