"""From words to the values of a command's parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from esnbot.commands.command import Command, Param
from esnbot.commands.grammar import Word, option
from esnbot.commands.reading import Missing, Problem, Reading
from esnbot.commands.values import Switch
from esnbot.commands.words import fold, near
from esnbot.speech import Quoted, code, later

_LONGEST_RUN = 8
"""Words that are tried as one value."""


async def bind(command: Command, words: Sequence[Word], line: str, reading: Reading) -> Mapping[str, Any]:
    """The value of each parameter by its name: None where it was not given, False for a switch.

    Raises Problem, and Missing where nothing is wrong but that something is missing.
    """
    binder = _Binder(command, words, line, reading)
    await binder.read()
    return binder.complete()


async def bind_given(command: Command, words: Sequence[Word], line: str, reading: Reading) -> dict[str, Any]:
    """The values that were given, by the names of their parameters. Raises Problem."""
    return await _Binder(command, words, line, reading).read()


class _Binder:
    def __init__(self, command: Command, words: Sequence[Word], line: str, reading: Reading) -> None:
        self._words = words
        self._line = line
        self._reading = reading
        self._language = reading.voice.language
        self._params = command.params
        self._positional = [param for param in command.params if not param.option]
        self._options = _by_word(param for param in command.params if param.option)
        # A positional parameter may be given by its name too (`--group café`), where no option is called so.
        self._named = _by_word(self._positional) | self._options
        self._values: dict[str, Any] = {}
        self._position = 0

    async def read(self) -> dict[str, Any]:
        """The values that were given."""
        only_values = False
        while self._position < len(self._words):
            word = self._words[self._position]
            if not only_values and not word.quoted and word.text == "--":
                only_values = True
                self._position += 1
            elif not only_values and await self._option(word):
                continue
            elif left := self._left():
                param = left[0] if only_values or word.quoted else self._led_to(left)
                await self._value(param, last=len(left) == 1, plain=only_values)
            else:
                raise self._too_many(word)
        return dict(self._values)

    def complete(self) -> Mapping[str, Any]:
        """All values; what was not given is None, or False. Raises Missing."""
        for param in self._params:
            if param.many and param.name in self._values:
                self._values[param.name] = tuple(self._values[param.name])
            if param.name not in self._values:
                if param.required and not isinstance(param.kind, Switch):
                    raise Missing(later("{name} is missing.", name=code(self._shown(param))))
                nothing: Any = () if param.many else None
                self._values[param.name] = False if isinstance(param.kind, Switch) else nothing
        return self._values

    def _left(self) -> list[Param]:
        return [param for param in self._positional if param.many or param.name not in self._values]

    def _led_to(self, left: Sequence[Param]) -> Param:
        """The parameter to which a little word leads, which is passed over; else the next one."""
        folded = fold(self._words[self._position].text)
        led = next((param for param in left if folded in param.leads), None)
        if led is None or self._position + 1 >= len(self._words):
            return left[0]
        self._position += 1
        return led

    def _shown(self, param: Param) -> str:
        """As usage shows it: `NAME`, `--kind`."""
        name = param.names.shown(self._language)
        return f"--{name}" if param.option else name.upper() + "…" * param.many

    async def _option(self, word: Word) -> bool:
        """Whether the word is an option; its value is read."""
        found = option(word)
        if found is None:
            return False
        name, value, dashed = found
        param = (self._named if dashed else self._options).get(fold(name))
        if param is None and dashed and fold(name).startswith(("no-", "sans-")):
            param = self._options.get(fold(name).partition("-")[2])
            if param is not None and isinstance(param.kind, Switch):
                value = "no"
        if param is None:
            if not dashed:
                return False  # a text with an equals sign in it
            meant = near(name, (self._shown(param)[2:] for param in self._params if param.option))
            raise Problem(
                later("There is no option {name} here.", name=code("--" + name)), tuple("--" + word for word in meant)
            )
        self._position += 1
        if value is None and isinstance(param.kind, Switch):
            self._values[param.name] = True
        elif value is None:
            if self._position >= len(self._words):
                raise Problem(later("{name} needs a value.", name=code("--" + param.names.shown(self._language))))
            # Where nothing else can come, it has all the words up to the next option.
            await self._value(param, last=not [other for other in self._left() if other is not param], plain=False)
        else:
            self._keep(param, await param.kind.read(value, self._reading))
        return True

    def _keep(self, param: Param, value: Any) -> None:
        if param.many:
            self._values.setdefault(param.name, []).append(value)
        else:
            self._values[param.name] = value

    async def _value(self, param: Param, *, last: bool, plain: bool) -> None:
        """Read the value that begins at the current word."""
        first = self._words[self._position]
        if param.rest:
            alone = first.quoted and self._position == len(self._words) - 1
            text = first.text if alone else self._line[first.start :]
            self._values[param.name] = await param.kind.read(text, self._reading)
            self._position = len(self._words)
            return
        run = self._run(plain)
        if param.many or param.kind.words == "one" or first.quoted or len(run) == 1:
            self._keep(param, await param.kind.read(first.text, self._reading))
            self._position += 1
            return
        if last:
            self._values[param.name] = await param.kind.read(" ".join(run), self._reading)
            self._position += len(run)
            return
        longest = 1 if param.kind.words == "all" else min(len(run), _LONGEST_RUN)
        for length in range(longest, 1, -1):
            try:
                self._values[param.name] = await param.kind.read(" ".join(run[:length]), self._reading)
            except Problem:
                continue
            self._position += length
            return
        self._values[param.name] = await param.kind.read(first.text, self._reading)
        self._position += 1

    def _run(self, plain: bool) -> list[str]:
        """The words from the current one up to the next option or quotation."""
        run = [self._words[self._position].text]
        for word in self._words[self._position + 1 :]:
            found = None if plain else option(word)
            if word.quoted or (found and (found[2] or fold(found[0]) in self._options)) or word.text == "--":
                break
            run.append(word.text)
        return run

    def _too_many(self, word: Word) -> Problem:
        if not self._params:
            return Problem(
                later(
                    "This command takes nothing more, so I do not know what to do with {text}.",
                    text=Quoted(word.text[:100]),
                )
            )
        return Problem(
            later(
                "I do not know what to do with {text}. If several words belong together, put them in quotation marks.",
                text=Quoted(word.text[:100]),
            )
        )


def _by_word(params: Iterable[Param]) -> dict[str, Param]:
    return {word: param for param in params for word in (fold(param.name), *map(fold, param.names.all()))}
