"""The life of groups: owners who leave are replaced, groups where nobody speaks are asked what shall become of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Names
from esnbot.commands.reactions import reactions
from esnbot.engine.event import Event
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.group import OWNER_GONE
from esnbot.features.life import model
from esnbot.features.life.describing import Describing
from esnbot.features.life.handlers import LOOK, OWNER, LifeHandlers
from esnbot.features.life.merging import ASKED, END_MERGE, NO, YES, Merging
from esnbot.features.life.questions import END, NAME, Questions, below
from esnbot.features.life.settings import LifeSettings
from esnbot.features.life.words import words
from esnbot.provisioning import events

HERE: Final = Path(__file__).parent


def build(kit: Kit[LifeSettings]) -> Feature:
    """The feature for one community."""
    questions, merging = Questions(kit), Merging(kit)
    handlers = LifeHandlers(kit, questions, merging)
    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({"m.room.message"}), questions.said, _may_answer),
            Listener(frozenset({"m.room.redaction"}), questions.taken_back, lambda event: bool(event.redacts)),
            *reactions(NAME, handlers.reacted, _is_button),
            Listener(frozenset({events.ROOM_READY, events.ROOM_REVIVED}), handlers.room_ready),
            Listener(frozenset({events.ROOM_ARCHIVED}), handlers.room_archived),
            Listener(frozenset({OWNER_GONE}), handlers.owner_gone),
            Listener(frozenset({ASKED}), merging.asked),
        ),
        due={LOOK: handlers.look, OWNER: handlers.owner_due, END: questions.end, END_MERGE: merging.end},
        start=handlers.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    return Feature(module, commands=words(Describing(kit), merging))


def _is_button(emoji: str) -> bool:
    """A cheap look: a reaction that is one of ours."""
    return emoji in (YES, NO) or model.pressed(emoji) is not None


def _may_answer(event: Event) -> bool:
    """A cheap look: a single word below something."""
    return bool(below(event)) and model.spoken(event.text("body")) is not None


DECLARATION: Final = Declaration(
    name=NAME,
    summary="Owners who leave are replaced by asking the members, and groups where nobody speaks are asked what to do.",
    settings=LifeSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    called=Names(("questions",), ("questions",)),
    posts=True,
)
