"""The kinds of value that a parameter takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Literal
from urllib.parse import unquote

from sqlalchemy import select

from esnbot.commands.command import Names
from esnbot.commands.reading import Kind, Problem, Reading
from esnbot.commands.words import fold, near
from esnbot.community.group import Group, Place, Space
from esnbot.community.person import UserID, is_user_id, server_of
from esnbot.speech import Later, Markdown, MomentError, Quoted, Voice, clean, code, later, parse_moment, parse_span
from esnbot.store.rooms import room_state

_LINK = re.compile(r"<?https://matrix\.to/#/([^?\s>]+)(?:\?[^\s>]*)?>?")
_URI = re.compile(r"<?matrix:(u|roomid|r)/([^?\s>]+)(?:\?[^\s>]*)?>?")
_NOT_KNOWN = later("I do not know {text} here.")
_LISTED = 12
"""So many are named at most when somebody has to choose."""
_SIGILS = {"u": "@", "roomid": "!", "r": "#"}


def identifier(text: str) -> str:
    """The Matrix id in a link to a person or room, or the text as it is."""
    text = text.strip()
    if link := _LINK.fullmatch(text):
        return unquote(link[1])
    if uri := _URI.fullmatch(text):
        return _SIGILS[uri[1]] + unquote(uri[2])
    return text


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Any text that is not empty."""

    max_length: int = 500
    """Characters."""
    words: ClassVar[Literal["one", "longest", "all"]] = "all"

    async def read(self, text: str, reading: Reading) -> str:
        """The text without invisible characters."""
        value = clean(text).strip()
        if not value:
            raise Problem(later("A text is missing here."))
        if len(value) > self.max_length:
            raise Problem(
                later("This text has {n} characters, and at most {most} fit.", n=len(value), most=self.max_length)
            )
        return value


@dataclass(frozen=True, slots=True)
class Word(Kind):
    """One word."""

    max_length: int = 100

    async def read(self, text: str, reading: Reading) -> str:
        """The word."""
        value = clean(text).strip()
        if not value or len(value) > self.max_length or len(value.split()) != 1:
            raise Problem(later("I need a single word here, not {text}.", text=Quoted(text[:100])))
        return value


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of several values; key to names."""

    words: ClassVar[Literal["one", "longest", "all"]] = "longest"
    of: Mapping[str, Names]
    unknown: Later = _NOT_KNOWN
    """What is said of a `{text}` that is none of them, for example 'I know no language {text}.'"""

    async def read(self, text: str, reading: Reading) -> str:
        """The key."""
        folded = fold(text)
        for key, names in self.of.items():
            if folded in (fold(key), *map(fold, names.all())):
                return key
        every = {word: key for key, names in self.of.items() for word in names.all()}
        meant = dict.fromkeys(self.of[every[word]].shown(reading.voice.language) for word in near(text, every))
        voice = reading.voice
        unknown = voice.say(self.unknown, text=Quoted(text[:100]))
        alone = replace(self.unknown, values=(("text", Quoted(text[:100])),))
        raise Problem(_none_of(unknown, self.choices(voice.language), voice), tuple(meant), alone=alone)

    def choices(self, language: str) -> tuple[str, ...]:
        """The words, one a key."""
        return tuple(names.shown(language) for names in self.of.values())


@dataclass(frozen=True, slots=True)
class PersonValue(Kind):
    """A person: a pill, a Matrix id, a link, or the name of somebody in the room."""

    words: ClassVar[Literal["one", "longest", "all"]] = "longest"

    async def read(self, text: str, reading: Reading) -> UserID:
        """Their user id."""
        user = identifier(text)
        if is_user_id(user) and len(user.split()) == 1:
            return user
        if user.startswith("@") and len(user) > 1 and re.fullmatch(r"@[a-z0-9._=/+-]+", user):
            return f"{user}:{server_of(reading.ctx.bot)}"
        return await self._by_name(text, reading)

    async def _by_name(self, text: str, reading: Reading) -> UserID:
        query = select(room_state.c.state_key, room_state.c.content).where(
            room_state.c.room_id == reading.event.room_id, room_state.c.type == "m.room.member"
        )
        names: dict[str, set[UserID]] = {}
        shown: dict[str, str] = {}
        for user, member in await reading.ctx.conn.execute(query):
            name = member.get("displayname") if isinstance(member, dict) else None
            if isinstance(name, str) and member.get("membership") == "join":
                names.setdefault(fold(name), set()).add(user)
                shown[name] = user
        found = names.get(fold(text), set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            several = later(
                "Several people here are called {text}. Mention the one you mean, or write their Matrix id.",
                text=Quoted(text[:100]),
            )
            raise Problem(several, tuple(sorted(found)))
        unknown = later(
            "I do not know who {text} is. Mention the person, or write their Matrix id.", text=Quoted(text[:100])
        )
        raise Problem(unknown, near(text, shown), (f"@zoe:{server_of(reading.ctx.bot)}",))


@dataclass(frozen=True, slots=True)
class GroupValue(Kind):
    """A group, by name, alias, room id or link; people find only what they may see."""

    archived: bool = False
    """Archived groups count too."""
    spaces: bool = False
    """Spaces count too."""
    words: ClassVar[Literal["one", "longest", "all"]] = "longest"

    async def read(self, text: str, reading: Reading) -> Place:
        """The group or space."""
        places = [place for place in await reading.visible_places(archived=self.archived) if self._counts(place)]
        named = identifier(text)
        if named.startswith("!"):
            place = await reading.places.place_of(reading.ctx.conn, named)
            found = [known for known in places if place is not None and known.key == place.key]
        elif named.startswith("#"):
            localpart = named[1:].partition(":")[0]
            found = [place for place in places if localpart in (place.alias or place.key, place.key)]
        else:
            found = [place for place in places if fold(named) in (fold(place.name), fold(place.key))]
        found = _group_in_its_space(found)
        if len(found) == 1:
            return found[0]
        if found:
            several = later(
                "More than one is called {text}. Write the address of the one you mean.", text=Quoted(text[:100])
            )
            raise Problem(several, tuple(f"#{place.alias or place.key}" for place in found[:5]))
        raise self._unknown(text, places, reading)

    def _counts(self, place: Place) -> bool:
        return self.spaces or isinstance(place, Group)

    def _unknown(self, text: str, places: Sequence[Place], reading: Reading) -> Problem:
        names = [place.name for place in places]
        return Problem(later("I do not know any group called {text}.", text=Quoted(text[:100])), near(text, names))


def _group_in_its_space(found: list[Place]) -> list[Place]:
    """A space that was made for one group has its name; whoever says the name means the group."""
    groups = [place for place in found if isinstance(place, Group)]
    around = {group.parent for group in groups}
    named = all(isinstance(place, Group) or place.key in around for place in found)
    return [*groups] if groups and named else found


@dataclass(frozen=True, slots=True)
class SpaceValue(GroupValue):
    """A space, by name, alias, room id or link; people find only what they may see."""

    def _counts(self, place: Place) -> bool:
        return isinstance(place, Space)

    def _unknown(self, text: str, places: Sequence[Place], reading: Reading) -> Problem:
        voice, names = reading.voice, [place.name for place in places]
        unknown = later("I do not know any space called {text}.", text=Quoted(text[:100]))
        listed = _none_of(voice.say(unknown), names, voice) if 0 < len(names) <= _LISTED else unknown
        return Problem(listed, near(text, names), alone=unknown)


@dataclass(frozen=True, slots=True)
class Moment(Kind):
    """A date or time as people say it, seen from when the command was written."""

    past: bool = False
    words: ClassVar[Literal["one", "longest", "all"]] = "longest"

    async def read(self, text: str, reading: Reading) -> datetime:
        """The instant, aware, in the community's zone."""
        try:
            return parse_moment(text, reading.voice.language, reading.now, reading.community.zone, past=self.past)
        except MomentError as error:
            raise Problem(error.reason, examples=error.examples) from error


