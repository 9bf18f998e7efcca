"""Polls: begin, show, close, list."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.values import Integer, Moment, Switch, Text
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.poll import model
from esnbot.features.poll.desk import Desk
from esnbot.features.poll.handlers import COUNT, END, OVER, PollHandlers, is_redaction, is_vote_by_reaction
from esnbot.features.poll.settings import PollSettings
from esnbot.features.poll.starting import OPENED
from esnbot.features.status import RESUMED
from esnbot.speech import later

HERE: Final = Path(__file__).parent
NOUN: Final = "poll"


def build(kit: Kit[PollSettings]) -> Feature:
    """The feature for one community."""
    handlers = PollHandlers(kit)
    module = Module(
        name="poll",
        listeners=(
            Listener(frozenset({OPENED}), handlers.opened),
            Listener(frozenset({"m.reaction"}), handlers.reaction, wants=is_vote_by_reaction),
            Listener(frozenset(model.RESPONSES), handlers.response),
            Listener(frozenset({"m.room.redaction"}), handlers.redacted, wants=is_redaction),
            Listener(frozenset({OVER}), handlers.over),
            Listener(frozenset({RESUMED}), handlers.resumed),
        ),
        due={END: handlers.end, COUNT: handlers.count},
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(NOUN, Names(("poll",), ("sondage",)), later("Ask the people of a room, and count their votes."))
    return Feature(module, (noun,), _commands(Desk(kit)))


def _commands(desk: Desk) -> tuple[Command, ...]:
    which = Param(
        name="number",
        names=Names(("number",), ("numéro",)),
        kind=Integer(1, 1_000_000_000),
        help=later("Which poll; if you name none, the one that is open, or in whose thread you write."),
        required=False,
    )
    return (
        Command(
            noun=NOUN,
            verb="create",
            names=Names(("create", "start", "new"), ("créer", "lancer", "nouveau")),
            summary=later("Asks the people of this room a question and counts their votes."),
            handle=desk.create,
            params=_creating(),
            examples={
                "en": (
                    'poll create "Where do we eat?" "Pizza" "Sushi" --until "Friday noon"',
                    'poll create "Which evenings suit you?" "Monday" "Tuesday" "Thursday" --several 2 --secret',
                ),
                "fr": (
                    'sondage créer "On mange où ?" "Pizza" "Sushi" --fin "vendredi midi"',
                    'sondage lancer "Quels soirs vous vont ?" "Lundi" "Mardi" "Jeudi" --plusieurs 2 --secret',
                ),
            },
        ),
        Command(
            noun=NOUN,
            verb="show",
            names=Names(("show",), ("montrer", "voir")),
            summary=later("Shows how a poll stands."),
            handle=desk.show,
            params=(which,),
            examples={"en": ("poll show",), "fr": ("sondage montrer",)},
        ),
        Command(
            noun=NOUN,
            verb="close",
            names=Names(("close", "end"), ("clore", "fermer", "terminer")),
            summary=later("Closes a poll and says its result."),
            handle=desk.close,
            params=(which,),
            whose=later("whoever began the poll, the owners of the group and the animators"),
            examples={"en": ("poll close", "poll close 12"), "fr": ("sondage clore", "sondage clore 12")},
        ),
        Command(
            noun=NOUN,
            verb="list",
            names=Names(("list",), ("liste", "lister")),
            summary=later("Lists the polls that are open."),
            handle=desk.listed,
            examples={"en": ("poll list",), "fr": ("sondage liste",)},
            default=True,
        ),
    )


def _creating() -> tuple[Param, ...]:
    return (
        Param(
            name="question",
            names=Names(("question",), ("question",)),
            kind=Text(model.LONGEST_QUESTION),
            help=later("What you want to know, in quotation marks."),
        ),
        Param(
            name="answers",
            names=Names(("answer",), ("réponse",)),
            kind=Text(model.LONGEST_ANSWER),
            help=later("What people can choose: two to ten answers, each in quotation marks."),
            many=True,
        ),
        Param(
            name="until",
            names=Names(("until",), ("fin", "jusqu-à", "jusque")),
            kind=Moment(),
            help=later("When the poll closes by itself and says its result."),
            required=False,
            option=True,
        ),
        Param(
            name="several",
            names=Names(("several",), ("plusieurs",)),
            kind=Integer(1, model.MOST),
            help=later("How many answers one person can choose; one, if you say nothing."),
            required=False,
            option=True,
        ),
        Param(
            name="secret",
            names=Names(("secret",), ("secret",)),
            kind=Switch(),
            help=later("Shows no count before the end."),
            required=False,
            option=True,
        ),
    )


DECLARATION: Final = Declaration(
    name="poll",
    summary="People ask the others in a room to choose; whatever client they vote with, there is one count.",
    settings=PollSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
)
