"""Search: over groups, notes, pages and questions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.engine.feature import Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.search.settings import SearchSettings

HERE: Final = Path(__file__).parent


def build(kit: Kit[SearchSettings]) -> Feature:
    """The feature for one community."""
    return Feature(Module(name="search"))


DECLARATION: Final = Declaration(
    name="search",
    summary="People find groups, notes, pages and questions that were asked, as far as they may read them.",
    settings=SearchSettings,
    build=build,
    migrations=HERE / "migrations",
)
