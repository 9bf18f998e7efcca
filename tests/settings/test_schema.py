"""The published JSON Schemas are in step with the models, and agree with the loader about what is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from esnbot.settings.document import read_document
from esnbot.settings.reference import put_into
from esnbot.settings.schema import COMMUNITY, PROMPTS, TEMPLATE, as_text, installed_features, schemas
from tests.settings.writing import HEAD, write

CONFIG = Path("config")


def complaints(schema: dict[str, Any], path: Path) -> list[str]:
    root, _ = read_document(path, str(path))
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(root.plain())]


@pytest.mark.parametrize("name", [COMMUNITY, PROMPTS, TEMPLATE])
def test_the_published_schema_is_in_step(name: str) -> None:
    made = schemas(installed_features())[name]

    Draft202012Validator.check_schema(made)
    assert (CONFIG / name).read_text(encoding="utf-8") == as_text(made), "run: python -m esnbot.settings.schema"


def test_every_shipped_file_fits_its_schema_and_names_it() -> None:
    files = {CONFIG / "community.yaml": COMMUNITY}
    files |= dict.fromkeys((CONFIG / "prompts").glob("*.yaml"), PROMPTS)
    files |= dict.fromkeys((CONFIG / "templates").glob("*.yaml"), TEMPLATE)

    for path, name in files.items():
        schema = json.loads((CONFIG / name).read_text(encoding="utf-8"))
        assert complaints(schema, path) == []
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (path.parent / first.partition("=")[2]).resolve() == (CONFIG / name).resolve()


@pytest.mark.parametrize(
    "text",
    [
        "groups: {a: {name: A, kind: hoby}}",
        "groups: {a: {name: A, colour: red}}",
        "groups: {A B: {name: A}}",
        "groups: {a: {kind: hobby}}",
        "groups: {a: {name: A, tempo: {weekdays: [mardi], at: '9:00'}}}",
    ],
)
def test_an_editor_sees_what_the_loader_sees(tmp_path: Path, text: str) -> None:
    schema = schemas({})[COMMUNITY]

    assert complaints(schema, write(tmp_path, "groups: {a: {name: A, topic: }}", head=HEAD)) == []
    assert complaints(schema, write(tmp_path, text)) != []


def test_the_page_on_configuration_lists_every_key_as_the_code_has_it() -> None:
    page = Path("docs/configuration.md").read_text(encoding="utf-8")

    assert put_into(page, installed_features()) == page, "run: python -m esnbot.settings.schema"
