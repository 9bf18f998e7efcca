"""Spaces, groups and what they depend on as JSON values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import msgspec

from esnbot.community.audience import Audience
from esnbot.community.group import Group, Place, Space
from esnbot.community.model import Community

Json = dict[str, Any]

_SPACE_FIELDS: Final = frozenset(entry.name for entry in fields(Space))
_GROUP_FIELDS: Final = frozenset(entry.name for entry in fields(Group))


@dataclass(frozen=True, slots=True)
class Frame:
    """What rooms depend on besides themselves."""

    audiences: dict[str, Audience] = field(default_factory=dict)
    animators: frozenset[str] = frozenset()
    administrators: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ("en",)
    animators_room: str | None = None


def frame_of(community: Community) -> Frame:
    """The part of a community that all its rooms depend on."""
    return Frame(
        audiences=dict(community.audiences),
        animators=community.roles.animators,
        administrators=community.roles.administrators,
        languages=community.languages,
        animators_room=community.animators_room,
    )


def kind_of(place: Place) -> str:
    """``space`` or ``group``."""
    return "space" if isinstance(place, Space) else "group"


def dump(place: Place) -> Json:
    """A place as JSON values; lists that mean sets come sorted, so that equal places give equal values."""
    return {name: _sorted(value) for name, value in dict(msgspec.to_builtins(place)).items()}


def load(kind: str, spec: Mapping[str, Any]) -> Place:
    """The place; keys that this version does not know (an older or newer one wrote them) are left out."""
    known = _SPACE_FIELDS if kind == "space" else _GROUP_FIELDS
    values = {name: value for name, value in spec.items() if name in known}
    if kind == "space":
        return msgspec.convert(values, Space)
    return msgspec.convert(values, Group)


def dump_frame(frame: Frame) -> Json:
    """A frame as JSON values."""
    return {name: _deep_sorted(value) for name, value in dict(msgspec.to_builtins(frame)).items()}


def load_frame(spec: Mapping[str, Any]) -> Frame:
    """The frame."""
    return msgspec.convert(dict(spec), Frame)


def _sorted(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    return value


def _deep_sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _deep_sorted(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_deep_sorted(entry) for entry in value]
    return _sorted(value)
