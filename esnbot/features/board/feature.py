"""The board in chat: a link to come in by, and being signed out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun
from esnbot.engine.feature import Listener, Module
from esnbot.features.board.handlers import BoardHandlers
from esnbot.features.board.settings import BoardSettings
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.speech import later
from esnbot.web import links

HERE: Final = Path(__file__).parent
NOUN: Final = "board"


def build(kit: Kit[BoardSettings]) -> Feature:
    """The feature for one community."""
    handlers = BoardHandlers(kit)
    noun = Noun(NOUN, Names(("board",), ("tableau",)), later("The board: the community in your browser."))
    commands = (
        Command(
            noun=NOUN,
            verb="open",
            names=Names(("open",), ("ouvrir",)),
            summary=later("Sends you a link, in private, by which you come in without a password."),
            handle=handlers.open,
            examples={"en": ("board",), "fr": ("tableau",)},
            default=True,
        ),
        Command(
            noun=NOUN,
            verb="sign-out",
            names=Names(("sign-out", "signout", "logout", "close"), ("déconnecter", "fermer")),
            summary=later("Signs you out of the board, in every browser."),
            handle=handlers.sign_out,
            examples={"en": ("board sign-out",), "fr": ("tableau déconnecter",)},
        ),
    )
    module = Module(
        name=NOUN,
        listeners=(
            Listener(frozenset({links.ASKED}), handlers.asked),
            Listener(frozenset({links.SIGNED_IN}), handlers.signed_in),
        ),
        export=handlers.export,
        erase=handlers.erase,
    )
    return Feature(module, (noun,), commands)


DECLARATION: Final = Declaration(
    name=NOUN,
    summary="People open the web board with a link that the bot sends them.",
    settings=BoardSettings,
    build=build,
    texts=HERE / "texts",
)
