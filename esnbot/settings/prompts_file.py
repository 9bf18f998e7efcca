"""A file of the prompt library, as people write it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from esnbot.community.model import Occasion
from esnbot.settings.sections import KindName, Section
from esnbot.settings.values import Key, Language, MonthName, WeekdayName, chosen

OccasionName = Annotated[
    Occasion, chosen(Occasion, {"quiet": "silence", "meet-up": "meetup", "meeting": "meetup", "rencontre": "meetup"})
]
PromptText = Annotated[str, Field(min_length=1, max_length=4_000)]


class Suiting(Section):
    """When prompts suit, and which groups: of a whole file, or of one prompt, whose word goes before."""

    kinds: list[KindName] | None = None
    """Kinds of group that they suit; none: all."""
    months: list[MonthName] | None = None
    """Months in which they can appear; none: all year."""
    weekdays: list[WeekdayName] | None = None
    """Days of the week on which they can appear; none: all."""
    occasion: OccasionName | None = None
    """They appear only then: after a month of `silence`, or in the days after a `meetup`."""


class PromptSection(Suiting):
    """One prompt: its text in every language, and what is special about it."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Language, PromptText]


class PromptsFile(Suiting):
    """A file of the prompt library."""

    family: Annotated[str, Field(max_length=60)] = ""
    """A name for prompts of one sort: what works is counted by it, and two of one family do not follow each other."""
    called: dict[Language, Annotated[str, Field(min_length=1, max_length=100)]] = Field(default={})
    """What people call that family, in every language."""
    prompts: dict[Key, PromptSection]
    """Prompts, each in every language: `first-job: {fr: …, en: …}`; a prompt can have the keys above, too."""
