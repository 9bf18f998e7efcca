"""What a wish for a group is, and the places that it comes to: one room, or several in a space of their own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from esnbot.community.group import Group, History, Joining, Kind, Origin, Place, Posting, Space
from esnbot.community.model import Template, TemplateRoom

SPACE: Final = "space"
"""The part of a family that is the space around its rooms."""
BETWEEN: Final = " · "
"""Between the name of a group and that of one of its rooms: lists of rooms show no spaces."""
ROOM: Final = ""
"""The part that is the only room of a group."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A group as somebody wishes it; everything in it was looked at and can be made."""

    name: str
    template: str
    """The key of a template; '' where the kind has none."""
    kind: Kind
    parent: str
    language: str
    owners: tuple[str, ...]
    topic: str = ""
    audiences: tuple[str, ...] = ()
    joining: Joining = Joining.space


def door(template: Template | None, parent: Place, audiences: tuple[str, ...]) -> Joining:
    """How people come in: as the template says, as far as the space around it lets them.

    A group is open to whoever has its address only where its space is, and where it is for a part of the space nobody
    can let others in.
    """
    joining = (template.joining if template is not None else None) or Joining.space
    if joining is Joining.public and (parent.joining is not Joining.public or audiences):
        return Joining.space
    if joining is Joining.knock and audiences:
        return Joining.space
    return joining


def keys(template: Template | None, head: str) -> dict[str, str]:
    """What there will be (the template's key of a room, ``SPACE``, or ``ROOM`` for the only one) to natural keys.

    ``head`` is the key of the group, which is that of its first room.
    """
    if template is None or len(template.rooms) < 2:
        return {ROOM: head}
    first, *others = template.rooms
    return {SPACE: f"{head}-{SPACE}", first.key: head} | {one.key: f"{head}-{one.key}" for one in others}


def places(plan: Plan, template: Template | None, head: str) -> list[Place]:
    """The space, if there is one, and the rooms, the first one first; in the language of the plan."""
    made = keys(template, head)
    only = template.rooms[0] if template is not None and len(template.rooms) == 1 else None
    first = _group(plan, template, only, head)
    if template is None or SPACE not in made:
        return [first]
    joining = first.joining
    space = Space(
        key=made[SPACE],
        name=plan.name,
        topic=plan.topic or template.topic.get(plan.language, ""),
        parent=plan.parent,
        joining=joining,
        audiences=plan.audiences,
        language=plan.language,
        origin=Origin.chat,
    )
    rooms = [replace(_group(plan, template, one, made[one.key]), parent=space.key) for one in template.rooms]
    # What is said once for the whole group stands in its first room.
    return [space, rooms[0], *(replace(room, charter="", tempo=None) for room in rooms[1:])]


def _group(plan: Plan, template: Template | None, room: TemplateRoom | None, key: str) -> Group:
    language = plan.language
    template = template or Template(plan.kind)
    is_first = room is None or room is template.rooms[0]
    # The first room goes by the name of the group: people and commands find the group by it.
    own = room.name.get(language, "") if room is not None and not is_first else ""
    topic = room.topic.get(language, "") if room is not None else ""
    if is_first:
        topic = plan.topic or topic or template.topic.get(language, "")
    return Group(
        key=key,
        name=room_name(plan.name, own),
        topic=topic,
        kind=plan.kind,
        parent=plan.parent,
        joining=plan.joining,
        audiences=plan.audiences,
        language=language,
        charter=template.charter.get(language, ""),
        posting=(room.posting if room is not None else None) or template.posting or Posting.everyone,
        history=_past(template, plan),
        encrypted=bool(template.encrypted),
        retention=template.retention,
        tempo=template.tempo,
        template=plan.template,
        owners=frozenset(plan.owners),
        origin=Origin.chat,
    )


def _past(template: Template, plan: Plan) -> History:
    """What everybody can read from outside is read by those whom the space shuts out, too: only where all is open."""
    if template.history is History.world and plan.joining is not Joining.public:
        return History.shared
    return template.history or History.shared


def room_name(group: str, room: str) -> str:
    """What a room of a group is called."""
    return f"{group}{BETWEEN}{room}" if room else group


def renamed(name: str, old: str, new: str) -> str:
    """The name of a part after its group got another one; a name of its own stays."""
    if name == old or name.startswith(f"{old}{BETWEEN}"):
        return new + name.removeprefix(old)
    return name


def carried_over(before: Group, after: Group, part: Place) -> Place:
    """A part of a group, with what was changed of the whole: whose it is, for whom, what it is called."""
    shared = ("audiences", "joining", "language")
    more = ("kind", "owners", "history", "guests", "encrypted", "retention", "template")
    names = (*shared, *more) if isinstance(part, Group) else shared
    changed: Mapping[str, Any] = {
        name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)
    }
    if before.name != after.name:
        changed = {**changed, "name": renamed(part.name, before.name, after.name)}
    if isinstance(part, Space) and before.topic != after.topic and part.topic == before.topic:
        changed = {**changed, "topic": after.topic}
    return replace(part, **changed) if changed else part
