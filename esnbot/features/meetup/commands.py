"""The commands, in both languages."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from esnbot.commands.command import Command, Names, Param
from esnbot.commands.values import Choice, Duration, GroupValue, Integer, Switch, Text, Word
from esnbot.features.meetup.desk import Desk, answered
from esnbot.features.meetup.feeds import NEW, OFF, Feeds
from esnbot.features.meetup.model import Way
from esnbot.features.meetup.proposing import LONGEST, Proposing
from esnbot.features.meetup.values import LONGEST_PLACE, LONGEST_TITLE, MOST_PEOPLE, Dates, VideoLink
from esnbot.speech import later

NOUN: Final = "meetup"
MOST_MINUTES: Final = LONGEST
LONGEST_RECAP: Final = 5_000
WAYS: Final = {
    Way.site.value: Names(("site", "onsite"), ("sur-place", "place")),
    Way.remote.value: Names(("remote", "afar"), ("distance", "à-distance", "visio")),
}
WHICH: Final = Param(
    name="number",
    names=Names(("number",), ("numéro",)),
    kind=Integer(1, 1_000_000_000),
    help=later("Which meet-up; if you name none, the only one that is planned, or in whose thread you write."),
    required=False,
)


def proposing(desk: Proposing) -> tuple[Command, ...]:
    """The commands of those who make meet-ups."""
    return (
        Command(
            noun=NOUN,
            verb="propose",
            names=Names(("propose", "plan", "create", "new"), ("proposer", "prévoir", "créer", "nouveau")),
            summary=later("Proposes a meet-up to the people of a group: on site, remotely, or both."),
            handle=answered(desk.propose),
            params=_proposal(desk),
            dialogue=True,
            examples={
                "en": (
                    'meetup propose "Board games" on friday 6pm at "Canteen, Lyon" seats=12',
                    'meetup propose "Demo" on "tuesday 2pm or thursday 2pm" video=https://meet.example.org/demo',
                    'meetup propose "Breakfast" on "3 March at 8am" at "Terrace" every="first Tuesday"',
                ),
                "fr": (
                    'rencontre proposer "Jeux de société" vendredi 18h à "Cantine, Lyon" places=12',
                    'rencontre proposer "Démo" "mardi 14h ou jeudi 14h" visio=https://meet.example.org/demo',
                    'rencontre proposer "Petit déjeuner" "3 mars à 8h" "Terrasse" chaque="premier mardi"',
                ),
            },
        ),
        Command(
            noun=NOUN,
            verb="change",
            names=Names(("change", "move", "edit"), ("modifier", "changer", "déplacer")),
            summary=later("Changes time, place, video link or room; those whom it concerns hear it."),
            handle=answered(desk.change),
            params=(WHICH, *_changes()),
            whose=later("whoever proposed it, the owners of the group and the animators"),
            examples={
                "en": ('meetup change on="friday 7pm"', 'meetup change 12 at="Room 3" seats=20'),
                "fr": ('rencontre modifier quand="vendredi 19h"', 'rencontre modifier 12 lieu="Salle 3" places=20'),
            },
        ),
        Command(
            noun=NOUN,
            verb="cancel",
            names=Names(("cancel",), ("annuler",)),
            summary=later("Cancels a meet-up; everybody who is registered hears it."),
            handle=answered(desk.cancel),
            params=(
                WHICH,
                Param(
                    name="series",
                    names=Names(("series",), ("série",)),
                    kind=Switch(),
                    help=later("Also all further ones, of a meet-up that comes again."),
                    required=False,
                    option=True,
                ),
            ),
            confirm=desk.really,
            whose=later("whoever proposed it, the owners of the group and the animators"),
            examples={"en": ("meetup cancel", "meetup cancel 12 --series"), "fr": ("rencontre annuler",)},
        ),
        Command(
            noun=NOUN,
            verb="recap",
            names=Names(("recap",), ("récit", "bilan", "compte-rendu")),
            summary=later("Puts a recap into the thread of a meet-up that has taken place."),
            handle=answered(desk.recap),
            params=(
                Param(
                    name="text",
                    names=Names(("text",), ("texte",)),
                    kind=Text(LONGEST_RECAP),
                    help=later("What is worth telling."),
                    rest=True,
                ),
            ),
            examples={
                "en": ("meetup recap Five games, two winners, and a lot of cake.",),
                "fr": ("rencontre récit Cinq parties, deux gagnants, et beaucoup de gâteau.",),
            },
        ),
    )


def _proposal(desk: Proposing) -> tuple[Param, ...]:
    return (
        Param(
            name="title",
            names=Names(("title",), ("titre",)),
            kind=Text(LONGEST_TITLE),
            help=later("What it is about, in a few words, in quotation marks."),
            question=later("What is the meet-up about?"),
        ),
        Param(
            name="when",
            names=Names(("on", "when", "date"), ("quand", "date", "le")),
            kind=Dates(),
            help=later("When; several dates with *or* between them, and people choose in a poll."),
            question=later("When? Several dates with “or” between them let people choose."),
            leads=frozenset({"on"}),
            check=desk.check_dates,
        ),
        Param(
            name="place",
            names=Names(("at", "place"), ("lieu", "à")),
            kind=Text(LONGEST_PLACE),
            help=later("Where people meet on site."),
            required=False,
            question=later("Where do people meet on site?"),
            leads=frozenset({"at", "a"}),
            skipped=later("open"),
        ),
        *_options(),
        Param(
            name="every",
            names=Names(("every",), ("chaque", "tous-les")),
            kind=Text(50),
            help=later("How often it comes again: `week`, `two weeks`, `month`, `first Thursday`."),
            required=False,
            option=True,
        ),
        Param(
            name="group",
            names=Names(("group", "in"), ("groupe", "dans")),
            kind=GroupValue(),
            help=later("In which group, when you say this elsewhere."),
            required=False,
            option=True,
            question=later("In which group?"),
            offers=desk.groups_offered,
            needed=desk.is_direct,
        ),
    )


def _options() -> tuple[Param, ...]:
    return (
        Param(
            name="seats",
            names=Names(("seats",), ("places",)),
            kind=Integer(1, MOST_PEOPLE),
            help=later("How many people can come on site; as many as like to, if you say nothing."),
            required=False,
            option=True,
            question=later("How many people can come on site?"),
            skipped=later("as many as like to"),
        ),
        Param(
            name="video",
            names=Names(("video", "link"), ("visio", "lien")),
            kind=VideoLink(),
            help=later("Where people meet remotely: the address of a video meeting."),
            required=False,
            option=True,
            question=later("Is there a video link?"),
            skipped=later("no video link"),
        ),
        Param(
            name="remote",
            names=Names(("remote",), ("distance",)),
            kind=Integer(1, MOST_PEOPLE),
            help=later("How many people can join remotely; as many as like to, if there is a link."),
            required=False,
            option=True,
        ),
        Param(
            name="lasts",
            names=Names(("lasts", "for"), ("durée", "pendant")),
            kind=Duration(timedelta(minutes=5), LONGEST),
            help=later("How long it lasts."),
            required=False,
            option=True,
        ),
    )


def _changes() -> tuple[Param, ...]:
    return (
        Param(
            name="title",
            names=Names(("title",), ("titre",)),
            kind=Text(LONGEST_TITLE),
            help=later("What it is about, in a few words, in quotation marks."),
            required=False,
            option=True,
        ),
        Param(
            name="when",
            names=Names(("on", "when", "date"), ("quand", "date", "le")),
            kind=Dates(),
            help=later("The new time."),
            required=False,
            option=True,
        ),
        Param(
            name="place",
            names=Names(("at", "place"), ("lieu", "à")),
            kind=Text(LONGEST_PLACE),
            help=later("Where people meet on site."),
            required=False,
            option=True,
        ),
        *_options(),
    )


def taking_part(desk: Desk, feeds: Feeds) -> tuple[Command, ...]:
    """The commands of everybody."""
    return (
        Command(
            noun=NOUN,
            verb="list",
            names=Names(("list",), ("liste", "lister")),
            summary=later("Lists the meet-ups that are planned."),
            handle=answered(desk.listed),
            examples={"en": ("meetup list",), "fr": ("rencontre liste",)},
            default=True,
        ),
        Command(
            noun=NOUN,
            verb="show",
            names=Names(("show",), ("montrer", "voir")),
            summary=later("Shows a meet-up: when, where, and how much room there is."),
            handle=answered(desk.show),
            params=(WHICH,),
            examples={"en": ("meetup show 12",), "fr": ("rencontre montrer 12",)},
        ),
        Command(
            noun=NOUN,
            verb="join",
            names=Names(("join", "register"), ("participer", "inscrire", "venir")),
            summary=later("Registers you for a meet-up, or takes the place that is offered to you."),
            handle=answered(desk.join),
            params=(
                WHICH,
                Param(
                    name="way",
                    names=Names(("how",), ("comment",)),
                    kind=Choice(WAYS),
                    help=later("On site or remotely; on site, if you say nothing."),
                    required=False,
                ),
            ),
            examples={"en": ("meetup join", "meetup join 12 remote"), "fr": ("rencontre participer 12 distance",)},
        ),
        Command(
            noun=NOUN,
            verb="leave",
            names=Names(("leave", "unregister"), ("désinscrire", "renoncer", "quitter")),
            summary=later("Takes you off the list of a meet-up; your place goes to the next."),
            handle=answered(desk.leave),
            params=(WHICH,),
            examples={"en": ("meetup leave",), "fr": ("rencontre désinscrire",)},
        ),
        Command(
            noun=NOUN,
            verb="here",
            names=Names(("here", "arrive"), ("arriver", "arrivée", "ici")),
            summary=later("Says that you have arrived, by the code that is shown on site."),
            handle=answered(desk.here),
            params=(
                Param(
                    name="code",
                    names=Names(("code",), ("code",)),
                    kind=Word(20),
                    help=later("The code that is shown on site."),
                ),
            ),
            examples={"en": ("meetup here K7QM2X",), "fr": ("rencontre arriver K7QM2X",)},
        ),
        Command(
            noun=NOUN,
            verb="code",
            names=Names(("code",), ("code",)),
            summary=later("Gives the code by which people say that they have arrived."),
            handle=answered(desk.code),
            params=(WHICH,),
            whose=later("whoever proposed it, the owners of the group and the animators"),
            examples={"en": ("meetup code 12",), "fr": ("rencontre code 12",)},
        ),
        Command(
            noun=NOUN,
            verb="feed",
            names=Names(("feed", "calendar"), ("agenda", "calendrier", "flux")),
            summary=later("Gives you an address by which your own calendar shows your meet-ups."),
            handle=answered(feeds.feed),
            params=(
                Param(
                    name="what",
                    names=Names(("what",), ("quoi",)),
                    kind=Choice({NEW: Names(("new",), ("nouveau",)), OFF: Names(("off", "end"), ("fin", "supprimer"))}),
                    help=later("`new` replaces the address, `off` ends it."),
                    required=False,
                ),
            ),
            examples={"en": ("meetup feed", "meetup feed off"), "fr": ("rencontre agenda", "rencontre agenda fin")},
        ),
    )
