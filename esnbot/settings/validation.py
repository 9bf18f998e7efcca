"""From pydantic's errors to mistakes with a place; from a faulty file to the part that can still be checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from esnbot.community.group import Source
from esnbot.settings.document import Node
from esnbot.settings.mistakes import Mistake, nearest, one_of, shown
from esnbot.settings.values import EXPECTED

M = TypeVar("M", bound=BaseModel)
Path = tuple[str | int, ...]

SECRETS: Final = re.compile(
    r"(as_|hs_|admin_|access_|shared_)?token|.*(password|passwd|secret|passphrase|api_key|private_key)"
)

_EXPECTED: Final = {
    "string_type": "text (in quotes, if it looks like something else)",
    "string_too_short": "some text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "dict_type": "keys with values ('key: value' lines)",
    "model_type": "keys with values ('key: value' lines)",
    "list_type": "a list ('- one' lines, or [one, two])",
    "tuple_type": "a list ('- one' lines, or [one, two])",
    "set_type": "a list ('- one' lines, or [one, two])",
    "frozen_set_type": "a list ('- one' lines, or [one, two])",
    "date_from_datetime_parsing": "a date such as '2027-06-30'",
    "time_parsing": "a time of day such as '09:30'",
    "url_parsing": "an address such as 'https://example.org'",
}
_LIMITS: Final = {
    "greater_than": ("gt", "more than {}"),
    "greater_than_equal": ("ge", "at least {}"),
    "less_than": ("lt", "less than {}"),
    "less_than_equal": ("le", "at most {}"),
    "string_too_long": ("max_length", "at most {} characters"),
    "too_long": ("max_length", "at most {} entries"),
    "too_short": ("min_length", "at least {} in the list"),
}


def validate(
    model: type[M], node: Node, mistakes: list[Mistake], at: Path = (), stand_ins: Mapping[str, Any] | None = None
) -> M | None:
    """The node as a model, None when the rest makes no sense without what is missing.

    Mistakes are added to the list, and what is faulty is left out, so that the rest can be checked further;
    ``stand_ins`` take the place of required keys then.
    """
    data = node.plain()
    for attempt in range(9):
        try:
            return model.model_validate(data)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        if attempt == 0:
            mistakes += [to_mistake(detail, node, _schema(model), at) for detail in errors]
        _leave_out(data, errors, stand_ins or {})
    return None


@cache
def _schema(model: type[BaseModel]) -> Mapping[str, Any]:
    return model.model_json_schema()


def to_mistake(detail: ErrorDetails, node: Node, schema: Mapping[str, Any], at: Path = ()) -> Mistake:
    """One pydantic error as a mistake at its place in the file."""
    loc = detail["loc"]
    kind = detail["type"]
    of_key = bool(loc) and loc[-1] == "[key]"
    path = _in_file(loc[:-1] if of_key else loc, node, missing=kind == "missing")
    # Where a model takes further keys, pydantic says nothing of '[key]', but what it looked at was the key.
    further = kind == EXPECTED and bool(path) and detail.get("input") == path[-1] != _value(node, path)
    of_key = of_key or further
    dotted = ".".join(str(step) for step in (*at, *path))
    here = schema_at(schema, path)
    context = detail.get("ctx", {})
    value = shown(detail.get("input"))
    suggestion: str | None = None
    if kind == "missing":
        holder = node.get(*path[:-1]) or node
        source = _key_source(node, path[:-1]) or holder.source
        return Mistake(source, ".".join(dotted.split(".")[:-1]), "nothing", f"the key '{path[-1]}'{_describe(here)}")
    if kind == "extra_forbidden":
        return unknown_key(node, path, schema_at(schema, path[:-1]), dotted)
    if kind == EXPECTED:
        expected, suggestion = str(context["expected"]), context.get("suggestion")
        if further:
            known = list(schema_at(schema, path[:-1]).get("properties", {}))
            expected = f"{expected}, or {one_of(known)}" if known else expected
            suggestion = nearest(path[-1], known) or suggestion
    elif kind in ("enum", "literal_error"):
        choices = [str(choice) for choice in here.get("enum", [here["const"]] if "const" in here else [])]
        expected = one_of(choices) if choices else str(context.get("expected", "something else"))
        suggestion = nearest(detail.get("input", ""), choices)
    elif kind in _LIMITS:
        name, text = _LIMITS[kind]
        expected = text.format(context.get(name, "?"))
    elif kind == "string_pattern_mismatch":
        expected = f"text like {context.get('pattern', '')}"
    elif kind == "value_error":
        expected = str(context.get("error", detail["msg"]))
    else:
        expected = _EXPECTED.get(kind, detail["msg"][:1].lower() + detail["msg"][1:])
    key_source = _key_source(node, path)
    target = node.get(*path)
    source = key_source if of_key and key_source else target.source if target is not None else node.source
    if of_key:
        value = f"the key '{path[-1]}'"
    elif any(isinstance(step, str) and SECRETS.fullmatch(step) for step in path):
        value = "a value that is not shown"
    return Mistake(source, dotted, value, expected, suggestion)


def unknown_key(node: Node, path: Path, schema: Mapping[str, Any], dotted: str) -> Mistake:
    """A key that means nothing here; a secret is told where it belongs, and never repeated."""
    name = str(path[-1])
    known = list(schema.get("properties", {}))
    source = _key_source(node, path) or node.source
    if SECRETS.fullmatch(name):
        if f"{name}_file" in known:
            return Mistake(source, dotted, "a secret in the file", f"'{name}_file: PATH' or ESNBOT_{name.upper()}")
        expected = "secrets in files of their own or in the environment"
        return Mistake(source, dotted, f"a secret in the file ('{name}')", expected)
    near = nearest(name, known, _KEY_SYNONYMS if set(_KEY_SYNONYMS.values()) & set(known) else None)
    return Mistake(
        source, dotted, f"the unknown key '{name}'", one_of(known, limit=40), near if near in known else None
    )


_KEY_SYNONYMS: Final = {
    "timezone": "time_zone",
    "tz": "time_zone",
    "title": "name",
    "description": "topic",
    "rooms": "groups",
    "channels": "groups",
    "audience": "audiences",
    "owner": "owners",
    "encryption": "encrypted",
    "join_rule": "joining",
    "history_visibility": "history",
    "members": "people",
    "users": "people",
    "servers": "homeservers",
    "language": "languages",
    "db": "database",
    "lang": "language",
    "animators": "roles",
    "administrators": "roles",
    "parent": "space",
}


def schema_at(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The part of a JSON Schema that describes the value at a path; {} where it says nothing."""
    here: Mapping[str, Any] = schema
    for step in path:
        here = _below(schema, _resolved(schema, here), step)
    return _resolved(schema, here)


