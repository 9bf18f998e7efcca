"""What people read about commands: help, usage, and what to do when something was not understood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from esnbot.commands.command import Command, Noun, Param
from esnbot.commands.grammar import quote
from esnbot.commands.people import may
from esnbot.commands.reading import Person, Problem
from esnbot.commands.registry import Found, Registry
from esnbot.commands.values import Switch
from esnbot.commands.words import fold, is_slip, near
from esnbot.speech import Later, Markdown, Voice, bold, bullets, code, details, paragraphs

_LONGEST = 200
"""Characters of what somebody typed that are repeated to them."""


def sign(param: Param, language: str) -> str:
    """How a parameter is shown: `NAME`, `NAME…`, `[NAME]`, `[--kind …]`, `[--quiet]`."""
    name = param.names.shown(language)
    shown = f"{name.upper()}…" if param.many else name.upper()
    if param.option:
        shown = f"--{name}" if isinstance(param.kind, Switch) else f"--{name} …"
    return shown if param.required and not isinstance(param.kind, Switch) else f"[{shown}]"


def usage(noun: Noun, command: Command, language: str) -> str:
    """How a command is written, without the prefix: `group create NAME [--kind …]`."""
    verb = [] if command.default else [command.names.shown(language)]
    return " ".join([noun.names.shown(language), *verb, *(sign(param, language) for param in command.params)])


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

    def overview(self, notes: Sequence[Later] = ()) -> Markdown:
        """All nouns, how to learn more, and what is to be known of the place."""
        voice = self._voice
        lines = [
            voice.say("{command}: {summary}", command=self.typed(self._shown(noun)), summary=noun.summary)
            for noun in self.nouns()
            if noun.key != "help"
        ]
        more = [
            voice.say(
                "To know more about one of them, write for example {command}.",
                command=self.typed(self._help(), self._shown(noun)),
            )
            for noun in self.nouns()
            if noun.key != "help"
        ][:1]
        both = voice.say("I understand English and French words alike.")
        about = Markdown(" ".join(map(voice.say, notes))) if notes else None
        title = bold(voice.say("What you can do here"))
        return paragraphs(title, bullets(lines), Markdown(" ".join([*more, both])), about)

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
            self._whose(command),
            bullets(params),
            details(self._voice.say("Examples"), shown) if len(examples) > 1 else shown,
        )

    def _whose(self, command: Command) -> Markdown | None:
        if command.whose is None:
            return None
        return self._voice.say("Only {who} can do this.", who=self._voice.say(command.whose))

    def usage(self, command: Command) -> Markdown:
        """`!esn group create NAME [--kind …]`."""
        return self.typed(usage(self._registry.nouns[command.noun], command, self._language))

    def _param(self, param: Param) -> Markdown:
        shown, choices = code(sign(param, self._language).strip("[]")), param.kind.choices(self._language)
        if not choices:
            return self._voice.say("{param}: {summary}", param=shown, summary=param.help)
        return self._voice.say(
            "{param}: {summary} You can choose {choices}.",
            param=shown,
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
            parts.append(self._did_you_mean(map(code, problem.near)))
        if problem.examples:
            parts.append(voice.say("For example: {examples}.", examples=self._voice.list(map(code, problem.examples))))
        usage = None
        if command is not None:
            usage = voice.say("The way to write it: {usage}", usage=self.usage(command))
        return paragraphs(Markdown(" ".join(parts)), usage)

    def unknown_noun(self, word: str, rest: str = "", *, chatting: bool = False) -> Markdown:
        """A first word that leads nowhere; `chatting` when perhaps no command was meant at all."""
        every = {name: noun for noun in self.nouns() for name in noun.names.all()}
        meant = dict.fromkeys(self._shown(every[name]) for name in near(word, every))
        # 'Hello' is all but 'help', and no slip of anybody's.
        if chatting and set(meant) <= {self._help()}:
            return self._instead(self._voice.say("I understand commands, but I am no good at conversation."), [])
        voice = self._voice
        first = voice.say("I do not know {word}.", word=self._voice.quote(word[:100]))
        after = [rest[:_LONGEST]] if rest else []
        return self._instead(first, [self.typed(noun, *after) for noun in meant])

    def unknown_verb(self, noun: Noun, word: str, rest: str = "") -> Markdown:
        """A second word that leads nowhere, or none; `rest` is what was typed after it."""
        if not word:
            return self.noun(noun)
        every = {name: command for command in self.commands(noun) for name in command.names.all()}
        meant = {every[name].verb: every[name] for name in near(word, every)}
        return self._instead(self._no_such_verb(noun, word), self._verbs(noun, meant.values(), rest), self._shown(noun))

    def misspelt_verb(self, found: Found, line: str) -> Markdown | None:
        """What to say when the words for a default command begin with what is all but another verb; else None.

        What was typed may be meant as it stands all the same, so the way to say that is shown too.
        """
        noun, default, word = found.noun, found.command, found.words[0] if found.words else None
        if noun is None or default is None or word is None or word.quoted or not found.by_default:
            return None
        every = {fold(name): command for command in self.commands(noun) for name in command.names.all()}
        meant = {command.verb: command for name, command in every.items() if is_slip(word.text, name)}
        if not meant or len(self.commands(noun)) == 1:
            return None
        rest = line[found.words[1].start :] if len(found.words) > 1 else ""
        as_it_stands = self._voice.say(
            "If you did mean {word}, write {command}.",
            word=self._voice.quote(word.text[:100]),
            command=self.typed(self._shown(noun), default.names.shown(self._language), line[word.start :][:_LONGEST]),
        )
        likely = self._did_you_mean(self._verbs(noun, meant.values(), rest))
        return Markdown(" ".join([self._no_such_verb(noun, word.text), likely, as_it_stands]))

    def _no_such_verb(self, noun: Noun, word: str) -> Markdown:
        return self._voice.say(
            "I do not know how to do {word} with {noun}.",
            word=self._voice.quote(word[:100]),
            noun=code(self._shown(noun)),
        )

    def _verbs(self, noun: Noun, commands: Iterable[Command], rest: str) -> list[Markdown]:
        after = [rest[:_LONGEST]] if rest else []
        return [self.typed(self._shown(noun), command.names.shown(self._language), *after) for command in commands]

    def _instead(self, first: Markdown, likely: Sequence[Markdown], *about: str) -> Markdown:
        help = self._voice.say("{help} shows what you can do.", help=self.typed(self._help(), *map(quote, about)))
        return Markdown(" ".join([first, *([self._did_you_mean(likely)] if likely else []), help]))

    def _did_you_mean(self, likely: Iterable[Markdown]) -> Markdown:
        return self._voice.say("Did you mean {near}?", near=self._voice.list(likely, either=True))
