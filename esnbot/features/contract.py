"""The furniture of a feature: what its ``feature.py`` declares, and what it is given to build itself.

A feature is found through the entry point group ``esnbot.features``, whose objects are ``Declaration`` values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from esnbot.commands.command import Command, Names, Noun, Taker
from esnbot.community.clock import Clock
from esnbot.community.model import Community
from esnbot.engine.feature import Module
from esnbot.speech import Speech
from esnbot.web.visit import BoardPage

S = TypeVar("S", bound=BaseModel)

ENTRY_POINTS = "esnbot.features"


@dataclass(frozen=True, slots=True)
class Kit(Generic[S]):
    """What a feature is built from."""

    community: Community
    settings: S
    speech: Speech
    clock: Clock
    bot: str
    server: str
    board: str = ""
    """How people reach the board, without a slash at the end; '' where there is none."""
    declared: Mapping[str, Declaration] = field(default_factory=dict)
    """All features that there are, by name."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature, built: what runs on the engine, what people can say to it, what the board shows."""

    module: Module
    nouns: tuple[Noun, ...] = ()
    commands: tuple[Command, ...] = ()
    takes: tuple[Taker, ...] = ()
    """What takes what people write in a direct chat that is no command."""
    pages: tuple[BoardPage, ...] = ()
    """What the board shows, to people who are signed in."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A feature as it is declared, before there is a community."""

    name: str
    summary: str
    settings: type[BaseModel]
    build: Callable[[Kit[Any]], Feature]
    migrations: Path | None = None
    """Folder of Alembic revisions, with a branch of their own labelled with the feature's name."""
    texts: Path | None = None
    """Folder of the feature's translations (``fr.po``)."""
    templates: Path | None = None
    """Folder of the pages' Jinja2 templates; they are called ``NAME/list.html`` and extend ``layout.html``."""
    assets: Path | None = None
    """Folder of the style sheets and scripts of its pages; they stand at ``/assets/NAME/…``."""
    needs: tuple[str, ...] = field(default=())
    """Capabilities of the homeserver that it cannot do without, as ``esnbot doctor`` names them."""
    called: Names | None = None
    """What people call that which it says unasked: who silences it uses these words. A plural, without an article."""
    posts: bool = False
    """Whether it posts in groups unasked; their members can silence it then. Not so what keeps people safe."""
    whispers: bool = False
    """Whether it has private words for people (``esnbot.features.calm.whisper``); they can turn them off."""
