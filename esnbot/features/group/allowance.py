"""Who may make what: the community declares it audience by audience; where it says nothing, everybody may.

A quota counts groups of the person who asks, for that person; nothing of it is kept or shown to anybody else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.commands.reading import Person
from esnbot.community.group import Group, Origin
from esnbot.community.model import Community
from esnbot.engine.clock import milliseconds
from esnbot.features.group import families, foundings, records
from esnbot.features.group.desk import Desk, Refusal
from esnbot.features.group.model import MADE_IN_CHAT
from esnbot.features.group.settings import GroupSettings, MayCreate
from esnbot.features.places import oversees
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, code

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Made:
    """How many groups somebody has made."""

    in_a_week: int
    at_once: int


def rules_for(settings: GroupSettings, audiences: Collection[str]) -> Sequence[MayCreate]:
    """The rules of which one has to allow it; none: no rule stands in the way.

    An audience without a rule may make everything, and so may whoever also belongs to it.
    """
    if not audiences or any(audience not in settings.may_create for audience in audiences):
        return ()
    return [rule for audience, rule in settings.may_create.items() if audience in audiences]


def allows(rule: MayCreate, template: str) -> bool:
    """Whether a rule lets people make groups from a template ('' for none) at all."""
    return 0 not in (rule.a_week, rule.at_once) and (rule.templates is None or template in rule.templates)


def has_room(rule: MayCreate, made: Made) -> bool:
    """Whether a rule lets somebody make one more."""
    within_week = rule.a_week is None or made.in_a_week < rule.a_week
    return within_week and (rule.at_once is None or made.at_once < rule.at_once)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one person may make."""

    desk: Desk

    @property
    def community(self) -> Community:
        """The community."""
        return self.desk.community

    def _rules(self, person: Person) -> Sequence[MayCreate]:
        return () if oversees(person.roles) else rules_for(self.desk.settings, person.audiences)

    def templates(self, person: Person) -> list[str]:
        """The keys of the templates that the person may use; for kinds without a template, the name of the kind."""
        known = [key for key, template in self.community.templates.items() if template.kind in MADE_IN_CHAT]
        bare = [kind.value for kind in MADE_IN_CHAT if self.community.standard(kind) is None]
        rules = self._rules(person)
        if not rules:
            # The kinds come first, in the order in which people know them.
            first = [kind.value for kind in MADE_IN_CHAT if kind.value in known or kind.value in bare]
            return [*first, *(key for key in known if key not in first)]
        return [key for key in known if any(allows(rule, key) for rule in rules)]

    async def check(self, call: Call, template: str, *, chosen: bool = True) -> None:
        """Raise Refusal for what the person may not make, with what they may; ``chosen``: whether they named it."""
        rules = self._rules(call.person)
        if not rules:
            return
        may = self.templates(call.person)
        fit = [rule for rule in rules if allows(rule, template)]
        if not fit:
            raise Refusal(self._not_this(call.voice, may, chosen=chosen))
        made = await self._made(call)
        if not any(has_room(rule, made) for rule in fit):
            raise Refusal(self._enough(call.voice, fit, made))

    async def hindrance(self, call: Call) -> Markdown | None:
        """Why the person can make no group at all now; None when they can make one."""
        rules, may = self._rules(call.person), self.templates(call.person)
        if not may:
            return self.nothing(call.voice)
        fit = [rule for rule in rules if any(allows(rule, key) for key in may)]
        if not fit:
            return None
        made = await self._made(call)
        return None if any(has_room(rule, made) for rule in fit) else self._enough(call.voice, fit, made)

    def nothing(self, voice: Voice) -> Markdown:
        """That the person may make no groups."""
        return voice.say(
            "In this community, groups are not yours to make. `!esn group list` shows those that you can join, and "
            "the animators can make one for you."
        )

    def _not_this(self, voice: Voice, may: Sequence[str], *, chosen: bool) -> Markdown:
        if not may:
            return self.nothing(voice)
        names = voice.list([code(self.desk.template_name(key, voice.language)) for key in may], either=True)
        if not chosen:
            return voice.say("Say what your group begins with: add `--template` and {templates}.", templates=names)
        return voice.say(
            "You cannot make a group of this sort here. Open to you, after `--template`: {templates}. For anything "
            "else, ask the animators.",
            templates=names,
        )

    def _enough(self, voice: Voice, rules: Sequence[MayCreate], made: Made) -> Markdown:
        most = max((rule.at_once for rule in rules if rule.at_once is not None), default=None)
        if most is not None and made.at_once >= most:
            return voice.plural(
                "You look after one group already, and one at a time is what you can have here. "
                "Archive it or hand it over, and you can make another one.",
                "You look after {n} groups already, and {most} at a time is what you can have here. "
                "Archive or hand over one of them, and you can make another one.",
                made.at_once,
                most=most,
            )
        return voice.plural(
            "You have made one group in the last seven days, which is what you can make in a week here. Let it come to "
            "life first; until then, `!esn group list` shows the groups that you can join.",
            "You have made {n} groups in the last seven days, which is what you can make in a week here. Let them come "
            "to life first; until then, `!esn group list` shows the groups that you can join.",
            made.in_a_week,
        )

    async def _made(self, call: Call) -> Made:
        conn, user = call.ctx.conn, call.person.user
        since = milliseconds(call.ctx.now - WEEK)
        # What waits for its second founder counts as made: all of them may say yes.
        waiting = len(await foundings.of_maker(conn, user))
        asked = await records.asked_since(conn, user, since)
        return Made(asked + waiting, await owned_by(conn, user) + waiting)


async def owned_by(conn: AsyncConnection, user: str) -> int:
    """How many groups made in chat somebody owns now; one of several rooms counts once."""
    further = await families.further(conn)
    count = 0
    async for place in wanted.each_place(conn):
        if not isinstance(place, Group) or place.origin is not Origin.chat or place.archived:
            continue
        count += user in place.owners and place.key not in further
    return count
