"""All commands as tables of a page of documentation, in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from esnbot.commands.command import Command, Noun, Param
from esnbot.commands.guide import sign, usage
from esnbot.commands.registry import Registry
from esnbot.community.person import Role
from esnbot.speech import Voice

BEGIN: Final = "<!-- commands begin: python -m esnbot.cli.reference -->"
END: Final = "<!-- commands end -->"

_WHO: Final = {Role.member: "members", Role.partner: "partners", Role.owner: "owners", Role.animator: "animators"}
_HEAD: Final = "| English | French | who | what it does |\n|---|---|---|---|"


def put_into(page: str, registry: Registry, french: Voice) -> str:
    """The page with the tables between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{reference(registry, french)}\n\n{END}{rest.partition(END)[2]}"


def reference(registry: Registry, french: Voice) -> str:
    """Every noun with its commands, their parameters and examples."""
    return "\n\n".join(_section(registry, noun, french) for noun in registry.nouns.values())


def _section(registry: Registry, noun: Noun, french: Voice) -> str:
    commands = registry.of(noun.key)
    parts = [
        f"### `{noun.names.shown('en')}`, `{noun.names.shown('fr')}`",
        f"{noun.summary.text} · {french.say(noun.summary)}",
        "\n".join([_HEAD, *(_row(noun, command) for command in commands)]),
        "\n".join(_params(commands)),
        _examples(commands),
    ]
    return "\n\n".join(part for part in parts if part)


def _row(noun: Noun, command: Command) -> str:
    english, french = (_typed(noun, command, language) for language in ("en", "fr"))
    asks = " ✅" if command.confirm is not None else ""
    return f"| {english} | {french} | {_who(command)} | {command.summary.text}{asks} |"


def _typed(noun: Noun, command: Command, language: str) -> str:
    """How the command is written, and the other words for its verb."""
    names = command.names.fr if language == "fr" else command.names.en
    others = [*names] if command.default else [*names[1:]]
    also = f" (also {', '.join(f'`{name}`' for name in others)})" if others else ""
    return f"`{usage(noun, command, language)}`{also}"


def _who(command: Command) -> str:
    if command.whose is not None:
        return command.whose.text
    if {Role.member, Role.partner} <= command.who:
        return "everybody"
    roles = {Role.animator if role is Role.administrator else role for role in command.who}
    return ", ".join(word for role, word in _WHO.items() if role in roles)


def _params(commands: Iterable[Command]) -> list[str]:
    """One line for each parameter and what it is for, though several commands have it."""
    return list(dict.fromkeys(_param(param) for command in commands for param in command.params))


def _param(param: Param) -> str:
    english, french = (sign(param, language).strip("[]") for language in ("en", "fr"))
    signs = f"`{english}`" if english == french else f"`{english}`, `{french}`"
    pairs = zip(param.kind.choices("en"), param.kind.choices("fr"), strict=True)
    words = [one if one == other else f"{one} ({other})" for one, other in pairs]
    return f"- {signs}: {param.help.text}" + (f" One of {', '.join(words)}." if words else "")


def _examples(commands: Iterable[Command]) -> str:
    """One example of each command, the languages side by side."""
    firsts = [tuple(command.examples.get(language, ("",))[0] for language in ("en", "fr")) for command in commands]
    pairs = [(f"!esn {english}", f"!rse {french}") for english, french in firsts if english and french]
    width = max((len(english) for english, _ in pairs), default=0)
    lines = [f"{english:<{width}}   {french}" for english, french in pairs]
    return "\n".join(["```", *lines, "```"]) if lines else ""
