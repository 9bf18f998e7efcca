"""The page about commands is in step with the code."""

from pathlib import Path

from esnbot.cli.reference import PAGE, written
from esnbot.commands.reference import reference
from esnbot.commands.registry import Registry
from esnbot.speech import Speech
from tests.commands.kit import COMMANDS, NOUNS


def test_the_page_lists_every_command_as_the_code_has_it() -> None:
    page = Path(PAGE).read_text(encoding="utf-8")

    assert written(page) == page, "run: python -m esnbot.cli.reference"


def test_a_command_is_shown_in_both_languages_with_who_may_and_whether_it_asks() -> None:
    tables = reference(Registry(NOUNS, COMMANDS), Speech().voice("fr"))

    assert "| `group rename NAME` | `groupe renommer NOM` | owners | Lists what you can do here. |" in tables
    assert "| `status` (also `show`) | `état` (also `montrer`) | animators | Lists what you can do here. |" in tables
    assert "| `deed do WHAT` | `acte faire QUOI` | everybody | Lists what you can do here. ✅ |" in tables
    assert "One of hobby (loisir), project (projet)." in tables
    assert '!esn group create "Photo club" --kind hobby   !rse groupe créer "Club photo" --type loisir' in tables
