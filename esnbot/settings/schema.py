"""JSON Schemas for editors, and the tables of keys in the documentation, made from the models that check the files.

``python -m esnbot.settings.schema`` writes both; run it after a change of settings, a feature's too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from esnbot.settings.prompts_file import PromptsFile
from esnbot.settings.reference import put_into
from esnbot.settings.sections import CommunityFile
from esnbot.settings.template_file import TemplateFile

COMMUNITY: Final = "community.schema.json"
PROMPTS: Final = "prompts.schema.json"
TEMPLATE: Final = "template.schema.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schemas(features: Mapping[str, type[BaseModel]]) -> dict[str, dict[str, Any]]:
    """File name to JSON Schema; ``features`` are the schemas of the sections under ``features:``."""
    return {
        COMMUNITY: community_schema(features),
        PROMPTS: _dressed(PromptsFile.model_json_schema(), "A file of prompts for esnbot"),
        TEMPLATE: _dressed(TemplateFile.model_json_schema(), "A template of groups for esnbot"),
    }


def community_schema(features: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """The schema of community.yaml, with the section of each feature."""
    schema = CommunityFile.model_json_schema()
    properties = schema["properties"]
    for key, feature in sorted(features.items()):
        own = feature.model_json_schema(ref_template=f"#/$defs/{key}.{{model}}")
        for name, definition in own.pop("$defs", {}).items():
            schema["$defs"][f"{key}.{name}"] = definition
        schema["$defs"][f"feature.{key}"] = own
    properties["features"] = {
        "type": "object",
        "description": properties["features"]["description"],
        "properties": {key: _or_nothing({"$ref": f"#/$defs/feature.{key}"}) for key in sorted(features)},
        "additionalProperties": False if features else {"type": ["object", "null"]},
    }
    whole = properties["homeserver"]
    properties["homeserver"] = {
        "description": whole.pop("description", ""),
        "anyOf": [{"const": "embedded"}, whole],
    }
    # Included files have any of the keys; the first file needs these all the same, which `esnbot check` says.
    return _dressed(schema, "A community for esnbot")


def _dressed(schema: dict[str, Any], title: str) -> dict[str, Any]:
    _soften(schema)
    return {"$schema": _DIALECT, **schema, "title": title}


def _soften(value: Any) -> None:
    """Allow keys without a value, as the reader does, and drop the titles that only repeat the keys."""
    if isinstance(value, list):
        for item in value:
            _soften(item)
    if not isinstance(value, dict):
        return
    if isinstance(value.get("title"), str):
        del value["title"]
    if "patternProperties" in value:
        value["additionalProperties"] = False
    required = value.get("required", [])
    properties = value.get("properties")
    if isinstance(properties, dict):
        for key, below in properties.items():
            if key not in required and isinstance(below, dict):
                properties[key] = _or_nothing(below)
    for below in value.values():
        _soften(below)


def _or_nothing(schema: dict[str, Any]) -> dict[str, Any]:
    options = schema.get("anyOf")
    if isinstance(options, list):
        if {"type": "null"} not in options:
            options.append({"type": "null"})
        return schema
    outside: dict[str, Any] = {key: schema.pop(key) for key in ("description", "default") if key in schema}
    return {**outside, "anyOf": [schema, {"type": "null"}]}


def as_text(schema: Mapping[str, Any]) -> str:
    """The file's text."""
    return json.dumps(schema, indent=2, ensure_ascii=False, default=str) + "\n"


def installed_features() -> dict[str, type[BaseModel]]:
    """The settings of every installed feature, by its name."""
    declarations = [entry.load() for entry in entry_points(group="esnbot.features")]
    return {declaration.name: declaration.settings for declaration in declarations}


def main(folder: Path = Path("config"), page: Path = Path("docs/configuration.md")) -> None:
    """Write the schemas into a folder, and the tables of keys into the page of documentation."""
    features = installed_features()
    for name, schema in schemas(features).items():
        (folder / name).write_text(as_text(schema), encoding="utf-8")
        sys.stdout.write(f"{folder / name}\n")
    if page.exists():
        page.write_text(put_into(page.read_text(encoding="utf-8"), features), encoding="utf-8")
        sys.stdout.write(f"{page}\n")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:3]))
