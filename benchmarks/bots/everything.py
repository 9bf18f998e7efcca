"""Every feature that is installed, built from the configuration that the repository carries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.kit.setup import Setup
from esnbot.engine.feature import Module


@dataclass(frozen=True, slots=True)
class Whole:
    """Modules for the engine, and the folders of their tables."""

    modules: tuple[Module, ...] = ()
    migrations: tuple[Path, ...] = ()


NOTHING = Whole()


def build(setup: Setup) -> Whole:
    """All of it."""
    return NOTHING
