"""What is built of a configuration before anything runs: which rooms show commands, and which the board."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from esnbot.community.group import Group, Kind, Space
from esnbot.composed import compose, extras
from esnbot.discovery import discover
from esnbot.engine.clock import SystemClock
from esnbot.provisioning.desired import Extra
from esnbot.provisioning.seen import COMMAND, WIDGET
from esnbot.settings import load
from esnbot.speech import Speech
from tests.settings.writing import write


def shown(folder: Path, text: str, kind: Kind = Kind.informal, *, external: bool = False, language: str = "en") -> Any:
    """What the room of a group shows."""
    found = discover()
    settings = load(write(folder, text), found.schemas, environment={})
    speech = Speech(found.texts, languages=settings.community.languages, default="fr", strict=True)
    composed = compose(settings, found, speech, SystemClock())
    assert composed.broken == {}
    of = extras(settings, composed, speech)
    assert of(Space(key="s", name="S"), language, external) == ()
    group = Group(key="g", name="G", kind=kind)
    assert of(group, language, external) is of(group, language, external)
    return of(group, language, external)


def commands(found: tuple[Extra, ...]) -> set[str]:
    return {extra.content["command"] for extra in found if extra.type == COMMAND}


def test_by_default_rooms_show_nothing(tmp_path: Path) -> None:
    for kind in Kind:
        assert shown(tmp_path, "", kind) == ()


@pytest.mark.parametrize(
    ("web", "there"),
    [
        ("web: {url: https://board.example}", True),
        ("web: {url: http://board.example}", False),
        ("web: {url: http://board.example, widget: true}", True),
        ("web: {url: https://board.example, widget: false}", False),
        ("web: {url: https://board.example, widget_in: [hobby]}", False),
    ],
)
def test_the_board_is_a_widget_where_clients_show_it(tmp_path: Path, web: str, there: bool) -> None:
    found = shown(tmp_path, web, Kind.animators)
    assert [extra.type for extra in found] == ([WIDGET] if there else [])
    assert shown(tmp_path, web, Kind.project) == ()


def test_the_widget_asks_clients_for_language_and_colours_only(tmp_path: Path) -> None:
    (extra,) = shown(tmp_path, "web: {url: https://board.example/esn/}", Kind.help, language="fr")
    assert extra.state_key == "esnbot"
    assert extra.content == {
        "type": "m.custom",
        "url": "https://board.example/esn/widget?lang=$org.matrix.msc2873.client_language"
        "&theme=$org.matrix.msc2873.client_theme",
        "name": "Ce que vous pouvez demander au bot",
        "data": {"title": "Ce que vous pouvez demander au bot"},
        "id": "esnbot",
        "creatorUserId": "@esnbot:localhost",
    }


def test_commands_are_published_when_asked_for_and_not_to_those_whom_they_are_not_for(tmp_path: Path) -> None:
    text = "commands: {publish: true}"
    members = commands(shown(tmp_path, text))
    assert {"help", "language", "group create", "group list", "group rename"} <= members
    assert "status" not in members
    assert "status show" not in members
    assert "groupe créer" in commands(shown(tmp_path, text, language="fr"))
    partners = shown(tmp_path, text, external=True)
    assert "status" not in commands(partners)
    assert {"help", "group create"} <= commands(partners)
    assert "Suppliers" not in str(partners), "audiences are no secret inside, and nobody's business outside"
    assert members < commands(shown(tmp_path, text, Kind.animators))
