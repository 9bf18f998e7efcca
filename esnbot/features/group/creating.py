"""Making a group: from a wish in chat to a desired object, with near-duplicates pointed out first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import trail, waiting
from esnbot.commands.command import Call, Offer
from esnbot.commands.reading import Problem
from esnbot.community.group import Group, History, Joining, Kind, Origin, Place, Posting, Space
from esnbot.community.reach import audiences_of, is_for
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, Nudge
from esnbot.features.group import model, records
from esnbot.features.group.desk import Desk, Found, Refusal
from esnbot.features.group.events import ASKED_FOR, said_later, waits_for
from esnbot.provisioning import wanted
from esnbot.speech import Later, Markdown, bold, bullets, later, paragraphs
from esnbot.store import bindings

SAME_SECOND: Final = timedelta(seconds=10)
"""Two wishes for one name within this time are the same idea of two people."""


class Creating:
    """The command `group create`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._community = desk.community
        self._settings = desk.settings

    async def ask(self, call: Call) -> str | None:
        """Point out groups that are like the one wished for; nothing when there are none, or when they are known."""
        if call.args.get("anyway"):
            return None
        try:
            name = self._name(call)
        except Refusal:
            return None
        alike = await self._alike(call, name)
        if not alike:
            return None
        voice = call.voice
        return paragraphs(
            voice.plural("**A group like this already exists.**", "**Groups like this already exist.**", len(alike)),
            bullets([await self._described(call, group) for group in alike]),
            voice.say("Do you still want to make {name}?", name=voice.quote(name)),
        )

    async def create(self, call: Call) -> Sequence[Effect]:
        """Write the group down as wanted; the answer comes when its room is there."""
        try:
            return await self._create(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]

    async def _create(self, call: Call) -> Sequence[Effect]:
        name = self._name(call)
        await self._not_too_many(call)
        spaces = await wanted.spaces(call.ctx.conn)
        parent = self._parent(call, spaces)
        audiences = self._audiences(call, parent, spaces)
        group = self._group(call, name, await self._claim(call, name), parent, audiences)
        await self._desk.want(call, group)
        # Said when the room is there, and removed with the command all the same.
        conn, asked = call.ctx.conn, milliseconds(call.ctx.now)
        revision = await wanted.revision_of(conn, group.key) or 0
        await trail.promise(conn, call.command, said_later(group.key, revision, asked))
        return [
            *await waiting.later(call, waits_for(group.key)),
            Nudge(machine=wanted.RECONCILER),
            Emit(type=ASKED_FOR, content={"key": group.key}),
        ]

    # --- the dialogue ---------------------------------------------------------------------------------------------

    async def check_name(self, call: Call, name: str) -> None:
        """Raise ``Problem`` for a name that no group can have."""
        try:
            model.proper_name(name, self._settings.longest_name)
        except model.UnusableName as error:
            raise Problem(self._unusable(error)) from error

    async def audiences_offered(self, call: Call) -> Sequence[Offer]:
        """The audiences among which there is a choice, in the spaces that are meant for the person."""
        spaces = await wanted.spaces(call.ctx.conn)
        reached = {key for space in self._open_to(call, spaces) for key in self._allowed(space, spaces)}
        mine = call.person.audiences
        names = {key: one.name for key, one in self._community.audiences.items() if key in reached}
        own = [name for key, name in names.items() if key in mine]
        # Whoever makes it is in it: a group for suppliers is one for staff and suppliers.
        offers = [Offer(key, name if key in mine else call.voice.list([*own, name])) for key, name in names.items()]
        return offers if len(offers) > 1 else ()

    async def spaces_offered(self, call: Call) -> Sequence[Offer]:
        """The spaces in which the person can make the group, the one that is taken by itself first."""
        spaces = await wanted.spaces(call.ctx.conn)
        audience = call.args.get("for")
        fit = [
            space
            for space in self._open_to(call, spaces)
            if audience is None or audience in self._allowed(space, spaces)
        ]
        usual = model.home_for(self._community, spaces, call.person.audiences, [])
        fit.sort(key=lambda space: space.key != usual)
        return [Offer(f"#{space.alias or space.key}", space.name, default=n == 0) for n, space in enumerate(fit)]

    def _open_to(self, call: Call, spaces: dict[str, Place]) -> list[Place]:
        mine = call.person.audiences
        return [space for space in spaces.values() if is_for(space, spaces, self._community, mine)]

    def _allowed(self, space: Place, spaces: dict[str, Place]) -> tuple[str, ...]:
        """The audiences that a group in the space can be for."""
        return audiences_of(space, spaces) or tuple(
            key for key, audience in self._community.audiences.items() if not audience.external
        )

    # --- making it ------------------------------------------------------------------------------------------------

    def _name(self, call: Call) -> str:
        try:
            return model.proper_name(str(call.args["name"]), self._settings.longest_name)
        except model.UnusableName as error:
            raise Refusal(call.voice.say(self._unusable(error))) from error

    def _unusable(self, error: model.UnusableName) -> Later:
        if error.problem is model.NameProblem.long:
            return later(
                "This name is too long: at most {most} characters fit. The topic can say more.",
                most=self._settings.longest_name,
            )
        return later("A group needs a name that people can see: at least one letter, digit or sign.")

    async def _not_too_many(self, call: Call) -> None:
        since = milliseconds(call.ctx.now - timedelta(days=1))
        if await records.asked_since(call.ctx.conn, call.person.user, since) >= self._settings.a_day:
            raise Refusal(
                call.voice.say(
                    "You have made {count} groups since yesterday. Let them come to life first; I will make more "
                    "tomorrow.",
                    count=self._settings.a_day,
                )
            )

    def _parent(self, call: Call, spaces: dict[str, Place]) -> str:
        asked = call.args.get("in")
        if isinstance(asked, Space):
            if not is_for(asked, spaces, self._community, call.person.audiences):
                raise Refusal(
                    call.voice.say("{space} is not meant for you: choose another space.", space=bold(asked.name))
                )
            return asked.key
        # Where nothing is said and no home is declared, the space in which one talks is nearest.
        here = None if self._community.home else (call.place.parent if call.place else None)
        parent = model.home_for(self._community, spaces, call.person.audiences, [here])
        if parent is None:
            raise Refusal(
                call.voice.say("I do not know any space in which you could make a group. The animators can help you.")
            )
        return parent

    def _group(self, call: Call, name: str, key: str, parent: str, audiences: tuple[str, ...]) -> Group:
        kind = Kind(call.args.get("kind") or Kind.informal)
        language = call.person.language
        template = self._community.templates.get(kind)
        topic = str(call.args.get("topic") or "") or (template.topic.get(language, "") if template else "")
        return Group(
            key=key,
            name=name,
            topic=topic,
            kind=kind,
            parent=parent,
            joining=Joining.space,
            audiences=audiences,
            language=language,
            charter=template.charter.get(language, "") if template else "",
            posting=(template.posting if template else None) or Posting.everyone,
            history=(template.history if template else None) or History.shared,
            tempo=template.tempo if template else None,
            owners=frozenset({call.person.user}),
            origin=Origin.chat,
        )

    def _audiences(self, call: Call, parent: str, spaces: dict[str, Place]) -> tuple[str, ...]:
        """Nothing said: those of the space. Said: that audience, and the maker's own, within those of the space."""
        asked = call.args.get("for")
        if not isinstance(asked, str):
            return ()
        allowed = self._allowed(spaces[parent], spaces)
        if asked not in allowed:
            raise Refusal(
                call.voice.say(
                    "The space {space} is not meant for {audience}, so a group in it cannot be either. Choose "
                    "another space with `--in`.",
                    space=bold(spaces[parent].name),
                    audience=bold(self._community.audiences[asked].name),
                )
            )
        return tuple(key for key in allowed if key == asked or key in call.person.audiences)

    async def _claim(self, call: Call, name: str) -> str:
        """A key that nobody has; of two who ask in the same second, the second is told."""
        conn = call.ctx.conn
        for key in model.keys_of(name):
            if await wanted.get(conn, key) is not None:
                continue
            wish = records.Request(
                key=key,
                name=name,
                person=call.person.user,
                language=call.person.language,
                room_id=call.event.room_id,
                thread="" if call.is_direct else call.thread,
                asked=milliseconds(call.ctx.now),
            )
            if await records.claim(conn, wish):
                return key
            other = await records.find(conn, key)
            recent = milliseconds(call.ctx.now - SAME_SECOND)
            if other is not None and other.asked >= recent and not call.args.get("anyway"):
                raise Refusal(
                    call.voice.say(
                        "Somebody else asked for {name} at the same moment, and it is on its way. `!esn group join` "
                        "takes you there; with `--anyway`, you get one of your own.",
                        name=bold(name),
                    )
                )
        raise Refusal(call.voice.say("Too many groups have this name already: please choose another one."))

    async def _alike(self, call: Call, name: str) -> list[Group]:
        conn = call.ctx.conn
        groups = {group.key: group for group, _ in await self._desk.visible(call)}
        keys = model.look_alikes(name, {key: group.name for key, group in groups.items()})
        # What could not be made is nothing that one could join.
        return [groups[key] for key in keys if not await self._came_to_nothing(conn, key)]

    async def _came_to_nothing(self, conn: AsyncConnection, key: str) -> bool:
        wish = await records.find(conn, key)
        return wish is not None and wish.state == records.FAILED and await bindings.room_of(conn, key) is None

    async def _described(self, call: Call, group: Group) -> Markdown:
        room_id = await bindings.room_of(call.ctx.conn, group.key)
        link = await self._desk.link(call, Found(group, room_id, "leave", False))
        if group.archived:
            return call.voice.say(
                "{group} (archived; its owners can open it again with `!esn group revive`)", group=link
            )
        if group.topic:
            return call.voice.say("{group}: {topic}", group=link, topic=model.short(group.topic))
        return link
