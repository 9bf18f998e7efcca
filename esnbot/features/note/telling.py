"""The one unasked word of notes: to the author of one that needs a look."""

from __future__ import annotations

from collections.abc import Sequence

from esnbot.engine.effects import Effect
from esnbot.engine.feature import Context
from esnbot.features import calm
from esnbot.features.note.keeping import NAME
from esnbot.speech import Later


async def tell(ctx: Context, person: str, words: Later, *, about: str) -> Sequence[Effect]:
    """Say it in private, within what the person wants to hear."""
    return await calm.whisper(ctx, person, NAME, words, about=about)
