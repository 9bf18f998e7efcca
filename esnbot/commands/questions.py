"""The questions of a dialogue: which comes next, what it lists, how an answer is read, and how all is summed up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from esnbot.commands.command import Call, Command, Offer, Param
from esnbot.commands.grammar import split
from esnbot.commands.reading import Problem, Reading
from esnbot.commands.values import Choice
from esnbot.commands.words import fold
from esnbot.community.group import Group, Space
from esnbot.speech import Markdown, bold, bullets, later, numbered, paragraphs

CANCEL: Final = frozenset(["cancel", "stop", "quit", "annuler", "annule", "arreter", "abandonner"])
BACK: Final = frozenset(["back", "previous", "retour", "revenir", "precedent"])
SKIP: Final = frozenset(["skip", "next", "passer", "passe", "suivant"])
YES: Final = frozenset(["yes", "y", "ok", "oui", "o", "d'accord"])
NO: Final = frozenset(["no", "n", "non"])
FEW: Final = 6
"""So many choices can be answered by a reaction."""
SKIPPING: Final = "⏭"
_KEYCAP: Final = "\u20e3"
_SELECTOR: Final = "\ufe0f"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the answers lead."""

    args: dict[str, Any]
    """The values so far; all of them once nothing is open."""
    open: Param | None = None
    """What has to be asked for next; None: nothing."""
    offers: tuple[Offer, ...] = ()
    """What that question lists."""
    problem: Problem | None = None
    """What is wrong with an answer that could be taken when it was given."""
    lines: tuple[tuple[Param, Markdown], ...] = field(default=())
    """What was chosen, for the summary."""


def word(text: str) -> str:
    """What somebody said, to be compared with single words."""
    return fold(text).strip(" .!")


def literal(text: str) -> str | None:
    """The text in quotation marks, when that is all: it means itself, whatever it is."""
    words = split(text)
    return words[0].text if len(words) == 1 and words[0].quoted else None


def keycaps(offers: Sequence[Offer], param: Param) -> list[str]:
    """The reactions that are buttons under a question."""
    if not 0 < len(offers) <= FEW:
        return []
    numbers = [f"{n}{_SELECTOR}{_KEYCAP}" for n in range(1, len(offers) + 1)]
    return numbers if param.required else [*numbers, f"{SKIPPING}{_SELECTOR}"]


def pressed(emoji: str) -> str:
    """What a button says, as if it were written; '' for one that is none. Emoji without variation selector."""
    if emoji == SKIPPING:
        return "skip"
    digit = emoji.removesuffix(_KEYCAP)
    return digit if digit != emoji and len(digit) == 1 and digit in "123456789" else ""


