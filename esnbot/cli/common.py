"""What all commands share: options, how they answer, and how they fail: a sentence and a hint, never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from pydantic import BaseModel
from rich.console import Console

from esnbot.discovery import discover
from esnbot.settings import Settings, SettingsError, load

DEFAULT_CONFIG: Final = Path("config/community.yaml")

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config", "-c", envvar="ESNBOT_CONFIG", help="The file that declares the community.", show_default=True
    ),
]
"""Use as ``config: ConfigOption = DEFAULT_CONFIG``."""

JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]
"""Use as ``as_json: JsonOption = False``."""

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before changing anything.")]
"""Use as ``yes: YesOption = False``."""


class Failure(Exception):
    """A command cannot do what was asked: one clear sentence, and a hint on what to do about it."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


def feature_schemas() -> dict[str, type[BaseModel]]:
    """The settings of every feature that is installed, by the feature's name."""
    return discover().schemas


def load_settings(config: Path) -> Settings:
    """The configuration, with the sections of all features; raises SettingsError."""
    return load(config, feature_schemas())


def console() -> Console:
    """The console for answers: colours on a terminal only, no wrapping of lines elsewhere."""
    is_terminal = sys.stdout.isatty()
    return Console(soft_wrap=not is_terminal, highlight=False, width=None if is_terminal else 180)


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    data = orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    sys.stdout.write(data.decode() + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)


def print_failure(error: BaseException) -> None:
    """Say on standard error what went wrong, in a sentence and a hint; a traceback only when asked for."""
    if isinstance(error, SettingsError):
        number = len(error.mistakes)
        sys.stderr.write(
            f"{error}\nesnbot: {number} {'mistake' if number == 1 else 'mistakes'} in the configuration.\n"
        )
        sys.stderr.write(f"hint: {error.hint}\n")
        return
    known = isinstance(error, Failure | OSError) or hasattr(error, "hint")
    sentence = _sentence(error) if known else f"something went wrong that should not: {type(error).__name__}: {error}"
    hint = getattr(error, "hint", "")
    if not known:
        hint = "this is a mistake in esnbot; run again with ESNBOT_TRACEBACK=1 to see where, and report it, please."
    sys.stderr.write(f"esnbot: {sentence}\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")
    if os.environ.get("ESNBOT_TRACEBACK"):
        traceback.print_exception(error)


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"'{os.fsdecode(error.filename)}': {(error.strerror or str(error)).lower()}"
    return str(error)
