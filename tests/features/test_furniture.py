"""Every feature has the furniture of the design, so that whoever knows one knows all."""

from __future__ import annotations

import ast
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from pydantic import ValidationError

from esnbot.discovery import discover
from esnbot.features.contract import ENTRY_POINTS, Declaration

FOUND = discover()
ROOT = Path(__file__).parent.parent.parent
FEATURES = sorted(FOUND.declarations.items())


def folder(name: str) -> Path:
    return ROOT / "esnbot" / "features" / name


def test_all_are_found_and_none_is_broken() -> None:
    assert FOUND.broken == {}
    assert set(FOUND.declarations) == {point.name for point in entry_points(group=ENTRY_POINTS)}
    assert {"group", "person", "prompt", "status", "welcome"} <= set(FOUND.declarations)


def test_every_folder_is_declared() -> None:
    folders = {path.parent.name for path in folder("").glob("*/feature.py")}
    assert folders == set(FOUND.declarations)


@pytest.mark.parametrize(("name", "declaration"), FEATURES)
def test_it_has_what_the_design_names(name: str, declaration: Declaration) -> None:
    for file in ("feature.py", "handlers.py", "settings.py", "__init__.py", "texts/fr.po"):
        assert (folder(name) / file).is_file(), file
    assert declaration.summary.endswith(".")
    assert declaration.texts == folder(name) / "texts"
    assert (declaration.migrations is not None) == (folder(name) / "records.py").is_file()
    assert (ROOT / "docs" / "features" / f"{name}.md").is_file()


@pytest.mark.parametrize(("name", "declaration"), FEATURES)
def test_its_settings_take_nothing_unknown_and_explain_themselves(name: str, declaration: Declaration) -> None:
    with pytest.raises(ValidationError):
        declaration.settings.model_validate({"no_such_key": 1})
    for key, field in declaration.settings.model_fields.items():
        assert field.description, f"{name}.{key}"
    page = (ROOT / "docs" / "features" / f"{name}.md").read_text(encoding="utf-8")
    assert all(f"`{key}`" in page for key in declaration.settings.model_fields)


@pytest.mark.parametrize("name", [name for name, _ in FEATURES])
def test_its_model_is_pure(name: str) -> None:
    path = folder(name) / "model.py"
    if not path.exists():
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {func.attr for func in called if isinstance(func, ast.Attribute)}
    assert names.isdisjoint({"now", "today", "utcnow", "random", "choice", "shuffle"})
