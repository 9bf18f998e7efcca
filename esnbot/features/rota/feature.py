"""Animators take turns, hand over, are away, and note their own work for themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.values import Duration, Integer, Moment, PersonValue, Switch, Text
from esnbot.community.person import Role
from esnbot.engine.feature import Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.rota.desk import LONGEST_WORD, Desk
from esnbot.features.rota.handlers import RotaHandlers
from esnbot.features.rota.settings import RotaSettings
from esnbot.speech import Later, later

HERE: Final = Path(__file__).parent
NOUN: Final = "rota"
ANIMATORS: Final = frozenset({Role.animator, Role.administrator})


def build(kit: Kit[RotaSettings]) -> Feature:
    """The feature for one community."""
    desk, handlers = Desk(kit), RotaHandlers(kit)
    noun = Noun(NOUN, Names(("rota",), ("permanence",)), later("Who of the animators is on, and who is away."))
    commands = (
        Command(
            noun=NOUN,
            verb="show",
            names=Names(("show",), ("montrer",)),
            summary=later("Shows who is on, this week and the next ones."),
            handle=desk.show,
            who=ANIMATORS,
            examples={"en": ("rota",), "fr": ("permanence",)},
            default=True,
        ),
        Command(
            noun=NOUN,
            verb="order",
            names=Names(("order",), ("ordre",)),
            summary=later("Says in which order animators take turns, week by week, from this week on."),
            handle=desk.order,
            who=ANIMATORS,
            params=(
                Param(
                    name="people",
                    names=Names(("people",), ("personnes",)),
                    kind=PersonValue(),
                    help=later("The animators, in their order; without names, nobody takes turns any more."),
                    required=False,
                    many=True,
                ),
                Param(
                    name="together",
                    names=Names(("together",), ("ensemble",)),
                    kind=Integer(min=1, max=10),
                    help=later("How many are on at once; one when nothing is said."),
                    required=False,
                    option=True,
                ),
            ),
            examples={
                "en": ("rota order @alex @sacha", "rota order @alex @sacha @zoe @max --together 2"),
                "fr": ("permanence ordre @alex @sacha", "permanence ordre @alex @sacha @zoe @max --ensemble 2"),
            },
        ),
        Command(
            noun=NOUN,
            verb="take",
            names=Names(("take",), ("prendre",)),
            summary=later("Takes a week, whoever's turn it is."),
            handle=desk.take,
            who=ANIMATORS,
            params=(_day(later("A day of the week that you take; this week when nothing is said.")),),
            examples={"en": ("rota take", "rota take next monday"), "fr": ("permanence prendre lundi prochain",)},
        ),
        Command(
            noun=NOUN,
            verb="join",
            names=Names(("join",), ("accompagner",)),
            summary=later("Comes along with whoever is on."),
            handle=desk.join,
            who=ANIMATORS,
            params=(_day(later("A day of the week in which you come along; this week when nothing is said.")),),
            examples={"en": ("rota join",), "fr": ("permanence accompagner",)},
        ),
        Command(
            noun=NOUN,
            verb="leave",
            names=Names(("leave",), ("laisser",)),
            summary=later("Gives back a week that you took, or in which you come along."),
            handle=desk.leave,
            who=ANIMATORS,
            params=(_day(later("A day of that week; this week when nothing is said.")),),
            examples={"en": ("rota leave next monday",), "fr": ("permanence laisser lundi prochain",)},
        ),
        Command(
            noun=NOUN,
            verb="away",
            names=Names(("away",), ("absence", "absent", "absente")),
            summary=later("Says that you are away: reviews and reminders go to somebody else."),
            handle=desk.away,
            who=ANIMATORS,
            params=(
                _day(later("The first day; today when nothing is said.")),
                Param(
                    name="until",
                    names=Names(("until",), ("jusque",)),
                    kind=Moment(),
                    help=later("The last day; the first one when nothing is said."),
                    required=False,
                    option=True,
                ),
            ),
            examples={
                "en": ("rota away tomorrow", "rota away monday --until friday"),
                "fr": ("permanence absence demain", "permanence absence lundi --jusque vendredi"),
            },
        ),
        Command(
            noun=NOUN,
            verb="back",
            names=Names(("back",), ("retour",)),
            summary=later("Says that you are back, or will not be away."),
            handle=desk.back,
            who=ANIMATORS,
            examples={"en": ("rota back",), "fr": ("permanence retour",)},
        ),
        Command(
            noun=NOUN,
            verb="handover",
            names=Names(("handover",), ("relais",)),
            summary=later("Leaves word for those who are on next."),
            handle=desk.hand_over,
            who=ANIMATORS,
            params=(
                Param(
                    name="words",
                    names=Names(("words",), ("mots",)),
                    kind=Text(LONGEST_WORD),
                    help=later("What they should know."),
                    rest=True,
                ),
            ),
            examples={
                "en": ('rota handover "The photo contest ends on Thursday; three drafts wait."',),
                "fr": ('permanence relais "Le concours photo finit jeudi ; trois brouillons attendent."',),
            },
        ),
        Command(
            noun=NOUN,
            verb="log",
            names=Names(("log",), ("temps",)),
            summary=later("Notes time that you spent on the network, for yourself."),
            handle=desk.log,
            who=ANIMATORS,
            params=(
                Param(
                    name="time",
                    names=Names(("time",), ("durée",)),
                    kind=Duration(),
                    help=later("How long."),
                    required=False,
                ),
                _switch("undo", Names(("undo",), ("annuler",)), later("Takes back what you noted last.")),
            ),
            examples={"en": ("rota log 45 minutes",), "fr": ("permanence temps 45 minutes",)},
        ),
        Command(
            noun=NOUN,
            verb="work",
            names=Names(("work",), ("travail",)),
            summary=later("Shows you what you did lately, and nobody else."),
            handle=desk.work,
            who=ANIMATORS,
            params=(_switch("share", Names(("share",), ("partager",)), later("Tells the other animators, too.")),),
            examples={"en": ("rota work", "rota work --share"), "fr": ("permanence travail --partager",)},
        ),
    )
    module = Module(
        name="rota",
        due={"announce": handlers.due},
        start=handlers.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    return Feature(module, (noun,), commands)


def _day(help_: Later) -> Param:
    return Param(name="day", names=Names(("day",), ("jour",)), kind=Moment(past=True), help=help_, required=False)


def _switch(name: str, names: Names, help_: Later) -> Param:
    return Param(name=name, names=names, kind=Switch(), help=help_, required=False, option=True)


DECLARATION: Final = Declaration(
    name="rota",
    summary="Animators take turns week by week, hand over, are away, and note their own work for themselves.",
    settings=RotaSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    called=Names(("rota",), ("permanences",)),
    posts=True,
)