def _resolved(root: Mapping[str, Any], here: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(8):
        if "$ref" in here:
            name = str(here["$ref"]).rpartition("/")[2]
            target: Mapping[str, Any] = root.get("$defs", {}).get(name, {})
            here = {**target, **{key: value for key, value in here.items() if key != "$ref"}}
        elif "anyOf" in here:
            real = [option for option in here["anyOf"] if option.get("type") != "null"]
            described = {key: value for key, value in here.items() if key != "anyOf"}
            here = {**real[0], **described} if real else {}
        else:
            break
    return here


def _below(root: Mapping[str, Any], here: Mapping[str, Any], step: str | int) -> Mapping[str, Any]:
    if isinstance(step, int):
        items = here.get("items", {})
        return items if isinstance(items, Mapping) else {}
    properties = here.get("properties", {})
    if step in properties:
        found: Mapping[str, Any] = properties[step]
        return found
    for pattern in here.get("patternProperties", {}).values():
        return pattern if isinstance(pattern, Mapping) else {}
    further = here.get("additionalProperties", {})
    return further if isinstance(further, Mapping) else {}


def _describe(here: Mapping[str, Any]) -> str:
    description = str(here.get("description", "")).rstrip(".")
    return f" ({description[:1].lower()}{description[1:]})" if description else ""


def _in_file(loc: Sequence[str | int], node: Node, *, missing: bool) -> Path:
    """The part of pydantic's location that is in the file: it also names branches of unions and the like."""
    path: list[str | int] = []
    here: Node | None = node
    for index, step in enumerate(loc):
        below = here.child(step) if here is not None else None
        if below is None and not (missing and index == len(loc) - 1):
            continue
        path.append(step)
        here = below
    return tuple(path)


def _value(node: Node, path: Path) -> object:
    found = node.get(*path)
    return found.plain() if found is not None else None


def _key_source(node: Node, path: Path) -> Source | None:
    if not path:
        return None
    holder = node.get(*path[:-1])
    entry = holder.entries.get(str(path[-1])) if holder is not None and holder.entries is not None else None
    return entry[0] if entry else None


def _leave_out(data: Any, errors: Sequence[ErrorDetails], stand_ins: Mapping[str, Any]) -> None:
    """Take what is faulty out of the data, with the object around it where something required is missing."""
    doomed: list[tuple[Any, str | int]] = []
    for detail in errors:
        loc = [step for step in detail["loc"] if step != "[key]"]
        if detail["type"] == "missing" and len(loc) == 1:
            data[loc[0]] = stand_ins.get(str(loc[0]))
            continue
        if detail["type"] == "missing":
            loc.pop()
        holder: Any = None
        last: str | int = ""
        here = data
        for step in loc:
            below = _item(here, step)
            if below is not None:
                holder, last, here = here, step, below
        doomed.append((holder, last))
    # Lists lose their last entries first, so that the other indexes stay right.
    for holder, last in sorted(doomed, key=lambda one: one[1] if isinstance(one[1], int) else -1, reverse=True):
        if isinstance(holder, dict):
            holder.pop(last, None)
        elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
            del holder[last]


def _item(here: Any, step: str | int) -> Any:
    if isinstance(here, dict):
        return here.get(step)
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return here[step]
    return None
