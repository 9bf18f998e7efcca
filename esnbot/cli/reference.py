"""Keeps the tables of docs/commands.md in step with the commands of the installed features.

``python -m esnbot.cli.reference [PAGE]`` writes them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from esnbot.commands import module, reference
from esnbot.commands.registry import Registry
from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Space
from esnbot.community.model import Community
from esnbot.discovery import discover
from esnbot.engine.clock import SystemClock
from esnbot.features.contract import Kit
from esnbot.speech import Speech

PAGE: Final = Path("docs/commands.md")
_EXAMPLE: Final = Community(
    name="Example",
    languages=("en", "fr"),
    zone=ZoneInfo("UTC"),
    audiences={"staff": Audience("staff", "the audiences of the community", Perimeter(homeservers=("example.org",)))},
    spaces={"home": Space(key="home", name="Home")},
)


def written(page: str) -> str:
    """The page with its tables as they should be."""
    found = discover()
    speech = Speech(found.texts, languages=_EXAMPLE.languages, default=_EXAMPLE.default_language)
    kits = {
        name: Kit(
            community=_EXAMPLE,
            settings=declaration.settings(),
            speech=speech,
            clock=SystemClock(),
            bot="@esnbot:example.org",
            server="example.org",
        )
        for name, declaration in found.declarations.items()
    }
    built = [declaration.build(kits[name]) for name, declaration in found.declarations.items()]
    features = Registry([n for one in built for n in one.nouns], [c for one in built for c in one.commands])
    return reference.put_into(page, module.complete(features, _EXAMPLE, speech), speech.voice("fr"))


def main(path: Path = PAGE) -> None:
    """Write the page."""
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
