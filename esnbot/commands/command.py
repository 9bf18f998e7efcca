"""What a command is, as features declare it: names in both languages, typed parameters, who may, and what it does."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from esnbot.commands.reading import Kind, Person
from esnbot.community.group import Place
from esnbot.community.person import Role, UserID
from esnbot.engine.effects import Effect, PostRef, RoomRef, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.speech import Later, Markdown, Voice, render


@dataclass(frozen=True, slots=True)
class Names:
    """What a thing is called, language to words; the first word of a language is the one shown."""

    en: tuple[str, ...]
    fr: tuple[str, ...]

    def all(self) -> tuple[str, ...]:
        """Every word, of either language: people may use any of them."""
        return self.en + self.fr

    def shown(self, language: str) -> str:
        """The word for that language."""
        return (self.fr if language == "fr" else self.en)[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """One of the answers that a question lists."""

    value: str
    """As the parameter's kind reads it."""
    shown: str
    """Plain, or ``Markdown``."""
    default: bool = False
    """It is taken when the question is skipped."""


@dataclass(frozen=True, slots=True)
class Param:
    """A positional parameter, or with ``option`` one given by name (``--kind hobby`` or ``kind=hobby``)."""

    name: str
    """Key in ``Call.args``."""
    names: Names
    kind: Kind
    help: Later
    """What it is for: ``later("…")``, a whole sentence."""
    required: bool = True
    option: bool = False
    rest: bool = False
    """Takes all remaining words as one text (only the last positional one)."""
    many: bool = False
    """Takes all remaining words and quotations, each as a value, as a tuple (only the last positional one)."""
    leads: frozenset[str] = frozenset()
    """Little words, folded, that may stand before the value of a positional one ('on', 'at'): whichever comes first."""
    question: Later | None = None
    """How a dialogue asks for it (``Command.dialogue``); None: it does not."""
    turn: int = 0
    """Its turn among the questions; those of one turn come as they are declared."""
    skipped: Later | None = None
    """What is so when the question is skipped, in two or three words."""
    offers: Callable[[Call], Awaitable[Sequence[Offer]]] | None = None
    """What the question lists, given the answers so far (``Call.args``); None: the words of its kind, if it has some.

    What leaves no choice is no question: a single offer is taken, and with none the parameter is left out.
    """
    needed: Callable[[Call], Awaitable[bool | None]] | None = None
    """Whether it is needed, given the answers so far: then it is asked for and cannot be skipped, else it is not asked.

    None, or an answer of None: its question is put, and can be skipped where the parameter is not required.
    """
    check: Callable[[Call, Any], Awaitable[None]] | None = None
    """Raises ``Problem`` for an answer that its kind can read and the command could not take."""


@dataclass(slots=True)
class Outcome:
    """What became of a call, besides its effects."""

    failed: bool = False
    """It was not understood, not allowed or refused."""


@dataclass(frozen=True, slots=True)
class Call:
    """A command that somebody gave, understood and allowed."""

    ctx: Context
    event: Event
    person: Person
    voice: Voice
    """Speaks the person's language."""
    args: Mapping[str, Any]
    place: Place | None
    """The space or group of the room in which it was said, None in a direct chat or an unknown room."""
    is_direct: bool
    original: str = ""
    """The event id of the message that ``event`` edits; '' when it edits none."""
    original_thread: str = ""
    """The root of the thread of that message; '' for none."""
    below: str = ""
    """What stands on the lines below the command, all of it, where it takes such (``Command.below``)."""
    outcome: Outcome = field(default_factory=Outcome)

    def refuse(self, markdown: str) -> Say:
        """An answer that says why it is not done: when the person corrects their message, it is tried again."""
        self.outcome.failed = True
        return self.answer(markdown)

    def answer(self, markdown: str, *, key: str = "", otherwise: Say | None = None) -> Say:
        """A notice to the person, in a thread under the question."""
        message = render(bare(markdown) if self.is_direct else markdown)
        return Say(
            key=key,
            room=self.event.room_id,
            body=message.body,
            html=message.html,
            thread=self.thread if not self.is_direct or self.in_thread else "",
            otherwise=otherwise,
            answers=self.event.event_id,
        )

    @property
    def in_thread(self) -> bool:
        """Whether it was said in a thread."""
        return self.thread != self.command

    @property
    def command(self) -> str:
        """The event id of the message that gave the command; of an edited one, the first."""
        return self.original or self.event.event_id

    @property
    def thread(self) -> PostRef:
        """The root of the thread that answers belong to."""
        relation = self.event.content.get("m.relates_to")
        if isinstance(relation, dict) and relation.get("rel_type") == "m.thread":
            root = relation.get("event_id")
            if isinstance(root, str):
                return root
        return self.original_thread or self.command

    @property
    def room(self) -> RoomRef:
        """The room in which it was said."""
        return self.event.room_id


_PREFIXED = re.compile(r"(?<=`)!(?:esn|rse) ")


def bare(markdown: str) -> Markdown:
    """The text with its commands as one types them in a direct chat, without the prefix."""
    return Markdown(_PREFIXED.sub("", markdown))


Taker = Callable[[Call], Awaitable[Sequence[Effect] | None]]
"""What a feature makes of a message in a direct chat that is no command with a prefix and that no dialogue waits for,
such as a piece of a long text; None: it is not for it. Messages that were edited come too (``Call.original``)."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A thing that commands are about."""

    key: str
    names: Names
    summary: Later
    """What it is for: ``later("…")``, a whole sentence."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command, ``!esn NOUN VERB …``."""

    noun: str
    """Key of a declared noun."""
    verb: str
    names: Names
    """Of the verb."""
    summary: Later
    """What it is for: ``later("…")``, a whole sentence."""
    handle: Callable[[Call], Awaitable[Sequence[Effect]]]
    params: tuple[Param, ...] = ()
    who: frozenset[Role] = frozenset({Role.member, Role.partner})
    """Any one of these roles is enough. Animators and administrators may whatever owners may."""
    whose: Later | None = None
    """Who may, where the handler finds it out by itself (a command that names its group), for help and the page."""
    confirm: Callable[[Call], Awaitable[str | None]] | None = None
    """Markdown of a question that ✅ must answer before ``handle`` runs; None: no question needed this time."""
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Language to examples, without the prefix."""
    dialogue: bool = False
    """In a direct chat, what is missing is asked for, one question at a time (``Param.question``)."""
    hindered: Callable[[Call], Awaitable[Markdown | None]] | None = None
    """Why the person cannot do this now, whatever they answer: said instead of a dialogue's first question."""
    default: bool = False
    """Runs when the noun is given without a verb."""
    below: bool = False
    """What stands on the lines below the first is a text of its own (``Call.below``), and none of its values."""


__all__ = ["Call", "Command", "Kind", "Names", "Noun", "Offer", "Outcome", "Param", "Person", "Taker", "Value"]

Value = str | int | datetime | timedelta | bool | Place | UserID
