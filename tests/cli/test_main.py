"""The command line fails with a sentence and a hint, and never with a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from esnbot.cli import main as module
from esnbot.cli.common import Failure, print_failure
from tests.cli.calling import Caller


@pytest.fixture
def esnbot(capsys: pytest.CaptureFixture[str]) -> Caller:
    """Calls the command line."""
    return Caller(capsys)


def test_help_lists_every_command_with_what_it_does(esnbot: Caller) -> None:
    outcome = esnbot("--help")

    assert outcome.code == 0
    for command in ("init", "check", "doctor", "uninstall"):
        assert command in outcome.out


def test_without_a_command_the_help_is_shown(esnbot: Caller) -> None:
    assert "Commands" in esnbot().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["chek"], "No such command 'chek'"),
        (["check", "--jsn"], "No such option: --jsn"),
        (["check", "too", "much"], "unexpected extra argument"),
    ],
)
def test_a_wrong_call_ends_with_1_a_sentence_and_a_hint(esnbot: Caller, arguments: list[str], sentence: str) -> None:
    outcome = esnbot(*arguments)

    assert outcome.code == 1
    assert sentence in outcome.err
    assert "hint: " in outcome.err
    assert "Traceback" not in outcome.err


def test_a_command_that_was_probably_meant_is_named(esnbot: Caller) -> None:
    assert "did you mean 'check'?" in esnbot("chek").err


def test_a_failure_is_its_sentence_and_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    print_failure(Failure("The cat sits on it.", "lift the cat."))

    assert capsys.readouterr().err == "esnbot: The cat sits on it.\nhint: lift the cat.\n"


def test_what_nobody_foresaw_is_a_sentence_too(esnbot: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def burst(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("esnbot.cli.check.load", burst)

    outcome = esnbot("check", "--config", tmp_path / "x.yaml")

    assert outcome.code == 1
    assert "something went wrong that should not: ZeroDivisionError: division by zero" in outcome.err
    assert "Traceback" not in outcome.err


def test_an_interrupted_command_ends_with_the_code_that_shells_expect(
    esnbot: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("esnbot.cli.check.load", interrupted)

    outcome = esnbot("check", "--config", tmp_path / "x.yaml")

    assert outcome.code == 130
    assert "Traceback" not in outcome.err


def test_the_entry_point_is_the_function() -> None:
    assert callable(module)