class Questions:
    """The questions of one command to one person, whose `call` has no arguments yet."""

    def __init__(self, command: Command, call: Call, given: Mapping[str, Any], reading: Reading) -> None:
        self._params = sorted(command.params, key=lambda param: param.turn)
        self._call = call
        self._given = given
        self._reading = reading
        self._voice = call.voice

    async def progress(self, answers: Mapping[str, str]) -> Progress:
        """How far answers lead, by the names of their parameters."""
        args: dict[str, Any] = dict(self._given)
        lines: list[tuple[Param, Markdown]] = []
        for param in self._params:
            if param.name in args:
                lines += self._line(param, args[param.name], ())
                continue
            if param.question is None:
                continue
            if param.needed is not None:
                needed = await param.needed(replace(self._call, args={**self._nothing(), **args}))
                if needed is False:
                    continue
                param = replace(param, required=param.required or needed is True)
            offers = await self._offers(param, args)
            if param.offers is not None and len(offers) < 2:
                # What cannot be read after all is left out, as if it had not been offered.
                with suppress(Problem):
                    for offer in offers:
                        args[param.name] = await param.kind.read(offer.value, self._reading)
                        lines += self._line(param, args[param.name], offers)
                continue
            if param.name not in answers:
                return Progress(args, param, offers)
            try:
                args[param.name] = await self.read(param, answers[param.name], offers, args)
            except Problem as problem:
                return Progress(args, param, offers, problem)
            lines += self._line(param, args[param.name], offers)
        return Progress({**self._nothing(), **args}, lines=tuple(lines))

    async def read(self, param: Param, text: str, offers: Sequence[Offer], args: Mapping[str, Any]) -> Any:
        """The value of an answer; None for a question that is skipped. Raises Problem."""
        quoted = literal(text)
        value = None
        if quoted is None and word(text) in SKIP:
            if param.required:
                raise Problem(later("I need an answer to this one."))
            default = next((offer for offer in offers if offer.default), None)
            return None if default is None else await param.kind.read(default.value, self._reading)
        if quoted is None and offers:
            value = self._offered(text, offers)
        value = await param.kind.read(value if value is not None else quoted or text, self._reading)
        if param.check is not None:
            await param.check(replace(self._call, args={**self._nothing(), **args}), value)
        return value

    def names_offer(self, text: str, offers: Sequence[Offer]) -> bool:
        """Whether the text is one of the answers that a question lists, or its number."""
        try:
            return self._offered(text, offers) is not None
        except Problem:
            return True

    def _offered(self, text: str, offers: Sequence[Offer]) -> str | None:
        said = word(text)
        if said.isascii() and said.isdigit() and offers:
            if not 1 <= int(said[:6]) <= len(offers):
                raise Problem(later("Choose a number from 1 to {n}, or a word of the list.", n=len(offers)))
            return offers[int(said) - 1].value
        return next((offer.value for offer in offers if said in (word(offer.shown), word(offer.value))), None)

    async def _offers(self, param: Param, args: Mapping[str, Any]) -> tuple[Offer, ...]:
        if param.offers is not None:
            return tuple(await param.offers(replace(self._call, args={**self._nothing(), **args})))
        return tuple(Offer(choice, choice) for choice in param.kind.choices(self._voice.language))

    def _nothing(self) -> dict[str, Any]:
        return {param.name: None for param in self._params}

    def _line(self, param: Param, value: Any, offers: Sequence[Offer]) -> list[tuple[Param, Markdown]]:
        if value is None or value is False:
            return [] if param.skipped is None else [(param, self._voice.say(param.skipped))]
        listed = next((offer.shown for offer in offers if offer.value == value), None)
        return [(param, self._voice.plain(listed) if listed is not None else self._shown(param, value))]

    def _shown(self, param: Param, value: Any) -> Markdown:
        voice, reading = self._voice, self._reading
        if isinstance(param.kind, Choice) and value in param.kind.of:
            return voice.plain(param.kind.of[value].shown(voice.language))
        if isinstance(value, Group | Space):
            return voice.plain(value.name)
        if isinstance(value, datetime):
            return voice.moment(value, reading.community.zone, reading.now)
        if isinstance(value, timedelta):
            return voice.duration(value)
        if isinstance(value, tuple):
            return voice.list((self._shown(param, one) for one in value), either=True)
        if value is True:
            return voice.say("yes")
        return voice.plain(value)

    # --- what is said ---------------------------------------------------------------------------------------------

    def question(self, progress: Progress, lead: Markdown | None) -> Markdown:
        """The open question with what can be answered, after a word that leads to it."""
        param = progress.open
        if param is None or param.question is None:
            raise ValueError("no question is open")
        listed = numbered(offer.shown for offer in progress.offers) if progress.offers else None
        return paragraphs(lead, bold(self._voice.say(param.question)), listed, self._how(param, progress.offers))

    def _how(self, param: Param, offers: Sequence[Offer]) -> Markdown | None:
        voice = self._voice
        default = next((Markdown(voice.plain(offer.shown)) for offer in offers if offer.default), None)
        skipped = default or (voice.say(param.skipped) if param.skipped is not None else None)
        if param.required:
            return voice.say("Answer with a word or its number.") if offers else None
        if offers and skipped is not None:
            return voice.say("Answer with a word or its number; `skip` means: {skipped}.", skipped=skipped)
        if offers:
            return voice.say("Answer with a word or its number, or `skip`.")
        if skipped is not None:
            return voice.say("`skip` means: {skipped}.", skipped=skipped)
        return voice.say("`skip` leaves it out.")

    def summary(self, progress: Progress, lead: Markdown | None, asked: str | None, yes: str, no: str) -> Markdown:
        """All that was answered, what the command itself asks before it acts, and how to say yes."""
        voice = self._voice
        lines = [
            voice.say("{param}: {summary}", param=_capital(param.names.shown(voice.language)), summary=shown)
            for param, shown in progress.lines
        ]
        how = voice.say(
            "React with {yes} or write `yes`. {no} leaves everything as it is, and `back` returns to the last "
            "question.",
            yes=Markdown(yes),
            no=Markdown(no),
        )
        right = bold(voice.say("Is this right?"))
        return paragraphs(lead, right, bullets(lines), Markdown(asked) if asked else None, how)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
