"""The rules of the directory: what a group shows, which ones are meant, how lively it is, what one may state. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from esnbot.community.group import Group, Joining, Kind, Place
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.community.reach import audiences_of, is_for
from esnbot.features.directory.folding import near, stem, stems, telling
from esnbot.features.places import language_of, oversees
from esnbot.speech import clean, fold, tidy

DAY_MS: Final = 86_400_000
SPAN: Final = 28
"""Days that count for how lively a group is."""
INSIDE: Final = ("join", "invite")


# --- how lively a group is -----------------------------------------------------------------------------------------


class Pace(StrEnum):
    """How lively a group is, in a word."""

    lively = "lively"
    calm = "calm"
    quiet = "quiet"


@dataclass(frozen=True, slots=True)
class Pulse:
    """The days of the last four weeks with messages, and the messages on them."""

    days: int
    messages: int


@dataclass(frozen=True, slots=True)
class Paces:
    """Where the words begin."""

    lively_days: int
    lively_messages: int
    calm_days: int

    def of(self, pulse: Pulse | None) -> Pace | None:
        """The word for a group; None where nothing is said."""
        if pulse is None:
            return None
        if pulse.days >= self.lively_days and pulse.messages >= self.lively_messages:
            return Pace.lively
        return Pace.calm if pulse.days >= self.calm_days else Pace.quiet


def day_of(moment_ms: int) -> int:
    """The number of a day, in UTC."""
    return moment_ms // DAY_MS


# --- groups --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A group with what is looked at again and again."""

    group: Group
    folded: str
    """Name and topic, folded."""
    words: frozenset[str]
    """Their stems."""
    order: tuple[str, str]
    meant: tuple[str, ...]
    """Whom it is for: keys of audiences, its own or inherited; none: those inside the company."""
    is_open: bool
    """Those whom it is for may know of it."""
    language: str


