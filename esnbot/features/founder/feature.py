"""Founders: the idea, who is interested, a first meet-up, the group, and how it goes after a month."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.reactions import reactions
from esnbot.commands.values import GroupValue, Integer, Text
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.founder.desk import Desk
from esnbot.features.founder.handlers import ASKED, CHECK, GROWN, TOLD, Handlers, is_answer, is_interest
from esnbot.features.founder.records import NAME
from esnbot.features.founder.settings import FounderSettings
from esnbot.features.group import GROUP_BORN
from esnbot.speech import later

HERE: Final = Path(__file__).parent
NOUN: Final = "idea"


def build(kit: Kit[FounderSettings]) -> Feature:
    """The feature for one community."""
    handlers = Handlers(kit)
    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({TOLD}), handlers.told),
            Listener(frozenset({ASKED}), handlers.asked),
            Listener(frozenset({GROWN}), handlers.grown),
            Listener(frozenset({GROUP_BORN}), handlers.born),
            *reactions(NAME, handlers.reacted, is_interest),
            Listener(frozenset({"m.reaction"}), handlers.answered, is_answer),
        ),
        due={CHECK: handlers.check},
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(NOUN, Names(("idea",), ("idée",)), later("Start a community: from the idea to a group that lives."))
    return Feature(module, (noun,), _commands(Desk(kit, handlers)))


def _commands(desk: Desk) -> tuple[Command, ...]:
    number = Param(
        name="number",
        names=Names(("number",), ("numéro",)),
        kind=Integer(1, 1_000_000_000),
        help=later("The number of the idea."),
    )
    founder = later("whoever had the idea")
    either = later("whoever had the idea, and the animators")
    return (
        Command(
            noun=NOUN,
            verb="tell",
            names=Names(("tell", "new"), ("dire", "nouvelle")),
            summary=later("Tells the animators an idea for a community."),
            handle=desk.tell,
            confirm=desk.may_tell,
            dialogue=True,
            params=(
                Param(
                    name="title",
                    names=Names(("title",), ("titre",)),
                    kind=Text(80),
                    help=later("What it is about, in a few words."),
                    question=later("In a few words, what would the community be about?"),
                ),
                Param(
                    name="words",
                    names=Names(("words",), ("mots",)),
                    kind=Text(1_500),
                    help=later("Whom it is for, and what you would do together."),
                    question=later("Whom is it for, and what would you do together? A sentence or two will do."),
                ),
            ),
            examples={
                "en": ("idea tell", 'idea tell "Repair café" "Once a month we repair what is broken, together."'),
                "fr": ("idée dire", 'idée dire "Café réparation" "Une fois par mois, on répare ensemble."'),
            },
        ),
        Command(
            noun=NOUN,
            verb="ask",
            names=Names(("ask",), ("demander",)),
            summary=later("Asks in a group of yours who is interested."),
            handle=desk.ask,
            confirm=desk.may_ask,
            params=(
                number,
                Param(
                    name="where",
                    names=Names(("where",), ("où",)),
                    kind=GroupValue(spaces=True),
                    help=later("The group in which I ask; of a space, the room where people chat."),
                ),
            ),
            whose=founder,
            examples={"en": ('idea ask 3 "The café"',), "fr": ('idée demander 3 "Le café"',)},
        ),
        Command(
            noun=NOUN,
            verb="show",
            names=Names(("show",), ("montrer",)),
            summary=later("Shows where your idea stands, and who is interested."),
            handle=desk.show,
            params=(number,),
            whose=founder,
            examples={"en": ("idea show 3",), "fr": ("idée montrer 3",)},
        ),
        Command(
            noun=NOUN,
            verb="met",
            names=Names(("met",), ("rencontrés", "rencontre")),
            summary=later("Notes that those who are interested have met."),
            handle=desk.met,
            params=(number,),
            whose=either,
            examples={"en": ("idea met 3",), "fr": ("idée rencontrés 3",)},
        ),
        Command(
            noun=NOUN,
            verb="group",
            names=Names(("group",), ("groupe",)),
            summary=later("Notes which group came of an idea."),
            handle=desk.group,
            params=(
                number,
                Param(
                    name="group",
                    names=Names(("group",), ("groupe",)),
                    kind=GroupValue(),
                    help=later("The group, owned by whoever had the idea."),
                ),
            ),
            whose=either,
            examples={"en": ('idea group 3 "Repair café"',), "fr": ('idée groupe 3 "Café réparation"',)},
        ),
        Command(
            noun=NOUN,
            verb="drop",
            names=Names(("drop",), ("abandonner",)),
            summary=later("Gives an idea up."),
            handle=desk.drop,
            params=(number,),
            whose=founder,
            examples={"en": ("idea drop 3",), "fr": ("idée abandonner 3",)},
        ),
        Command(
            noun=NOUN,
            verb="list",
            names=Names(("list",), ("liste",)),
            summary=later("Shows your ideas; animators see where each one stands."),
            handle=desk.listed,
            examples={"en": ("idea list",), "fr": ("idée liste",)},
            default=True,
        ),
    )


DECLARATION: Final = Declaration(
    name=NAME,
    summary="Who wants to start a community is taken along: idea, company, first meet-up, group, and a month later.",
    settings=FounderSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    called=Names(("ideas",), ("idées",)),
    whispers=True,
)
