"""What a community can set about notes."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from esnbot.community.group import Kind
from esnbot.features.note.model import proper_emoji
from esnbot.settings.values import Duration, unexpected


def _emoji(text: str) -> str:
    if not text:
        return text
    found = proper_emoji(text)
    if found is None:
        raise unexpected("one emoji that no button of the bot has, such as '📌', or '' for none")
    return found


class NoteSettings(BaseModel):
    """``features.note`` of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    emoji: Annotated[str, AfterValidator(_emoji)] = "📌"
    """A reaction with it makes a note of a message; '' for none. People can choose their own."""
    holds_for: Duration = timedelta(days=180)
    """After this time, whoever reads a note is asked whether it still holds."""
    holds_for_of: dict[Kind, Duration] = {}
    """The same for kinds of groups, where it is another time: ``{help: 90 days}``."""
    a_day: int = Field(default=30, ge=1, le=10_000)
    """How many notes one person can make in a day."""
    take_back: Duration = timedelta(hours=1)
    """Within this time, taking the reaction back takes its note back, when nobody else has kept or changed it."""