def entry_of(group: Group, spaces: Mapping[str, Place], community: Community) -> Entry:
    """A group as the directory has it; ``spaces`` is by key."""
    text = f"{group.name}\n{group.topic}"
    return Entry(
        group=group,
        folded=fold(text),
        words=frozenset(stems(text)),
        order=(fold(group.name), group.key),
        meant=audiences_of(group, spaces),
        is_open=group.kind is not Kind.animators and group.joining is not Joining.invite,
        language=language_of(group, spaces, community),
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: one person, or all those who read along in a room."""

    audiences: tuple[frozenset[str], ...]
    """One set of audiences for each reader that must be allowed to see."""
    oversees: bool = False
    """Roles that see all of the community."""
    memberships: Mapping[str, str] = field(default_factory=dict)
    """Key of a group to what the person is in it."""

    def sees(self, entry: Entry) -> bool:
        """Whether the reader is in it or sees everything, whomever it is for."""
        return self.oversees or self.memberships.get(entry.group.key, "leave") in INSIDE


def one_person(audiences: Collection[str], roles: Collection[Role], memberships: Mapping[str, str]) -> Reader:
    """Somebody who looks alone."""
    return Reader((frozenset(audiences),), oversees(roles), memberships)


def visible(entries: Iterable[Entry], reader: Reader, community: Community) -> Iterator[Entry]:
    """The groups that the reader may know of, in their order."""
    allowed: dict[tuple[str, ...], bool] = {}
    for entry in entries:
        if reader.sees(entry):
            yield entry
        elif entry.is_open:
            may = allowed.get(entry.meant)
            if may is None:
                # Whom it is for was found out already: what it stands in does not matter any more.
                group = Group(key=entry.group.key, name="", audiences=entry.meant)
                may = all(is_for(group, {}, community, own) for own in reader.audiences)
                allowed[entry.meant] = may
            if may:
                yield entry


def may_be_invited(group: Group, membership: str) -> bool:
    """Whether the bot invites whoever asks, once they may know of the group; other ways in need no invitation."""
    return not group.archived and group.joining is Joining.space and membership not in (*INSIDE, "ban")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; '' is everything."""

    words: str = ""
    kind: str = ""
    audience: str = ""
    """The key of an audience, or its name."""
    pace: str = ""
    language: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """What is found for a reader: everything in it is about groups that the reader may see."""

    entries: tuple[Entry, ...]
    """Of the page."""
    total: int
    page: int
    pages: int
    kinds: tuple[Kind, ...]
    """What there is to choose from, whatever was chosen."""
    audiences: tuple[str, ...]
    languages: tuple[str, ...]
    near: tuple[str, ...] = ()
    """Words that may have been meant, when nothing was found."""


def listing(
    seen: Sequence[Entry], query: Query, community: Community, paces: Mapping[str, Pace | None], size: int
) -> Listing:
    """The groups among those ``seen`` that are meant; ``paces`` (key to word) matter when the query names one."""
    alive = [entry for entry in seen if not entry.group.archived]
    audience = audience_named(query.audience, alive, community)
    wanted = [entry for entry in alive if _fits(entry, query, audience, paces)]
    found = _with_words(wanted, query.words) if query.words else wanted
    pages = max(1, -(-len(found) // size))
    page = min(max(1, query.page), pages)
    meant = _meant_by(alive)
    kinds = {entry.group.kind for entry in alive}
    return Listing(
        entries=tuple(found[(page - 1) * size : page * size]),
        total=len(found),
        page=page,
        pages=pages,
        kinds=tuple(kind for kind in Kind if kind in kinds),
        audiences=tuple(key for key in community.audiences if key in meant),
        languages=tuple(sorted({entry.language for entry in alive})),
        near=() if found or not query.words else tuple(_meant(query.words, wanted)),
    )


def audience_named(text: str, entries: Iterable[Entry], community: Community) -> str | None:
    """The key of an audience that one of the groups is for, by key or name; '' when none is asked for, None if none."""
    if not text:
        return ""
    wanted, meant = fold(text), _meant_by(entries)
    for key, audience in community.audiences.items():
        if key in meant and (text == key or (wanted and wanted in (fold(key), fold(audience.name)))):
            return key
    return None


def _fits(entry: Entry, query: Query, audience: str | None, paces: Mapping[str, Pace | None]) -> bool:
    if query.kind and entry.group.kind != query.kind:
        return False
    if query.language and entry.language != query.language:
        return False
    if audience is None or (audience and audience not in entry.meant):
        return False
    return not query.pace or paces.get(entry.group.key) == query.pace


def _meant_by(entries: Iterable[Entry]) -> set[str]:
    """The audiences that groups are for; there are few different ones among very many groups."""
    return {key for meant in {entry.meant for entry in entries} for key in meant}


def _with_words(entries: Iterable[Entry], words: str) -> list[Entry]:
    asked = [(word, stem(word)) for word in telling(words)]
    if not asked:
        # Signs alone ('🎸', '???') are looked for as they are.
        signs = words.strip().casefold()
        return [one for one in entries if signs in f"{one.group.name}\n{one.group.topic}".casefold()]
    return [one for one in entries if all(word in one.folded or short in one.words for word, short in asked)]


def _meant(words: str, entries: Iterable[Entry]) -> list[str]:
    known = {word for entry in entries for word in entry.folded.split()}
    asked = telling(words)
    missing = next((word for word in asked if word not in known), "")
    return near(missing, known - set(asked)) if missing else []


# --- what people can be asked about --------------------------------------------------------------------------------


class Scope(StrEnum):
    """To whom it is shown what somebody can be asked about."""

    company = "company"
    partners = "partners"
    """Also to partners."""
    nobody = "nobody"


class SubjectProblem(StrEnum):
    """Why something cannot be a subject."""

    empty = "empty"
    long = "long"
    many = "many"


class UnusableSubject(ValueError):
    """A subject that cannot be kept; ``text`` is its beginning."""

    def __init__(self, problem: SubjectProblem, text: str = "", count: int = 0) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.text = text
        self.count = count


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that a person can be asked about."""

    word: str
    """Two subjects with the same are one."""
    text: str
    """As it was written."""
    stems: tuple[str, ...]


_QUOTED: Final = 40
_SEPARATORS: Final = str.maketrans({";": ",", "\n": ",", "•": ",", "،": ",", "；": ",", "，": ","})


def subject(text: str, longest: int) -> Subject:
    """One subject. Raises UnusableSubject for what shows nothing or is too long."""
    if len(text) > 20 * longest:
        raise UnusableSubject(SubjectProblem.long, text[:_QUOTED])
    name = tidy(text).strip(" .#-*")
    if not any(unicodedata.category(character)[0] in "LNS" for character in name):
        raise UnusableSubject(SubjectProblem.empty)
    if len(name) > longest:
        raise UnusableSubject(SubjectProblem.long, name[:_QUOTED])
    folded = fold(name)
    return Subject(folded or name.casefold(), name, stems(name) or (name.casefold(),))


def subjects(text: str, most: int, longest: int) -> list[Subject]:
    """The subjects that a text names, with commas between. Raises UnusableSubject."""
    parts = text.translate(_SEPARATORS).split(",", 50 * most + 1)
    if len(parts) > 50 * most:
        raise UnusableSubject(SubjectProblem.many, count=text.translate(_SEPARATORS).count(",") + 1)
    found: dict[str, Subject] = {}
    for part in parts:
        if clean(part).strip(" .#-*\t\r"):
            one = subject(part, longest)
            found.setdefault(one.word, one)
    if not found:
        raise UnusableSubject(SubjectProblem.empty)
    if len(found) > most:
        raise UnusableSubject(SubjectProblem.many, count=len(found))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is to the community on that day."""

    internal: bool
    external: bool

    @property
    def belongs(self) -> bool:
        """Whether they are part of it at all."""
        return self.internal or self.external


def standing(community: Community, user: str, audiences: Collection[str], server: str) -> Standing:
    """Whether somebody is of the company, or a partner; whoever is both counts as of the company."""
    keepers = community.roles.animators | community.roles.administrators
    if not community.audiences:
        return Standing(user in keepers or user.partition(":")[2] == server, False)
    known = [community.audiences[key] for key in audiences if key in community.audiences]
    internal = user in keepers or any(not one.external for one in known)
    return Standing(internal, bool(known) and not internal)


@dataclass(frozen=True, slots=True)
class Onlookers:
    """Who will read what is found about people."""

    internal: bool
    """People of the company read it."""
    external: bool
    """Partners read it."""
    user: str = ""
    """The one person who reads it, '' where a room does."""


def may_find(who: str, scope: Scope, about: Standing, by: Onlookers, shares_group: bool) -> bool:
    """Whether all the onlookers may see what a person can be asked about.

    People of the company see one another. Between the company and partners, and among partners, only those who are in
    a group together see one another, and partners see only who wanted it so.
    """
    if who == by.user:
        return True
    if scope is Scope.nobody or not about.belongs:
        return False
    if by.external and (scope is not Scope.partners or not shares_group):
        return False
    return about.internal or shares_group
