"""Finding groups and people, and saying what one can be asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.values import Choice, Integer, Switch, Text
from esnbot.community.model import Community
from esnbot.engine.feature import Listener, Module
from esnbot.engine.talk import WORDS
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.directory.desk import Desk
from esnbot.features.directory.handlers import ASK_ABOUT, LET_ME_IN, DirectoryHandlers
from esnbot.features.directory.lively import ROUND, Lively
from esnbot.features.directory.pages import Pages
from esnbot.features.directory.reading import Reading
from esnbot.features.directory.settings import DirectorySettings
from esnbot.features.directory.wording import KIND_NAMES, PACE_NAMES, SCOPE_NAMES
from esnbot.speech import later

HERE: Final = Path(__file__).parent
NOUN: Final = "directory"
WHO: Final = "who"
ME: Final = "me"
"""The noun of the feature `person`."""
LONGEST_TEXT: Final = 60_000
"""More than a message holds; what is too long is said in words of our own."""
MOST_PAGES: Final = 10_000


def build(kit: Kit[DirectorySettings]) -> Feature:
    """The feature for one community."""
    reading, lively = Reading(kit), Lively(kit)
    handlers = DirectoryHandlers(kit, reading)
    module = Module(
        name=NOUN,
        listeners=(
            Listener(WORDS, lively.message, wants=lively.tally.counts),
            Listener(frozenset({"m.room.member"}), lively.member, wants=lively.comes_or_goes),
            Listener(frozenset({ASK_ABOUT}), handlers.ask_about),
            Listener(frozenset({LET_ME_IN}), handlers.let_me_in),
        ),
        due={ROUND: lively.round},
        start=lively.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    nouns = (
        Noun(NOUN, Names(("directory",), ("annuaire",)), later("Find a group that suits you.")),
        Noun(WHO, Names((WHO,), ("qui",)), later("Find people whom you can ask.")),
    )
    desk = Desk(reading)
    commands = (_groups(desk, kit.community), _who(desk), *_oneself(desk))
    return Feature(module, nouns, commands, pages=Pages(reading).all())


def _groups(desk: Desk, community: Community) -> Command:
    params = [
        Param(
            name="words",
            names=Names(("words",), ("mots",)),
            kind=Text(200),
            help=later("Words of its name or topic."),
            required=False,
        ),
        Param(
            name="kind",
            names=Names(("kind",), ("type", "genre")),
            kind=Choice(KIND_NAMES, later("{text} is not a kind of group that I know.")),
            help=later("Only groups of this kind."),
            required=False,
            option=True,
        ),
    ]
    if community.audiences:
        params.append(
            Param(
                name="for",
                names=Names(("for",), ("pour",)),
                # Not a choice: to list them would name audiences to those who are not to know of them.
                kind=Text(200),
                help=later("Only groups that are for this audience."),
                required=False,
                option=True,
            )
        )
    params.append(
        Param(
            name="pace",
            names=Names(("pace",), ("rythme",)),
            kind=Choice(PACE_NAMES),
            help=later("Only groups that are so lively."),
            required=False,
            option=True,
        )
    )
    if len(community.languages) > 1:
        names = {"fr": Names(("French", "fr"), ("français", "fr")), "en": Names(("English", "en"), ("anglais", "en"))}
        params.append(
            Param(
                name="language",
                names=Names(("language",), ("langue",)),
                kind=Choice(
                    {code: names.get(code, Names((code,), (code,))) for code in community.languages},
                    later("I know no language {text}."),
                ),
                help=later("Only groups that speak this language."),
                required=False,
                option=True,
            )
        )
    params.append(
        Param(
            name="page",
            names=Names(("page",), ("page",)),
            kind=Integer(1, MOST_PAGES),
            help=later("Which page of the list."),
            required=False,
            option=True,
        )
    )
    return Command(
        noun=NOUN,
        verb="show",
        names=Names(("show", "list"), ("montrer", "liste")),
        summary=later("Lists groups by what they are about, their kind, whom they are for and how lively they are."),
        handle=desk.groups,
        params=tuple(params),
        examples={
            "en": ("directory", "directory photo", "directory --kind hobby --pace lively"),
            "fr": ("annuaire", "annuaire photo", "annuaire --type loisir --rythme animé"),
        },
        default=True,
    )


def _who(desk: Desk) -> Command:
    return Command(
        noun=WHO,
        verb="knows",
        names=Names(("knows", "know"), ("connaît", "sait")),
        summary=later("Names people who said that one can ask them about something."),
        handle=desk.who,
        params=(
            Param(
                name="words",
                names=Names(("subject",), ("sujet",)),
                kind=Text(200),
                help=later("What it is about, in a word or two."),
                rest=True,
            ),
        ),
        examples={"en": ("who knows TIG welding",), "fr": ("qui connaît la soudure TIG",)},
        default=True,
    )


def _oneself(desk: Desk) -> tuple[Command, ...]:
    return (
        Command(
            noun=ME,
            verb="ask-about",
            names=Names(("ask-about", "skills"), ("savoirs", "demandez-moi", "compétences")),
            summary=later("Says what people can ask you about: skills, interests, anything."),
            handle=desk.ask_about,
            params=(
                Param(
                    name="subjects",
                    names=Names(("subjects",), ("sujets",)),
                    kind=Text(LONGEST_TEXT),
                    help=later("Subjects with commas between; without any, I show yours."),
                    required=False,
                ),
                Param(
                    name="remove",
                    names=Names(("remove",), ("retirer",)),
                    kind=Switch(),
                    help=later("Removes them instead of adding them."),
                    required=False,
                    option=True,
                ),
            ),
            examples={
                "en": ("me ask-about jigs, TIG welding", "me ask-about --remove jigs"),
                "fr": ("moi savoirs gabarits, soudure TIG", "moi savoirs --retirer gabarits"),
            },
        ),
        Command(
            noun=ME,
            verb="visible",
            names=Names(("visible",), ("visible",)),
            summary=later("Chooses who can find you by what you can be asked about."),
            handle=desk.visible,
            params=(
                Param(
                    name="scope",
                    names=Names(("whom",), ("qui",)),
                    kind=Choice(SCOPE_NAMES),
                    help=later(
                        "Everyone in the company, also the partners who are in a group with you, or nobody; without "
                        "a choice, I show yours."
                    ),
                    required=False,
                ),
            ),
            examples={"en": ("me visible partners",), "fr": ("moi visible partenaires",)},
        ),
    )


DECLARATION: Final = Declaration(
    name=NOUN,
    summary="People find groups and one another, by what groups show and by what people said themselves.",
    settings=DirectorySettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    templates=HERE / "templates",
)
