"""Discussion prompts: a question from the library, in each group that has a tempo, at its local time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun
from esnbot.commands.params import which_group
from esnbot.community.person import Role
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.prompt.handlers import POST, PromptHandlers
from esnbot.features.prompt.settings import PromptSettings
from esnbot.provisioning import events
from esnbot.speech import later

HERE: Final = Path(__file__).parent


def build(kit: Kit[PromptSettings]) -> Feature:
    """The feature for one community."""
    handlers = PromptHandlers(kit)
    module = Module(
        name="prompt",
        listeners=(
            Listener(frozenset({events.ROOM_READY, events.ROOM_REVIVED}), handlers.room_ready),
            Listener(frozenset({events.ROOM_ARCHIVED}), handlers.room_archived),
        ),
        due={POST: handlers.due},
        start=handlers.start,
    )
    noun = Noun("prompt", Names(("prompt",), ("amorce",)), later("Which discussion prompts come, and when."))
    show = Command(
        noun="prompt",
        verb="next",
        names=Names(("next",), ("suite", "prochaines")),
        summary=later("Shows the next prompts, with their times."),
        handle=handlers.show_next,
        params=(which_group(later("Only for this group, several in advance.")),),
        who=frozenset({Role.animator, Role.administrator}),
        examples={"en": ("prompt next", 'prompt next "The café"'), "fr": ("amorce suite", 'amorce suite "Le café"')},
        default=True,
    )
    return Feature(module, (noun,), (show,))


DECLARATION: Final = Declaration(
    name="prompt",
    summary="A discussion prompt appears in each group that has a tempo, at its local time, never on a public holiday.",
    settings=PromptSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    called=Names(("prompts",), ("amorces",)),
    posts=True,
)
