"""Groups made in chat: create, list, join, leave, rename, topic, archive, revive, hand over."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Names, Noun
from esnbot.commands.reactions import reactions
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.group.desk import Desk
from esnbot.features.group.events import ASKED_FOR, FOUNDING_ASKED, FOUNDING_OVER, GROUP_WISHED
from esnbot.features.group.founding import JOB, NO, YES, Founding
from esnbot.features.group.handlers import SLOW, GroupHandlers, left_by_themselves
from esnbot.features.group.settings import GroupSettings
from esnbot.features.group.wishing import Wishing
from esnbot.features.group.words.changing import changing
from esnbot.features.group.words.finding import finding
from esnbot.features.group.words.keeping import keeping
from esnbot.features.group.words.making import making
from esnbot.features.group.words.owning import owning
from esnbot.features.group.words.shared import NOUN
from esnbot.provisioning import events
from esnbot.speech import later

HERE: Final = Path(__file__).parent


def build(kit: Kit[GroupSettings]) -> Feature:
    """The feature for one community."""
    desk = Desk(kit)
    handlers = GroupHandlers(kit)
    founding = Founding(desk)
    module = Module(
        name="group",
        listeners=(
            Listener(frozenset({events.ROOM_READY}), handlers.room_ready),
            Listener(frozenset({events.ROOM_FAILED}), handlers.room_failed),
            Listener(frozenset({ASKED_FOR}), handlers.asked_for),
            Listener(frozenset({GROUP_WISHED}), Wishing(desk).wished),
            Listener(frozenset({"m.room.member"}), handlers.left, wants=left_by_themselves),
            Listener(frozenset({FOUNDING_ASKED}), founding.asked),
            Listener(frozenset({FOUNDING_OVER}), founding.over),
            *reactions(NOUN, founding.reacted, wants=frozenset({YES, NO}).__contains__),
        ),
        due={SLOW: handlers.slow, JOB: founding.expired},
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(
        NOUN, Names(("group", "groups"), ("groupe", "groupes")), later("Make a group, find one, look after yours.")
    )
    commands = (
        *making(desk, kit.community),
        *finding(desk),
        *keeping(desk),
        *changing(desk, kit.community),
        *owning(desk),
    )
    return Feature(module, (noun,), commands)


DECLARATION: Final = Declaration(
    name="group",
    summary="People make groups in seconds, own them, hand them over, archive and revive them.",
    settings=GroupSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    called=Names(("group questions",), ("questions de groupes",)),
    whispers=True,
)
