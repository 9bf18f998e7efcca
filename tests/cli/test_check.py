"""`esnbot check` names every mistake, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import Caller
from tests.settings.writing import write


@pytest.fixture
def esnbot(capsys: pytest.CaptureFixture[str]) -> Caller:
    """Calls the command line."""
    return Caller(capsys)


def test_the_shipped_configuration_has_no_mistakes(esnbot: Caller) -> None:
    outcome = esnbot("check")

    assert outcome.code == 0
    assert outcome.out.startswith("config/community.yaml: no mistakes. Cycles Ardoise: ")


def test_every_mistake_is_one_line_and_they_are_counted(esnbot: Caller, tmp_path: Path) -> None:
    path = write(tmp_path, "groups: {a: {name: A, kind: hoby}, b: {name: B, colour: red}}")

    outcome = esnbot("check", "--config", path)

    lines = outcome.err.splitlines()
    assert outcome.code == 1
    assert outcome.out == ""
    assert lines[0].startswith(f"{path}:8:29: groups.a.kind: found 'hoby'")
    assert lines[0].endswith("did you mean 'hobby'?")
    assert lines[1].startswith(f"{path}:8:49: groups.b.colour: found the unknown key 'colour'")
    assert lines[2] == "esnbot: 2 mistakes in the configuration."
    assert lines[3].startswith("hint: ")


def test_machines_get_json(esnbot: Caller, tmp_path: Path) -> None:
    wrong = json.loads(esnbot("check", "--json", "--config", write(tmp_path, "country: fr")).out)
    right = json.loads(esnbot("check", "--json", "--config", write(tmp_path, "country: FR")).out)

    assert wrong["ok"] is False
    assert wrong["mistakes"][0]["line"] == 8
    assert wrong["mistakes"][0]["suggestion"] == "FR"
    assert right["ok"] is True
    assert right["mistakes"] == []


def test_a_file_that_is_not_there_is_one_sentence(esnbot: Caller, tmp_path: Path) -> None:
    outcome = esnbot("check", "--config", tmp_path / "none.yaml")

    assert outcome.code == 1
    assert "found no such file, expected a YAML file" in outcome.err


def test_a_configuration_can_be_checked_where_its_secrets_are_not(esnbot: Caller, tmp_path: Path) -> None:
    head = """\
name: The Lake
languages: [en]
time_zone: UTC
homeserver: {url: "https://lake.example", server_name: lake.example, as_token_file: nowhere}
database_file: nowhere
"""
    path = write(tmp_path, "", head=head)

    assert esnbot("check", "--config", path).code == 1
    assert esnbot("check", "--without-secrets", "--config", path).code == 0


def test_what_cannot_work_in_encrypted_groups_is_said(esnbot: Caller, tmp_path: Path) -> None:
    path = write(tmp_path, "groups: {lab: {name: Lab, kind: hobby, encrypted: true}}")

    outcome = esnbot("check", "--config", path)

    assert outcome.code == 0
    assert "i lab: This group is encrypted: the homeserver cannot search in it." in outcome.out
    assert list(json.loads(esnbot("check", "--json", "--config", path).out)["limits"]) == ["lab"]
