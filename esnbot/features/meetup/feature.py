"""Meet-ups: propose one, take part on site or remotely, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Names, Noun
from esnbot.commands.reactions import Reaction, reactions
from esnbot.engine.effects import Effect
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features import group, poll
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.meetup.after import AFTER, RECAP, Afterwards, is_yes
from esnbot.features.meetup.board import Board
from esnbot.features.meetup.commands import NOUN, proposing, taking_part
from esnbot.features.meetup.desk import Desk
from esnbot.features.meetup.events import LOOK, PROPOSED, RECAPPED, STOPPED
from esnbot.features.meetup.feeds import PATH, Feeds
from esnbot.features.meetup.finding import Finder
from esnbot.features.meetup.handlers import MeetupHandlers, has_gone, is_sign
from esnbot.features.meetup.keeping import CARD, NO, SETTLE, YES, Keeper
from esnbot.features.meetup.opening import AGAIN, HOUR, MORNING, OVER, WEEK, Opening
from esnbot.features.meetup.proposing import Proposing
from esnbot.features.meetup.records import NAME
from esnbot.features.meetup.settings import MeetupSettings
from esnbot.features.meetup.telling import TELL, Telling
from esnbot.features.status import RESUMED
from esnbot.provisioning.events import ROOM_ARCHIVED
from esnbot.speech import later
from esnbot.web.openly import OpenPage
from esnbot.web.visit import BoardPage

HERE: Final = Path(__file__).parent


def build(kit: Kit[MeetupSettings]) -> Feature:
    """The feature for one community."""
    finder = Finder(kit)
    keeper = Keeper(finder)
    opening, telling = Opening(finder, keeper), Telling(finder)
    handlers = MeetupHandlers(finder, keeper, opening, telling)
    afterwards, feeds = Afterwards(finder, keeper, opening), Feeds(finder)

    async def pressed(ctx: Context, reaction: Reaction) -> list[Effect]:
        return [*await handlers.offered(ctx, reaction), *await afterwards.wished(ctx, reaction)]

    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({PROPOSED}), opening.proposed),
            Listener(frozenset({LOOK}), handlers.look),
            Listener(frozenset({STOPPED}), handlers.stopped),
            Listener(frozenset({RECAPPED}), afterwards.recapped),
            Listener(frozenset({poll.CLOSED}), opening.voted),
            Listener(frozenset({group.GROUP_GRANTED}), afterwards.granted),
            Listener(frozenset({group.GROUP_BORN}), afterwards.born),
            Listener(frozenset({ROOM_ARCHIVED}), handlers.archived),
            Listener(frozenset({RESUMED}), handlers.resumed),
            Listener(frozenset({"m.reaction"}), handlers.reacted, wants=is_sign),
            Listener(frozenset({"m.room.redaction"}), handlers.redacted, wants=lambda event: bool(event.redacts)),
            Listener(frozenset({"m.room.member"}), handlers.gone, wants=has_gone),
            *reactions(NAME, pressed, wants=lambda emoji: emoji in (YES, NO) or is_yes(emoji)),
        ),
        due={
            CARD: handlers.card,
            SETTLE: handlers.settle,
            WEEK: telling.week,
            HOUR: telling.hour,
            MORNING: telling.morning,
            TELL: telling.tell,
            OVER: afterwards.over,
            AGAIN: opening.again,
            AFTER: afterwards.ask,
            RECAP: afterwards.recap,
        },
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(
        NOUN,
        Names(("meetup", "meet-up", "meetups"), ("rencontre", "rencontres")),
        later("Meet on site and remotely: propose a meet-up, register, come."),
    )
    commands = (*proposing(Proposing(finder)), *taking_part(Desk(finder, keeper), feeds))
    pages = (*Board(finder).pages(), BoardPage("/meetups/{id}.ics", feeds.download))
    return Feature(module, (noun,), commands, pages=pages, open_pages=(OpenPage(f"{PATH}/{{token}}.ics", feeds.read),))


DECLARATION: Final = Declaration(
    name=NAME,
    summary="People meet on site and remotely: dates, places, waiting lists, reminders, and what comes of it.",
    settings=MeetupSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    templates=HERE / "templates",
    called=Names(("meet-ups", "meetups"), ("rencontres",)),
    posts=True,
    whispers=True,
)
