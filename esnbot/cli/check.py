"""`esnbot check`."""

from __future__ import annotations

from esnbot.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption


def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Read the configuration and name every mistake in it."""
