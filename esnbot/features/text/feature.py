"""Kept texts: what notes and pages have in common. People give no commands to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.group import MERGED
from esnbot.features.text.handlers import CARRY, NAME, TextHandlers, is_kept, is_redaction
from esnbot.features.text.settings import TextSettings

HERE: Final = Path(__file__).parent


def build(kit: Kit[TextSettings]) -> Feature:
    """The feature for one community."""
    handlers = TextHandlers(kit)
    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({"m.room.message"}), handlers.posted, wants=is_kept),
            Listener(frozenset({"m.room.redaction"}), handlers.redacted, wants=is_redaction),
            Listener(frozenset({MERGED}), handlers.merged),
        ),
        due={CARRY: handlers.carry},
        start=handlers.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    return Feature(module)


DECLARATION: Final = Declaration(
    name=NAME,
    summary="Texts that people keep stand in their group's room as messages, and are spared by its retention.",
    settings=TextSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
)
