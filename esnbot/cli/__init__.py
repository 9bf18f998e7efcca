"""The command line."""

from esnbot.cli.main import main

__all__ = ["main"]
