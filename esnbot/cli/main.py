"""The `esnbot` command. Each subcommand lives in a module of its own and is imported only when it is called."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import typer
from typer.core import TyperGroup

from esnbot.cli.common import print_failure
from esnbot.settings.mistakes import nearest

COMMANDS: Final = {
    "init": "esnbot.cli.init:init",
    "check": "esnbot.cli.check:check",
    "doctor": "esnbot.cli.doctor:doctor",
    "plan": "esnbot.cli.plan:plan",
    "apply": "esnbot.cli.apply:apply",
    "run": "esnbot.cli.run:run",
    "demo": "esnbot.cli.demo:demo",
    "dead-letters": "esnbot.cli.dead_letters:app",
    "export": "esnbot.cli.people:export",
    "import": "esnbot.cli.pages:import_pages",
    "forget": "esnbot.cli.people:forget",
    "uninstall": "esnbot.cli.uninstall:uninstall",
}
"""Name to ``module:attribute``: a function with typer annotations, or a ``typer.Typer`` with subcommands."""


class _Commands(TyperGroup):
    """Imports a command when it is asked for, so that `esnbot check` does not pay for `esnbot run`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for name, place in COMMANDS.items() if _is_there(place)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        place = COMMANDS.get(cmd_name)
        return _load(cmd_name, place) if place is not None and _is_there(place) else None


def _is_there(place: str) -> bool:
    return importlib.util.find_spec(place.partition(":")[0]) is not None


@cache
def _load(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    if isinstance(target, typer.Typer):
        command = typer.main.get_command(target)
    else:
        single = typer.Typer(add_completion=False)
        single.command(name)(target)
        command = typer.main.get_command(single)
    command.name = name
    return command


app = typer.Typer(
    cls=_Commands,
    name="esnbot",
    help="A declared community on Matrix, and the bot that animates it.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _frame() -> None:
    # Typer makes a group only of what has a callback or several commands.
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors are 1, a sentence and a hint on standard error."""
    try:
        result = app(args=None if arguments is None else list(arguments), prog_name="esnbot", standalone_mode=False)
    except typer.TyperException as error:
        return _usage(error)
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("esnbot: stopped.\n")
        return 130
    except BrokenPipeError:
        # Whoever read our answer has seen enough (`esnbot plan | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except Exception as error:  # noqa: BLE001 - the edge of the program: whatever it is, people get a sentence
        print_failure(error)
        return 1
    return result if isinstance(result, int) else 0


def _usage(error: typer.TyperException) -> int:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{message}\n")
        return 1
    sys.stderr.write(f"esnbot: {message}\n")
    wrong = re.search(r"No such command '([^']*)'", message)
    meant = nearest(wrong[1], COMMANDS) if wrong else None
    if meant:
        sys.stderr.write(f"hint: did you mean '{meant}'?\n")
        return 1
    sys.stderr.write(f"hint: see '{context.command_path if context is not None else 'esnbot'} --help'\n")
    return 1
