"""A small community with all features at work on a real database, with the engine's own inbox, dispatch and schedule.

Only the homeserver is missing: rooms are what the tests say, and what would go out is looked at instead.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import module as commands
from esnbot.commands.flood import Flood
from esnbot.commands.registry import Registry
from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group, Joining, Kind, Place, Source, Space
from esnbot.community.model import Community, Prompt, Roles, Site, Template
from esnbot.community.tempo import QuietHours, Tempo
from esnbot.discovery import Discovery, discover
from esnbot.engine import effects_in, inbox
from esnbot.engine.dispatch import Dispatcher
from esnbot.engine.effects import Effect, Say
from esnbot.engine.feature import Context, Module
from esnbot.engine.incoming import Incoming
from esnbot.engine.metrics import Metrics
from esnbot.engine.schedule import Scheduler
from esnbot.engine.signals import Signals
from esnbot.engine.tables import outbox, schedule
from esnbot.features.contract import Feature, Kit
from esnbot.provisioning import wanted
from esnbot.provisioning.events import ROOM_FAILED, ROOM_READY
from esnbot.provisioning.reasons import Reason, Why
from esnbot.speech import Speech
from esnbot.store import bindings, rooms
from esnbot.store.database import Database, Job
from esnbot.stored import migrated
from esnbot.testing import ManualClock
from esnbot.testing.board import BoardOnHouse, OpenBoard
from esnbot.web import Page
from esnbot.web.reception import Reception

T = TypeVar("T")

SERVER = "example.org"
BOT = f"@esnbot:{SERVER}"
ZOE, ALI, MAX = (f"@{name}:{SERVER}" for name in ("zoe", "ali", "max"))
"""Zoé and Ali work here, Max is an animator."""
PAT, EVE = "@pat:partner.example", "@eve:elsewhere.example"
"""Pat is a partner, Eve is nobody here."""
MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
"""Eight in the morning in Paris."""
FILE = "config/community.yaml"
PROMPTS = tuple(
    Prompt(key, {"fr": f"**{fr}**\nRacontez.", "en": f"{en}\nTell us."}, family=family)
    for key, fr, en, family in (
        ("weekend", "Votre week-end ?", "Your weekend?", "free"),
        ("lunch", "Votre midi ?", "Your lunch?", "food"),
        ("music", "Votre musique ?", "Your music?", "free"),
        ("cake", "Votre gâteau ?", "Your cake?", "food"),
    )
)


def a_tempo(*days: int, at: time = time(9, 30), gap: timedelta = timedelta(0)) -> Tempo:
    """A tempo; Mondays and Thursdays at half past nine when nothing else is said."""
    return Tempo(days or (0, 3), at, gap)


def a_group(key: str = "cafe", name: str = "Le café", **more: Any) -> Group:
    """A group as the file declares it."""
    declared: dict[str, Any] = {"parent": "home", "source": Source(FILE, 41, 5), "stated": frozenset({"name"})}
    return Group(key=key, name=name, **{**declared, **more})


def a_community(*groups: Group, **changes: Any) -> Community:
    """Staff and partners; a house for staff, a workshop for both, a café with a tempo, and closed doors."""
    own = groups or (
        a_group(tempo=a_tempo()),
        a_group("help", "Entraide", kind=Kind.help, topic="Toutes les questions"),
        a_group("secret", "Club secret", joining=Joining.invite),
        a_group("backstage", "Coulisses", kind=Kind.animators),
        a_group("yard", "Chantier", parent="workshop", kind=Kind.project),
    )
    declared: dict[str, Any] = {
        "name": "Ardoise",
        "languages": ("fr", "en"),
        "zone": ZoneInfo("Europe/Paris"),
        "country": "FR",
        "quiet_hours": QuietHours(time(19), time(8)),
        "audiences": {
            "staff": Audience("staff", "Salariés", Perimeter(homeservers=(SERVER,))),
            "partners": Audience("partners", "Partenaires", Perimeter(homeservers=("partner.example",)), external=True),
        },
        "spaces": {
            "home": Space(key="home", name="La maison", audiences=("staff",)),
            "workshop": Space(key="workshop", name="L'atelier", audiences=("staff", "partners")),
        },
        "groups": {group.key: group for group in own},
        "roles": Roles(animators=frozenset({MAX})),
        "prompts": PROMPTS,
        "templates": {Kind.hobby: Template(Kind.hobby, welcome={"fr": "**Bienvenue aux passionnés.**"})},
        "sites": {"lyon": Site("lyon", "Lyon", frozenset({ALI})), "nantes": Site("nantes", "Nantes")},
        "teams": {"data": Site("data", "Données"), "boutique": Site("boutique", "Boutique")},
        "home": "home",
    }
    return Community(**{**declared, **changes})


@dataclass
class House:
    """The features at work: somebody says or does something, and one sees what goes out."""

    database: Database
    community: Community
    found: Discovery
    clock: ManualClock = field(default_factory=lambda: ManualClock(MONDAY))
    numbers: Any = field(default_factory=lambda: count(1))
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new process: what was only in memory is gone."""
        self.speech = Speech(
            self.found.texts, languages=self.community.languages, default=self.community.default_language, strict=True
        )
        features = {
            name: one.build(
                Kit(
                    community=self.community,
                    settings=one.settings.model_validate(self.settings.get(name, {})),
                    speech=self.speech,
                    clock=self.clock,
                    bot=BOT,
                    server=SERVER,
                    declared=self.found.declarations,
                )
            )
            for name, one in self.found.declarations.items()
        }
        self.features: dict[str, Feature] = features
        built = list(features.values())
        registry = Registry([n for one in built for n in one.nouns], [c for one in built for c in one.commands])
        speaking = commands.build(
            registry,
            community=self.community,
            speech=self.speech,
            places=wanted,
            bot=BOT,
            flood=Flood(burst=1_000),
            takers=[taker for one in built for taker in one.takes],
        )
        self.modules: tuple[Module, ...] = (speaking, *(one.module for one in built))
        self.add()

    def add(self, *modules: Module) -> None:
        """Put further modules to work, until the next restart."""
        self.modules += modules
        signals = Signals()
        self.dispatcher = Dispatcher(self.database, self.modules, self.clock, self.clock, signals, BOT, Metrics())
        self.scheduler = Scheduler(self.database, self.clock, self.clock, signals)

    def board(
        self, more: Callable[[Reception], Iterable[Page]] = lambda _reception: ()
    ) -> AbstractAsyncContextManager[OpenBoard]:
        """The board with the features' pages: ``async with house.board() as board: zoe = await board.visitor(ZOE)``."""
        return BoardOnHouse(
            database=self.database,
            community=self.community,
            speech=self.speech,
            features=self.features,
            templates=self.found.templates,
            assets=self.found.assets,
            clock=self.clock,
            bot=BOT,
            modules=self.modules,
            more=more,
        ).open()

    async def start(self) -> list[Effect]:
        """What the modules do when the process starts."""

        async def job(conn: AsyncConnection) -> None:
            ctx = Context(conn=conn, now=self.clock.now(), bot=BOT)
            for module in self.modules:
                if module.start is not None:
                    await effects_in.put(conn, module.name, "start", await module.start(ctx), self._now)

        before = await self._last()
        await self.database.write(job)
        return await self._settle(before)

    @property
    def _now(self) -> int:
        return int(self.clock.now().timestamp() * 1000)

    async def write(self, job: Job[T]) -> T:
        """Something done to the database directly."""
        return await self.database.write(job)

    async def declare(self, community: Community | None = None) -> None:
        """Write down what the file says, and bind every room that is not bound."""
        self.community = community or self.community

        async def job(conn: AsyncConnection) -> None:
            await wanted.declare(conn, self.community, self._now)
            for place in await wanted.all_places(conn):
                await self._bind(conn, place)

        await self.write(job)

    async def _bind(self, conn: AsyncConnection, place: Place) -> None:
        room = f"!{place.key}"
        if await bindings.room_of(conn, place.key) is None:
            await bindings.bind(conn, place.key, room, self._now)
            owners = dict.fromkeys(place.owners, 50) if isinstance(place, Group) else {}
            await self._note(conn, room, "m.room.power_levels", "", {"users": {BOT: 100, MAX: 75, **owners}})
            for user in (BOT, *owners):
                await self._note(conn, room, "m.room.member", user, {"membership": "join"})

    async def _note(self, conn: AsyncConnection, room: str, type: str, state_key: str, content: dict[str, Any]) -> None:
        event = rooms.StateEvent(room, type, state_key, f"$s{next(self.numbers)}", BOT, self._now, content)
        await rooms.note(conn, event)

    async def put_in(self, room: str, *users: str, membership: str = "join") -> None:
        """People are in a room, without an event that says so."""

        async def job(conn: AsyncConnection) -> None:
            for user in users:
                await self._note(conn, room, "m.room.member", user, {"membership": membership})

        await self.write(job)

    # --- what happens --------------------------------------------------------------------------------------------

    async def hear(self, **event: Any) -> list[Effect]:
        """Give an event to the engine; what goes out because of it."""
        return await self.hear_together(event)

    async def hear_together(self, *events: dict[str, Any]) -> list[Effect]:
        """Give events of one transaction to the engine; what goes out because of them."""

        async def store(conn: AsyncConnection) -> None:
            incoming = [self._incoming(event) for event in events]
            await inbox.store(conn, incoming, self._now)

        before = await self._last()
        await self.write(store)
        return await self._settle(before)

    def _incoming(self, event: dict[str, Any]) -> Incoming:
        whole = {
            "event_id": f"$e{next(self.numbers)}",
            "room_id": "!cafe",
            "type": "m.room.message",
            "sender": ZOE,
            "origin_server_ts": self._now,
            **event,
        }
        return Incoming(whole["event_id"], whole["room_id"], json.dumps(whole))

    async def say(self, body: str, sender: str = ZOE, room: str = "!cafe") -> list[Effect]:
        """Somebody writes; what goes out because of it."""
        return await self.hear(sender=sender, room_id=room, content={"msgtype": "m.text", "body": body})

    async def ask(self, body: str, sender: str = ZOE, room: str = "!cafe") -> str:
        """The plain text of the one answer, '' for none."""
        return answer_in(await self.say(body, sender, room))

    async def ask_first(self, body: str, sender: str = ZOE, room: str = "!cafe") -> str:
        """The plain text of the question that comes back."""
        return next(effect.body for effect in await self.say(body, sender, room) if isinstance(effect, Say))

    async def agree(
        self, body: str, sender: str = ZOE, room: str = "!cafe", after: timedelta = timedelta(0)
    ) -> list[Effect]:
        """Somebody writes what needs a yes, and says yes after a while; what goes out after the yes."""
        question = next(effect for effect in await self.say(body, sender, room) if isinstance(effect, Say))
        self.clock.advance(after)

        async def posted(conn: AsyncConnection) -> str:
            query = select(outbox.c.event_id).where(outbox.c.key == f"{commands.NAME}/{question.key}")
            return str((await conn.execute(query)).scalar_one())

        relation = {"rel_type": "m.annotation", "event_id": await self.write(posted), "key": commands.YES}
        return await self.hear(sender=sender, room_id=room, type="m.reaction", content={"m.relates_to": relation})

    async def react(self, to: Say, emoji: str, sender: str = ZOE, room: str = "!cafe") -> list[Effect]:
        """Somebody reacts to something that was said; what goes out because of it."""

        async def posted(conn: AsyncConnection) -> str:
            query = select(outbox.c.event_id).where(outbox.c.key.endswith(f"/{to.key}"))
            return str((await conn.execute(query)).scalars().one())

        relation = {"rel_type": "m.annotation", "event_id": await self.write(posted), "key": emoji}
        return await self.hear(sender=sender, room_id=room, type="m.reaction", content={"m.relates_to": relation})

    async def member(self, user: str, room: str, membership: str = "join", **more: Any) -> list[Effect]:
        """Somebody comes into a room, or goes."""
        return await self.hear(
            **{
                "type": "m.room.member",
                "sender": user,
                "state_key": user,
                "room_id": room,
                "content": {"membership": membership},
                **more,
            }
        )

    async def tell(self, type: str, **content: Any) -> list[Effect]:
        """A domain event."""

        async def job(conn: AsyncConnection) -> None:
            await inbox.put_internal(conn, f"test:{next(self.numbers)}", type, content, self._now)

        before = await self._last()
        await self.write(job)
        return await self._settle(before)

    async def make_ready(self, key: str, *, created: bool = True) -> list[Effect]:
        """The reconciler has made a room."""

        async def job(conn: AsyncConnection) -> None:
            place = await wanted.get(conn, key)
            assert place is not None, key
            await self._bind(conn, place)

        await self.write(job)
        return await self.tell(ROOM_READY, key=key, room_id=f"!{key}", created=created)

    async def fail(self, key: str, why: Why = Why.trouble, revision: int | None = None, **values: str) -> list[Effect]:
        """The reconciler could not make a room as it is wanted now, or as it was wanted once."""
        wanted_now = await self.write(lambda conn: wanted.revision_of(conn, key))
        reason = Reason("said in English", why, values)
        return await self.tell(ROOM_FAILED, key=key, revision=revision or wanted_now, **reason.dump())

    async def let_pass(self, span: timedelta) -> list[Effect]:
        """Time passes, step by step from one job that is due to the next; everything that goes out meanwhile."""
        end = self.clock.now() + span
        sent: list[Effect] = []
        while True:
            due = await self.write(_next_due)
            if due is None or due > end:
                break
            self.clock.set(max(due, self.clock.now()))
            before = await self._last()
            await self.scheduler.step()
            sent += await self._settle(before)
        self.clock.set(end)
        return sent

    async def sleep_through(self, span: timedelta) -> list[Effect]:
        """The process is off for a while; what goes out when it is back."""
        self.clock.advance(span)
        self.restart()
        sent = await self.start()
        before = await self._last()
        while await self.scheduler.step():
            sent += await self._settle(before)
            before = await self._last()
        return sent

    # --- what one sees -------------------------------------------------------------------------------------------

    async def place(self, key: str) -> Group:
        """A group as it should be now."""
        place = await self.write(lambda conn: wanted.get(conn, key))
        assert isinstance(place, Group), key
        return place

    async def scheduled(self, module: str) -> dict[str, datetime]:
        """Key to due time of a module's jobs."""

        async def job(conn: AsyncConnection) -> dict[str, datetime]:
            rows = await conn.execute(select(schedule.c.key, schedule.c.due).where(schedule.c.module == module))
            return {row.key: datetime.fromtimestamp(row.due / 1000, UTC) for row in rows}

        return await self.write(job)

    def module(self, name: str) -> Module:
        """A module by name."""
        return next(module for module in self.modules if module.name == name)

    async def export(self, name: str, user: str) -> dict[str, Any]:
        """What a feature keeps about a person."""
        export = self.module(name).export
        assert export is not None

        async def job(conn: AsyncConnection) -> dict[str, Any]:
            return dict(await export(conn, user))

        kept = await self.write(job)
        assert json.loads(json.dumps(kept)) == kept, "JSON values only"
        return kept

    async def erase(self, name: str, user: str) -> list[Effect]:
        """Make a feature forget a person; what goes out because of it."""
        erase = self.module(name).erase
        assert erase is not None

        async def job(conn: AsyncConnection) -> None:
            effects = await erase(Context(conn=conn, now=self.clock.now(), bot=BOT), user)
            await effects_in.put(conn, name, f"erase:{user}", effects, self._now)

        before = await self._last()
        await self.write(job)
        return await self._settle(before)

    async def _last(self) -> int:
        async def job(conn: AsyncConnection) -> int:
            return (await conn.execute(select(outbox.c.seq).order_by(outbox.c.seq.desc()))).scalars().first() or 0

        return await self.write(job)

    async def _settle(self, before: int) -> list[Effect]:
        """Handle all that waits; what goes out, each marked as delivered."""
        while True:
            outcome = await self.dispatcher.step()
            assert outcome.letters == 0, "a handler failed for good"
            assert not outcome.held, "a handler failed"
            if not outcome.events:
                break

        async def deliver(conn: AsyncConnection) -> list[Effect]:
            rows = (await conn.execute(select(outbox).where(outbox.c.seq > before).order_by(outbox.c.seq))).all()
            for row in rows:
                values = {"event_id": f"$sent{row.seq}", "state": 1, "body": None}
                await conn.execute(update(outbox).where(outbox.c.seq == row.seq).values(values))
            return [effects_in.read(row.body) for row in rows]

        return await self.write(deliver)


