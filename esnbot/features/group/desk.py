"""What all of the group's commands need: which group is meant, who may see and change it, and how refusals are said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from esnbot.commands.command import Call
from esnbot.community.group import Group, Place
from esnbot.engine.clock import milliseconds
from esnbot.features.contract import Kit
from esnbot.features.group import records
from esnbot.features.group.model import OWNER_POWER
from esnbot.features.group.settings import GroupSettings
from esnbot.features.places import link_to, may_see, oversees
from esnbot.provisioning import wanted
from esnbot.provisioning.errors import Owned
from esnbot.speech import Later, Markdown, bold, code, later
from esnbot.store import bindings, rooms

WHAT: Final[Mapping[str, Later]] = {
    "name": later("the name"),
    "topic": later("the topic"),
    "owners": later("the list of owners"),
    "archived": later("whether it is archived"),
}


class Refusal(Exception):
    """What was asked cannot be done; the sentence says why and what to do."""

    def __init__(self, sentence: Markdown) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Found:
    """A group with what the person who asks is in it."""

    group: Group
    room_id: str | None
    membership: str
    owns: bool


class Desk:
    """Finds groups for people who ask."""

    def __init__(self, kit: Kit[GroupSettings]) -> None:
        self.kit = kit
        self.community = kit.community
        self.settings = kit.settings

    async def places(self, call: Call) -> dict[str, Place]:
        """Everything declared, by key."""
        return {place.key: place for place in await wanted.all_places(call.ctx.conn)}

    async def visible(self, call: Call) -> list[Group]:
        """The groups that the person may know of, archived ones too."""
        places = await self.places(call)
        memberships = await records.memberships(call.ctx.conn, call.person.user)
        return [
            place
            for place in places.values()
            if isinstance(place, Group) and self.may_see(call, place, places, memberships.get(place.key, "leave"))
        ]

    def may_see(self, call: Call, group: Group, places: Mapping[str, Place], membership: str) -> bool:
        """Whether the person may know of a group."""
        return may_see(group, places, self.community, call.person.audiences, call.person.roles, membership)

    async def found(self, call: Call) -> Found:
        """The group that is meant: the one named, or the one in whose room this was said. Raises Refusal."""
        named = call.args.get("group")
        place = named if isinstance(named, Place) else call.place
        if not isinstance(place, Group):
            raise Refusal(
                call.voice.say("Which group do you mean? Say this in its room, or name it, such as `--group café`.")
            )
        conn, user = call.ctx.conn, call.person.user
        room_id = await bindings.room_of(conn, place.key)
        membership = "leave" if room_id is None else await rooms.membership(conn, room_id, user)
        if not self.may_see(call, place, await self.places(call), membership):
            # What somebody may not see does not exist for them, in the same words.
            raise Refusal(call.voice.say("I do not know any group called {text}.", text=call.voice.quote(place.name)))
        return Found(place, room_id, membership, await self._owns(call, place, room_id))

    async def owned(self, call: Call) -> Found:
        """The same for what only owners and animators may do. Raises Refusal."""
        found = await self.found(call)
        if not found.owns:
            raise Refusal(
                call.voice.say(
                    "Only the owners of {group} and the animators can do this. Ask one of them.",
                    group=bold(found.group.name),
                )
            )
        return found

    async def _owns(self, call: Call, group: Group, room_id: str | None) -> bool:
        if oversees(call.person.roles):
            return True
        if room_id is None:
            return call.person.user in group.owners
        return await rooms.power_of(call.ctx.conn, room_id, call.person.user) >= OWNER_POWER

    async def want(self, call: Call, group: Group) -> None:
        """Write down how the group should be. Raises Refusal when the file has the say."""
        try:
            await wanted.want(call.ctx.conn, group, call.person.user, milliseconds(call.ctx.now))
        except Owned as error:
            raise Refusal(owned_sentence(call, group, error)) from error

    async def link(self, call: Call, found: Found) -> Markdown:
        """A link to the group's room; its name in bold while there is none."""
        if found.room_id is None:
            return bold(found.group.name)
        return await link_to(call.ctx.conn, found.room_id, found.group.name, self.kit.server)


def owned_sentence(call: Call, group: Group, error: Owned) -> Markdown:
    """Why the file's word counts more, and where it stands."""
    what = WHAT.get(error.what, later("this"))
    if error.source is None:
        return call.voice.say(
            "{group} is declared in the community's file, which also sets {what}. It has to be changed there.",
            group=bold(group.name),
            what=what,
        )
    return call.voice.say(
        "{group} is declared in {source}, which also sets {what}. It has to be changed there.",
        group=bold(group.name),
        what=what,
        source=code(error.source),
    )
