"""What all of the group's commands need: which group is meant, who may see and change it, and how refusals are said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.community.group import Group, Place
from esnbot.community.person import UserID
from esnbot.community.reach import is_for
from esnbot.engine.clock import milliseconds
from esnbot.features.contract import Kit
from esnbot.features.group import families
from esnbot.features.group.model import KINDS, OWNER_POWER
from esnbot.features.group.settings import GroupSettings
from esnbot.features.places import called, language_of, link_to, may_see, memberships, oversees
from esnbot.provisioning import wanted
from esnbot.provisioning.errors import Owned
from esnbot.speech import Later, Markdown, Voice, bold, code, later
from esnbot.store import bindings, rooms

OWNERS_NAMED: Final = 3
WHAT: Final[Mapping[str, Later]] = {
    "name": later("the name"),
    "topic": later("the topic"),
    "owners": later("the list of owners"),
    "archived": later("whether it is archived"),
    "kind": later("its kind"),
    "language": later("its language"),
    "audiences": later("whom it is for"),
    "joining": later("who can come in"),
    "history": later("who can read what was said before"),
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


class Reception:
    """Finds groups for people who ask, whatever for."""

    def __init__(self, kit: Kit[Any]) -> None:
        self.community = kit.community
        self.speech = kit.speech
        self.server = kit.server

    async def visible(self, call: Call) -> list[tuple[Group, str]]:
        """The groups that the person may know of, archived ones too, each with the person's membership.

        A group of several rooms is there once, as its first room.
        """
        further = await families.further(call.ctx.conn)
        everything = await wanted.all_places(call.ctx.conn)
        spaces = {place.key: place for place in everything if not isinstance(place, Group)}
        mine = await memberships(call.ctx.conn, call.person.user)
        groups = (
            (place, mine.get(place.key, "leave"))
            for place in everything
            if isinstance(place, Group) and place.key not in further
        )
        return [(group, mine) for group, mine in groups if self.may_see(call, group, spaces, mine)]

    def may_see(self, call: Call, group: Group, spaces: Mapping[str, Place], membership: str) -> bool:
        """Whether the person may know of a group."""
        return may_see(group, spaces, self.community, call.person.audiences, call.person.roles, membership)

    async def found(self, call: Call) -> Found:
        """The group that is meant: the one named, or the one in whose room this was said. Raises Refusal."""
        named = call.args.get("group")
        place = named if isinstance(named, Place) else call.place
        if not isinstance(place, Group):
            raise Refusal(
                call.voice.say("Which group do you mean? Say this in its room, or name it, such as `--group café`.")
            )
        conn, user = call.ctx.conn, call.person.user
        # Whichever of its rooms is named: commands are about the whole group.
        head = await wanted.get(conn, await families.head_of(conn, place.key))
        place = head if isinstance(head, Group) else place
        room_id = await bindings.room_of(conn, place.key)
        membership = "leave" if room_id is None else await rooms.membership(conn, room_id, user)
        if not self.may_see(call, place, await wanted.spaces(conn), membership):
            # What somebody may not see does not exist for them, in the same words.
            raise Refusal(call.voice.say("I do not know any group called {text}.", text=call.voice.quote(place.name)))
        return Found(place, room_id, membership, await self.owns(call, place))

    async def owned(self, call: Call) -> Found:
        """The same for what only owners and animators may do. Raises Refusal."""
        found = await self.found(call)
        if not found.owns:
            raise Refusal(await self._not_theirs(call, found))
        return found

    async def opened(self, call: Call) -> Found:
        """The same, of a group that is not archived. Raises Refusal."""
        found = await self.owned(call)
        if found.group.archived:
            raise Refusal(
                call.voice.say(
                    "{group} is archived. Open it again first, with `!esn group revive`.", group=bold(found.group.name)
                )
            )
        return found

    async def new_owner(self, call: Call, found: Found) -> UserID:
        """The person named, who can own the group from now on. Raises Refusal."""
        person, name = str(call.args["person"]), bold(found.group.name)
        if person == call.ctx.bot:
            raise Refusal(call.voice.say("That is kind, but a group needs a person as its owner."))
        if person in found.group.owners:
            raise Refusal(call.voice.say("{group} belongs to them already.", group=name))
        today = call.ctx.now.astimezone(self.community.zone).date()
        audiences = self.community.audiences_of(person, today)
        if not is_for(found.group, await wanted.spaces(call.ctx.conn), self.community, audiences):
            raise Refusal(
                call.voice.say(
                    "{group} is not meant for {person}: choose somebody it is meant for.",
                    group=name,
                    person=await called(call.ctx.conn, call.event.room_id, person),
                )
            )
        return person

    async def _not_theirs(self, call: Call, found: Found) -> Markdown:
        said = call.voice.say("Only owners and animators can do this with {group}.", group=bold(found.group.name))
        room_id = found.room_id or call.event.room_id
        owners = [await called(call.ctx.conn, room_id, user) for user in sorted(found.group.owners)[:OWNERS_NAMED]]
        if not owners:
            return said
        return Markdown(
            f"{said} {call.voice.say('You can ask {people}.', people=call.voice.list(owners, either=True))}"
        )

    async def knows(self, call: Call, group: Group) -> bool:
        """Whether the person may know of a group, wherever they stand."""
        room_id = await bindings.room_of(call.ctx.conn, group.key)
        membership = "leave"
        if room_id is not None:
            membership = await rooms.membership(call.ctx.conn, room_id, call.person.user)
        return self.may_see(call, group, await wanted.spaces(call.ctx.conn), membership)

    async def owns(self, call: Call, group: Group) -> bool:
        """Whether the person may do with a group what its owners may."""
        room_id = await bindings.room_of(call.ctx.conn, group.key)
        if oversees(call.person.roles):
            return True
        if room_id is None:
            return call.person.user in group.owners
        return await rooms.power_of(call.ctx.conn, room_id, call.person.user) >= OWNER_POWER

    async def want(self, call: Call, group: Group) -> None:
        """Write down how the group should be. Raises Refusal when the file has the say."""
        try:
            await families.want(call.ctx.conn, group, call.person.user, milliseconds(call.ctx.now))
        except Owned as error:
            # It is still called what it was called before this wish.
            known = await wanted.get(call.ctx.conn, group.key)
            raise Refusal(owned_sentence(call, known if isinstance(known, Group) else group, error)) from error

    async def link(self, call: Call, found: Found) -> Markdown:
        """A link to the group's room; its name in bold while there is none."""
        if found.room_id is None:
            return bold(found.group.name)
        return await link_to(call.ctx.conn, found.room_id, found.group.name, self.server)

    async def voice_of(self, conn: AsyncConnection, group: Group) -> Voice:
        """The voice in which a group is spoken to."""
        spaces = {} if group.language else await wanted.spaces(conn)
        return self.speech.voice(language_of(group, spaces, self.community))


class Desk(Reception):
    """The same for this feature's own commands, with what the community set."""

    def __init__(self, kit: Kit[GroupSettings]) -> None:
        super().__init__(kit)
        self.settings = kit.settings

    def template_name(self, key: str, language: str) -> str:
        """What a template is called, as people write it; a kind without a template is called like the kind."""
        template = self.community.templates.get(key)
        if template is not None and template.name.get(language):
            return template.name[language].lower()
        kind = next((names for kind, names in KINDS.items() if kind == key), None)
        return kind.shown(language) if kind is not None else key


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