async def _next_due(conn: AsyncConnection) -> datetime | None:
    due = (await conn.execute(select(schedule.c.due).order_by(schedule.c.due).limit(1))).scalar_one_or_none()
    return None if due is None else datetime.fromtimestamp(due / 1000, UTC)


@asynccontextmanager
async def a_house(
    url: str, community: Community | None = None, settings: dict[str, dict[str, Any]] | None = None
) -> AsyncIterator[House]:
    """All features on a fresh database, everything declared and every room there; Zoé, Ali and Max are in the café."""
    found = discover()
    assert not found.broken
    async with migrated(url, found) as database:
        house = House(database, community or a_community(), found, settings=settings or {})
        await house.declare()
        await house.put_in("!cafe", ZOE, ALI, MAX)
        yield house


def said(effects: Sequence[Effect]) -> list[Say]:
    """The messages among effects."""
    return [effect for effect in effects if isinstance(effect, Say)]


def answer_in(effects: Sequence[Effect]) -> str:
    """The plain text of the one message among effects, '' for none."""
    messages = said(effects)
    assert len(messages) <= 1, messages
    return messages[0].body if messages else ""


def of(effects: Sequence[Effect], kind: type[T]) -> list[T]:
    """The effects of one type."""
    return [effect for effect in effects if isinstance(effect, kind)]
