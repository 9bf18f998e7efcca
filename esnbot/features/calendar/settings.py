"""What a community can set about its editorial calendar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from esnbot.community.group import Group
from esnbot.community.model import Community
from esnbot.features.calendar.model import Line
from esnbot.settings.mistakes import Unfit
from esnbot.settings.values import Duration, Key, Language, unexpected


def _color(text: str) -> str:
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return text.lower()
    raise unexpected("a colour such as '#2a9d8f'")


class LineSettings(BaseModel):
    """An editorial line: what the community speaks of."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str | dict[Language, str] = ""
    """What it is called, in one word for all or language by language; its key, when not given."""
    color: Annotated[str, AfterValidator(_color)] = "#5b7083"
    """Its colour on the board."""
    weight: int = Field(default=1, ge=0, le=100)
    """How much of the calendar it should have, beside the others."""
    promotional: bool = False
    """Whether it promotes something: there are bounds on that."""
    review: bool = False
    """Whether somebody else looks at each of its entries before it is posted."""


class CalendarSettings(BaseModel):
    """``features.calendar`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    lines: dict[Key, LineSettings] = {}
    """The editorial lines: `metier: {name: {fr: Métier, en: Trade}, color: "#2a9d8f", weight: 2}`."""
    review: bool = False
    """Whether somebody else looks at each entry before it is posted."""
    review_in: list[Key] = []
    """Spaces and groups for which somebody else looks at it first, where not everything is looked at."""
    ask_before: Duration = timedelta(hours=4)
    """How long before its time somebody is asked about an entry that is posted only with a yes."""
    grace: Duration = timedelta(hours=2)
    """An entry that could not be posted in time still is within this; after it, it is left out, and animators know."""
    longest_wait: Duration = timedelta(days=2)
    """How long an entry waits for a moment at which its room bears it."""
    when_over: Literal["withdrawn", "struck"] = "struck"
    """What happens to an entry that is over: it is taken away, or stands there struck through."""
    largest_file: int = Field(default=50_000_000, ge=1)
    """Bytes of an attached file; what the homeserver takes (`max_upload_size` of Synapse is 50 MB by itself)."""
    settle_before: Duration = timedelta(days=3)
    """How long before its time an entry without a date gets the one that the planner has found for it."""
    feed_an_hour: int = Field(default=60, ge=1, le=10_000)
    """How often in an hour one feed for calendar programs can be read."""
    listed: int = Field(default=20, ge=1, le=100)
    """How many entries one answer of `calendar list` shows."""

    def all_lines(self) -> dict[str, Line]:
        """The lines by key, in the order of the file."""
        return {
            key: Line(
                key,
                {"": one.name} if isinstance(one.name, str) and one.name else dict(one.name or {}),
                one.color,
                one.weight,
                one.promotional,
                one.review,
            )
            for key, one in self.lines.items()
        }

    def mistakes(self, community: Community) -> Iterator[Unfit]:
        """What only shows beside the community: spaces and groups that there are none of."""
        known = (*community.spaces, *community.groups)
        for index, key in enumerate(self.review_in):
            if key not in known:
                yield Unfit(("review_in", index), f"the unknown place '{key}'", "a declared space or group", known)

    def asks_others(self, line: str, place: Group | None, around: tuple[str, ...] = ()) -> bool:
        """Whether an entry of a line for a place needs somebody else's eyes; ``around``: the spaces of the place."""
        if self.review or (line in self.lines and self.lines[line].review):
            return True
        return place is not None and not set(self.review_in).isdisjoint({place.key, *around})
