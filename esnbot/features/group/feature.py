"""Groups made in chat: create, list, join, leave, rename, topic, archive, revive, hand over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.values import Choice, GroupValue, PersonValue, SpaceValue, Switch, Text
from esnbot.community.group import Kind
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.group.creating import Creating
from esnbot.features.group.desk import Desk
from esnbot.features.group.events import ASKED_FOR
from esnbot.features.group.finding import Finding
from esnbot.features.group.handlers import SLOW, GroupHandlers, left_by_themselves
from esnbot.features.group.keeping import Keeping
from esnbot.features.group.model import MADE_IN_CHAT
from esnbot.features.group.settings import GroupSettings
from esnbot.provisioning import events
from esnbot.speech import Later, later

HERE: Final = Path(__file__).parent
NOUN: Final = "group"
KINDS: Final = {
    Kind.project: Names(("project",), ("projet",)),
    Kind.hobby: Names(("hobby", "leisure"), ("loisir", "loisirs")),
    Kind.practice: Names(("practice", "trade"), ("métier", "pratique")),
    Kind.help: Names(("help", "question"), ("entraide", "aide", "question")),
    Kind.informal: Names(("informal", "chat"), ("informel", "détente")),
    Kind.event: Names(("event", "meet-up"), ("événement", "rencontre")),
}
LONGEST_TEXT: Final = 2_000


def build(kit: Kit[GroupSettings]) -> Feature:
    """The feature for one community."""
    desk = Desk(kit)
    handlers = GroupHandlers(kit)
    module = Module(
        name="group",
        listeners=(
            Listener(frozenset({events.ROOM_READY}), handlers.room_ready),
            Listener(frozenset({events.ROOM_FAILED}), handlers.room_failed),
            Listener(frozenset({ASKED_FOR}), handlers.asked_for),
            Listener(frozenset({"m.room.member"}), handlers.left, wants=left_by_themselves),
        ),
        due={SLOW: handlers.slow},
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(
        NOUN, Names(("group", "groups"), ("groupe", "groupes")), later("Make a group, find one, look after yours.")
    )
    commands = (*_making(desk, kit.community), *_finding(desk), *_keeping(desk))
    return Feature(module, (noun,), commands)


def _kind_param(help_: Later) -> Param:
    return Param(
        name="kind",
        names=Names(("kind",), ("type", "genre")),
        kind=Choice(
            {kind.value: KINDS[kind] for kind in MADE_IN_CHAT}, later("{text} is not a kind of group that I know.")
        ),
        help=help_,
        required=False,
        option=True,
    )


def _which(*, option: bool = False, required: bool = False, archived: bool = False) -> Param:
    return Param(
        name="group",
        names=Names(("group",), ("groupe",)),
        kind=GroupValue(archived=archived),
        help=later("Which group; if you name none, the one whose room you are in."),
        required=required,
        option=option,
    )


def _making(desk: Desk, community: Community) -> tuple[Command, ...]:
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
            _kind_param(later("What kind of group it is.")),
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


def _finding(desk: Desk) -> tuple[Command, ...]:
    finding = Finding(desk)
    return (
        Command(
            noun=NOUN,
            verb="list",
            names=Names(("list", "find"), ("liste", "lister", "chercher")),
            summary=later("Lists the groups that you can see."),
            handle=finding.overview,
            params=(
                Param(
                    name="words",
                    names=Names(("words",), ("mots",)),
                    kind=Text(200),
                    help=later("Words of its name or topic."),
                    required=False,
                ),
                _kind_param(later("Only groups of this kind.")),
            ),
            examples={"en": ("group list", "group list photo"), "fr": ("groupe liste", "groupe liste photo")},
            default=True,
        ),
        Command(
            noun=NOUN,
            verb="join",
            names=Names(("join",), ("rejoindre",)),
            summary=later("Takes you into a group."),
            handle=finding.join,
            params=(_which(required=True, archived=True),),
            examples={"en": ('group join "Photo club"',), "fr": ('groupe rejoindre "Club photo"',)},
        ),
        Command(
            noun=NOUN,
            verb="leave",
            names=Names(("leave",), ("quitter",)),
            summary=later("Takes you out of a group."),
            handle=finding.leave,
            params=(_which(archived=True),),
            confirm=finding.ask_leave,
            examples={"en": ("group leave",), "fr": ("groupe quitter",)},
        ),
    )


KEEPERS: Final = later("the group's owners and the animators")


def _keeping(desk: Desk) -> tuple[Command, ...]:
    keeping = Keeping(desk)
    return (
        Command(
            noun=NOUN,
            verb="rename",
            names=Names(("rename",), ("renommer",)),
            summary=later("Gives your group another name."),
            handle=keeping.rename,
            whose=KEEPERS,
            params=(
                Param(
                    name="name",
                    names=Names(("name",), ("nom",)),
                    kind=Text(LONGEST_TEXT),
                    help=later("What people will call it."),
                ),
                _which(option=True),
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
            handle=keeping.topic,
            whose=KEEPERS,
            params=(
                Param(
                    name="topic",
                    names=Names(("topic",), ("sujet",)),
                    kind=Text(LONGEST_TEXT),
                    help=later("What it is about, in a sentence."),
                ),
                _which(option=True),
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
            handle=keeping.archive,
            whose=KEEPERS,
            params=(_which(archived=True),),
            confirm=keeping.ask_archive,
            examples={"en": ("group archive",), "fr": ("groupe archiver",)},
        ),
        Command(
            noun=NOUN,
            verb="revive",
            names=Names(("revive", "reopen"), ("rouvrir", "réveiller")),
            summary=later("Opens an archived group again."),
            handle=keeping.revive,
            whose=KEEPERS,
            params=(_which(archived=True),),
            examples={"en": ('group revive "Photo club"',), "fr": ('groupe rouvrir "Club photo"',)},
        ),
        Command(
            noun=NOUN,
            verb="hand-over",
            names=Names(("hand-over", "give"), ("confier", "transmettre")),
            summary=later("Hands your group over to somebody else."),
            handle=keeping.hand_over,
            whose=KEEPERS,
            params=(
                Param(
                    name="person",
                    names=Names(("person",), ("personne",)),
                    kind=PersonValue(),
                    help=later("Who will own it."),
                ),
                _which(option=True),
            ),
            confirm=keeping.ask_hand_over,
            examples={
                "en": ("group hand-over @zoe",),
                "fr": ("groupe confier @zoe",),
            },
        ),
    )


DECLARATION: Final = Declaration(
    name="group",
    summary="People make groups in seconds, own them, hand them over, archive and revive them.",
    settings=GroupSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
)
