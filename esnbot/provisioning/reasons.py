"""Why a room is not as declared: a code with values that people hear in their language, and English for the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from esnbot.matrix.errors import HomeserverError, Refused
from esnbot.speech import Later, Markdown, Voice, code, later
from esnbot.speech.voice import placeholders

EXCLUSIVE: Final = "M_EXCLUSIVE"


class Why(StrEnum):
    """What stands in the way."""

    alias_strangers = "alias_strangers"
    alias_ours = "alias_ours"
    alias_reserved = "alias_reserved"
    half_made = "half_made"
    refused = "refused"
    trouble = "trouble"
    no_space = "no_space"
    no_power = "no_power"
    not_inside = "not_inside"
    no_such_room = "no_such_room"
    closed = "closed"
    two_keys = "two_keys"
    avatar = "avatar"
    cannot_remove = "cannot_remove"
    other = "other"


FINAL: Final = frozenset({Why.alias_strangers, Why.alias_ours, Why.alias_reserved, Why.refused})
"""What no further try mends while nobody does anything about it."""

SENTENCES: Final[Mapping[Why, Later]] = {
    Why.alias_strangers: later("the address {alias} belongs to somebody else's room"),
    Why.alias_ours: later("the address {alias} still leads to another room of this community"),
    Why.alias_reserved: later("the homeserver does not let me use the address {alias}"),
    Why.half_made: later("the address {alias} leads to a room that was left half made"),
    Why.refused: later("the homeserver does not allow it"),
    Why.trouble: later("the homeserver is in trouble at the moment"),
    Why.no_space: later("its space {space} is not there yet"),
    Why.no_power: later("I may not change its room: {bot} needs power level 100 there"),
    Why.not_inside: later("I am not in its room any more: {bot} has to be invited there"),
    Why.no_such_room: later("the room {room}, which it should take over, does not exist"),
    Why.closed: later("I cannot enter the room {room}: {bot} has to be invited there"),
    Why.two_keys: later("the room {room} stands for something else already"),
    Why.avatar: later("its picture cannot be read"),
    Why.cannot_remove: later("I cannot remove somebody whose homeserver may not take part"),
    Why.other: later("something went wrong; the log on the server says what"),
}


_KNOWN: Final = {why.value: why for why in Why}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a room could not be made as declared."""

    text: str
    """English, for the log and the command line."""
    why: Why = Why.other
    values: Mapping[str, str] = field(default_factory=dict)
    """What the sentence of the code names: aliases, room and user ids, names."""

    @property
    def final(self) -> bool:
        """Whether no repeated try mends it."""
        return self.why in FINAL

    def dump(self) -> dict[str, Any]:
        """As JSON values, for a table or an event."""
        return {"reason": self.text, "why": self.why.value, "values": dict(self.values)}


def load(data: Mapping[str, Any]) -> Reason:
    """A reason from JSON values; a code that this version does not know becomes ``other``."""
    values = data.get("values")
    return Reason(
        str(data.get("reason", "")),
        _KNOWN.get(str(data.get("why")), Why.other),
        {str(name): str(value) for name, value in values.items()} if isinstance(values, dict) else {},
    )


def of_homeserver(error: HomeserverError, alias: str) -> Reason:
    """What an answer of the homeserver means for the room that should have this alias."""
    if error.passes:
        return Reason(str(error), Why.trouble)
    if isinstance(error, Refused) and error.errcode == EXCLUSIVE:
        return Reason(str(error), Why.alias_reserved, {"alias": alias})
    return Reason(str(error), Why.refused)


def explained(voice: Voice, reason: Reason) -> Markdown:
    """The reason in somebody's language, as a part of a sentence; a general one where the code says too little."""
    sentence = SENTENCES[reason.why]
    if placeholders(sentence.text) - reason.values.keys():
        sentence = SENTENCES[Why.other]
    return voice.say(sentence, **{name: _shown(voice, value) for name, value in reason.values.items()})


def _shown(voice: Voice, value: str) -> Markdown:
    return code(value) if value.startswith(("#", "!", "@")) else voice.quote(value)
