"""All nouns and commands there are, and how they are found by the words that people type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from esnbot.commands.command import Command, Names, Noun
from esnbot.commands.grammar import Word
from esnbot.commands.words import fold


class RegistryError(ValueError):
    """The declared commands contradict one another; a mistake of their authors."""


@dataclass(frozen=True, slots=True)
class Found:
    """How far the first words lead: to a command with the words that are left for it, to a noun, or nowhere."""

    noun: Noun | None = None
    command: Command | None = None
    words: tuple[Word, ...] = ()
    unknown: str = ""
    """The word that leads nowhere, '' when there is none."""
    by_default: bool = False
    """No verb was given: the command is the one that its noun stands for."""


class Registry:
    """Nouns and commands by their words, of either language. Raises RegistryError when two share a word."""

    def __init__(self, nouns: Iterable[Noun], commands: Iterable[Command]) -> None:
        self.nouns = {noun.key: noun for noun in nouns}
        self.commands = tuple(commands)
        self._nouns: dict[str, Noun] = {}
        self._verbs: dict[str, dict[str, Command]] = {key: {} for key in self.nouns}
        for noun in self.nouns.values():
            for word in _words(noun.names):
                other = self._nouns.setdefault(word, noun)
                if other is not noun:
                    raise RegistryError(f"the nouns '{other.key}' and '{noun.key}' are both called '{word}'")
        for command in self.commands:
            self._add(command)

    def _add(self, command: Command) -> None:
        name = f"'{command.noun} {command.verb}'"
        if command.noun not in self.nouns:
            raise RegistryError(f"the command {name} is of a noun that nobody declares")
        verbs = self._verbs[command.noun]
        for word in _words(command.names):
            other = verbs.setdefault(word, command)
            if other is not command:
                raise RegistryError(f"the commands '{other.noun} {other.verb}' and {name} are both called '{word}'")
        if command.default and self.default(command.noun) is not command:
            raise RegistryError(f"the noun '{command.noun}' has two default commands")
        positional = [param for param in command.params if not param.option]
        if any(param.rest or param.many for param in positional[:-1]):
            raise RegistryError(f"only the last parameter of {name} can take the rest")
        options: dict[str, str] = {}
        for param in command.params:
            for word in (fold(param.name), *_words(param.names)) if param.option else ():
                if options.setdefault(word, param.name) != param.name:
                    raise RegistryError(f"two options of {name} are both called '{word}'")

    def default(self, noun: str) -> Command | None:
        """The command of a noun that runs without a verb."""
        return next((command for command in self.commands if command.noun == noun and command.default), None)

    def of(self, noun: str) -> tuple[Command, ...]:
        """The commands of a noun, as they were declared."""
        return tuple(command for command in self.commands if command.noun == noun)

    def noun(self, word: str) -> Noun | None:
        """The noun that a word names; a plural is as good."""
        return _named(self._nouns, word)

    def verb(self, noun: str, word: str) -> Command | None:
        """The command of a noun that a word names."""
        return self._verbs[noun].get(fold(word))

    def find(self, words: Sequence[Word]) -> Found:
        """The command that the words begin with; verb and noun may change places (`create group`)."""
        if not words:
            return Found()
        if len(words) > 2 and not words[1].quoted and fold(words[1].text) in _ARTICLES and not self.noun(words[0].text):
            # 'create a group', 'créer un groupe'.
            without = (words[0], *words[2:])
            if (found := self.find(without)).command is not None and not found.by_default:
                return found
        noun = None if words[0].quoted else self.noun(words[0].text)
        second = words[1] if len(words) > 1 and not words[1].quoted else None
        if noun is None:
            swapped = self.noun(second.text) if second else None
            command = self.verb(swapped.key, words[0].text) if swapped else None
            if command is not None:
                return Found(swapped, command, tuple(words[2:]))
            return Found(unknown=words[0].text)
        command = self.verb(noun.key, second.text) if second else None
        if command is not None:
            return Found(noun, command, tuple(words[2:]))
        default = self.default(noun.key)
        if default is not None and (len(words) == 1 or default.params):
            return Found(noun, default, tuple(words[1:]), by_default=True)
        return Found(noun, unknown=words[1].text if len(words) > 1 else "")

    def is_surely(self, words: Sequence[Word]) -> bool:
        """Whether words are meant as a command, whatever they stand in: noun and verb, or a call for help."""
        found = self.find(words)
        if found.command is None or not found.by_default:
            return found.command is not None
        return found.command.noun == HELP and (len(words) == 1 or self.noun(words[1].text) is not None)


HELP = "help"
_ARTICLES = frozenset(["a", "an", "the", "my", "un", "une", "le", "la", "les", "l'", "mon", "ma", "des"])


def _words(names: Names) -> dict[str, None]:
    """A name's words without doubles: many are the same in both languages."""
    return dict.fromkeys(map(fold, names.all()))


def _named(table: dict[str, Noun], word: str) -> Noun | None:
    folded = fold(word)
    return table.get(folded) or (table.get(folded[:-1]) if folded.endswith("s") else table.get(folded + "s"))
