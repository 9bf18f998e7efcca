"""Pages: write, read, put in order, on the board and in chats."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.module import NAME as COMMANDS
from esnbot.commands.params import which_group
from esnbot.commands.people import People
from esnbot.commands.values import Integer, Text
from esnbot.engine.feature import Listener, Module
from esnbot.features import text
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.group import GROUP_BORN
from esnbot.features.page import linking
from esnbot.features.page.acts import ACT
from esnbot.features.page.board import PageBoard
from esnbot.features.page.desk import Desk
from esnbot.features.page.handlers import EXPIRE, NAME, PageHandlers, is_button, is_file, is_ours, is_page, is_redaction
from esnbot.features.page.keeping import Keeper
from esnbot.features.page.settings import PageSettings
from esnbot.features.page.writing import Writing
from esnbot.features.text import TEXT_CHANGED
from esnbot.provisioning import wanted
from esnbot.speech import Later, later

HERE: Final = Path(__file__).parent
NOUN: Final = "page"

text.shows(text.PAGE, linking.in_room)


def build(kit: Kit[PageSettings]) -> Feature:
    """The feature for one community."""
    people = People(kit.community, wanted)
    inside = Keeper(kit.community, kit.settings, kit.speech, NAME)
    keeper = Keeper(kit.community, kit.settings, kit.speech, COMMANDS)
    writing = Writing(keeper, people)
    handlers = PageHandlers(kit, inside, Writing(inside, people))
    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({TEXT_CHANGED}), handlers.text_changed, wants=is_page),
            Listener(frozenset({GROUP_BORN}), handlers.group_born, wants=is_ours),
            Listener(frozenset({ACT}), handlers.asked_on_board, wants=is_ours),
            Listener(frozenset({"m.reaction"}), handlers.reacted, wants=is_button),
            Listener(frozenset({"m.room.message"}), handlers.filed, wants=is_file),
            Listener(frozenset({"m.room.redaction"}), handlers.taken_back, wants=is_redaction),
        ),
        due={EXPIRE: handlers.expire},
        start=handlers.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    noun = Noun(NOUN, Names(("page", "wiki"), ("page", "wiki")), later("Write down together what a group knows."))
    desk = Desk(kit.community, kit.server, keeper, writing, kit.board)
    return Feature(module, (noun,), _commands(desk, kit.settings), takes=(writing.take,), pages=PageBoard(kit).pages())


_WHERE: Final = which_group(
    later("The group or space whose page it is; without it, the one where you write."),
    name="where",
    names=Names(("in", "group"), ("dans", "groupe")),
    spaces=True,
    option=True,
)
_UNDER: Final = Param(
    name="under",
    names=Names(("under", "below"), ("sous",)),
    kind=Text(200),
    help=later("The page below which it stands."),
    required=False,
    option=True,
)
_NAME: Final = Param(
    name="name",
    names=Names(("name",), ("nom",)),
    kind=Text(20_000),
    help=later("The name of the page, in quotation marks when it has several words."),
)


def _version(help: Later) -> Param:
    return Param(
        name="version",
        names=Names(("version",), ("version",)),
        kind=Integer(1, 1_000_000),
        help=help,
        required=False,
        option=True,
    )


def _commands(desk: Desk, settings: PageSettings) -> tuple[Command, ...]:
    words = Param(
        name="text",
        names=Names(("text",), ("texte",)),
        kind=Text(settings.longest),
        help=later("What it says, from the next line on; Markdown works."),
        required=False,
        rest=True,
    )
    more = Param(
        name="text",
        names=Names(("text",), ("texte",)),
        kind=Text(settings.longest),
        help=later("What is put below it."),
        rest=True,
    )
    number = Param(
        name="version",
        names=Names(("version",), ("version",)),
        kind=Integer(1, 1_000_000),
        help=later("The number of the version."),
        required=False,
    )
    since = Param(
        name="since",
        names=Names(("since",), ("depuis",)),
        kind=Integer(1, 1_000_000),
        help=later("The version to compare it with; without it, the one before."),
        required=False,
        option=True,
    )
    new = Param(
        name="new",
        names=Names(("new-name",), ("nouveau-nom",)),
        kind=Text(20_000),
        help=later("The new name, in quotation marks when it has several words."),
    )
    owners = later("the owners of the group, and the animators who are in it")
    there = later("those who are in the group and may post there")
    return (
        Command(
            noun=NOUN,
            verb="list",
            names=Names(("list",), ("liste", "lister")),
            summary=later("Lists the pages of a group or space."),
            handle=desk.listed,
            params=(_WHERE,),
            examples={"en": ("page list", "page list --in Photo"), "fr": ("page liste", "page liste --dans Photo")},
            default=True,
        ),
        Command(
            noun=NOUN,
            verb="show",
            names=Names(("show", "read"), ("montrer", "voir", "lire")),
            summary=later("Shows a page, or one of its versions."),
            handle=desk.show,
            params=(_NAME, _WHERE, _version(later("The number of an earlier version."))),
            examples={
                "en": ('page show "First steps"', "page show Photo/Lenses --version 3"),
                "fr": ('page montrer "Premiers pas"', "page montrer Photo/Objectifs --version 3"),
            },
        ),
        Command(
            noun=NOUN,
            verb="write",
            names=Names(("write", "create", "new"), ("écrire", "créer", "nouvelle")),
            summary=later("Begins a page; without a text I ask you for it in our direct chat."),
            handle=desk.write,
            params=(_NAME, words, _WHERE, _UNDER, _version(later("The version that your text takes the place of."))),
            whose=there,
            examples={
                "en": ('page write "First steps" Ask Zoé for a key.', 'page write Lenses --under "First steps"'),
                "fr": (
                    'page écrire "Premiers pas" Demandez une clé à Zoé.',
                    'page écrire Objectifs --sous "Premiers pas"',
                ),
            },
        ),
        Command(
            noun=NOUN,
            verb="add",
            names=Names(("add", "append"), ("ajouter", "compléter")),
            summary=later("Puts a text below what a page says."),
            handle=desk.add,
            params=(_NAME, more, _WHERE),
            whose=there,
            examples={
                "en": ('page add "First steps" The door code changes on Mondays.',),
                "fr": ('page ajouter "Premiers pas" Le code de la porte change le lundi.',),
            },
        ),
        Command(
            noun=NOUN,
            verb="edit",
            names=Names(("edit", "change"), ("modifier", "changer")),
            summary=later("Lets you change a page at length, in our direct chat."),
            handle=desk.edit,
            params=(_NAME, _WHERE),
            whose=there,
            examples={"en": ('page edit "First steps"',), "fr": ('page modifier "Premiers pas"',)},
        ),
        Command(
            noun=NOUN,
            verb="draft",
            names=Names(("draft", "drafts"), ("brouillon", "brouillons")),
            summary=later("Brings back what you have written and not saved."),
            handle=desk.draft,
            examples={"en": ("page draft",), "fr": ("page brouillon",)},
        ),
        Command(
            noun=NOUN,
            verb="history",
            names=Names(("history", "versions"), ("historique", "versions")),
            summary=later("Lists the versions of a page, with who wrote them."),
            handle=desk.history,
            params=(_NAME, _WHERE),
            examples={"en": ('page history "First steps"',), "fr": ('page historique "Premiers pas"',)},
        ),
        Command(
            noun=NOUN,
            verb="compare",
            names=Names(("compare", "diff"), ("comparer", "différences")),
            summary=later("Shows what changed from one version of a page to another."),
            handle=desk.compare,
            params=(_NAME, number, since, _WHERE),
            examples={
                "en": ('page compare "First steps"', 'page compare "First steps" 5 --since 2'),
                "fr": ('page comparer "Premiers pas"', 'page comparer "Premiers pas" 5 --depuis 2'),
            },
        ),
        Command(
            noun=NOUN,
            verb="restore",
            names=Names(("restore", "revive"), ("restaurer", "rétablir")),
            summary=later("Brings back an earlier version, or a page that was put away."),
            handle=desk.restore,
            params=(_NAME, number, _WHERE),
            whose=there,
            examples={"en": ('page restore "First steps" 2',), "fr": ('page restaurer "Premiers pas" 2',)},
        ),
        Command(
            noun=NOUN,
            verb="rename",
            names=Names(("rename",), ("renommer",)),
            summary=later("Gives a page another name; links to the old one keep working."),
            handle=desk.rename,
            params=(_NAME, new, _WHERE),
            whose=there,
            examples={
                "en": ('page rename "First steps" "Welcome"',),
                "fr": ('page renommer "Premiers pas" "Bienvenue"',),
            },
        ),
        Command(
            noun=NOUN,
            verb="move",
            names=Names(("move",), ("déplacer", "ranger")),
            summary=later("Puts a page below another one, or at the top."),
            handle=desk.move,
            params=(_NAME, _UNDER, _WHERE),
            whose=there,
            examples={
                "en": ('page move Lenses --under "First steps"', "page move Lenses"),
                "fr": ('page déplacer Objectifs --sous "Premiers pas"', "page déplacer Objectifs"),
            },
        ),
        Command(
            noun=NOUN,
            verb="links",
            names=Names(("links", "backlinks"), ("liens",)),
            summary=later("Lists the pages that link to a page."),
            handle=desk.links,
            params=(_NAME, _WHERE),
            examples={"en": ('page links "First steps"',), "fr": ('page liens "Premiers pas"',)},
        ),
        Command(
            noun=NOUN,
            verb="export",
            names=Names(("export",), ("exporter",)),
            summary=later("Takes the notes and pages of a group away as Markdown files."),
            handle=desk.export,
            params=(_WHERE,),
            examples={"en": ("page export", "page export --in Photo"), "fr": ("page exporter --dans Photo",)},
        ),
        Command(
            noun=NOUN,
            verb="protect",
            names=Names(("protect", "lock"), ("protéger", "verrouiller")),
            summary=later("Lets only the owners change a page."),
            handle=desk.protect,
            params=(_NAME, _WHERE),
            whose=owners,
            examples={"en": ('page protect "First steps"',), "fr": ('page protéger "Premiers pas"',)},
        ),
        Command(
            noun=NOUN,
            verb="unprotect",
            names=Names(("unprotect", "unlock"), ("déprotéger", "déverrouiller")),
            summary=later("Lets all who may post here change a page again."),
            handle=desk.unprotect,
            params=(_NAME, _WHERE),
            whose=owners,
            examples={"en": ('page unprotect "First steps"',), "fr": ('page déprotéger "Premiers pas"',)},
        ),
        Command(
            noun=NOUN,
            verb="remove",
            names=Names(("remove", "delete"), ("retirer", "supprimer")),
            summary=later("Puts a page away; it can be brought back as it is."),
            handle=desk.remove,
            params=(_NAME, _WHERE),
            whose=there,
            examples={"en": ('page remove "First steps"',), "fr": ('page retirer "Premiers pas"',)},
        ),
    )


DECLARATION: Final = Declaration(
    name="page",
    summary="People of a group write pages together, link them, and lose no word when two write at once.",
    settings=PageSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    templates=HERE / "templates",
)
