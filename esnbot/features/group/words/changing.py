"""The words for what a group is and whom it is for: kind, language, audience, way in, history."""

from __future__ import annotations

from typing import Final

from esnbot.commands.command import Command, Names, Param
from esnbot.commands.core import LANGUAGE_NAMES
from esnbot.commands.params import which_group
from esnbot.commands.values import Choice, Discreet
from esnbot.community.group import History, Joining
from esnbot.community.model import Community
from esnbot.features.group.changing import EVERYBODY, Changing
from esnbot.features.group.desk import Desk
from esnbot.features.group.model import KINDS, MADE_IN_CHAT
from esnbot.features.group.words.shared import KEEPERS, NOUN
from esnbot.speech import later

WAYS_IN: Final = {
    Joining.space.value: Names(("space", "free"), ("espace", "libre")),
    Joining.invite.value: Names(("invitation", "invite"), ("invitation",)),
    Joining.knock.value: Names(("request", "knock"), ("demande",)),
    Joining.public.value: Names(("public", "open"), ("public", "ouvert")),
}
PASTS: Final = {
    History.shared.value: Names(("all", "shared"), ("tout", "partagé")),
    History.joined.value: Names(("joining", "joined"), ("arrivée", "entrée")),
}


def changing(desk: Desk, community: Community) -> tuple[Command, ...]:
    """The commands that change what a group is and whom it is for."""
    change = Changing(desk)
    commands = [
        Command(
            noun=NOUN,
            verb="kind",
            names=Names(("kind",), ("type", "genre")),
            summary=later("Makes your group one of another kind."),
            handle=change.kind,
            whose=KEEPERS,
            params=(
                Param(
                    name="kind",
                    names=Names(("kind",), ("type",)),
                    kind=Choice(
                        {kind.value: KINDS[kind] for kind in MADE_IN_CHAT},
                        later("{text} is not a kind of group that I know."),
                    ),
                    help=later("What kind of group it is."),
                ),
                which_group(option=True),
            ),
            examples={"en": ("group kind project",), "fr": ("groupe type projet",)},
        ),
        Command(
            noun=NOUN,
            verb="language",
            names=Names(("language",), ("langue",)),
            summary=later("Chooses the language in which I speak in your group."),
            handle=change.language,
            whose=KEEPERS,
            params=(
                Param(
                    name="language",
                    names=Names(("language",), ("langue",)),
                    kind=Choice(
                        {one: LANGUAGE_NAMES.get(one, Names((one,), (one,))) for one in community.languages},
                        later("I do not speak {text}."),
                    ),
                    help=later("The language of the group."),
                ),
                which_group(option=True),
            ),
            examples={"en": ("group language french",), "fr": ("groupe langue anglais",)},
        ),
        Command(
            noun=NOUN,
            verb="joining",
            names=Names(("joining", "door"), ("entrée", "accès")),
            summary=later("Says how people come into your group."),
            handle=change.joining,
            whose=KEEPERS,
            params=(
                Param(
                    name="joining",
                    names=Names(("way",), ("façon",)),
                    kind=Choice(WAYS_IN, later("I do not know any way in called {text}.")),
                    help=later(
                        "`space`: whoever it is for comes in; `request`: they ask, members let them in; `invitation`: "
                        "only by invitation, and nobody else sees it; `public`: whoever has its address."
                    ),
                ),
                which_group(option=True),
            ),
            confirm=change.ask_joining,
            examples={"en": ("group joining invitation",), "fr": ("groupe entrée invitation",)},
        ),
        Command(
            noun=NOUN,
            verb="history",
            names=Names(("history", "past"), ("historique", "passé")),
            summary=later("Says whether whoever comes in reads what was said before."),
            handle=change.history,
            whose=KEEPERS,
            params=(
                Param(
                    name="history",
                    names=Names(("what",), ("quoi",)),
                    kind=Choice(PASTS, later("I do not know what {text} means here.")),
                    help=later("`all`: all of it; `joining`: only what is said from the moment one comes in."),
                ),
                which_group(option=True),
            ),
            confirm=change.ask_history,
            examples={"en": ("group history joining",), "fr": ("groupe historique arrivée",)},
        ),
    ]
    if community.audiences:
        choices = {key: Names((key, one.name), (key, one.name)) for key, one in community.audiences.items()}
        everybody = {EVERYBODY: Names(("everybody", "all"), ("tous", "tout-le-monde"))}
        commands.append(
            Command(
                noun=NOUN,
                verb="for",
                names=Names(("for", "audience"), ("pour", "audience")),
                summary=later("Says whom your group is for, within the space around it."),
                handle=change.audience,
                whose=KEEPERS,
                params=(
                    Param(
                        name="audiences",
                        names=Names(("audience",), ("public",)),
                        kind=Discreet({**everybody, **choices}, later("I do not know any audience called {text}.")),
                        help=later("Whom it is for: one or several audiences, or `everybody` whom its space is for."),
                        many=True,
                    ),
                    which_group(option=True),
                ),
                confirm=change.ask_audience,
                examples={"en": ("group for everybody",), "fr": ("groupe pour tous",)},
            )
        )
    return tuple(commands)
