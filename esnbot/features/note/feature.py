"""Notes: keep, find, change, and ask whether they still hold."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.params import which_group
from esnbot.commands.values import Integer, Text
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.group import GROUP_BORN
from esnbot.features.note import acts, model
from esnbot.features.note.acts import Acts
from esnbot.features.note.desk import READ, Desk
from esnbot.features.note.handlers import AGAIN, Handlers, is_judgement, is_ours, is_redaction, may_keep
from esnbot.features.note.keeping import NAME, Keeping
from esnbot.features.note.pages import Pages
from esnbot.features.note.settings import NoteSettings
from esnbot.features.page import NOTE_BROUGHT
from esnbot.features.text import TEXT_CHANGED
from esnbot.speech import later

HERE: Final = Path(__file__).parent
NOUN: Final = "note"


def build(kit: Kit[NoteSettings]) -> Feature:
    """The feature for one community."""
    keeping = Keeping(kit)
    handlers = Handlers(keeping)
    desk, doings = Desk(keeping), Acts(keeping, handlers)
    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({"m.reaction"}), handlers.reacted, wants=may_keep),
            Listener(frozenset({"m.reaction"}), handlers.judged, wants=is_judgement),
            Listener(frozenset({"m.room.redaction"}), handlers.redacted, wants=is_redaction),
            Listener(frozenset({"m.room.encryption"}), handlers.encrypted),
            Listener(frozenset({TEXT_CHANGED}), handlers.changed),
            Listener(frozenset({GROUP_BORN}), handlers.born),
            Listener(frozenset({NOTE_BROUGHT}), handlers.brought, wants=is_ours),
            Listener(frozenset({acts.EDIT}), doings.edit),
            Listener(frozenset({acts.RESTORE}), doings.restore),
            Listener(frozenset({acts.JUDGE}), doings.judge),
            Listener(frozenset({acts.REMOVE}), doings.remove),
        ),
        due={READ: handlers.read, AGAIN: handlers.again},
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(
        NOUN,
        Names(("note",), ("note",)),
        later("Keep what is worth finding again: a few lines, a message, or a whole thread."),
    )
    return Feature(module, (noun,), (*_keep(desk), *_read(desk), *_change(desk)), pages=Pages(keeping).all())


_GROUP = which_group(
    later("Which group the note belongs to; if you name none, the one in whose room you write."), option=True
)
_NUMBER = Param(
    name="number", names=Names(("number",), ("numéro",)), kind=Integer(1, 1_000_000_000), help=later("Which note.")
)


def _keep(desk: Desk) -> tuple[Command, ...]:
    text = Param(
        name="text",
        names=Names(("text",), ("texte",)),
        kind=Text(model.LONGEST_TEXT + 1_000),
        help=later(
            "The title, and on the lines below it the text; #words in it are tags. In a thread, or as an answer to a "
            "message, the title alone keeps what is there."
        ),
        required=False,
        rest=True,
    )
    title = Param(
        name="title",
        names=Names(("title",), ("titre",)),
        kind=Text(model.LONGEST_TITLE * 2),
        help=later("What to call the note; if you say nothing, its first words."),
        required=False,
        rest=True,
    )
    emoji = Param(
        name="emoji",
        names=Names(("emoji",), ("émoji",)),
        kind=Text(100),
        help=later("One emoji, or “off”; if you give none, I say which it is."),
        required=False,
        rest=True,
    )
    return (
        Command(
            noun=NOUN,
            verb="keep",
            names=Names(("keep", "add", "new"), ("garder", "ajouter", "nouvelle")),
            summary=later("Keep a note: what you write, the message that you answer to, or the thread."),
            handle=desk.keep,
            params=(_GROUP, text),
            default=True,
            examples={
                "en": ("note The printer code is 4711 #office", 'note "How we book the hall"'),
                "fr": ("note Le code de l'imprimante est 4711 #bureau", "note « Comment réserver la salle »"),
            },
        ),
        Command(
            noun=NOUN,
            verb="thread",
            names=Names(("thread",), ("fil",)),
            summary=later("Keep the whole thread as a note, with who said what."),
            handle=desk.thread,
            params=(title,),
            examples={
                "en": ("note thread", "note thread Which drill to buy"),
                "fr": ("note fil", "note fil La perceuse"),
            },
        ),
        Command(
            noun=NOUN,
            verb="emoji",
            names=Names(("emoji",), ("émoji",)),
            summary=later("Choose the reaction with which you keep messages as notes."),
            handle=desk.emoji,
            params=(emoji,),
            examples={"en": ("note emoji 🔖",), "fr": ("note émoji 🔖",)},
        ),
    )


def _read(desk: Desk) -> tuple[Command, ...]:
    about = Param(
        name="about",
        names=Names(("about",), ("sujet",)),
        kind=Text(200),
        help=later("Words to look for, or a #tag; if you give none, the newest notes."),
        required=False,
        rest=True,
    )
    return (
        Command(
            noun=NOUN,
            verb="show",
            names=Names(("show", "read"), ("montrer", "voir", "lire")),
            summary=later("Show a note, and what is like it."),
            handle=desk.show,
            params=(_NUMBER,),
            examples={"en": ("note show 12",), "fr": ("note montrer 12",)},
        ),
        Command(
            noun=NOUN,
            verb="list",
            names=Names(("list", "find"), ("liste", "lister", "chercher")),
            summary=later("List the notes of the group; in a direct chat, those of all groups that you may read."),
            handle=desk.listed,
            params=(about,),
            examples={"en": ("note list", "note list #office"), "fr": ("note liste", "note liste #bureau")},
        ),
        Command(
            noun=NOUN,
            verb="history",
            names=Names(("history", "versions"), ("historique", "versions")),
            summary=later("List the versions of a note."),
            handle=desk.history,
            params=(_NUMBER,),
            examples={"en": ("note history 12",), "fr": ("note historique 12",)},
        ),
        Command(
            noun=NOUN,
            verb="holds",
            names=Names(("holds", "confirm"), ("valable", "confirmer")),
            summary=later("Say that a note still holds."),
            handle=desk.holds,
            params=(_NUMBER,),
            examples={"en": ("note holds 12",), "fr": ("note valable 12",)},
        ),
    )


def _change(desk: Desk) -> tuple[Command, ...]:
    text = Param(
        name="text",
        names=Names(("text",), ("texte",)),
        kind=Text(model.LONGEST_TEXT + 1_000),
        help=later("A new title on the same line, a new text on the lines below, or both."),
        required=False,
        rest=True,
    )
    version = Param(
        name="version",
        names=Names(("version",), ("version",)),
        kind=Integer(1, 1_000_000),
        help=later("Which version."),
    )
    writers = later("Those who may write in the group.")
    return (
        Command(
            noun=NOUN,
            verb="edit",
            names=Names(("edit", "change"), ("modifier", "changer")),
            summary=later("Give a note another title, another text, or both; its earlier versions stay."),
            handle=desk.edit,
            params=(_NUMBER, text),
            whose=writers,
            examples={
                "en": ("note edit 12 How we book the big hall",),
                "fr": ("note modifier 12 Comment réserver la grande salle",),
            },
        ),
        Command(
            noun=NOUN,
            verb="restore",
            names=Names(("restore",), ("restaurer", "rétablir")),
            summary=later("Bring an earlier version of a note back."),
            handle=desk.restore,
            params=(_NUMBER, version),
            whose=writers,
            examples={"en": ("note restore 12 1",), "fr": ("note restaurer 12 1",)},
        ),
        Command(
            noun=NOUN,
            verb="remove",
            names=Names(("remove", "delete"), ("retirer", "supprimer")),
            summary=later("Take a note away, with all its versions."),
            handle=desk.remove,
            confirm=desk.confirm_removal,
            params=(_NUMBER,),
            whose=later("Its author, who kept it, and the owners of the group."),
            examples={"en": ("note remove 12",), "fr": ("note retirer 12",)},
        ),
    )


DECLARATION: Final = Declaration(
    name=NAME,
    summary="People keep what is worth finding again: a few lines, a message, or a whole thread.",
    settings=NoteSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    templates=HERE / "templates",
    called=Names(("notes",), ("notes",)),
    whispers=True,
)
