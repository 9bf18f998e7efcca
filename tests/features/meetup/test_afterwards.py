"""What comes of a meet-up: who was there, the recap, the group; and what never happens twice, whatever is killed."""

from __future__ import annotations

import asyncio
import base64
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group, Joining
from esnbot.engine import inbox
from esnbot.engine.dispatch import Dispatcher
from esnbot.engine.effects import Attach, Effect, Fetch, Invite, React, Say
from esnbot.engine.event import FETCHED, Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.engine.metrics import Metrics
from esnbot.engine.signals import Signals
from esnbot.features.meetup.events import ENTRY_WANTED, MEETUP_HELD
from esnbot.features.meetup.model import Standing, Way
from tests.features.house import ALI, BOT, MAX, ZOE, House, a_community, a_group, a_house, of, said
from tests.features.meetup.saying import FRIDAY, PROPOSE, Planned, chat_of, in_chats, plan, privately, to


class Overheard:
    """What a feature tells others."""

    def __init__(self, house: House, *types: str) -> None:
        self.events: list[Event] = []
        house.add(Module(name="overheard", listeners=(Listener(frozenset(types), self._hear),)))

    async def _hear(self, ctx: Context, event: Event) -> list[Effect]:
        self.events.append(event)
        return []


async def until_begun(house: House) -> list[Effect]:
    """Until a quarter of an hour before the meet-up on Friday."""
    return await house.let_pass(FRIDAY - timedelta(minutes=15) - house.clock.now())


async def until_asked(house: House) -> list[Effect]:
    """Until the question in the thread was put, on Saturday morning."""
    return await house.let_pass(FRIDAY + timedelta(hours=15) - house.clock.now())


class TestBeingThere:
    async def test_by_emoji_or_by_the_code_that_is_shown_on_site(self, house: House) -> None:
        it = await plan(house)
        await house.say("!esn meetup change seats=5")
        await in_chats(house, ZOE, ALI, MAX)
        await it.come(ZOE, ALI)
        assert "en privé" in said(await house.say("!rse rencontre code"))[0].body
        code = (await it.now()).code
        assert code in await house.ask("rencontre code", room=chat_of(ZOE))
        assert "Aucune rencontre en cours" in await house.ask(f"rencontre arriver {code}", ALI, chat_of(ALI))
        await it.arrive(ZOE)
        await until_begun(house)
        await it.arrive(ZOE)
        await it.arrive(ZOE)
        assert "Bienvenue à" in await house.ask(f"rencontre arriver {code.lower()}", ALI, chat_of(ALI))
        # Who comes without having registered is registered then.
        assert "Bienvenue à" in await house.ask(f"rencontre ici {code}", MAX, chat_of(MAX))
        assert await it.has() == [ZOE, ALI, MAX]
        shown = await house.let_pass(timedelta(minutes=1))
        assert "Déjà là\xa0: 3" in said(shown)[-1].body
        await until_asked(house)
        assert (await it.now()).arrived == 3
        assert (await house.export("meetup", ALI))["takes_part"][0]["here"] is False

    async def test_a_code_is_not_to_be_guessed(self, house: House) -> None:
        it = await plan(house)
        await in_chats(house, ALI)
        await until_begun(house)
        for _ in range(10):
            assert "Aucune rencontre" in await house.ask("rencontre arriver AAAAAA", ALI, chat_of(ALI))
        code = (await it.now()).code
        assert "trop d’essais" in await house.ask(f"rencontre arriver {code}", ALI, chat_of(ALI))


class TestTheRecap:
    async def test_it_stands_in_the_thread_with_its_photos_and_is_proposed_to_the_calendar(self, house: House) -> None:
        heard = Overheard(house, ENTRY_WANTED, MEETUP_HELD)
        it = await plan(house)
        await it.come(ALI)
        assert "après la rencontre" in said(await it.in_thread("!rse rencontre récit Trop tôt"))[0].body
        await until_asked(house)
        asked = await it.in_thread("!rse rencontre récit Cinq parties, et <b>du gâteau</b>.", ALI)
        (fetch,) = of(asked, Fetch)
        assert (fetch.event, fetch.thread) == ((await it.now()).card, True)
        done = await bring(house, fetch, photos=2)
        (recap,) = said(done)
        assert recap.thread == (await it.now()).card
        assert recap.body.splitlines()[0] == "Récit\xa0: Board games"
        assert "2 photos sont dans ce fil." in recap.body
        assert "&lt;b&gt;" in recap.html
        held, entry = heard.events
        assert held.content["people"] == 1
        assert entry.content["targets"] == ["cafe"]
        assert entry.content["by"] == ALI
        assert entry.content["of"] == "meetup"


