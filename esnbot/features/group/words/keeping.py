"""The commands with which owners look after their group."""

from __future__ import annotations

from esnbot.commands.command import Command, Names, Param
from esnbot.commands.params import which_group
from esnbot.commands.values import PersonValue, Text
from esnbot.features.group.desk import Desk
from esnbot.features.group.keeping import Keeping
from esnbot.features.group.words.shared import KEEPERS, LONGEST_TEXT, NOUN
from esnbot.speech import later


def keeping(desk: Desk) -> tuple[Command, ...]:
    """The commands of owners."""
    keeper = Keeping(desk)
    return (
        Command(
            noun=NOUN,
            verb="rename",
            names=Names(("rename",), ("renommer",)),
            summary=later("Gives your group another name."),
            handle=keeper.rename,
            whose=KEEPERS,
            params=(
                Param(
                    name="name",
                    names=Names(("name",), ("nom",)),
                    kind=Text(LONGEST_TEXT),
                    help=later("What people will call it."),
                ),
                which_group(option=True),
            ),
            examples={
                "en": ('group rename "Photo and film"',),
                "fr": ('groupe renommer "Photo et cinéma"',),
            },
        ),
        Command(
            noun=NOUN,
            verb="topic",
            names=Names(("topic",), ("sujet",)),
            summary=later("Says what your group is about."),
            handle=keeper.topic,
            whose=KEEPERS,
            params=(
                Param(
                    name="topic",
                    names=Names(("topic",), ("sujet",)),
                    kind=Text(LONGEST_TEXT),
                    help=later("What it is about, in a sentence."),
                ),
                which_group(option=True),
            ),
            examples={
                "en": ('group topic "Pictures of the week"',),
                "fr": ('groupe sujet "Les photos de la semaine"',),
            },
        ),
        Command(
            noun=NOUN,
            verb="archive",
            names=Names(("archive", "close"), ("archiver", "fermer")),
            summary=later("Archives your group: it stays readable, and nobody writes there any more."),
            handle=keeper.archive,
            whose=KEEPERS,
            params=(which_group(archived=True),),
            confirm=keeper.ask_archive,
            examples={"en": ("group archive",), "fr": ("groupe archiver",)},
        ),
        Command(
            noun=NOUN,
            verb="revive",
            names=Names(("revive", "reopen"), ("rouvrir", "réveiller")),
            summary=later("Opens an archived group again."),
            handle=keeper.revive,
            whose=KEEPERS,
            params=(which_group(archived=True),),
            examples={"en": ('group revive "Photo club"',), "fr": ('groupe rouvrir "Club photo"',)},
        ),
        Command(
            noun=NOUN,
            verb="hand-over",
            names=Names(("hand-over", "give"), ("confier", "transmettre")),
            summary=later("Hands your group over to somebody else."),
            handle=keeper.hand_over,
            whose=KEEPERS,
            params=(
                Param(
                    name="person",
                    names=Names(("person",), ("personne",)),
                    kind=PersonValue(),
                    help=later("Who will own it."),
                ),
                which_group(option=True),
            ),
            confirm=keeper.ask_hand_over,
            examples={
                "en": ("group hand-over @zoe",),
                "fr": ("groupe confier @zoe",),
            },
        ),
    )
