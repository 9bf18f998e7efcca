"""A community in which commands can be tried on a real database, with the engine's own inbox and dispatch."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import module as commands
from esnbot.commands.command import Call, Command, Names, Noun, Offer, Param
from esnbot.commands.flood import Flood
from esnbot.commands.reading import Problem
from esnbot.commands.registry import Registry
from esnbot.commands.values import Choice, Duration, GroupValue, Integer, Moment, PersonValue, SpaceValue, Switch, Text
from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group, Joining, Kind, Place, Space
from esnbot.community.model import Community, Roles
from esnbot.community.person import Role
from esnbot.engine import effects_in, inbox
from esnbot.engine.dispatch import Dispatcher
from esnbot.engine.effects import Effect, React, Say
from esnbot.engine.event import DUE
from esnbot.engine.incoming import Incoming
from esnbot.engine.metrics import Metrics
from esnbot.engine.signals import Signals
from esnbot.engine.tables import outbox, schedule
from esnbot.speech import Quoted, Speech, later
from esnbot.store import bindings, rooms
from esnbot.store.database import Database
from esnbot.store.migrate import migrate

BOT = "@esnbot:example.org"
DATABASE = "commands.db"
"""Name of the file; one that is there already has the tables."""
ZOE, ALI, MAX, PIA = (f"@{name}:example.org" for name in ("zoe", "ali", "max", "pia"))
"""Zoé is a member, Ali owns the photo group, Max is an animator, Pia an administrator."""
PAT, EVE = "@pat:partner.example", "@eve:elsewhere.example"
"""Pat is a partner, Eve is nobody here."""
PHOTO, SHARED, DIRECT, SECRET, UNKNOWN = "!photo", "!shared", "!direct", "!secret", "!unknown"
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass
class SetClock:
    """A clock that stands still until it is moved."""

    instant: datetime = START

    def now(self) -> datetime:
        return self.instant

    async def wait_until(self, instant: datetime) -> None:
        self.instant = max(self.instant, instant)


def the_community(**changes: Any) -> Community:
    """Staff and partners, a photo group for staff, a group shared with partners, and a closed one."""
    declared: dict[str, Any] = {
        "name": "Example",
        "languages": ("fr", "en"),
        "zone": ZoneInfo("Europe/Paris"),
        "audiences": {
            "staff": Audience("staff", "Staff", Perimeter(homeservers=("example.org",))),
            "partners": Audience("partners", "Partners", Perimeter(homeservers=("partner.example",)), external=True),
        },
        "roles": Roles(animators=frozenset({MAX}), administrators=frozenset({PIA})),
    }
    return Community(**{**declared, **changes})


PLACES: tuple[Place, ...] = (
    Space(key="home", name="Home", audiences=("staff",)),
    Space(key="garden", name="Garden", audiences=("staff",)),
    Group(key="photo", name="Club photo", parent="home", kind=Kind.hobby, owners=frozenset({ALI}), language="en"),
    Group(key="shared", name="Chantier commun", audiences=("staff", "partners")),
    Group(key="secret", name="Club secret", audiences=("staff",), joining=Joining.invite),
    Group(key="old", name="Club ancien", audiences=("staff",), archived=True),
)
ROOMS = {"photo": PHOTO, "shared": SHARED, "secret": SECRET}


@dataclass(frozen=True)
class KnownPlaces:
    """Places that the reconciler would know."""

    places: tuple[Place, ...] = PLACES

    async def spaces(self, conn: AsyncConnection) -> dict[str, Place]:
        return {place.key: place for place in await self.all_places(conn) if isinstance(place, Space)}

    async def all_places(self, conn: AsyncConnection) -> list[Place]:
        return list(self.places)

    async def place_of(self, conn: AsyncConnection, room_id: str) -> Place | None:
        key = await bindings.key_of(conn, room_id)
        return next((place for place in self.places if place.key == key), None)


def names(en: str, fr: str) -> Names:
    """Names by their words."""
    return Names(tuple(en.split()), tuple(fr.split()))


def param(name: str, kind: Any, fr: str = "", **more: Any) -> Param:
    """A parameter."""
    return Param(name, names(name, fr or name), kind, later("What you can do here."), **more)


async def echo(call: Call) -> Sequence[Effect]:
    """Answers with what was understood."""
    given = {key: str(value) for key, value in call.args.items() if value not in (None, False)}
    return [call.answer("`" + json.dumps(given, ensure_ascii=False) + "`")]


async def sure(call: Call) -> str | None:
    """Asks before all but small deeds."""
    return None if call.args["what"] == "petit" else "**Really?**"


async def not_taken(call: Call, value: str) -> None:
    """One name is taken."""
    if value == "Taken":
        raise Problem(later("I do not know {text} here.", text=Quoted(value)))


async def spaces(call: Call) -> Sequence[Offer]:
    """Hobbies may be in two spaces; all else is at home."""
    there = [Offer("home", "Home", default=True)]
    return [*there, Offer("garden", "Garden")] if call.args["kind"] == "hobby" else there


async def sure_of_walks(call: Call) -> str | None:
    """Asks about long ones."""
    return "**Really that long?**" if call.args["name"] == "Long" else None


async def shout(call: Call) -> Sequence[Effect]:
    """Calls everybody."""
    return [Say(room=call.room, body=str(call.args["text"]), rouse=True)]


def a_command(noun: str, verb: str, *params: Param, fr: str = "", **more: Any) -> Command:
    """A command that echoes."""
    return Command(noun, verb, names(verb, fr or verb), later("Lists what you can do here."), echo, params, **more)


KIND = Choice(
    {"hobby": names("hobby leisure", "loisir"), "project": names("project", "projet")},
    later("{text} is not a kind of group that I know."),
)
COMMANDS = (
    a_command(
        "group",
        "create",
        param("name", Text(max_length=40), "nom"),
        param("kind", KIND, "type", option=True, required=False),
        param("quiet", Switch(), "discret", option=True, required=False),
        param("note", Text(), option=True, required=False),
        fr="créer",
        examples={
            "fr": ('groupe créer "Club photo" --type loisir',),
            "en": ('group create "Photo club" --kind hobby',),
        },
    ),
    a_command(
        "walk",
        "plan",
        param("name", Text(max_length=40), "nom", question=later("What will the group be called?"), check=not_taken),
        param(
            "kind",
            KIND,
            "type",
            option=True,
            required=False,
            question=later("What kind of group is it?"),
            skipped=later("informal"),
        ),
        param("note", Text(), option=True, required=False, question=later("What is it about, in a sentence?"), turn=1),
        param(
            "space",
            SpaceValue(),
            "espace",
            option=True,
            required=False,
            question=later("Which space will it be in?"),
            offers=spaces,
        ),
        fr="prévoir",
        confirm=sure_of_walks,
        dialogue=True,
    ),
    a_command("group", "join", param("group", GroupValue(), "groupe"), fr="rejoindre"),
    a_command("group", "rename", param("name", Text(), "nom"), fr="renommer", who=frozenset({Role.owner})),
    a_command(
        "group", "invite", param("person", PersonValue(), "personne"), param("note", Text(), rest=True, required=False)
    ),
    a_command("meetup", "plan", param("when", Moment(), "quand"), param("title", Text(), "titre"), fr="prévoir"),
    a_command("meetup", "size", param("seats", Integer(1, 50), "places"), fr="taille"),
    a_command(
        "meetup", "shift", param("by", Duration(), "de"), param("when", Moment(), "quand", option=True, required=False)
    ),
    a_command(
        "meetup",
        "choose",
        param("title", Text(), "titre"),
        param("day", Text(max_length=20), "jour", many=True),
        param("when", Moment(), "quand", option=True, required=False),
        fr="choisir",
    ),
    a_command("status", "show", fr="montrer", who=frozenset({Role.animator, Role.administrator}), default=True),
    a_command(
        "note",
        "find",
        param("words", Text(), "mots", required=False),
        param("space", SpaceValue(), "espace", option=True, required=False),
        fr="chercher",
        default=True,
    ),
    a_command("note", "write", param("text", Text(), "texte"), fr="écrire"),
    a_command("note", "publish", param("text", Text(), "texte"), fr="publier", who=frozenset({Role.animator})),
    Command(
        "call",
        "out",
        names("out", "tous"),
        later("Lists what you can do here."),
        shout,
        (param("text", Text(), "texte"),),
    ),
    a_command("deed", "do", param("what", Text(), "quoi"), fr="faire", confirm=sure),
)
NOUNS = (
    Noun("group", names("group", "groupe"), later("What you can do here.")),
    Noun("walk", names("walk", "balade"), later("What you can do here.")),
    Noun("call", names("call", "appel"), later("What you can do here.")),
    Noun("meetup", names("meetup meeting", "rencontre"), later("What you can do here.")),
    Noun("status", names("status", "état"), later("What you can do here.")),
    Noun("note", names("note", "fiche"), later("What you can do here.")),
    Noun("deed", names("deed", "acte"), later("What you can do here.")),
)


@dataclass
class Room:
    """The commands at work; say something and see what goes out."""

    database: Database
    community: Community
    flood: Flood
    clock: SetClock = field(default_factory=SetClock)
    numbers: Any = field(default_factory=lambda: count(1))
    heard: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new process: whatever was only in memory is gone."""
        self.module = commands.build(
            Registry(NOUNS, COMMANDS),
            community=self.community,
            speech=Speech(strict=True),
            places=KnownPlaces(),
            bot=BOT,
            names=("Animateur",),
            flood=self.flood,
        )
        self.dispatcher = Dispatcher(self.database, [self.module], self.clock, self.clock, Signals(), BOT, Metrics())

    async def hear(self, event: dict[str, Any]) -> list[Effect]:
        """Give an event to the engine; the new effects, each marked as delivered."""
        return await self.hear_together(event)

    def _incoming(self, event: dict[str, Any]) -> Incoming:
        self.heard = next(self.numbers)
        whole = {
            "event_id": f"$e{self.heard}",
            "room_id": PHOTO,
            "type": "m.room.message",
            "sender": ZOE,
            "origin_server_ts": int(self.clock.now().timestamp() * 1000),
            **event,
        }
        return Incoming(whole["event_id"], whole["room_id"], json.dumps(whole))

    async def hear_together(self, *events: dict[str, Any]) -> list[Effect]:
        """Give events of one transaction to the engine; the new effects, each marked as delivered."""
        incoming = [self._incoming(event) for event in events]
        now = int(self.clock.now().timestamp() * 1000)

        async def store(conn: AsyncConnection) -> int:
            await inbox.store(conn, incoming, now)
            return (await conn.execute(select(outbox.c.seq).order_by(outbox.c.seq.desc()))).scalars().first() or 0

        before = await self.database.write(store)
        outcome = await self.dispatcher.step()
        assert outcome.letters == 0
        assert not outcome.held
        return await self.sent_after(before)

    async def sent_after(self, seq: int) -> list[Effect]:
        """Effects that went out since, marked as delivered."""

        async def deliver(conn: AsyncConnection) -> list[Effect]:
            rows = (await conn.execute(select(outbox).where(outbox.c.seq > seq).order_by(outbox.c.seq))).all()
            for row in rows:
                values = {"event_id": f"$sent{row.seq}", "state": 1}
                await conn.execute(update(outbox).where(outbox.c.seq == row.seq).values(values))
            return [effects_in.read(row.body) for row in rows]

        return await self.database.write(deliver)

    async def say(self, body: str, sender: str = ZOE, room: str = PHOTO, **content: Any) -> list[Effect]:
        """Somebody writes a message; what goes out because of it."""
        message = {"msgtype": "m.text", "body": body, **content}
        return await self.hear({"sender": sender, "room_id": room, "content": message})

    async def ask(self, body: str, sender: str = ZOE, room: str = PHOTO, **content: Any) -> str:
        """The plain text of the only answer, '' for none."""
        effects = await self.say(body, sender, room, **content)
        assert len(effects) <= 1, effects
        if not effects:
            return ""
        assert isinstance(effects[0], Say)
        return effects[0].body

    async def understood(self, body: str, sender: str = ZOE, room: str = PHOTO, **content: Any) -> dict[str, str]:
        """What the echo says that it understood."""
        answer = await self.ask(body, sender, room, **content)
        assert answer.startswith("`{"), answer
        read: dict[str, str] = json.loads(answer.strip("`"))
        return read

    async def react(self, emoji: str, to: str, sender: str = ZOE, room: str = PHOTO) -> list[Effect]:
        """Somebody reacts."""
        relation = {"rel_type": "m.annotation", "event_id": to, "key": emoji}
        return await self.hear(
            {"type": "m.reaction", "sender": sender, "room_id": room, "content": {"m.relates_to": relation}}
        )

    async def edit(self, original: str, body: str, sender: str = ZOE, room: str = PHOTO) -> list[Effect]:
        """Somebody corrects an earlier message."""
        new = {"msgtype": "m.text", "body": body}
        relation = {"rel_type": "m.replace", "event_id": original}
        return await self.say(f"* {body}", sender, room, **{"m.new_content": new, "m.relates_to": relation})

    async def redact(self, event_id: str, sender: str = ZOE, room: str = PHOTO) -> list[Effect]:
        """Somebody removes a message or a reaction."""
        redaction = {"type": "m.room.redaction", "redacts": event_id, "content": {}}
        return await self.hear({**redaction, "sender": sender, "room_id": room})

    @property
    def last(self) -> str:
        """The event id of what was heard last."""
        return f"$e{self.heard}"

    async def posted(self, effect: Effect) -> str:
        """The event id under which an effect went out."""
        async with self.database.read() as conn:
            query = select(outbox.c.event_id).where(outbox.c.key == f"{commands.NAME}/{effect.key}")
            return str((await conn.execute(query)).scalar_one())

    async def let_pass(self, span: timedelta) -> list[Effect]:
        """Time passes; what was due goes out."""
        self.clock.instant += span
        now = int(self.clock.now().timestamp() * 1000)

        async def due(conn: AsyncConnection) -> int:
            rows = (await conn.execute(select(schedule).where(schedule.c.due <= now))).all()
            for row in rows:
                content = {"module": row.module, "job": row.job, "key": row.key, "payload": row.payload, "due": row.due}
                await inbox.put_internal(conn, f"due:{row.key}", DUE, content, now)
            return (await conn.execute(select(outbox.c.seq).order_by(outbox.c.seq.desc()))).scalars().first() or 0

        before = await self.database.write(due)
        await self.dispatcher.step()
        return await self.sent_after(before)


