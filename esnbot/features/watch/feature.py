"""Watch: outside sources for each line, their finds in the animators' room, drafts of what is picked."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Final

from bridges.feeds.bridge import FeedBridge, Manners
from bridges.feeds.news import FEED_ITEM, FEED_STATE
from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.reactions import reactions
from esnbot.commands.values import Text
from esnbot.community.person import Role
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.watch import model
from esnbot.features.watch.board import Board
from esnbot.features.watch.desk import Address, Desk, Line, WordList
from esnbot.features.watch.handlers import ASKED, DECIDED, NAME, SHOW, WatchHandlers
from esnbot.features.watch.settings import WatchSettings
from esnbot.speech import later

HERE: Final = Path(__file__).parent
ANIMATORS: Final = frozenset({Role.animator, Role.administrator})


def build(kit: Kit[WatchSettings]) -> Feature:
    """The feature for one community."""
    handlers, settings = WatchHandlers(kit), kit.settings
    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({FEED_ITEM}), handlers.item),
            Listener(frozenset({FEED_STATE}), handlers.state),
            Listener(frozenset({ASKED}), handlers.asked),
            Listener(frozenset({DECIDED}), handlers.decided, lambda event: event.is_internal),
            *reactions(NAME, handlers.reacted, lambda emoji: model.pressed(emoji) is not None),
        ),
        due={SHOW: handlers.due},
        start=handlers.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    bridge = FeedBridge(
        Manners(
            every=settings.every,
            first=settings.first,
            agent=f"esnbot/{version('esnbot')} (feed reader)",
            inside=settings.inside,
        )
    )
    noun = Noun(
        NAME, Names(("watch",), ("veille",)), later("What is new out there, brought to the animators to choose from.")
    )
    return Feature(module, (noun,), _commands(Desk(kit)), bridges=(bridge,), pages=Board(kit).pages())


def _source(*, alone: bool = True) -> Param:
    return Param(
        name="source",
        names=Names(("source",), ("source",)),
        kind=Text(300),
        help=later("Which source: its number, its name or its address."),
        # Where options follow, a name of several words stands in quotation marks.
        rest=alone,
    )


def _options() -> tuple[Param, ...]:
    return (
        Param(
            name="line",
            names=Names(("line",), ("ligne",)),
            kind=Line(),
            help=later("The editorial line that it is for."),
            required=False,
            option=True,
        ),
        Param(
            name="name",
            names=Names(("name",), ("nom",)),
            kind=Text(80),
            help=later("What to call it; by itself, as it calls itself."),
            required=False,
            option=True,
        ),
        Param(
            name="take",
            names=Names(("take",), ("garder", "prendre")),
            kind=WordList(),
            help=later(
                "Words of which one has to stand in it, set apart by commas; endings and accents do not matter."
            ),
            required=False,
            option=True,
        ),
        Param(
            name="leave",
            names=Names(("leave",), ("laisser", "écarter")),
            kind=WordList(),
            help=later("Words that must not stand in it."),
            required=False,
            option=True,
        ),
    )


def _commands(desk: Desk) -> tuple[Command, ...]:
    address = Param(
        name="address",
        names=Names(("address", "url"), ("adresse", "url")),
        kind=Address(),
        help=later("Where the feed is, or a web page that has one."),
    )
    return (
        Command(
            noun=NAME,
            verb="add",
            names=Names(("add",), ("ajouter",)),
            summary=later("Watches a feed (RSS, Atom, JSON Feed) for a line."),
            handle=desk.add,
            params=(address, *_options()),
            who=ANIMATORS,
            examples={
                "en": (
                    "watch add https://example.org/feed.xml line=metier",
                    'watch add example.org take="cargo bike, battery" leave=advertisement',
                ),
                "fr": (
                    "veille ajouter https://example.org/feed.xml ligne=metier",
                    'veille ajouter example.org garder="vélo cargo, batterie" laisser=publicité',
                ),
            },
        ),
        Command(
            noun=NAME,
            verb="list",
            names=Names(("list",), ("liste", "lister")),
            summary=later("Lists the sources, and says how each is doing."),
            handle=desk.listed,
            who=ANIMATORS,
            examples={"en": ("watch list",), "fr": ("veille liste",)},
            default=True,
        ),
        Command(
            noun=NAME,
            verb="show",
            names=Names(("show",), ("montrer", "voir")),
            summary=later("Shows all about one source."),
            handle=desk.show,
            params=(_source(),),
            who=ANIMATORS,
            examples={"en": ("watch show 3",), "fr": ("veille montrer 3",)},
        ),
        Command(
            noun=NAME,
            verb="more",
            names=Names(("more", "next"), ("suite", "encore")),
            summary=later("Shows the next finds now, in the animators' room."),
            handle=desk.more,
            who=ANIMATORS,
            examples={"en": ("watch more",), "fr": ("veille suite",)},
        ),
        Command(
            noun=NAME,
            verb="change",
            names=Names(("change",), ("changer", "modifier")),
            summary=later("Changes what is taken of a source, its line or its name."),
            handle=desk.change,
            params=(_source(alone=False), *_options()),
            who=ANIMATORS,
            examples={
                "en": ('watch change 3 take="cargo bike" line=metier', "watch change 3 take=all"),
                "fr": ('veille changer 3 garder="vélo cargo" ligne=metier', "veille changer 3 garder=tout"),
            },
        ),
        Command(
            noun=NAME,
            verb="pause",
            names=Names(("pause",), ("pause", "suspendre")),
            summary=later("Leaves a source alone for a while."),
            handle=desk.pause,
            params=(_source(),),
            who=ANIMATORS,
            examples={"en": ("watch pause 3",), "fr": ("veille pause 3",)},
        ),
        Command(
            noun=NAME,
            verb="resume",
            names=Names(("resume",), ("reprendre",)),
            summary=later("Watches a paused source again."),
            handle=desk.resume,
            params=(_source(),),
            who=ANIMATORS,
            examples={"en": ("watch resume 3",), "fr": ("veille reprendre 3",)},
        ),
        Command(
            noun=NAME,
            verb="remove",
            names=Names(("remove",), ("retirer", "enlever")),
            summary=later("Watches a source no more."),
            handle=desk.remove,
            params=(_source(),),
            who=ANIMATORS,
            examples={"en": ("watch remove 3",), "fr": ("veille retirer 3",)},
        ),
    )


DECLARATION: Final = Declaration(
    name=NAME,
    summary="Animators watch outside sources: what is new is shown once a day, and what they pick becomes a draft.",
    settings=WatchSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    templates=HERE / "templates",
    called=Names(("finds",), ("trouvailles",)),
    posts=True,
)
