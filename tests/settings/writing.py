"""Builders for configurations: a folder of files, and what the loader says about them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from esnbot.settings import Mistake, Settings, SettingsError, load

HEAD = """\
name: The Lake
languages: [fr, en]
time_zone: Europe/Paris
homeserver: embedded
audiences:
  staff: {name: Staff, homeservers: [own]}
  suppliers: {name: Suppliers, homeservers: [supplier.example], external: true}
"""


def write(folder: Path, text: str, name: str = "community.yaml", *, head: str = HEAD) -> Path:
    """A file with the usual head and, under it, the text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + textwrap.dedent(text).strip("\n") + "\n", encoding="utf-8")
    return path


def read(
    path: Path,
    features: Mapping[str, type[BaseModel]] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Load with an environment of its own."""
    return load(path, features, environment=environment or {})


def mistakes(
    path: Path,
    features: Mapping[str, type[BaseModel]] | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[Mistake]:
    """The mistakes in a configuration; none when it loads."""
    try:
        read(path, features, environment)
    except SettingsError as error:
        return list(error.mistakes)
    return []


def only(found: list[Mistake]) -> Mistake:
    """The one mistake."""
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def said(found: list[Mistake], folder: Path) -> list[str]:
    """The mistakes as people see them, without the folder."""
    return [str(mistake).replace(f"{folder}/", "") for mistake in found]
