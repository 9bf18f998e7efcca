"""`esnbot check`: read the configuration and name every mistake in it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from esnbot.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, feature_schemas, print_json
from esnbot.provisioning.limits import limits
from esnbot.settings import Settings, SettingsError, load

WithoutSecrets = Annotated[
    bool, typer.Option("--without-secrets", help="Neither read nor miss the files with secrets (in CI, say).")
]


def check(
    config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False, without_secrets: WithoutSecrets = False
) -> None:
    """Read the configuration and name every mistake in it. Exit code 1 when there is one."""
    try:
        settings = load(config, feature_schemas(), secrets=not without_secrets)
    except SettingsError as error:
        if not as_json:
            raise
        print_json({"ok": False, "mistakes": [mistake.as_json() for mistake in error.mistakes]})
        raise typer.Exit(1) from error
    counts = _counts(settings)
    if as_json:
        print_json(
            {"ok": True, "mistakes": [], "community": settings.community.name, **counts, "limits": _limits(settings)}
        )
        return
    listed = ", ".join(f"{number} {name if number != 1 else name[:-1]}" for name, number in counts.items())
    sys.stdout.write(f"{config}: no mistakes. {settings.community.name}: {listed}.\n")
    for key, sentences in _limits(settings).items():
        sys.stdout.write(f"i {key}: {' '.join(sentences)}\n")


def _limits(settings: Settings) -> dict[str, list[str]]:
    """Group to what cannot work there, in sentences."""
    found = {key: limits(group) for key, group in settings.community.groups.items()}
    return {key: list(map(str, sentences)) for key, sentences in found.items() if sentences}


def _counts(settings: Settings) -> dict[str, int]:
    community = settings.community
    return {
        "audiences": len(community.audiences),
        "spaces": len(community.spaces),
        "groups": len(community.groups),
        "prompts": len(community.prompts),
        "features": len(settings.features),
    }
