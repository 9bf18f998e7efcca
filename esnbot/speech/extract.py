"""Finds the sentences in the code: `voice.say(…)`, `voice.plural(…)`, `later(…)`, `later_plural(…)` and `_(…)`.

In templates of pages: `say(…)`, `plain(…)` and `plural(…)`.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, nodes

from esnbot.speech.voice import placeholders

_LATER = {"later": 1, "_": 1, "later_plural": 2}
_VOICE = {"say": 1, "plural": 2}
_TEMPLATE = {"say": 1, "plain": 1, "plural": 2}
_NOT_OURS = {"plural": frozenset({"n"}), "later_plural": frozenset({"n"})}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in the code; `values` are the names given to it, None where they come from a mapping or later."""

    path: Path
    line: int
    text: str
    many: str | None
    values: frozenset[str] | None

    @property
    def id(self) -> str | tuple[str, str]:
        """As gettext counts it: one string, or two for a plural."""
        return self.text if self.many is None else (self.text, self.many)


def sentences(path: Path) -> Iterator[Sentence]:
    """The sentences of one Python file or one template, in order."""
    yield from _in_template(path) if path.suffix == ".html" else _in_code(path)


def _in_template(path: Path) -> Iterator[Sentence]:
    tree = Environment().parse(path.read_text(encoding="utf-8"), str(path))
    for node in tree.find_all(nodes.Call):
        match node.node:
            case nodes.Name(name=name) | nodes.Getattr(attr=name):
                count = _TEMPLATE.get(name, 0)
            case _:
                continue
        ids = [one.value for one in node.args[:count] if isinstance(one, nodes.Const) and isinstance(one.value, str)]
        if not count or len(ids) < count:
            continue
        given = frozenset(keyword.key for keyword in node.kwargs) | _NOT_OURS.get(name, frozenset())
        open_ended = node.dyn_kwargs is not None
        yield Sentence(path, node.lineno, ids[0], ids[1] if count == 2 else None, None if open_ended else given)


def _in_code(path: Path) -> Iterator[Sentence]:
    tree = ast.parse(path.read_bytes(), str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name, count, complete = _speaking(node.func)
            ids = [_literal(argument) for argument in node.args[:count]]
            if not count or len(ids) < count or None in ids:
                continue
            open_ended = any(keyword.arg is None for keyword in node.keywords) or not (complete or node.keywords)
            given = frozenset(keyword.arg for keyword in node.keywords if keyword.arg) | _NOT_OURS.get(
                name, frozenset()
            )
            yield Sentence(
                path, node.lineno, str(ids[0]), ids[1] if count == 2 else None, None if open_ended else given
            )


def _speaking(function: ast.expr) -> tuple[str, int, bool]:
    """The function's name, how many ids it takes (0: it does not speak), and whether all values are given to it."""
    if isinstance(function, ast.Name) and function.id in _LATER:
        return function.id, _LATER[function.id], False
    if isinstance(function, ast.Attribute) and function.attr in _LATER and _last_name(function.value) == "speech":
        return function.attr, _LATER[function.attr], False
    if isinstance(function, ast.Attribute) and function.attr in _VOICE and "voice" in _last_name(function.value):
        return function.attr, _VOICE[function.attr], True
    return "", 0, False


def _last_name(node: ast.expr) -> str:
    """'voice' of `voice`, `self.voice`, `speech.voice("fr")`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return _last_name(function)
        case _:
            return ""


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def misfilled(sentence: Sentence) -> str:
    """What is wrong with the values that the code gives to the sentence, '' when nothing is."""
    needed = placeholders(sentence.text) | placeholders(sentence.many or "")
    if sentence.values is None:
        return ""
    missing, extra = needed - sentence.values, sentence.values - needed - _NOT_OURS["plural"]
    said = [f"no value for {{{name}}}" for name in sorted(missing)]
    return ", ".join(said + [f"no place for {name}=" for name in sorted(extra)])
