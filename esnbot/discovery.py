"""Which features are installed: found through entry points, each on its own, so that a broken one stops no other."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict

from esnbot.features.contract import ENTRY_POINTS, Declaration

log = structlog.get_logger("esnbot.discovery")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, in the order of the features' names."""

    declarations: Mapping[str, Declaration] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    """Entry point to one sentence on why the feature cannot be used."""

    @property
    def schemas(self) -> dict[str, type[BaseModel]]:
        """Each feature's schema of settings, for ``settings.load``; those of a broken feature are not looked at."""
        unread: dict[str, type[BaseModel]] = dict.fromkeys(self.broken, _Unread)
        return unread | {name: declaration.settings for name, declaration in self.declarations.items()}

    @property
    def migrations(self) -> tuple[Path, ...]:
        """The features' folders of revisions, for ``migrate``."""
        return tuple(found.migrations for found in self.declarations.values() if found.migrations is not None)

    @property
    def templates(self) -> dict[str, Path]:
        """The features' folders of templates for the board, by the feature's name."""
        return {name: found.templates for name, found in self.declarations.items() if found.templates is not None}

    @property
    def assets(self) -> dict[str, Path]:
        """The features' folders of what their pages load, by the feature's name."""
        return {name: found.assets for name, found in self.declarations.items() if found.assets is not None}

    @property
    def texts(self) -> tuple[Path, ...]:
        """The features' folders of translations, for ``Speech``."""
        return tuple(found.texts for found in self.declarations.values() if found.texts is not None)


class _Unread(BaseModel):
    model_config = ConfigDict(extra="allow")


def discover(points: Iterable[EntryPoint] | None = None) -> Discovery:
    """Load every feature that is installed; whatever one raises is kept as a sentence and logged with its traceback."""
    declarations: dict[str, Declaration] = {}
    broken: dict[str, str] = {}
    for point in sorted(points if points is not None else entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        try:
            found = point.load()
        # A feature may come from anybody and fail in any way while it is imported.
        except Exception as error:  # noqa: BLE001
            broken[point.name] = f"the feature '{point.name}' ({point.value}) cannot be loaded: {summary(error)}"
            log.debug("feature cannot be loaded", feature=point.name, traceback=traceback.format_exc())
            continue
        if not isinstance(found, Declaration):
            broken[point.name] = f"the feature '{point.name}': {point.value} is no Declaration"
        elif found.name in declarations:
            broken[point.name] = f"the feature '{point.name}': the name '{found.name}' is taken by another feature"
        else:
            declarations[found.name] = found
    return Discovery(declarations, broken)


def summary(error: BaseException) -> str:
    """An error in one line, with its type."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
