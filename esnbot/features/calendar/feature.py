"""The editorial calendar: its commands, and what it listens to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun
from esnbot.commands.reactions import reactions
from esnbot.engine.effects import Effect
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features.calendar import board, commands
from esnbot.features.calendar.changing import Changing
from esnbot.features.calendar.desk import Desk
from esnbot.features.calendar.events import ENTRY_WANTED
from esnbot.features.calendar.feeds import PATH, Feeds
from esnbot.features.calendar.handlers import ATTACH, Handlers, is_answer, is_leaving, is_ours, is_redaction
from esnbot.features.calendar.keeping import CHANGED, NAME, POST, Keeping
from esnbot.features.calendar.laying import LAY_OUT, Laying
from esnbot.features.calendar.publishing import EXPIRE, Publishing
from esnbot.features.calendar.settings import CalendarSettings
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.status import RESUMED
from esnbot.speech import later
from esnbot.web.openly import OpenPage

HERE: Final = Path(__file__).parent


def build(kit: Kit[CalendarSettings]) -> Feature:
    """The feature for one community."""
    keeping = Keeping(kit)
    publishing = Publishing(keeping)
    handlers = Handlers(keeping, publishing)
    laying = Laying(keeping)
    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({CHANGED}), handlers.changed),
            Listener(frozenset({ENTRY_WANTED}), handlers.wanted),
            Listener(frozenset({RESUMED}), handlers.resumed),
            Listener(frozenset({"m.room.message"}), handlers.posted, wants=is_ours),
            Listener(frozenset({"m.room.redaction"}), handlers.redacted, wants=is_redaction),
            Listener(frozenset({"m.room.member"}), handlers.left, wants=is_leaving),
            *reactions(NAME, handlers.reacted, wants=is_answer),
        ),
        due={POST: publishing.due, EXPIRE: publishing.expire, ATTACH: handlers.attach, LAY_OUT: laying.due},
        start=_both(handlers.start, laying.start),
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(
        commands.NOUN,
        Names(("calendar",), ("calendrier",)),
        later("The editorial calendar: what is posted where and when."),
    )
    desk = Desk(keeping)
    feeds = Feeds(keeping)
    every: tuple[Command, ...] = commands.build(keeping, desk, Changing(keeping, desk), feeds)
    open_pages = (OpenPage(f"{PATH}/{{token}}.ics", feeds.read),)
    return Feature(module, (noun,), every, pages=board.pages(keeping), open_pages=open_pages)


Start = Callable[[Context], Awaitable[Sequence[Effect]]]


def _both(*starts: Start) -> Start:
    async def start(ctx: Context) -> Sequence[Effect]:
        return [effect for one in starts for effect in await one(ctx)]

    return start


DECLARATION: Final = Declaration(
    name=NAME,
    summary="Animators prepare what they want to say, and it appears where and when it should, once.",
    settings=CalendarSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    templates=HERE / "templates",
    assets=HERE / "assets",
    called=Names(("calendar posts",), ("publications du calendrier",)),
    posts=True,
    whispers=True,
)
