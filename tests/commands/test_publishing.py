"""The commands as clients read them (MSC4391), measured by the rules that clients measure them by."""

from __future__ import annotations

from typing import Any

import pytest

from esnbot.commands.publishing import descriptions, state_key
from esnbot.commands.registry import Registry
from esnbot.community.person import Role
from esnbot.provisioning.desired import Extra
from esnbot.speech import Speech
from tests.commands.kit import BOT, COMMANDS, NOUNS

PRIMITIVES = {"string", "integer", "boolean", "server_name", "user_id", "room_id", "room_alias", "event_id"}


def published(language: str = "en", *roles: Role, speech: Speech | None = None) -> dict[str, Extra]:
    chosen = roles or (Role.member, Role.partner, Role.owner)
    found = descriptions(Registry(NOUNS, COMMANDS), speech or Speech(strict=True), BOT, language, chosen)
    return {extra.content["command"]: extra for extra in found}


def check_schema(schema: dict[str, Any], inside: str = "") -> None:
    """The rules of the draft, as a client that has it applies them."""
    match schema:
        case {"schema_type": "primitive", "type": type, **more}:
            assert type in PRIMITIVES
            assert not more
        case {"schema_type": "union", "variants": variants, **more}:
            assert variants
            assert inside in ("", "array")
            assert not more
            for variant in variants:
                check_schema(variant, "union")
        case {"schema_type": "literal", "value": value, **more}:
            assert isinstance(value, str | int | bool)
            assert not more
        case _:
            raise AssertionError(schema)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_description_is_one_that_clients_accept(language: str) -> None:
    found = published(language)
    assert len({extra.state_key for extra in found.values()}) == len(found)
    for command, extra in found.items():
        assert extra.type == "org.matrix.msc4391.command_description"
        assert extra.state_key == state_key(command, BOT)
        parameters = extra.content.get("parameters", [])
        keys = [parameter["key"] for parameter in parameters]
        assert len(set(keys)) == len(keys)
        required = [not parameter.get("optional", False) for parameter in parameters]
        assert required == sorted(required, reverse=True), "what must be given comes first"
        tail = extra.content.get("fi.mau.tail_parameter")
        if tail is not None:
            assert not any(required[keys.index(tail) + 1 :])
        for parameter in parameters:
            check_schema(parameter["schema"])
            assert parameter["description"]["m.text"][0]["body"]


def test_the_state_key_is_the_one_that_clients_compute() -> None:
    # Computed by hand: printf '%s' 'ban@draupnir:draupnir.space' | openssl dgst -sha256 -binary | base64
    assert state_key("ban", "@draupnir:draupnir.space") == "JBDLR6YMe+72yqsEMi/MVdTmjN3ynPThMz+M7QLATZQ="


def test_the_rooms_language_comes_first_and_the_other_is_the_fallback() -> None:
    french, english = published("fr")["groupe créer"].content, published("en")["group create"].content
    assert french["aliases"] == ["group create"]
    assert english["aliases"] == ["groupe créer"]
    assert [text["org.matrix.msc3554.lang"] for text in french["description"]["m.text"]] == ["fr", "en"]
    assert [text["org.matrix.msc3554.lang"] for text in english["description"]["m.text"]] == ["en", "fr"]
    keys = {language: [p["key"] for p in one["parameters"]] for language, one in {"fr": french, "en": english}.items()}
    assert keys == {"fr": ["nom", "type", "discret", "note"], "en": ["name", "kind", "quiet", "note"]}


def test_a_language_that_the_community_does_not_speak_is_no_fallback() -> None:
    (text,) = published("en", speech=Speech(languages=("en",), default="en"))["group create"].content["description"][
        "m.text"
    ]
    assert text["org.matrix.msc3554.lang"] == "en"


def test_types_say_what_a_parameter_takes() -> None:
    schemas = {
        (command, parameter["key"]): parameter["schema"]
        for command, extra in published("en").items()
        for parameter in extra.content.get("parameters", [])
    }
    assert schemas["group create", "kind"]["variants"] == [
        {"schema_type": "literal", "value": "hobby"},
        {"schema_type": "literal", "value": "project"},
    ]
    assert schemas["group create", "quiet"]["type"] == "boolean"
    assert schemas["meetup size", "seats"]["type"] == "integer"
    assert schemas["group invite", "person"]["type"] == "user_id"
    assert [one["type"] for one in schemas["group join", "group"]["variants"]] == ["room_id", "room_alias", "string"]


def test_only_commands_of_those_who_are_there_are_published() -> None:
    assert "note publish" not in published("en")
    assert "note publish" in published("en", Role.animator)
    assert "group rename" in published("en", Role.owner)
    assert "group rename" not in published("en", Role.partner)


def test_a_noun_with_one_thing_to_do_is_a_command_by_itself() -> None:
    assert "status" in published("en", Role.animator)
    assert published("fr", Role.animator)["état"].content["aliases"] == ["status"]