@dataclass(frozen=True, slots=True)
class Duration(Kind):
    """A length of time."""

    least: timedelta = timedelta()
    most: timedelta = timedelta(days=3660)
    words: ClassVar[Literal["one", "longest", "all"]] = "longest"

    async def read(self, text: str, reading: Reading) -> timedelta:
        """The span."""
        try:
            span = parse_span(text, reading.voice.language)
        except MomentError as error:
            raise Problem(error.reason, examples=error.examples) from error
        except OverflowError as error:
            raise Problem(later("This is too long.")) from error
        if not self.least <= span <= self.most:
            raise Problem(
                later(
                    "Choose a length of time between {least} and {most}.",
                    least=reading.voice.duration(self.least),
                    most=reading.voice.duration(self.most),
                )
            )
        return span


@dataclass(frozen=True, slots=True)
class Integer(Kind):
    """A whole number."""

    min: int = 0
    max: int = 1_000_000

    async def read(self, text: str, reading: Reading) -> int:
        """The number."""
        digits = re.sub(r"(?<=\d)[\s'’](?=\d{3})", "", text.strip())
        value = int(digits) if re.fullmatch(r"[+-]?[0-9]{1,12}", digits) else None
        if value is None or not self.min <= value <= self.max:
            wanted = later("I need a whole number from {min} to {max} here.", min=self.min, max=self.max)
            raise Problem(wanted)
        return value


def _none_of(unknown: Markdown, choices: Sequence[str], voice: Voice) -> Later:
    """A sentence on what is not known, followed by what there is."""
    return later(
        "{unknown} You can choose {choices}.", unknown=unknown, choices=voice.list(map(code, choices), either=True)
    )


_YES = frozenset(["oui", "o", "yes", "y", "true", "vrai", "on", "1"])
_NO = frozenset(["non", "n", "no", "false", "faux", "off", "0"])


@dataclass(frozen=True, slots=True)
class Switch(Kind):
    """On when it is named (``--quiet``), off when it is not; ``quiet=no`` says so."""

    async def read(self, text: str, reading: Reading) -> bool:
        """Whether it is on."""
        folded = fold(text)
        if folded in _YES or folded in _NO:
            return folded in _YES
        raise Problem(later("I need a yes or a no here, not {text}.", text=Quoted(text[:100])))
