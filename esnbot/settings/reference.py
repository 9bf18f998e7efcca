"""The tables of keys in docs/configuration.md, made from the models by ``python -m esnbot.settings.schema``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from esnbot.settings.prompts_file import PromptsFile
from esnbot.settings.sections import (
    AudienceSection,
    BoundsSection,
    CommandsSection,
    CommunityFile,
    CourtesySection,
    EncryptionSection,
    GroupSection,
    HomeserverSection,
    NestedGroupSection,
    PlaceSection,
    QuietHoursSection,
    RolesSection,
    SiteSection,
    SpaceSection,
    TempoSection,
    TopSpaceSection,
    WebSection,
)
from esnbot.settings.template_file import TemplateFile, TemplateRoomSection, TemplateTextSection

BEGIN: Final = "<!-- keys begin: python -m esnbot.settings.schema -->"
END: Final = "<!-- keys end -->"

_TABLES: Final[tuple[tuple[str, type[BaseModel], type[BaseModel] | None], ...]] = (
    ("The file", CommunityFile, None),
    ("`homeserver`", HomeserverSection, None),
    ("`encryption`", EncryptionSection, None),
    ("`web`", WebSection, None),
    ("`courtesy`", CourtesySection, None),
    ("`commands`", CommandsSection, None),
    ("`quiet_hours`", QuietHoursSection, None),
    ("`audiences: KEY`", AudienceSection, None),
    ("`roles`", RolesSection, None),
    ("`sites: KEY`, `teams: KEY`", SiteSection, None),
    ("Spaces and groups alike", PlaceSection, None),
    ("`spaces: KEY`, besides", SpaceSection, PlaceSection),
    ("`spaces: KEY` at the top level, besides", TopSpaceSection, SpaceSection),
    ("`groups: KEY`, besides", GroupSection, PlaceSection),
    ("`groups: KEY` at the top level, besides", NestedGroupSection, GroupSection),
    ("`tempo` of spaces and groups", BoundsSection, None),
    ("`tempo` of groups and templates, besides", TempoSection, BoundsSection),
    ("A file of prompts", PromptsFile, None),
    ("A template", TemplateFile, None),
    ("A room of a template", TemplateRoomSection, None),
    ("A page or note of a template", TemplateTextSection, None),
)


def reference(features: Mapping[str, type[BaseModel]]) -> str:
    """All tables, as Markdown; ``features`` are the schemas of the sections under ``features:``."""
    own = [(f"`features: {name}`", model, None) for name, model in sorted(features.items())]
    return "\n\n".join(_table(title, model, known) for title, model, known in (*_TABLES, *own))


def _table(title: str, model: type[BaseModel], known: type[BaseModel] | None) -> str:
    schema = model.model_json_schema()
    skipped = set(known.model_fields) if known is not None else set()
    # A model that contains itself stands among its own definitions.
    top = _real(schema, schema)
    required = top.get("required", [])
    rows = [
        f"| `{key}` | {_kind(below, schema)} | {_default(below, key in required)} | {_description(below, schema)} |"
        for key, below in top["properties"].items()
        if key not in skipped
    ]
    return "\n".join([f"### {title}", "", "| key | value | default | what it means |", "|---|---|---|---|", *rows])


def _kind(below: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    real = _real(below, root)
    if "enum" in real:
        return ", ".join(f"`{word}`" for word in real["enum"])
    kind = real.get("type")
    if kind == "array":
        return f"list: {_kind(real.get('items', {}), root)}"
    if kind == "object":
        return "keys and values"
    return {"string": "text", "boolean": "true or false", "integer": "number"}.get(str(kind), "text")


def _real(below: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    options = [option for option in below.get("anyOf", []) if option.get("type") != "null"]
    real = options[0] if options else below
    if "$ref" in real:
        found: Mapping[str, Any] = root["$defs"][str(real["$ref"]).rpartition("/")[2]]
        return found
    return real


def _default(below: Mapping[str, Any], required: bool) -> str:
    if required:
        return "**needed**"
    default = below.get("default")
    if default in (None, "", [], {}, "PT0S") or isinstance(default, dict):
        return ""
    if isinstance(default, str) and default.startswith("P"):
        return f"`{_spoken(default)}`"
    if isinstance(default, list):
        # A list whose end is a number is an address with its port.
        between = ":" if isinstance(default[-1], int) else ", "
        return f"`{between.join(str(part) for part in default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


_ISO: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def _spoken(duration: str) -> str:
    """An ISO 8601 duration as people write it here."""
    match = _ISO.fullmatch(duration)
    parts = zip(match.groups() if match else (), ("day", "hour", "minute", "second"), strict=False)
    words = [f"{number} {unit}{'' if number == '1' else 's'}" for number, unit in parts if number]
    return " ".join(words) or duration


def _description(below: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    text = str(below.get("description") or _real(below, root).get("description", ""))
    return " ".join(text.split()).replace("|", "\\|")


def put_into(page: str, features: Mapping[str, type[BaseModel]]) -> str:
    """The page with the tables between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{reference(features)}\n\n{END}{rest.partition(END)[2]}"