async def bring(house: House, wanted: Fetch, photos: int) -> list[Effect]:
    """What stands in a thread comes in."""
    root = {
        "event_id": wanted.event,
        "type": "m.room.message",
        "sender": BOT,
        "ts": 1,
        "content": {},
        "redacted": False,
    }
    thread = [
        {**root, "event_id": f"$photo{number}", "sender": ALI, "content": {"msgtype": "m.image"}}
        for number in range(photos)
    ]
    thread.append({**root, "event_id": "$gone", "content": {}, "redacted": True})
    content = {"module": "meetup", "job": wanted.job, "payload": wanted.payload, "root": root, "thread": thread}

    async def job(conn: AsyncConnection) -> None:
        await inbox.put_internal(conn, f"fetched:{wanted.event}", FETCHED, content, house._now, room_id=wanted.room)

    before = await house._last()
    await house.write(job)
    return await house._settle(before)


class TestAGroupOfIt:
    async def test_three_thumbs_make_a_group_and_all_who_said_yes_are_invited(self, any_house: House) -> None:
        it = await plan(any_house)
        await it.come(ALI)
        (question,) = [one for one in said(await until_asked(any_house)) if one.key == "after:1"]
        assert "Et si on en faisait un groupe" in question.body
        assert question.thread == (await it.now()).card
        await any_house.react(question, "👍", ALI)
        await any_house.react(question, "👍🏽", ALI)
        assert (await it.now()).became is None
        await any_house.react(question, "👍", MAX)
        made = await any_house.react(question, "👍🏾", ZOE)
        assert "j’en fais un groupe" in said(made)[0].body
        group = await any_house.place("board-games")
        assert (group.name, sorted(group.owners), group.parent) == ("Board games", [ZOE], "home")
        born = await any_house.make_ready("board-games")
        assert [(one.user, one.room) for one in of(born, Invite)] == [
            (ZOE, "key:board-games"),
            (ALI, "key:board-games"),
            (MAX, "key:board-games"),
        ]
        there = next(one for one in said(born) if "est là" in one.body)
        assert there.thread == (await it.now()).card
        await any_house.put_in("!cafe", "@kim:example.org")
        assert said(await any_house.react(question, "👍", "@kim:example.org")) == []

    async def test_a_thumb_taken_back_does_not_count(self, house: House) -> None:
        it = await plan(house)
        await it.come(ALI)
        (question,) = [one for one in said(await until_asked(house)) if one.key == "after:1"]
        for person in (ALI, MAX):
            await house.react(question, "👍", person)
        await house.hear(type="m.room.redaction", sender=MAX, content={"redacts": await reaction_of(house, MAX)})
        assert said(await house.react(question, "👍", ZOE)) == []

    async def test_what_comes_of_a_closed_group_is_closed(self, sqlite_url: str) -> None:
        closed = a_group("cafe", "Le café", joining=Joining.invite, audiences=("staff",))
        async with a_house(sqlite_url, a_community(closed)) as house:
            it = await plan(house)
            await it.come(ALI)
            (question,) = [one for one in said(await until_asked(house)) if one.key == "after:1"]
            for person in (ZOE, ALI, MAX):
                await house.react(question, "👍", person)
            group = await house.place("board-games")
            assert isinstance(group, Group)
            assert (group.joining, group.audiences) == (Joining.invite, ("staff",))

    async def test_where_people_may_not_make_groups_the_animators_are_pointed_to(self, sqlite_url: str) -> None:
        async with a_house(sqlite_url, settings={"group": {"may_create": {"staff": {"templates": []}}}}) as house:
            it = await plan(house)
            await it.come(ALI)
            (question,) = [one for one in said(await until_asked(house)) if one.key == "after:1"]
            await house.put_in("!cafe", "@kim:example.org")
            for person in (ZOE, ALI, "@kim:example.org"):
                answered = await house.react(question, "👍", person)
            assert "Les animateurs peuvent vous aider" in said(answered)[0].body

    async def test_nothing_is_asked_where_nobody_was_or_meetups_are_silenced(self, house: House) -> None:
        await plan(house)
        assert [one for one in said(await until_asked(house)) if one.key == "after:1"] == []
        await house.say("!rse silence rencontres", MAX)
        posted = await house.say('!rse rencontre proposer "Goûter" lundi 16h', ALI)
        assert "Goûter" in said(posted)[0].body
        assert of(posted, React) == []


async def reaction_of(house: House, person: str) -> str:
    kept = await house.export("commands", person)
    return str(kept["reactions"][-1]["event_id"])


