"""Search: over groups, notes, pages and questions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.values import Choice, Switch, Text
from esnbot.community.person import Role
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.search.desk import Desk
from esnbot.features.search.events import REBUILD
from esnbot.features.search.handlers import SearchHandlers, is_redaction, may_ask
from esnbot.features.search.pages import Pages
from esnbot.features.search.settings import SearchSettings
from esnbot.features.search.upkeep import GROUPS, REINDEX, WEIGH, Upkeep
from esnbot.provisioning import events
from esnbot.speech import later

HERE: Final = Path(__file__).parent
NOUN: Final = "search"
LONGEST_WORDS: Final = 500


def build(kit: Kit[SearchSettings]) -> Feature:
    """The feature for one community."""
    handlers = SearchHandlers(kit)
    upkeep = Upkeep(handlers)
    changes = frozenset({events.ROOM_READY, events.ROOM_ARCHIVED, events.ROOM_REVIVED, events.DRIFT})
    module = Module(
        name="search",
        listeners=(
            Listener(changes, handlers.group_changed),
            Listener(frozenset({"m.room.name", "m.room.topic"}), handlers.room_changed),
            Listener(frozenset({"m.room.encryption"}), handlers.sealed),
            Listener(frozenset({"m.room.message"}), handlers.said, wants=may_ask),
            Listener(frozenset({"m.room.redaction"}), handlers.redacted, wants=is_redaction),
            Listener(frozenset({REBUILD}), upkeep.rebuild),
        ),
        due={GROUPS: upkeep.groups, WEIGH: upkeep.weigh, REINDEX: upkeep.reindex},
        start=upkeep.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(
        NOUN,
        Names(("search",), ("chercher", "cherche", "recherche")),
        later("Find groups, notes, pages, and questions that were asked."),
    )
    return Feature(module, (noun,), _commands(Desk(kit)), pages=Pages(kit).all())


def _commands(desk: Desk) -> tuple[Command, ...]:
    owners = frozenset({Role.owner})
    switch = Param(
        name="switch",
        names=Names(("switch",), ("choix",)),
        kind=Switch(),
        help=later("`on` or `off`."),
    )
    return (
        Command(
            noun=NOUN,
            verb="find",
            names=Names(("find",), ("trouver", "trouve")),
            summary=later("Finds groups, notes, pages and questions, in whatever you may read."),
            handle=desk.find,
            params=(
                Param(
                    name="words",
                    names=Names(("words",), ("mots",)),
                    kind=Text(LONGEST_WORDS),
                    help=later("What you look for. Accents, plurals and capitals do not matter."),
                ),
                Param(
                    name="kind",
                    names=Names(("kind",), ("type",)),
                    kind=Choice(
                        {
                            "group": Names(("group", "groups"), ("groupe", "groupes")),
                            "note": Names(("note", "notes"), ("note", "notes")),
                            "page": Names(("page", "pages"), ("page", "pages")),
                            "question": Names(("question", "questions"), ("question", "questions")),
                        }
                    ),
                    help=later("Only groups, notes, pages or questions."),
                    required=False,
                    option=True,
                ),
            ),
            examples={
                "en": ("search printer", "search expense report --kind note"),
                "fr": ("chercher imprimante", "chercher note de frais --type note"),
            },
            default=True,
        ),
        Command(
            noun=NOUN,
            verb="questions",
            names=Names(("questions",), ("questions",)),
            summary=later("Chooses whether the questions that are asked in this group can be found again."),
            handle=desk.questions,
            params=(switch,),
            who=owners,
            examples={"en": ("search questions off",), "fr": ("chercher questions non",)},
        ),
        Command(
            noun=NOUN,
            verb="hints",
            names=Names(("hints",), ("rappels",)),
            summary=later("Chooses whether I say, in this group, that something was asked before."),
            handle=desk.hints,
            params=(switch,),
            who=owners,
            examples={"en": ("search hints on",), "fr": ("chercher rappels oui",)},
        ),
        Command(
            noun=NOUN,
            verb="rebuild",
            names=Names(("rebuild",), ("reconstruire",)),
            summary=later("Makes the index anew, if something cannot be found that should be."),
            handle=desk.rebuild,
            who=frozenset({Role.administrator}),
            examples={"en": ("search rebuild",), "fr": ("chercher reconstruire",)},
        ),
    )


DECLARATION: Final = Declaration(
    name="search",
    summary="People find groups, notes, pages and questions that were asked, as far as they may read them.",
    settings=SearchSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    templates=HERE / "templates",
    called=Names(("hints",), ("suggestions",)),
    posts=True,
)
