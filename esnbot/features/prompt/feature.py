"""Discussion prompts: a question from the library, in each group that has a tempo, at its local time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.params import which_group
from esnbot.commands.reactions import reactions
from esnbot.commands.values import Integer, Text
from esnbot.community.person import Role
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.meetup import MEETUP_HELD
from esnbot.features.prompt.handlers import POST, PromptHandlers
from esnbot.features.prompt.proposing import LONGEST, PROPOSED, ForWhom, Proposing, is_button
from esnbot.features.prompt.settings import PromptSettings
from esnbot.features.prompt.talk import JUDGE, SPOKEN, Talk
from esnbot.features.text import TEXT_CHANGED
from esnbot.provisioning import events
from esnbot.speech import later

HERE: Final = Path(__file__).parent
NAME: Final = "prompt"
ANIMATORS: Final = frozenset({Role.animator, Role.administrator})


def build(kit: Kit[PromptSettings]) -> Feature:
    """The feature for one community."""
    talk, proposing = Talk(kit), Proposing(kit)
    handlers = PromptHandlers(kit, talk, proposing)
    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({events.ROOM_READY, events.ROOM_REVIVED}), handlers.room_ready),
            Listener(frozenset({events.ROOM_ARCHIVED}), handlers.room_archived),
            Listener(frozenset({MEETUP_HELD}), handlers.met),
            Listener(SPOKEN, talk.said, talk.may_count),
            Listener(frozenset({PROPOSED}), proposing.proposed),
            *reactions(NAME, proposing.reacted, is_button),
            Listener(frozenset({TEXT_CHANGED}), proposing.text_changed),
        ),
        due={POST: handlers.due, JUDGE: talk.judge},
        start=handlers.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(NAME, Names(("prompt",), ("amorce",)), later("Which discussion prompts come, and when."))
    show = Command(
        noun=NAME,
        verb="next",
        names=Names(("next",), ("suite", "prochaines")),
        summary=later("Shows the next prompts, with their times."),
        handle=handlers.show_next,
        params=(which_group(later("Only for this group, several in advance.")),),
        who=ANIMATORS,
        examples={"en": ("prompt next", 'prompt next "The café"'), "fr": ("amorce suite", 'amorce suite "Le café"')},
        default=True,
    )
    worked = Command(
        noun=NAME,
        verb="worked",
        names=Names(("worked",), ("bilan",)),
        summary=later("Shows which sorts of prompts started conversations."),
        handle=handlers.show_worked,
        who=ANIMATORS,
        examples={"en": ("prompt worked",), "fr": ("amorce bilan",)},
    )
    return Feature(module, (noun,), (show, worked, *_proposals(proposing)))


def _proposals(proposing: Proposing) -> tuple[Command, ...]:
    return (
        Command(
            noun=NAME,
            verb="propose",
            names=Names(("propose", "suggest"), ("proposer",)),
            summary=later("Proposes a prompt of your own to the animators."),
            handle=proposing.propose,
            params=(
                Param(
                    name="words",
                    names=Names(("words",), ("mots",)),
                    kind=Text(LONGEST),
                    help=later("The question, and on the next lines a word or two that help to answer."),
                ),
                Param(
                    name="for",
                    names=Names(("for",), ("pour",)),
                    kind=ForWhom(),
                    help=later("The group or kind of group that it is for; every group when nothing is said."),
                    required=False,
                    option=True,
                ),
            ),
            examples={
                "en": ('prompt propose "Which tool did you repair lately?" --for practice',),
                "fr": ('amorce proposer "Quel outil avez-vous réparé dernièrement ?" --pour métier',),
            },
        ),
        Command(
            noun=NAME,
            verb="withdraw",
            names=Names(("withdraw",), ("retirer",)),
            summary=later("Takes back a prompt that you proposed."),
            handle=proposing.withdraw,
            params=(
                Param(
                    name="number",
                    names=Names(("number",), ("numéro",)),
                    kind=Integer(1, 1_000_000_000),
                    help=later("Its number."),
                ),
            ),
            whose=later("whoever proposed it, and the animators"),
            examples={"en": ("prompt withdraw 12",), "fr": ("amorce retirer 12",)},
        ),
        Command(
            noun=NAME,
            verb="proposals",
            names=Names(("proposals",), ("propositions",)),
            summary=later("Shows the prompts that you proposed; animators see all of them."),
            handle=proposing.listed,
            examples={"en": ("prompt proposals",), "fr": ("amorce propositions",)},
        ),
    )


DECLARATION: Final = Declaration(
    name=NAME,
    summary="A discussion prompt appears in each group that has a tempo, at its local time, never on a public holiday.",
    settings=PromptSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    called=Names(("prompts",), ("amorces",)),
    posts=True,
    whispers=True,
)
