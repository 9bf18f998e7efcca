"""What rooms bear of posts that nobody asked for, and the plan of the coming weeks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.values import GroupValue, Integer
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.tempo.desk import Desk
from esnbot.features.tempo.handlers import CLEAR, TempoHandlers
from esnbot.features.tempo.settings import TempoSettings
from esnbot.features.tempo.talk import MESSAGES, Listening, Talks
from esnbot.speech import later

HERE: Final = Path(__file__).parent
NAME: Final = "tempo"
MOST_WEEKS: Final = 12


def build(kit: Kit[TempoSettings]) -> Feature:
    """The feature for one community."""
    handlers, listening = TempoHandlers(), Listening(Talks(kit.bot, kit.clock))
    module = Module(
        name=NAME,
        listeners=(Listener(MESSAGES, listening.message, wants=listening.talks.hears),),
        due={CLEAR: handlers.clear},
        start=handlers.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(NAME, Names(("tempo",), ("rythme",)), later("How much I post by myself, and what comes."))
    return Feature(module, (noun,), _commands(Desk(kit)))


def _commands(desk: Desk) -> tuple[Command, ...]:
    return (
        Command(
            noun=NAME,
            verb="show",
            names=Names(("show",), ("montrer",)),
            summary=later("Shows how much I post by myself in a group, what it had this week, and what comes next."),
            handle=desk.show,
            params=(
                Param(
                    name="group",
                    names=Names(("group",), ("groupe",)),
                    kind=GroupValue(),
                    help=later("Which group; the one you are in when nothing is said."),
                    required=False,
                ),
            ),
            whose=later("the owners of the group and animators"),
            examples={"en": ("tempo show", 'tempo show "The café"'), "fr": ("rythme", 'rythme montrer "Le café"')},
            default=True,
        ),
        Command(
            noun=NAME,
            verb="plan",
            names=Names(("plan", "preview"), ("plan", "aperçu")),
            summary=later("Shows what I post in which group in the coming weeks, and why."),
            handle=desk.plan,
            params=(
                Param(
                    name="weeks",
                    names=Names(("weeks",), ("semaines",)),
                    kind=Integer(1, MOST_WEEKS),
                    help=later("How many weeks."),
                    required=False,
                ),
                Param(
                    name="group",
                    names=Names(("group",), ("groupe",)),
                    kind=GroupValue(),
                    help=later("Only this group."),
                    required=False,
                    option=True,
                ),
            ),
            whose=later("the owners of the group and animators"),
            examples={"en": ("tempo plan", "tempo plan 4"), "fr": ("rythme plan", "rythme plan 4")},
        ),
    )


DECLARATION: Final = Declaration(
    name=NAME,
    summary="Rooms bear only so much of what nobody asked for: bounds, quiet times, and a plan of the coming weeks.",
    settings=TempoSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
)
