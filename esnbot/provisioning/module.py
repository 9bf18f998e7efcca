"""What the engine runs for provisioning: drift is seen from the event itself, and told to the animators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Emit, Nudge, Say, Schedule, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.provisioning import people, wanted
from esnbot.provisioning.compare import Action
from esnbot.provisioning.desired import Around, DesiredRoom, Extras, desired_rooms, no_extras
from esnbot.provisioning.display import brief, differences
from esnbot.provisioning.events import DRIFT
from esnbot.provisioning.hands import field_value
from esnbot.provisioning.observer import load_rooms
from esnbot.provisioning.plan import Plan, drift_content, make_plan
from esnbot.provisioning.seen import CHARTER, OWNED, Observed
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
from esnbot.store import bindings
from esnbot.store.upsert import upsert

NAME: Final = "provisioning"
TOGETHER_MS: Final = 10_000
"""What is changed by hand within so many milliseconds is told in one message."""
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

_SOFT: Final = {"m.room.name": "name", "m.room.topic": "topic", "m.room.avatar": "avatar"}


class Watch:
    """Looks at what people change by hand."""

    def __init__(self, speech: Speech, bot: str, server: str, extras: Extras = no_extras) -> None:
        self._extras = extras
        self._speech = speech
        self._bot = bot
        self._server = server

    def module(self) -> Module:
        """What the engine runs."""
        types = frozenset(OWNED) - {"m.room.create", "m.room.tombstone"}
        return Module(
            name=NAME,
            listeners=(
                Listener(types, self.changed, wants=self._by_somebody),
                Listener(frozenset((DRIFT,)), self.drifted),
            ),
            due={"tell": self.tell},
            export=people.export,
            erase=people.erase,
        )

    def _by_somebody(self, event: Event) -> bool:
        return event.state_key is not None and event.sender != self._bot

    async def changed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody changed state of a room: it is right, becomes desired state, or is drift."""
        child = event.type == "m.space.child"
        key = await bindings.key_of(ctx.conn, event.state_key or "" if child else event.room_id)
        if key is None:
            return []
        plan, seen = await self._compared(ctx, key)
        if plan is None or seen is None:
            return []
        types = (event.type, CHARTER) if event.type == "m.room.pinned_events" else (event.type,)
        found = [
            change for change in plan.changes if change.type in types and change.state_key in ("", event.state_key)
        ]
        await _clear(ctx.conn, key, {change.what for change in plan.changes})
        if await self._accepted(ctx, plan.rooms[key], event):
            return [Nudge(machine=wanted.RECONCILER)]
        return [
            Emit(type=DRIFT, content={**drift_content(change, seen), "by": event.sender}, room=event.room_id)
            for change in found
            if change.action is Action.change
        ]

    async def _accepted(self, ctx: Context, desired: DesiredRoom, event: Event) -> bool:
        """Whether an owner changed what the file does not state: it is written down as desired state."""
        field = _SOFT.get(event.type)
        if field is None or desired.states(field) or desired.archived:
            return False
        value = field_value(field, event.content)
        if value == getattr(desired.place, field) or (field == "name" and not str(value).strip()):
            return False
        await wanted.accept(ctx.conn, desired.key, field, value, event.sender, milliseconds(ctx.now))
        return True

    async def _compared(self, ctx: Context, key: str) -> tuple[Plan | None, str | None]:
        """The room of a key as it should be and as the store has it."""
        own = await wanted.some(ctx.conn, [key])
        if not own or own[0].revision != own[0].settled:
            # What is still being made is not drift.
            return None, None
        around = Around(self._bot, self._server, ctx.now.date(), self._extras)
        desired = desired_rooms(await wanted.frame(ctx.conn), await wanted.with_spaces(ctx.conn, own), around)
        bound = {name: await bindings.room_of(ctx.conn, name) for name in desired}
        ids = {name: room_id for name, room_id in bound.items() if room_id is not None}
        rooms = await load_rooms(ctx.conn, self._bot, list(ids.values()))
        if ids.get(key) not in rooms:
            return None, None
        observed = Observed(rooms=rooms, bindings=ids, ready=frozenset(ids))
        return make_plan(desired, observed, self._bot, self._server, keys=[key]), ids[key]

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
        await upsert(ctx.conn, drift, row)
        due = (now // TOGETHER_MS + 1) * TOGETHER_MS
        return [Schedule(key=f"tell:{due}", job="tell", due=datetime.fromtimestamp(due / 1000, UTC))]

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


async def _clear(conn: AsyncConnection, key: str, left: set[str]) -> None:
    """Forget drift that somebody took back."""
    await conn.execute(delete(drift).where(drift.c.key == key, drift.c.what.not_in(left)))


def build(speech: Speech, bot: str, server: str, extras: Extras = no_extras) -> Module:
    """Provisioning's module for the engine."""
    return Watch(speech, bot, server, extras).module()