async def test_a_hundred_register_at_once_and_the_places_are_exact(any_house: House) -> None:
    it = await plan(any_house, '!esn meetup propose "Rush" on friday 6pm at Lyon seats=12')
    people = [f"@p{number}:example.org" for number in range(100)]
    await any_house.put_in("!cafe", *people)
    await in_chats(any_house, *people)
    card = (await it.now()).card
    relation = {"rel_type": "m.annotation", "event_id": card, "key": "🏢"}
    events: list[dict[str, Any]] = [
        {"sender": one, "room_id": chat_of(one), "content": {"msgtype": "m.text", "body": "meetup join 1"}}
        if number % 3
        else {"sender": one, "type": "m.reaction", "content": {"m.relates_to": relation}}
        for number, one in enumerate(people)
    ]

    async def store(conn: AsyncConnection) -> None:
        await inbox.store(conn, [any_house._incoming(event) for event in events], any_house._now)

    await any_house.write(store)
    dispatchers = [
        Dispatcher(any_house.database, any_house.modules, any_house.clock, any_house.clock, Signals(), BOT, Metrics())
        for _ in range(1 if any_house.database.is_sqlite else 3)
    ]

    async def work(dispatcher: Dispatcher) -> None:
        idle = 0
        while idle < 5:
            outcome = await dispatcher.step()
            assert outcome.letters == 0
            idle = 0 if outcome.events or outcome.held else idle + 1
            await asyncio.sleep(0.005 if outcome.events else 0.02)

    await asyncio.gather(*map(work, dispatchers))
    coming, waiting = await it.has(), await it.has(standing=Standing.waiting)
    assert len(coming) == 12
    assert sorted(coming + waiting) == sorted(people)
    assert len({entry.turn for entry in (await it.roster()).entries}) == 100


class Killed(Exception):
    """The process ended before the commit."""


async def test_kills_before_the_commit_change_nothing_and_double_nothing(any_house: House) -> None:
    chance = random.Random(20260302)
    house = any_house
    it = await plan(house, PROPOSE.replace("seats=1", "seats=2"))
    people = [ZOE, ALI, MAX]
    kills = 0

    def mortal() -> None:
        finish, step = house.dispatcher._finish, house.dispatcher.step

        async def perhaps(conn: AsyncConnection, batch: Any) -> None:
            await finish(conn, batch)
            if chance.random() < 0.4:
                raise Killed

        async def again() -> Any:
            nonlocal kills
            while True:
                try:
                    return await step()
                except Killed:
                    kills += 1

        house.dispatcher._finish = perhaps  # type: ignore[method-assign]
        house.dispatcher.step = again  # type: ignore[method-assign]

    mortal()
    everything: list[Effect] = []
    for _ in range(25):
        person = chance.choice(people)
        everything += await (it.leave(person) if chance.random() < 0.4 else it.come(person))
        if chance.random() < 0.3:
            everything += await house.let_pass(timedelta(minutes=chance.choice((1, 30, 300))))
        roster = await it.roster()
        assert roster.count(Way.site, Standing.coming, Standing.offered) <= 2
    everything += await house.let_pass(FRIDAY + timedelta(days=2) - house.clock.now())
    assert kills > 10
    keys = [one.key for one in privately(everything)]
    assert len(keys) == len(set(keys))
    for person in people:
        assert len([one for one in to(everything, person) if one.startswith("Dans une heure")]) <= 1
    assert len([one for one in said(everything) if one.key == "after:1"]) <= 1


class Safe:
    """Stands for the encrypted device: what it locks is not read by anybody else."""

    ready = True

    def lock(self, words: bytes) -> str:
        return base64.b64encode(words[::-1]).decode()

    def unlock(self, kept: str) -> bytes:
        return base64.b64decode(kept)[::-1]


async def test_of_an_encrypted_room_no_word_is_kept_or_said_elsewhere(house: House) -> None:
    async def encrypt(conn: AsyncConnection) -> None:
        await house._note(conn, "!cafe", "m.room.encryption", "", {"algorithm": "m.megolm.v1.aes-sha2"})

    await house.write(encrypt)
    house.dispatcher._cipher = Safe()  # type: ignore[assignment]
    posted = await house.say(PROPOSE)
    assert "Board games" in said(posted)[0].body
    assert of(posted, Attach) == []
    it = Planned(house, 1, "!cafe")
    assert "Board" not in str((await it.now()).words)
    await it.come(ZOE, ALI)
    (offer,) = privately(await it.leave(ZOE))
    assert "rencontre 1" in offer.body
    assert "Board" not in offer.body
    shown = [one for one in said(await house.let_pass(timedelta(minutes=1))) if one.replaces]
    assert "Board games" in shown[0].body
    assert "Board games" in await house.ask("!rse rencontre montrer", MAX)


@pytest.mark.parametrize("whose", [ZOE, ALI])
async def test_what_is_in_effect_keys_names_nobody(house: House, whose: str) -> None:
    it = await plan(house)
    sent = [*await it.come(ZOE, ALI, MAX), *await it.leave(ZOE), *await until_asked(house)]
    assert len(said(sent)) > 2
    name = whose[1:].partition(":")[0]
    assert all(name not in one.key for one in sent if isinstance(one, Say))
