"""The board's first page: what one can ask the bot. The same for everybody; it tells nothing of people or rooms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from esnbot.commands.command import Command, Noun
from esnbot.commands.guide import sign, usage
from esnbot.commands.registry import Registry
from esnbot.community.person import Role
from esnbot.speech import Later, Markdown, Voice, code, later, render
from esnbot.web.board import NOBODY, frame_ancestors
from esnbot.web.page import Page
from esnbot.web.reception import WIDGET, Reception

PREFIXES: Final = {"fr": "!rse"}
TITLE: Final = later("What you can ask the bot")
_WHO: Final = {
    Role.member: later("members of the community"),
    Role.partner: later("partners"),
    Role.owner: later("owners of a group"),
    Role.animator: later("animators"),
    Role.administrator: later("administrators"),
}


def pages(reception: Reception, registry: Registry) -> Iterable[Page]:
    """The page as one opens it, and as a widget, which the declared clients may show in a frame."""
    board = reception.board

    def at(path: str, ancestors: str) -> Page:
        async def show(request: web.Request) -> web.Response:
            visit = await reception.visit(request)
            reader = board.stranger(request, ancestors=ancestors) if visit is None else reception.reader(visit)
            return board.render(request, reader, "commands.html", TITLE, _values(registry, reader.voice))

        return Page(path, show)

    yield at("/", NOBODY)
    yield at(WIDGET, frame_ancestors(reception.clients) if reception.clients else NOBODY)


def _values(registry: Registry, voice: Voice) -> dict[str, Any]:
    prefix = PREFIXES.get(voice.language, "!esn")
    lead = voice.say(
        "In a room, begin with {prefix} or mention the bot; in a direct chat with the bot, just write. French and "
        "English words work everywhere.",
        prefix=code(prefix),
    )
    return {
        "lead": _html(lead),
        "example_label": voice.say("For example:"),
        "nouns": [_noun(registry, noun, voice, prefix) for noun in registry.nouns.values() if registry.of(noun.key)],
    }


def _noun(registry: Registry, noun: Noun, voice: Voice, prefix: str) -> dict[str, Any]:
    return {
        "id": noun.key,
        "name": noun.names.shown(voice.language),
        "summary": _sentence(noun.summary, voice),
        "commands": [_command(noun, command, voice, prefix) for command in registry.of(noun.key)],
    }


def _command(noun: Noun, command: Command, voice: Voice, prefix: str) -> dict[str, Any]:
    examples = command.examples.get(voice.language, ())[:1]
    return {
        "usage": [
            f"{prefix} {usage(noun, replace(command, params=()), voice.language)}",
            *(sign(param, voice.language) for param in command.params),
        ],
        "summary": _sentence(command.summary, voice),
        "who": _who(command, voice),
        "examples": [f"{prefix} {example}" for example in examples],
    }


def _who(command: Command, voice: Voice) -> Markup:
    """Who may, where that is not everybody."""
    if command.whose is not None:
        return _sentence(command.whose, voice)
    if {Role.member, Role.partner} <= command.who:
        return Markup("")
    return _html(Markdown(voice.list([voice.say(name) for role, name in _WHO.items() if role in command.who])))


def _sentence(sentence: Later, voice: Voice) -> Markup:
    return _html(voice.say(sentence))


def _html(markdown: Markdown) -> Markup:
    """Our own sentences, as the safe HTML that rooms get."""
    message = render(markdown)
    return Markup(message.html) if message.html else Markup.escape(message.body)
