"""The commands as clients read them, to complete them: MSC4391, 'simplified in-room bot commands', a draft.

What is written follows the draft of 2026 (``schema`` and ``optional`` for parameters) and what the clients that have it
read besides (``aliases``, ``fi.mau.tail_parameter``). The room's language comes first, the other one is the fallback.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final

from esnbot.commands.command import Command, Kind, Param
from esnbot.commands.registry import Registry
from esnbot.commands.values import Choice, GroupValue, Integer, PersonValue, Switch, Text
from esnbot.community.person import Role
from esnbot.provisioning.desired import Extra
from esnbot.provisioning.seen import COMMAND
from esnbot.speech import Later, Speech

LANGUAGES: Final = ("en", "fr")
Json = dict[str, Any]


def descriptions(
    registry: Registry, speech: Speech, bot: str, language: str, roles: Collection[Role]
) -> tuple[Extra, ...]:
    """The state events that describe the commands for these roles in a room that speaks a language."""
    return tuple(
        _described(registry, command, speech, bot, language)
        for command in registry.commands
        if not command.who.isdisjoint(roles)
    )


def state_key(command: str, bot: str) -> str:
    """Which state event describes a command of a bot; clients drop descriptions that stand elsewhere."""
    return b64encode(sha256(f"{command}{bot}".encode()).digest()).decode()


def _described(registry: Registry, command: Command, speech: Speech, bot: str, language: str) -> Extra:
    name, *others = dict.fromkeys(_name(registry, command, one) for one in _first(language))
    content: Json = {"command": name, "description": _text(command.summary, speech, language)}
    if others:
        content["aliases"] = others
    if command.params:
        content["parameters"] = [_parameter(param, speech, language) for param in _in_order(command)]
    if (tail := _tail(command)) is not None:
        content["fi.mau.tail_parameter"] = tail.names.shown(language)
    return Extra(COMMAND, state_key(name, bot), content)


def _first(language: str) -> list[str]:
    return [language, *(one for one in LANGUAGES if one != language)]


def _name(registry: Registry, command: Command, language: str) -> str:
    """Noun and verb; the noun alone where it has but one thing to do."""
    noun = registry.nouns[command.noun].names.shown(language)
    alone = command.default and len(registry.of(command.noun)) == 1
    return noun if alone else f"{noun} {command.names.shown(language)}"


def _text(sentence: Later, speech: Speech, language: str) -> Json:
    """Extensible text: the first is what most clients show, the languages are marked as in MSC3554."""
    spoken = [one for one in _first(language) if one == language or one in speech.languages]
    said = [(one, str(speech.voice(one).say(sentence))) for one in spoken]
    return {"m.text": [{"body": body, "org.matrix.msc3554.lang": one} for one, body in said]}


def _in_order(command: Command) -> list[Param]:
    """Those that must be given first: clients ask for them in this order."""
    return sorted(command.params, key=lambda param: _optional(param))


def _optional(param: Param) -> bool:
    return not param.required or isinstance(param.kind, Switch)


def _tail(command: Command) -> Param | None:
    """The parameter that takes the rest of what is typed; nothing that must be given may stand behind it."""
    positional = [param for param in command.params if not param.option]
    last = positional[-1] if positional else None
    if last is None or not (last.rest or isinstance(last.kind, Text)):
        return None
    ordered = _in_order(command)
    return None if any(not _optional(param) for param in ordered[ordered.index(last) + 1 :]) else last


def _parameter(param: Param, speech: Speech, language: str) -> Json:
    content: Json = {
        "key": param.names.shown(language),
        "schema": _schema(param.kind, language),
        "description": _text(param.help, speech, language),
    }
    if _optional(param):
        content["optional"] = True
    return content


def _schema(kind: Kind, language: str) -> Json:
    match kind:
        case Choice():
            return _union(*({"schema_type": "literal", "value": word} for word in kind.choices(language)))
        case Integer():
            return _primitive("integer")
        case Switch():
            return _primitive("boolean")
        case PersonValue():
            return _primitive("user_id")
        case GroupValue():
            # A room can be picked, or called by its name.
            return _union(_primitive("room_id"), _primitive("room_alias"), _primitive("string"))
    return _primitive("string")


def _primitive(type: str) -> Json:
    return {"schema_type": "primitive", "type": type}


def _union(*variants: Json) -> Json:
    return {"schema_type": "union", "variants": list(variants)}
