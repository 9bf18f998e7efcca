"""What people read about commands: help, usage, and what to do when something was not understood."""

from __future__ import annotations

from collections.abc import Sequence

from esnbot.commands.command import Command, Noun, Param
from esnbot.commands.grammar import quote
from esnbot.commands.people import may
from esnbot.commands.reading import Person, Problem
from esnbot.commands.registry import Registry
from esnbot.commands.values import Switch
from esnbot.commands.words import near
from esnbot.speech import Markdown, Voice, bold, bullets, code, details, paragraphs


class Guide:
    """Speaks about commands to one person in one place: only what they may use there is shown."""

    def __init__(self, registry: Registry, person: Person, voice: Voice, *, is_direct: bool) -> None:
        self._registry = registry
        self._person = person
        self._voice = voice
        self._language = voice.language
        self._prefix = "" if is_direct else "!rse " if voice.language == "fr" else "!esn "

    def typed(self, *words: str) -> Markdown:
        """What to type, with the prefix that is needed here."""
        return code(self._prefix + " ".join(words))

    def commands(self, noun: Noun) -> list[Command]:
        """The commands of a noun that the person may use."""
        return [command for command in self._registry.of(noun.key) if may(self._person, command)]

    def nouns(self) -> list[Noun]:
        """The nouns with a command that the person may use."""
        return [noun for noun in self._registry.nouns.values() if self.commands(noun)]

    def overview(self) -> Markdown:
        """All nouns, and how to learn more."""
        voice = self._voice
        lines = [
            voice.say("{command}: {summary}", command=self.typed(self._shown(noun)), summary=noun.summary)
            for noun in self.nouns()
        ]
        more = voice.say(
            "{command} shows what you can do with one of them. Both languages are understood.",
            command=self.typed(self._help(), self._shown(self.nouns()[0]) if lines else ""),
        )
        return paragraphs(bold(voice.say("What you can do here")), bullets(lines), more)

    def noun(self, noun: Noun) -> Markdown:
        """The commands of a noun."""
        commands = self.commands(noun)
        lines = [
            self._voice.say("{command}: {summary}", command=self.usage(command), summary=command.summary)
            for command in commands
        ]
        example = next((text for command in commands for text in self._examples(command)), None)
        more = None
        if example is not None:
            more = self._voice.say("For example: {examples}.", examples=self.typed(example))
        title = self._voice.say("{noun}: {summary}", noun=bold(self._shown(noun)), summary=noun.summary)
        return paragraphs(title, bullets(lines), more)

    def command(self, command: Command) -> Markdown:
        """One command in full."""
        params = [self._param(param) for param in command.params]
        examples = [self.typed(example) for example in self._examples(command)]
        shown = bullets(examples)
        return paragraphs(
            bold(self.usage(command)),
            self._voice.say(command.summary),
            bullets(params),
            details(self._voice.say("Examples"), shown) if len(examples) > 1 else shown,
        )

    def usage(self, command: Command) -> Markdown:
        """`!esn group create NAME [--kind …]`."""
        words = [self._shown(self._registry.nouns[command.noun])]
        if not command.default:
            words.append(command.names.shown(self._language))
        return self.typed(*words, *map(self._sign, command.params))

    def _sign(self, param: Param) -> str:
        name = param.names.shown(self._language)
        sign = name.upper()
        if param.option:
            sign = f"--{name}" if isinstance(param.kind, Switch) else f"--{name} …"
        return sign if param.required and not isinstance(param.kind, Switch) else f"[{sign}]"

    def _param(self, param: Param) -> Markdown:
        sign, choices = code(self._sign(param).strip("[]")), param.kind.choices(self._language)
        if not choices:
            return self._voice.say("{param}: {summary}", param=sign, summary=param.help)
        return self._voice.say(
            "{param}: {summary} One of {choices}.",
            param=sign,
            summary=param.help,
            choices=self._voice.list(map(code, choices), either=True),
        )

    def _examples(self, command: Command) -> tuple[str, ...]:
        return tuple(command.examples.get(self._language, ()))

    def _shown(self, noun: Noun) -> str:
        return noun.names.shown(self._language)

    def _help(self) -> str:
        return self._shown(self._registry.nouns["help"])

    def problem(self, problem: Problem, command: Command | None = None) -> Markdown:
        """What is wrong, what may have been meant, and how it is done."""
        voice = self._voice
        parts = [voice.say(problem.text)]
        if problem.near:
            parts.append(voice.say("Did you mean {near}?", near=self._voice.list(map(code, problem.near), either=True)))
        if problem.examples:
            parts.append(voice.say("For example: {examples}.", examples=self._voice.list(map(code, problem.examples))))
        usage = None
        if command is not None:
            usage = voice.say("It is written so: {usage}", usage=self.usage(command))
        return paragraphs(Markdown(" ".join(parts)), usage)

    def unknown_noun(self, word: str, *, chatting: bool = False) -> Markdown:
        """A first word that leads nowhere; `chatting` when perhaps no command was meant at all."""
        every = {name: noun for noun in self.nouns() for name in noun.names.all()}
        meant = dict.fromkeys(self._shown(every[name]) for name in near(word, every))
        if chatting and not meant:
            return self._instead(self._voice.say("I understand commands, and no conversation."), [])
        voice = self._voice
        first = voice.say("I do not know what {word} is.", word=self._voice.quote(word[:100]))
        return self._instead(first, [self.typed(noun) for noun in meant])

    def unknown_verb(self, noun: Noun, word: str) -> Markdown:
        """A second word that leads nowhere, or none."""
        voice = self._voice
        every = {name: command for command in self.commands(noun) for name in command.names.all()}
        meant = {every[name].verb: every[name] for name in near(word, every)} if word else {}
        if not word:
            return self.noun(noun)
        first = voice.say(
            "I do not know how to do {word} with {noun}.",
            word=self._voice.quote(word[:100]),
            noun=code(self._shown(noun)),
        )
        likely = [self.typed(self._shown(noun), command.names.shown(self._language)) for command in meant.values()]
        return self._instead(first, likely, self._shown(noun))

    def _instead(self, first: Markdown, likely: Sequence[Markdown], *about: str) -> Markdown:
        voice = self._voice
        parts = [first]
        if likely:
            parts.append(voice.say("Did you mean {near}?", near=self._voice.list(likely, either=True)))
        parts.append(voice.say("{help} shows what you can do.", help=self.typed(self._help(), *map(quote, about))))
        return Markdown(" ".join(parts))
