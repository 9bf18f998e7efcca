"""The command that makes a group."""

from __future__ import annotations

from dataclasses import replace

from esnbot.commands.command import Command, Names, Param
from esnbot.commands.values import Choice, SpaceValue, Switch, Text
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.features.group.creating import Creating
from esnbot.features.group.desk import Desk
from esnbot.features.group.words.shared import LONGEST_TEXT, NOUN, kind_param
from esnbot.speech import later


def making(desk: Desk, community: Community) -> tuple[Command, ...]:
    """The commands that make groups."""
    creating = Creating(desk)
    params = [
        Param(
            name="name",
            names=Names(("name",), ("nom",)),
            kind=Text(LONGEST_TEXT),
            help=later("What people will call it."),
            question=later("What will the group be called?"),
            check=creating.check_name,
        ),
        replace(
            kind_param(later("What kind of group it is.")),
            question=later("What kind of group is it?"),
            skipped=later("informal"),
        ),
        Param(
            name="topic",
            names=Names(("topic",), ("sujet",)),
            kind=Text(LONGEST_TEXT),
            help=later("What it is about, in a sentence."),
            required=False,
            option=True,
            question=later("What is it about, in a sentence?"),
            turn=1,
        ),
    ]
    if community.audiences:
        choices = {key: Names((one.name, key), (one.name, key)) for key, one in community.audiences.items()}
        params.append(
            Param(
                name="for",
                names=Names(("for",), ("pour",)),
                kind=Choice(choices, later("I do not know any audience called {text}.")),
                help=later("Only for this audience."),
                required=False,
                option=True,
                question=later("Whom is it for?"),
                skipped=later("everybody in its space"),
                offers=creating.audiences_offered,
            )
        )
    if community.spaces:
        params.append(
            Param(
                name="in",
                names=Names(("in",), ("dans",)),
                kind=SpaceValue(),
                help=later("The space that it will be in."),
                required=False,
                option=True,
                question=later("Which space will it be in?"),
                offers=creating.spaces_offered,
            )
        )
    params.append(
        Param(
            name="anyway",
            names=Names(("anyway",), ("quand-même",)),
            kind=Switch(),
            help=later("Makes it even if a similar group exists."),
            required=False,
            option=True,
        )
    )
    return (
        Command(
            noun=NOUN,
            verb="create",
            names=Names(("create", "make", "new"), ("créer", "nouveau")),
            summary=later("Makes a group, which will be yours."),
            handle=creating.create,
            params=tuple(params),
            who=frozenset({Role.member}),
            confirm=creating.ask,
            dialogue=True,
            examples={
                "en": (
                    'group create "Photo club" --kind hobby',
                    'group create "Paris move" --topic "Boxes, dates, keys"',
                ),
                "fr": (
                    'groupe créer "Club photo" --type loisir',
                    'groupe créer "Déménagement" --sujet "Cartons, dates"',
                ),
            },
        ),
    )
