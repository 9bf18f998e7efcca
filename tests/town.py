"""A community at work on homeservers of the kit: what is declared of it, the bot with all its features, and people.

``declared`` writes the configuration that all such tests begin with; ``at_work`` makes its rooms and lets the bot work;
``a_town`` is a ready house with a café, and ``answer_to`` says something there and waits for what the bot answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from esnbot.app import Application, application
from esnbot.community.clock import Clock
from esnbot.discovery import Discovery, discover
from esnbot.homeserver import free_port
from esnbot.matrix.errors import HomeserverError
from esnbot.matrix.registration import Registration
from esnbot.provisioning.passing import ignore
from esnbot.settings import Settings, load
from esnbot.testing import ManualClock, Person, Seen, eventually
from esnbot.testing.homeserver import Homeserver

HEAD = """
name: Ardoise
languages: [{languages}]
time_zone: Europe/Paris
country: FR
homeserver:
  url: {url}
  server_name: "{server_name}"
  appservice_id: {id}
  bot: {bot}
  appservice_listen: 127.0.0.1:{service_port}
web: {{listen: "127.0.0.1:{web_port}"}}
database: {database}
encryption: {{store: "{store}"}}
audiences:
  staff: {{name: Staff, homeservers: [own]}}
"""
PARTNERS = """
  partners: {{name: Partners, homeservers: ["{partner}"], external: true}}
"""
CAFE = """
prompts: [prompts.yaml]
roles:
  animators: ["{animator}"]
spaces:
  home:
    name: The house
    alias: home-{bot}
    audiences: [staff]
    joining: public
    groups:
      cafe:
        name: The café
        alias: cafe-{bot}
        joining: public
        tempo: {{weekdays: [monday, thursday], at: "09:30"}}
      help:
        name: All help all
        alias: help-{bot}
        kind: help
        topic: Every question
"""
PROMPTS = """
prompts:
  weekend: {en: "Your weekend?\\nTell us.", fr: "Votre week-end ?"}
  lunch: {en: "Your lunch?\\nTell us.", fr: "Votre midi ?"}
  music: {en: "Your music?\\nTell us.", fr: "Votre musique ?"}
