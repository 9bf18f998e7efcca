"""The commands of the calendar, with their words in both languages."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from esnbot.commands.command import Command, Names, Param
from esnbot.commands.reading import KEEPERS, Kind
from esnbot.commands.values import Choice, GroupValue, Integer, PersonValue, Switch, Text
from esnbot.features.calendar import model, values
from esnbot.features.calendar.changing import Changing
from esnbot.features.calendar.desk import Desk, refusing
from esnbot.features.calendar.feeds import Feeds
from esnbot.features.calendar.keeping import Keeping
from esnbot.features.calendar.zones import ZoneValue
from esnbot.speech import Later, later

NOUN: Final = "calendar"
WHO: Final = frozenset(KEEPERS)
_TITLE: Final = Text(model.LONGEST_WORDS)

_NUMBER = Param(
    name="number",
    names=Names(("number",), ("numéro",)),
    kind=Integer(1, 1_000_000_000),
    help=later("Which entry."),
)
_PLAN = Param(
    name="plan",
    names=Names(("when-and-where",), ("quand-et-où",)),
    kind=values.Raw(),
    help=later("When, and after “in” which groups: `on Tuesday 10am in #atelier and #cafe`."),
    required=False,
    many=True,
)
_SWITCHES = {"yes": Names(("yes", "on"), ("oui",)), "no": Names(("no", "off"), ("non",))}


def build(keeping: Keeping, desk: Desk, changing: Changing, feeds: Feeds) -> tuple[Command, ...]:
    """All of them."""
    options = _options(keeping)
    reading = _reading(options, desk)
    return (*_writing(options, desk, changing), *reading, *_deciding(options, changing), _feed(options, feeds))


def _option(name: str, en: str, fr: str, kind: Kind, help: Later, *, many: bool = False) -> Param:
    names = Names(tuple(en.split()), tuple(fr.split()))
    return Param(name=name, names=names, kind=kind, help=help, required=False, option=True, many=many)


def _options(keeping: Keeping) -> dict[str, Param]:
    lines = {
        key: Names(tuple(dict.fromkeys((key, line.name("en")))), tuple(dict.fromkeys((key, line.name("fr")))))
        for key, line in keeping.lines.items()
    }
    languages = {code: Names((code,), (code,)) for code in keeping.community.languages}
    audiences = {key: Names((key, one.name), (key, one.name)) for key, one in keeping.community.audiences.items()}
    every = (
        _option("line", "line", "ligne", values.LineValue(lines), later("Its editorial line.")),
        _option(
            "rule",
            "repeat",
            "répéter",
            values.Rule(),
            later('When it comes again: `repeat="every Monday"`, “last Thursday of the month”, “never”.'),
        ),
        _option(
            "excepts",
            "except",
            "sauf",
            values.Days(),
            later("Days on which it does not come: `except=2027-01-01,2027-05-01`."),
        ),
        _option("reviewer", "reviewer", "relecteur", PersonValue(), later("Who is to look at it before.")),
        _option("audience", "audience", "public", values.AudienceValue(audiences), later("For whom it is."), many=True),
        _option("language", "language", "langue", Choice(languages), later("The language of the text.")),
        _option("zone", "zone", "fuseau", ZoneValue(), later("Where its readers are: `zone=Europe/Paris`.")),
        _option(
            "embargo",
            "embargo",
            "embargo",
            values.Limit(spans=False),
            later("It is not posted before then."),
        ),
        _option(
            "expires",
            "expires",
            "expire",
            values.Limit(),
            later('When it is over: a date, or how long after it was posted, such as `expires="7 days"`.'),
        ),
        _option("link", "link", "lien", Text(2_000), later("Where it comes from, or leads to.")),
        _option("credit", "credit", "source", Text(200), later("Whose it is, beside the link.")),
    )
    return {param.name: param for param in every}


_SHARED: Final = (
    "line",
    "rule",
    "excepts",
    "reviewer",
    "audience",
    "zone",
    "embargo",
    "expires",
    "link",
    "credit",
)


def _writing(options: dict[str, Param], desk: Desk, changing: Changing) -> tuple[Command, ...]:
    shared = tuple(options[name] for name in _SHARED)
    title = Param(
        name="text",
        names=Names(("title",), ("titre",)),
        kind=_TITLE,
        help=later("The title, in quotation marks; the text on the lines below it."),
    )
    optional = replace(
        title, required=False, rest=True, help=later("A new title; a new text on the lines below, or both.")
    )
    switches = (
        _option("ask", "ask", "demander", Switch(), later("Ask the animators before it is posted.")),
        _option("rouse", "everybody", "tous", Switch(), later("Call everybody in the room.")),
        _option("idea", "idea", "idée", Switch(), later("Only an idea for now.")),
        _option("draft", "draft", "brouillon", Switch(), later("A draft for now, even if it is complete.")),
    )
    yes_or_no = (
        _option("set_ask", "ask", "demander", Choice(_SWITCHES), later("Whether I ask before I post it.")),
        _option("set_rouse", "everybody", "tous", Choice(_SWITCHES), later("Whether it calls everybody.")),
    )
    return (
        Command(
            noun=NOUN,
            verb="add",
            names=Names(("add", "new"), ("ajouter", "nouveau")),
            summary=later("Puts an entry into the calendar."),
            handle=refusing(desk.add),
            params=(title, _PLAN, *shared, options["language"], *switches),
            who=WHO,
            below=True,
            examples={
                "en": (
                    'calendar add "Open day on Saturday" on Tuesday 10am in #atelier line=metier',
                    'calendar add "What made you smile?" on Friday 9am in #cafe repeat="every Friday"',
                ),
                "fr": (
                    'calendrier ajouter "Portes ouvertes samedi" le mardi 10h dans #atelier ligne=metier',
                    'calendrier ajouter "Votre sourire ?" le vendredi 9h dans #cafe répéter="chaque vendredi"',
                ),
            },
        ),
        Command(
            noun=NOUN,
            verb="edit",
            names=Names(("edit", "correct", "translate"), ("modifier", "corriger", "traduire")),
            summary=later("Rewords an entry, or adds a language; what is posted already is corrected in its rooms."),
            handle=refusing(changing.edit),
            params=(_NUMBER, optional, options["language"]),
            who=WHO,
            below=True,
            examples={
                "en": ("calendar edit 12 Open day on Sunday", "calendar edit 12 language=fr Portes ouvertes"),
                "fr": ("calendrier modifier 12 Portes ouvertes dimanche",),
            },
        ),
        Command(
            noun=NOUN,
            verb="move",
            names=Names(("move", "plan"), ("déplacer", "planifier")),
            summary=later("Gives an entry another time, other groups, or both."),
            handle=refusing(changing.move),
            params=(_NUMBER, _PLAN),
            who=WHO,
            examples={
                "en": ("calendar move 12 to Friday 9am", "calendar move 12 on Friday 9am in #cafe"),
                "fr": ("calendrier déplacer 12 au vendredi 9h",),
            },
        ),
        Command(
            noun=NOUN,
            verb="fit",
            names=Names(("fit",), ("caser",)),
            summary=later("Lets the planner find a time for an entry, when its group bears it."),
            handle=refusing(changing.fit),
            params=(_NUMBER,),
            who=WHO,
            examples={"en": ("calendar fit 12",), "fr": ("calendrier caser 12",)},
        ),
        Command(
            noun=NOUN,
            verb="set",
            names=Names(("set",), ("régler",)),
            summary=later("Changes what else is so of an entry: line, recurrence, reviewer, end."),
            handle=refusing(changing.set),
            params=(_NUMBER, *shared, *yes_or_no),
            who=WHO,
            examples={
                "en": ('calendar set 12 repeat="last Thursday of the month"', "calendar set 12 ask=yes"),
                "fr": ('calendrier régler 12 répéter="dernier jeudi du mois"',),
            },
        ),
        Command(
            noun=NOUN,
            verb="attach",
            names=Names(("attach",), ("joindre",)),
            summary=later("Attaches the file in the message that you reply to."),
            handle=refusing(changing.attach),
            params=(_NUMBER,),
            who=WHO,
            examples={"en": ("calendar attach 12",), "fr": ("calendrier joindre 12",)},
        ),
    )


def _reading(options: dict[str, Param], desk: Desk) -> tuple[Command, ...]:
    group = _option("group", "group", "groupe", GroupValue(), later("Only what comes in this group."))
    return (
        Command(
            noun=NOUN,
            verb="list",
            names=Names(("list",), ("liste", "lister")),
            summary=later("Lists what comes in the next four weeks, and what is not scheduled yet."),
            handle=refusing(desk.listed),
            params=(options["line"], group),
            who=WHO,
            default=True,
            examples={"en": ("calendar list", "calendar list line=metier"), "fr": ("calendrier liste",)},
        ),
        Command(
            noun=NOUN,
            verb="show",
            names=Names(("show",), ("montrer", "voir")),
            summary=later("Shows how an entry stands."),
            handle=refusing(desk.show),
            params=(_NUMBER,),
            who=WHO,
            examples={"en": ("calendar show 12",), "fr": ("calendrier montrer 12",)},
        ),
        Command(
            noun=NOUN,
            verb="preview",
            names=Names(("preview",), ("aperçu",)),
            summary=later("Shows an entry exactly as it will look."),
            handle=refusing(desk.preview),
            params=(_NUMBER, options["language"]),
            whose=later("animators, and whoever is to look at the entry"),
            examples={"en": ("calendar preview 12",), "fr": ("calendrier aperçu 12",)},
        ),
        Command(
            noun=NOUN,
            verb="history",
            names=Names(("history",), ("historique",)),
            summary=later("Lists what was done to an entry, by whom and when."),
            handle=refusing(desk.history),
            params=(_NUMBER,),
            who=WHO,
            examples={"en": ("calendar history 12",), "fr": ("calendrier historique 12",)},
        ),
    )


def _feed(options: dict[str, Param], feeds: Feeds) -> Command:
    place = GroupValue(spaces=True)
    return Command(
        noun=NOUN,
        verb="feed",
        names=Names(("feed",), ("flux",)),
        summary=later("Gives you an address at which your own calendar program finds the calendar."),
        handle=refusing(feeds.feed),
        params=(
            options["line"],
            _option("group", "group", "groupe", place, later("Only what comes in this group or space.")),
            _option("own", "own", "miens", Switch(), later("Only what you wrote or are to look at.")),
            _option("off", "off", "fin", Switch(), later("Ends all your feeds.")),
        ),
        who=WHO,
        examples={"en": ("calendar feed line=metier",), "fr": ("calendrier flux ligne=metier",)},
    )


def _deciding(options: dict[str, Param], changing: Changing) -> tuple[Command, ...]:
    words = Param(
        name="text",
        names=Names(("text",), ("texte",)),
        kind=Text(5_000),
        help=later("What came of it; it goes into the thread of the entry."),
        required=False,
        rest=True,
    )
    return (
        Command(
            noun=NOUN,
            verb="submit",
            names=Names(("submit", "review"), ("soumettre", "relire")),
            summary=later("Has somebody look at an entry before it is scheduled."),
            handle=refusing(changing.submit),
            params=(_NUMBER, options["reviewer"]),
            who=WHO,
            examples={"en": ("calendar submit 12",), "fr": ("calendrier soumettre 12",)},
        ),
        Command(
            noun=NOUN,
            verb="approve",
            names=Names(("approve", "schedule"), ("approuver", "valider")),
            summary=later("Approves an entry: it is scheduled."),
            handle=refusing(changing.approve),
            params=(_NUMBER,),
            whose=later("animators, and whoever is to look at the entry"),
            examples={"en": ("calendar approve 12",), "fr": ("calendrier approuver 12",)},
        ),
        Command(
            noun=NOUN,
            verb="return",
            names=Names(("return",), ("renvoyer",)),
            summary=later("Sends an entry back for changes."),
            handle=refusing(changing.send_back),
            params=(_NUMBER,),
            who=WHO,
            examples={"en": ("calendar return 12",), "fr": ("calendrier renvoyer 12",)},
        ),
        Command(
            noun=NOUN,
            verb="cancel",
            names=Names(("cancel",), ("annuler",)),
            summary=later("Cancels an entry: it is not posted any more."),
            handle=refusing(changing.cancel),
            params=(_NUMBER,),
            who=WHO,
            examples={"en": ("calendar cancel 12",), "fr": ("calendrier annuler 12",)},
        ),
        Command(
            noun=NOUN,
            verb="withdraw",
            names=Names(("withdraw",), ("retirer",)),
            summary=later("Takes an entry away that was posted."),
            handle=refusing(changing.withdraw),
            confirm=changing.ask_withdraw,
            params=(_NUMBER,),
            who=WHO,
            examples={"en": ("calendar withdraw 12",), "fr": ("calendrier retirer 12",)},
        ),
        Command(
            noun=NOUN,
            verb="recap",
            names=Names(("recap",), ("bilan",)),
            summary=later("Says in the thread of an entry what came of it."),
            handle=refusing(changing.recap),
            params=(_NUMBER, words),
            who=WHO,
            below=True,
            examples={
                "en": ("calendar recap 12 Forty of us came, and three want to start a group.",),
                "fr": ("calendrier bilan 12 Nous étions quarante.",),
            },
        ),
        Command(
            noun=NOUN,
            verb="undo",
            names=Names(("undo",), ("défaire",)),
            summary=later("Undoes the last change of an entry."),
            handle=refusing(changing.undo),
            params=(_NUMBER,),
            who=WHO,
            examples={"en": ("calendar undo 12",), "fr": ("calendrier défaire 12",)},
        ),
    )
