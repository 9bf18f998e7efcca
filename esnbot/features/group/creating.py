"""The command `group create`: from a wish in chat to a plan, with near-duplicates and limits pointed out first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import trail, waiting
from esnbot.commands.command import Call, Offer
from esnbot.commands.reading import Person, Problem
from esnbot.community.group import Group, Kind, Place, Space
from esnbot.community.model import Template
from esnbot.community.reach import audiences_of, is_for
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.features.group import families, model, plans, records
from esnbot.features.group.allowance import Allowance
from esnbot.features.group.desk import Desk, Found, Refusal
from esnbot.features.group.events import said_later, waits_for
from esnbot.features.group.finding import Finding
from esnbot.features.group.founding import Founding
from esnbot.features.group.making import Maker
from esnbot.features.group.plans import Plan
from esnbot.provisioning import wanted
from esnbot.speech import Later, Markdown, bold, bullets, code, first_line, later, paragraphs
from esnbot.store import bindings

SAME_SECOND: Final = timedelta(seconds=10)
"""Two wishes for one name within this time are the same idea of two people."""


class Creating:
    """The command `group create`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._community = desk.community
        self._settings = desk.settings
        self._allowance = Allowance(desk)
        self._maker = Maker(desk.community)
        self._founding = Founding(desk)
        self._finding = Finding(desk)

    async def ask(self, call: Call) -> str | None:
        """Point out groups that are like the one wished for; nothing when there are none, or when they are known."""
        if call.args.get("anyway"):
            return None
        try:
            name = self._name(call)
            await self._allowed(call)
            if await self._founders(call) == 2:
                await self._second(call)
        except Refusal:
            return None
        voice = call.voice
        if (twin := await self._twin(call, name)) is not None:
            return voice.say(
                "**Somebody else asked for {name} at the same moment**, and it is on its way. Shall I take you there? "
                "With `--anyway`, you get one of your own.",
                name=voice.quote(twin.name),
            )
        alike = await self._alike(call, name)
        if not alike:
            return None
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
        await self._allowed(call)
        second = await self._second(call) if await self._founders(call) == 2 else None
        plan = await self._plan(call, name)
        if not call.args.get("anyway") and (twin := await self._twin(call, name)) is not None:
            return await self._finding.take_to(call, twin)
        if second is not None:
            return await self._founding.ask(call, plan, second)
        wish = records.Request(
            key="",
            name=name,
            person=call.person.user,
            language=call.person.language,
            room_id=call.event.room_id,
            thread="" if call.is_direct else call.thread,
            asked=milliseconds(call.ctx.now),
            said=call.event.ts,
        )
        made = await self._maker.make(call.ctx, plan, wish)
        if made is None:
            raise Refusal(call.voice.say("Too many groups have this name already: please choose another one."))
        key, effects = made
        # Said when the room is there, and removed with the command all the same.
        revision = await wanted.revision_of(call.ctx.conn, key) or 0
        await trail.promise(call.ctx.conn, call.command, said_later(key, revision, wish.asked))
        return [*await waiting.later(call, waits_for(key)), *effects]

    # --- the dialogue ---------------------------------------------------------------------------------------------

    async def check_name(self, call: Call, name: str) -> None:
        """Raise ``Problem`` for a name that no group can have."""
        try:
            model.proper_name(name, self._settings.longest_name)
        except model.UnusableName as error:
            raise Problem(self._unusable(error)) from error

    async def check_second(self, call: Call, person: str) -> None:
        """Raise ``Problem`` for somebody with whom the group cannot be founded."""
        if (sentence := self._founding.unfit(call, person)) is not None:
            raise Problem(sentence)

    async def takes_two(self, call: Call) -> bool:
        """Whether the group needs a second founder, as far as it is known."""
        try:
            return await self._founders(call) == 2
        except Refusal:
            return False

    async def templates_offered(self, call: Call) -> Sequence[Offer]:
        """The templates among which there is a choice; none when a kind is given, which says it."""
        if call.args.get("kind"):
            return ()
        language = call.person.language
        return [
            Offer(key, self._desk.template_name(key, language), default=key == Kind.informal.value)
            for key in self._allowance.templates(call.person)
        ]

    def templates_of(self, person: Person) -> Collection[str]:
        """The keys of the templates that a person may use."""
        return self._allowance.templates(person)

    async def needs_template(self, call: Call) -> bool | None:
        """Whether one has to be chosen: what a group is without a choice may not be among those that one may make."""
        return True if Kind.informal.value not in self._allowance.templates(call.person) else None

    async def check_template(self, call: Call, template: str) -> None:
        """Raise ``Problem`` for a template that is not the person's to use."""
        if template not in self._allowance.templates(call.person):
            raise Problem(later("You cannot make a group of this sort here."))

    async def hindered(self, call: Call) -> Markdown | None:
        """Why the person can make no group now, whatever they answer."""
        return await self._allowance.hindrance(call)

    async def audiences_offered(self, call: Call) -> Sequence[Offer]:
        """The audiences among which there is a choice, in the spaces that are meant for the person."""
        spaces = await wanted.spaces(call.ctx.conn)
        reached = {key for space in await self._open_to(call, spaces) for key in self._allowed_in(space, spaces)}
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
            for space in await self._open_to(call, spaces)
            if audience is None or audience in self._allowed_in(space, spaces)
        ]
        usual = model.home_for(self._community, spaces, call.person.audiences, [])
        fit.sort(key=lambda space: space.key != usual)
        return [Offer(f"#{space.alias or space.key}", space.name, default=n == 0) for n, space in enumerate(fit)]

    async def _open_to(self, call: Call, spaces: dict[str, Place]) -> list[Place]:
        """Spaces that are meant for the person; one that was made for a group is its owners' to fill."""
        mine, further = call.person.audiences, await families.further(call.ctx.conn)
        return [
            space
            for space in spaces.values()
            if space.key not in further and is_for(space, spaces, self._community, mine)
        ]

    def _allowed_in(self, space: Place, spaces: dict[str, Place]) -> tuple[str, ...]:
        """The audiences that a group in the space can be for."""
        return audiences_of(space, spaces) or tuple(
            key for key, audience in self._community.audiences.items() if not audience.external
        )

    # --- templates ------------------------------------------------------------------------------------------------

    async def list_templates(self, call: Call) -> Sequence[Effect]:
        """What a group can begin with, with a sentence each; only what the person may use."""
        voice, may = call.voice, self._allowance.templates(call.person)
        if not may:
            return [call.answer(self._allowance.nothing(voice))]
        return [
            call.answer(
                paragraphs(
                    voice.say("**What a group can begin with**"),
                    bullets([self._about(call, key) for key in may]),
                    voice.say(
                        '`!esn group create "Its name" --template {template}` makes one.',
                        template=Markdown(self._desk.template_name(may[0], voice.language)),
                    ),
                )
            )
        ]

    def _about(self, call: Call, key: str) -> Markdown:
        voice, template = call.voice, self._community.templates.get(key)
        name = code(self._desk.template_name(key, voice.language))
        if template is None:
            return name
        language = voice.language
        said = template.summary.get(language) or template.topic.get(language, "")
        line = voice.say("{name}: {summary}", name=name, summary=said) if said else name
        rooms = [room.name.get(language) or template.name.get(language) or room.key for room in template.rooms]
        more = []
        if len(rooms) > 1:
            more.append(voice.say("With rooms of its own: {rooms}.", rooms=voice.list(rooms)))
        if (template.founders or self._settings.founders) == 2:
            more.append(voice.say("It takes two to make one."))
        return Markdown(" ".join([line, *more]))

    # --- what it will be ------------------------------------------------------------------------------------------

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

    def _template(self, call: Call) -> tuple[str, Kind, Template | None]:
        """What was chosen: a template, which has a kind, or a kind, which has a standard template."""
        asked, kind = call.args.get("template"), call.args.get("kind")
        templates = self._community.templates
        if asked and asked in templates:
            template = templates[asked]
            if kind and template.kind != kind:
                raise Refusal(
                    call.voice.say(
                        "The template {template} makes groups of another kind. Leave out `--kind`: the template says "
                        "it.",
                        template=code(self._desk.template_name(asked, call.voice.language)),
                    )
                )
            return asked, template.kind, template
        # A kind without a template can be named like one.
        kind = Kind(asked or kind or Kind.informal)
        standard = self._community.standard(kind)
        return (standard.key or kind.value if standard is not None else ""), kind, standard

    async def _allowed(self, call: Call) -> None:
        key, kind, _ = self._template(call)
        chosen = bool(call.args.get("template") or call.args.get("kind"))
        await self._allowance.check(call, key or kind.value, chosen=chosen)
        since = milliseconds(call.ctx.now - timedelta(days=1))
        if await records.asked_since(call.ctx.conn, call.person.user, since) >= self._settings.a_day:
            raise Refusal(
                call.voice.say(
                    "You have made {count} groups since yesterday. Let them come to life first; I will make more "
                    "tomorrow.",
                    count=self._settings.a_day,
                )
            )

    async def _founders(self, call: Call) -> int:
        """How many people make the group: two when that is the rule, or when a second one is named."""
        _, _, template = self._template(call)
        if call.args.get("with"):
            return 2
        return (template.founders if template is not None else None) or self._settings.founders

    async def _second(self, call: Call) -> str:
        """The second founder. Raises Refusal when nobody is named who could be one."""
        second = call.args.get("with")
        if not second:
            raise Refusal(
                call.voice.say(
                    "It takes two to make this group. Say who makes it with you, such as `--with @zoe`: I will ask "
                    "them, and make it once they say yes."
                )
            )
        if (sentence := self._founding.unfit(call, str(second))) is not None:
            raise Refusal(call.voice.say(sentence))
        return str(second)

    async def _plan(self, call: Call, name: str) -> Plan:
        conn, template = call.ctx.conn, self._template(call)
        spaces = await wanted.spaces(conn)
        parent = await self._parent(call, spaces)
        audiences = self._audiences(call, parent, spaces)
        return Plan(
            name=name,
            template=template[0],
            kind=template[1],
            parent=parent,
            language=call.person.language,
            owners=(call.person.user,),
            topic=str(call.args.get("topic") or ""),
            audiences=audiences,
            joining=plans.door(template[2], spaces[parent], audiences),
        )

    async def _parent(self, call: Call, spaces: dict[str, Place]) -> str:
        asked = call.args.get("in")
        if isinstance(asked, Space):
            if not is_for(asked, spaces, self._community, call.person.audiences):
                raise Refusal(
                    call.voice.say("{space} is not meant for you: choose another space.", space=bold(asked.name))
                )
            await self._theirs_to_fill(call, asked)
            return asked.key
        # Where nothing is said and no home is declared, the space in which one talks is nearest.
        here = None if self._community.home else (call.place.parent if call.place else None)
        parent = model.home_for(self._community, spaces, call.person.audiences, [here])
        if parent is None:
            raise Refusal(
                call.voice.say("I do not know any space in which you could make a group. The animators can help you.")
            )
        return parent

    async def _theirs_to_fill(self, call: Call, space: Space) -> None:
        """The space of a group of several rooms is for whoever owns the group."""
        head = await families.head_of(call.ctx.conn, space.key)
        group = await wanted.get(call.ctx.conn, head) if head != space.key else None
        if isinstance(group, Group) and not await self._desk.owns(call, group):
            raise Refusal(
                call.voice.say(
                    "{space} is the space of one group, and its owners make rooms there. Choose another space.",
                    space=bold(space.name),
                )
            )

    def _audiences(self, call: Call, parent: str, spaces: dict[str, Place]) -> tuple[str, ...]:
        """Nothing said: those of the space. Said: that audience, and the maker's own, within those of the space."""
        asked = call.args.get("for")
        if not isinstance(asked, str):
            return ()
        allowed = self._allowed_in(spaces[parent], spaces)
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

    # --- what there is already ------------------------------------------------------------------------------------

    async def _twin(self, call: Call, name: str) -> Group | None:
        """The group that somebody else asked for under this name when this was written, if the person may see it.

        Seen from when the command was written, so that a yes that comes later means the same group.
        """
        conn, key = call.ctx.conn, model.key_of(name)
        other = await records.find(conn, key)
        if other is None or other.person == call.person.user:
            return None
        if abs(call.event.ts - other.said) > SAME_SECOND / timedelta(milliseconds=1):
            return None
        place = await wanted.get(conn, key)
        if not isinstance(place, Group) or not await self._desk.knows(call, place):
            return None
        if await self._came_to_nothing(conn, key):
            return None
        return place

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
            return call.voice.say("{group}: {topic}", group=link, topic=first_line(group.topic, model.TOPIC))
        return link