"""
PATIENCE = "I am on it: this takes a moment."
MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


# --- what is declared -----------------------------------------------------------------------------------------------


def declared(
    service: Registration,
    url: str,
    folder: Path,
    database: str,
    rest: str,
    *,
    partner: str = "",
    token: str = "",
    found: Discovery | None = None,
    **values: str,
) -> Settings:
    """The settings of a community whose homeserver is the kit's and whose service is this test's.

    ``rest`` is what the configuration goes on with after the audiences, with ``{bot}`` and the ``values`` filled in (of
    which ``languages``, "en, fr", can be another one);
    ``partner`` the name of a homeserver of partners; ``found`` the features, none when it is left out.
    """
    filled = {
        "url": url,
        "server_name": service.server_name,
        "id": service.id,
        "bot": service.bot_localpart,
        "service_port": service.url.rpartition(":")[2],
        "web_port": str(free_port()),
        "database": database,
        "store": str(folder / "encryption"),
        "partner": partner,
        "languages": "en, fr",
        **values,
    }
    path = folder / "community.yaml"
    path.write_text((HEAD + (PARTNERS if partner else "") + rest).format(**filled))
    environment = {"ESNBOT_AS_TOKEN": token or service.as_token, "ESNBOT_HS_TOKEN": service.hs_token}
    return load(path, found.schemas if found else None, environment=environment)


# --- at work --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def at_work(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Application]:
    """The bot with all its features, in every room that is declared, hearing what is said there."""
    async with application(settings, discover(), clock) as app:
        await app.apply(ignore)
        await app.start()
        await asyncio.wait_for(app.until_ready(), 30)
        await eventually(lambda: delivers(app))
        yield app


async def delivers(app: Application) -> bool:
    """Rooms were made before anybody listened: the homeserver is told to try again, for as long as that takes."""
    try:
        await app.client.ping_service(app.settings.homeserver.appservice_id, "ping")
    except HomeserverError:
        return False
    return True


@dataclass
class Town:
    """A community at work, and the people who came to it."""

    settings: Settings
    homeserver: Homeserver
    clock: ManualClock
    animator: Person
    life: AsyncExitStack = field(default_factory=AsyncExitStack)
    app: Application = field(init=False)

    async def room(self, alias: str) -> str:
        """The id of a declared room."""
        bot = self.settings.homeserver.bot_localpart
        found = await self.animator.resolve(f"#{alias}-{bot}:{self.homeserver.server_name}")
        assert found is not None
        return found

    async def restart(self) -> None:
        """Another process of the same community, on the same database."""
        await self.life.aclose()
        await self.begin()

    async def begin(self) -> None:
        """Make what the file declares, and be at work."""
        self.app = await self.life.enter_async_context(at_work(self.settings, self.clock))

    async def newcomer(self, name: str = "zoe") -> Person:
        """Somebody who has just come into the house and the café."""
        person = await self.homeserver.person(name)
        await person.join(await self.room("home"))
        await person.join(await self.room("cafe"))
        return person


@asynccontextmanager
async def a_town(
    homeserver: Homeserver, service: Registration, folder: Path, database_url: str, more: str = ""
) -> AsyncIterator[Town]:
    """A house with a café on a database, an animator in both; ``more`` is further configuration."""
    animator = await homeserver.person("max")
    (folder / "prompts.yaml").write_text(PROMPTS)
    rest = CAFE + more.replace("{", "{{").replace("}", "}}")
    settings = declared(service, homeserver.url, folder, database_url, rest, found=discover(), animator=animator.id)
    town = Town(settings, homeserver, ManualClock(MONDAY), animator)
    async with town.life:
        await town.begin()
        await animator.join(await town.room("home"))
        await animator.join(await town.room("cafe"))
        yield town


# --- what is said ---------------------------------------------------------------------------------------------------


async def answer_to(person: Person, room: str, text: str, timeout: float = 10.0) -> Seen:
    """Say something and wait for the answer in the thread under it."""
    question = await person.say(room, text)

    def is_answer(event: Seen) -> bool:
        if event.body == PATIENCE:
            return False
        relation = event.content.get("m.relates_to", {})
        return question in (event.thread, thread_of.get(relation.get("event_id", "")))

    # On a machine with much to do a word of patience comes first, and the answer takes its place.
    thread_of = _Threads(person)
    found = await person.wait_for(is_answer, timeout, room=room)
    new, relation = found.content.get("m.new_content"), {"rel_type": "m.thread", "event_id": question}
    return found if new is None else Seen(room, {**found.raw, "content": {**new, "m.relates_to": relation}})


class _Threads:
    """Words of patience that a person has seen, and the thread in which each stands."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def get(self, event_id: str) -> str | None:
        return next((one.thread for one in self._person.seen if one.id == event_id and one.body == PATIENCE), None)


async def agree_to(person: Person, room: str, text: str) -> Seen:
    """Say something that needs a yes, say yes, and wait for what comes then."""
    question = await answer_to(person, room, text)
    await person.react(room, question.id, "✅")

    def is_answer(event: Seen) -> bool:
        return event.thread == question.thread and event.type == "m.room.message" and event.id != question.id

    return await person.wait_for(is_answer, room=room)


async def ask(person: Person, chat: str, text: str) -> str:
    """What the bot answers in a direct chat, where no thread is begun: the first thing that it says after that."""
    question = await person.say(chat, text)

    def is_answer(event: Seen) -> bool:
        asked = next((place for place, one in enumerate(person.seen) if one.id == question), None)
        if asked is None or event not in person.seen[asked:] or event.sender == person.id:
            return False
        return event.type == "m.room.message" and event.body != PATIENCE and not event.body.startswith("Hello!")

    found = await person.wait_for(is_answer, 30, room=chat)
    return str(found.content.get("m.new_content", found.content)["body"])