@asynccontextmanager
async def a_room(folder: Path, community: Community | None = None, flood: Flood | None = None) -> AsyncIterator[Room]:
    """The commands on a fresh database that knows who is in which room."""
    database = await Database.open(f"sqlite+aiosqlite:///{folder / DATABASE}")
    try:
        await migrate(database, [commands.MIGRATIONS])
        await database.write(_furnish)
        yield Room(database, community or the_community(), flood=flood or Flood(burst=1_000))
    finally:
        await database.close()


async def _furnish(conn: AsyncConnection) -> None:
    for key, room_id in ROOMS.items():
        await bindings.bind(conn, key, room_id, 0)
    people = {
        PHOTO: (BOT, ZOE, ALI, MAX),
        SHARED: (BOT, ZOE, PAT),
        DIRECT: (BOT, ZOE),
        SECRET: (BOT, ALI),
        UNKNOWN: (BOT, ZOE, PAT),
    }
    for room_id, members in people.items():
        shown = {ZOE: "Zoé Martin", ALI: "Ali", MAX: "Max"}
        for user in members:
            await _note(conn, room_id, "m.room.member", user, {"membership": "join", "displayname": shown.get(user)})
        await _note(conn, room_id, "m.room.power_levels", "", {"users": {BOT: 100, MAX: 75, ALI: 50}})


async def _note(conn: AsyncConnection, room_id: str, type: str, state_key: str, content: dict[str, Any]) -> None:
    await rooms.note(conn, rooms.StateEvent(room_id, type, state_key, f"$s{room_id}{state_key}", BOT, 1, content))


def body(effects: Sequence[Effect]) -> str:
    """The text of the first message."""
    return next(effect.body for effect in effects if isinstance(effect, Say))


def reactions(effects: Sequence[Effect]) -> list[str]:
    """The bot's own reactions."""
    return [effect.emoji for effect in effects if isinstance(effect, React)]
