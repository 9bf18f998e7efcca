"""What the engine runs for provisioning: drift is seen from the event itself, and told to the animators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Emit, Nudge, Observe, Say, Schedule, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.provisioning import byhand, people, wanted
from esnbot.provisioning.byhand import ByHand
from esnbot.provisioning.desired import Around, DesiredRoom, Extras, desired_rooms, no_extras
from esnbot.provisioning.display import brief, differences
from esnbot.provisioning.events import DRIFT
from esnbot.provisioning.plan import drift_content
from esnbot.provisioning.seen import Fact
from esnbot.provisioning.tables import drift
from esnbot.speech import (
    Later,
    Markdown,
    Speech,
    Voice,
    bold,
    bullets,
    code,
    later,
    mention,
    paragraphs,
    render,
    room_link,
)
from esnbot.store import bindings, rooms
from esnbot.store.upsert import upsert

NAME: Final = "provisioning"
TOGETHER_MS: Final = 10_000
"""What is changed by hand within so many milliseconds is told in one message."""
LOOK_AGAIN: Final = timedelta(seconds=5)
"""After so long a room is looked at that was not known yet when somebody changed it."""
MOST: Final = 20
"""The most changes that one message names."""

WHAT: Final[dict[str, Later]] = {
    "name": later("name"),
    "topic": later("topic"),
    "avatar": later("picture"),
    "alias": later("alias"),
    "join rule": later("who may join"),
    "history visibility": later("who reads what was said before"),
    "guest access": later("guests"),
    "encryption": later("encryption"),
    "retention": later("how long messages are kept"),
    "power levels": later("rights"),
    "server ACL": later("which homeservers may take part"),
    "space": later("the space it stands in"),
    "place in the space": later("its place in the space"),
    "charter": later("charter"),
    "pinned charter": later("pinned charter"),
    "published commands": later("the commands that clients offer"),
    "widget": later("widget"),
}


class _Later(msgspec.Struct, frozen=True):
    """A change by hand to be looked at later."""

    key: str
    hand: ByHand


class Watch:
    """Looks at what people change by hand."""

    def __init__(self, speech: Speech, bot: str, server: str, extras: Extras = no_extras) -> None:
        self._extras = extras
        self._speech = speech
        self._bot = bot
        self._server = server

    def module(self) -> Module:
        """What the engine runs."""
        return Module(
            name=NAME,
            listeners=(
                Listener(byhand.WATCHED, self.changed, wants=self._by_somebody),
                Listener(frozenset((DRIFT,)), self.drifted),
            ),
            due={"tell": self.tell, "look": self.look},
            export=people.export,
            erase=people.erase,
        )

    def _by_somebody(self, event: Event) -> bool:
        return event.state_key is not None and event.sender != self._bot

    async def changed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody changed state of a room: it is right, becomes desired state, or is drift."""
        hand = ByHand(
            event.room_id, event.type, event.state_key or "", Fact(dict(event.content), event.sender, event.ts)
        )
        key = await bindings.key_of(ctx.conn, hand.state_key if hand.type == "m.space.child" else hand.room_id)
        return await self._looked_at(ctx, key, hand) if key is not None else []

    async def look(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Look again at what somebody changed in a room that was not known yet."""
        seen = msgspec.convert(event.content["payload"], _Later)
        return await self._looked_at(ctx, seen.key, seen.hand, again=False)

    async def _looked_at(self, ctx: Context, key: str, hand: ByHand, *, again: bool = True) -> Sequence[Effect]:
        revisions = await wanted.locked(ctx.conn, key)
        if revisions is None:
            return []
        own = await wanted.some(ctx.conn, [key])
        around = Around(self._bot, self._server, ctx.now.date(), self._extras)
        desired = desired_rooms(await wanted.frame(ctx.conn), await wanted.with_spaces(ctx.conn, own), around)
        if await self._accepted(ctx, desired[key], hand):
            return [Nudge(machine=wanted.RECONCILER)]
        if revisions[0] != revisions[1]:
            # What is still being made is not drift; who makes it looks for what was changed meanwhile.
            return []
        bound = {name: await bindings.room_of(ctx.conn, name) for name in desired}
        ids = {name: room_id for name, room_id in bound.items() if room_id is not None}
        if key not in ids:
            return []
        plan = await byhand.look(ctx.conn, key, desired, ids, bot=self._bot, server=self._server)
        if plan is None:
            return [Observe(room=ids[key]), _later(ctx, key, hand)] if again else []
        await wanted.forget_drifts(ctx.conn, key, except_for={change.what for change in plan.changes})
        return [
            Emit(type=DRIFT, content={**drift_content(change, ids[key]), "by": hand.fact.sender}, room=hand.room_id)
            for change in byhand.told(plan, hand.type, hand.state_key)
        ]

    async def _accepted(self, ctx: Context, desired: DesiredRoom, hand: ByHand) -> bool:
        """Whether an owner changed what the file does not state: it is written down as desired state."""
        found = byhand.accepted(desired, desired.place, hand.type, hand.fact.content)
        # An event that comes late does not undo what was changed after it.
        if found is None or await rooms.content(ctx.conn, hand.room_id, hand.type) != hand.fact.content:
            return False
        await wanted.accept(ctx.conn, desired.key, *found, hand.fact.sender, milliseconds(ctx.now))
        return True

    async def drifted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Remember drift, from the event itself or from the look after a start, and tell it soon."""
        now = milliseconds(ctx.now)
        row = {
            "key": event.text("key"),
            "what": event.text("what"),
            "room_id": event.text("room_id"),
            "by": event.text("by"),
            "wanted": event.content.get("wanted"),
            "found": event.content.get("found"),
            "since": now,
            "told": False,
        }
        if await self._known(ctx.conn, row):
            return []
        await upsert(ctx.conn, drift, row)
        due = (now // TOGETHER_MS + 1) * TOGETHER_MS
        return [Schedule(key=f"tell:{due}", job="tell", due=datetime.fromtimestamp(due / 1000, UTC))]

    async def _known(self, conn: AsyncConnection, row: Mapping[str, Any]) -> bool:
        """Whether the very same was noted already: it is told once, whoever saw it."""
        query = select(drift).where(drift.c.key == row["key"], drift.c.what == row["what"])
        known = (await conn.execute(query)).one_or_none()
        return known is not None and all(row[name] == known._mapping[name] for name in ("by", "wanted", "found"))

    async def tell(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """One message in the animators' room for what was changed since the last one."""
        frame = await wanted.frame(ctx.conn)
        query = select(drift).where(drift.c.told.is_(False)).order_by(drift.c.since, drift.c.key, drift.c.what)
        rows = (await ctx.conn.execute(query)).all()
        if not rows or frame.animators_room is None:
            return []
        await ctx.conn.execute(update(drift).where(drift.c.told.is_(False)).values(told=True))
        place = await wanted.get(ctx.conn, frame.animators_room)
        voice = self._speech.voice(place.language if place is not None else None)
        names = {row.key: await _name(ctx.conn, row.key) for row in rows}
        lines = [self._line(voice, row, names[row.key]) for row in rows[:MOST]]
        if len(rows) > MOST:
            lines.append(voice.plural("and {n} more", "and {n} more", len(rows) - MOST))
        text = paragraphs(
            bold(voice.plural("Something was changed by hand", "{n} things were changed by hand", len(rows))),
            bullets(lines),
            voice.say(
                "{command} on the server puts it right. To keep it, write it into the configuration, or ask me for it "
                "with a command.",
                command=code("esnbot apply"),
            ),
        )
        said = render(text)
        return [Say(room=room(frame.animators_room), body=said.body, html=said.html, msgtype=TEXT)]

    def _line(self, voice: Voice, row: Any, name: str) -> Markdown:
        what = WHAT.get(row.what)
        where = room_link(row.room_id, name) if row.room_id else bold(name)
        parts = list(differences(row.found, row.wanted))
        found = "; ".join(" ".join(filter(None, (path, brief(was)))) for path, was, _ in parts)
        should = "; ".join(" ".join(filter(None, (path, brief(now)))) for path, _, now in parts)
        return voice.say(
            "{room}, {what}: {found} instead of {wanted}, by {person}",
            room=where,
            what=voice.say(what) if what is not None else row.what,
            found=voice.quote(found),
            wanted=voice.quote(should),
            person=mention(row.by) if row.by else "?",
        )


async def _name(conn: AsyncConnection, key: str) -> str:
    place = await wanted.get(conn, key)
    return place.name if place is not None else key


def _later(ctx: Context, key: str, hand: ByHand) -> Schedule:
    """Look again at a change, once the room's state is read."""
    payload = msgspec.to_builtins(_Later(key, hand))
    name = f"look:{key}:{hand.type}:{hand.state_key}"
    return Schedule(key=name, job="look", due=ctx.now + LOOK_AGAIN, payload=payload)


def build(speech: Speech, bot: str, server: str, extras: Extras = no_extras) -> Module:
    """Provisioning's module for the engine."""
    return Watch(speech, bot, server, extras).module()
