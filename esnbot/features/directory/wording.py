"""What the directory says: kinds, languages and liveliness in words, for chat and for the board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from babel import Locale

from esnbot.commands.command import Names
from esnbot.community.group import Group, Joining, Kind
from esnbot.community.model import Community
from esnbot.features.directory.model import (
    Entry,
    Pace,
    Scope,
    Standing,
    SubjectProblem,
    UnusableSubject,
)
from esnbot.features.directory.settings import DirectorySettings
from esnbot.speech import Later, Markdown, Voice, bold, later

KINDS: Final[Mapping[Kind, Later]] = {
    Kind.project: later("project"),
    Kind.hobby: later("hobby"),
    Kind.practice: later("practice"),
    Kind.help: later("mutual help"),
    Kind.informal: later("informal"),
    Kind.event: later("event"),
    Kind.announcements: later("announcements"),
    Kind.animators: later("animators"),
}
KIND_NAMES: Final[Mapping[str, Names]] = {
    Kind.project: Names(("project",), ("projet",)),
    Kind.hobby: Names(("hobby", "leisure"), ("loisir", "loisirs")),
    Kind.practice: Names(("practice", "trade"), ("métier", "pratique")),
    Kind.help: Names(("help", "question"), ("entraide", "aide", "question")),
    Kind.informal: Names(("informal", "chat"), ("informel", "détente")),
    Kind.event: Names(("event", "meet-up"), ("événement", "rencontre")),
    Kind.announcements: Names(("announcements", "news"), ("annonces",)),
}
PACES: Final[Mapping[Pace, Later]] = {
    Pace.lively: later("lively"),
    Pace.calm: later("calm"),
    Pace.quiet: later("quiet"),
}
PACE_NAMES: Final[Mapping[str, Names]] = {
    Pace.lively: Names(("lively", "busy"), ("animé", "vivant")),
    Pace.calm: Names(("calm",), ("calme",)),
    Pace.quiet: Names(("quiet", "silent"), ("silencieux", "endormi")),
}
SCOPE_NAMES: Final[Mapping[str, Names]] = {
    Scope.company: Names(("company", "colleagues"), ("entreprise", "collègues")),
    Scope.partners: Names(("partners",), ("partenaires",)),
    Scope.nobody: Names(("nobody",), ("personne",)),
}
JOINING: Final[Mapping[Joining, Later]] = {
    Joining.public: later("Open to all: follow the link, and you are in."),
    Joining.space: later("Open to everybody it is meant for: have yourself invited, or follow the link."),
    Joining.knock: later("Follow the link and ask to be let in."),
    Joining.invite: later("By invitation: ask one of its owners."),
}
COMPANY: Final[Mapping[Scope, Later]] = {
    Scope.company: later("Everyone in the company can see this."),
    Scope.partners: later("Everyone in the company can see this, and so can the partners who are in a group with you."),
    Scope.nobody: later("Nobody can see this."),
}
PARTNER: Final[Mapping[Scope, Later]] = {
    Scope.company: later("The people of the company who are in a group with you can see this."),
    Scope.partners: later("Everybody who is in a group with you can see this."),
    Scope.nobody: COMPANY[Scope.nobody],
}
COMPANY_CHOICE: Final[Mapping[Scope, Later]] = {
    Scope.company: later("Everyone in the company"),
    Scope.partners: later("Everyone in the company, and the partners who are in a group with me"),
    Scope.nobody: later("Nobody"),
}
PARTNER_CHOICE: Final[Mapping[Scope, Later]] = {
    Scope.company: later("The people of the company who are in a group with me"),
    Scope.partners: later("Everybody who is in a group with me"),
    Scope.nobody: COMPANY_CHOICE[Scope.nobody],
}
SUBJECTS_SHOWN: Final = 8


def language(voice: Voice, code: str) -> Markdown:
    """'in French'."""
    return voice.say("in {language}", language=language_name(voice, code))


def language_name(voice: Voice, code: str) -> str:
    """A language by its name in the reader's own; its code when it has none."""
    return str(Locale.parse(voice.language).languages.get(code, code))


def details(voice: Voice, entry: Entry, community: Community, pace: Pace | None, *, inside: bool) -> Markdown:
    """Kind, liveliness, the language where it is not the reader's, and whether they are in it, with commas between."""
    found = [voice.say(KINDS[entry.group.kind])]
    if pace is not None:
        found.append(voice.say(PACES[pace]))
    if entry.language != voice.language and len(community.languages) > 1:
        found.append(language(voice, entry.language))
    if inside:
        found.append(voice.say("you are in"))
    return Markdown(", ".join(found))


def meant_for(voice: Voice, entry: Entry, community: Community) -> Markdown:
    """Whom a group is for."""
    names = [community.audiences[key].name for key in entry.meant if key in community.audiences]
    if not names:
        return voice.say("everyone in the company")
    return voice.list(names)


def way_in(voice: Voice, group: Group, membership: str) -> Markdown:
    """How to come in."""
    if group.archived:
        return voice.say("It is archived: it stays readable, and nobody writes there any more.")
    if membership == "join":
        return voice.say("You are in.")
    if membership == "invite":
        return voice.say("You are invited: accept the invitation, and you are in.")
    if membership == "ban":
        return voice.say("You cannot enter for now. The animators can tell you more.")
    return voice.say(JOINING[group.joining])


def invited(voice: Voice) -> Markdown:
    """That the bot has sent an invitation."""
    return voice.say("You are invited: accept the invitation, and you are in.")


def visible_to(voice: Voice, scope: Scope, who: Standing) -> Markdown:
    """To whom it is shown what somebody can be asked about."""
    return voice.say((PARTNER if who.external else COMPANY)[scope])


def choice_of(voice: Voice, scope: Scope, who: Standing) -> Markdown:
    """The same as something to choose."""
    return voice.say((PARTNER_CHOICE if who.external else COMPANY_CHOICE)[scope])


def subjects(voice: Voice, texts: Iterable[str]) -> Markdown:
    """'jigs and TIG welding'; of very many the first ones and how many more."""
    known = list(texts)
    if len(known) <= SUBJECTS_SHOWN:
        return voice.list(map(bold, known))
    shown = Markdown(", ".join(map(bold, known[:SUBJECTS_SHOWN])))
    more = len(known) - SUBJECTS_SHOWN
    return voice.plural("{shown} and one more", "{shown} and {n} more", more, shown=shown)


def unusable(voice: Voice, error: UnusableSubject, settings: DirectorySettings) -> Markdown:
    """Why something cannot be kept as a subject."""
    match error.problem:
        case SubjectProblem.empty:
            return voice.say(
                "I see no subject there. Write some, with commas between: `!esn me ask-about jigs, TIG welding`."
            )
        case SubjectProblem.long:
            return voice.say(
                "{text} is too long: a subject has {most} characters at most. Put commas between several.",
                text=voice.quote(f"{error.text}…"),
                most=settings.longest_subject,
            )
        case SubjectProblem.many:
            return voice.say(
                "These are {count} subjects, and one person can name {most} at most. Choose those that matter most.",
                count=error.count,
                most=settings.most_subjects,
            )


def too_many(voice: Voice, settings: DirectorySettings) -> Markdown:
    """That somebody has as many subjects as one can have."""
    return voice.say(
        "That would make more than {most} subjects. Remove some first: `!esn me ask-about --remove jigs`.",
        most=settings.most_subjects,
    )
