"""The outbox against a homeserver that is slow, limited, ill, away, or refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import outbox as module_outbox
from esnbot.engine.delivery import transaction_id
from esnbot.engine.effects import (
    AdjustPower,
    Invite,
    Kick,
    Pin,
    React,
    Redact,
    Say,
    Send,
    SetState,
    direct,
    post,
    room,
)
from esnbot.engine.engine import Engine
from esnbot.engine.tables import outbox
from esnbot.store import bindings, rooms
from esnbot.testing.clock import ManualClock
from esnbot.testing.stub import Reply
from esnbot.testing.waiting import eventually
from tests.engine.workshop import ALICE, BOT, OTHER, ROOM, Workshop

SEND = r"/send/m\.room\.message/"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_outbox, "TROUBLE", (0.01, 0.05))
    monkeypatch.setattr(module_outbox, "NOT_YET", (0.02, 0.05))


async def started(workshop: Workshop) -> Engine:
    engine = workshop.engine()
    await engine.start()
    return engine


def says(*bodies: object, to: str = ROOM) -> list[Say]:
    return [Say(room=to, body=str(body)) for body in bodies]


def has_said(workshop: Workshop, body: str) -> bool:
    return body in bodies(workshop)


def bodies(workshop: Workshop, to: str | None = ROOM) -> list[str]:
    return [str(sent.content["body"]) for sent in workshop.stub.messages(to)]


async def is_held(workshop: Workshop) -> bool:
    async with workshop.database.read() as conn:
        return any((await conn.execute(select(outbox.c.not_before))).scalars())


async def test_posts_of_a_room_leave_in_their_order_with_ids_made_from_their_cause(workshop: Workshop) -> None:
    engine = await started(workshop)
    await workshop.said(engine, "talk", *says(*range(120)), cause="$cause")
    await workshop.delivered(engine)
    assert bodies(workshop) == [str(n) for n in range(120)]
    assert workshop.stub.messages()[7].transaction == transaction_id("talk/$cause/7", BOT)
    assert {request.query["device_id"] for request in workshop.stub.attempts("PUT", SEND)} == {"ESNBOT"}


async def test_the_same_cause_says_it_once(workshop: Workshop) -> None:
    engine = await started(workshop)
    for _ in range(3):
        await workshop.said(engine, "talk", *says("once"), cause="$cause")
    await workshop.delivered(engine)
    assert bodies(workshop) == ["once"]


async def test_a_limit_is_waited_for_and_the_order_holds(workshop: Workshop) -> None:
    engine = await started(workshop)
    workshop.stub.answer("PUT", SEND, Reply(), Reply.limited(300), Reply(), Reply.limited(300))
    await workshop.said(engine, "talk", *says(*range(6)))
    await workshop.delivered(engine)
    assert bodies(workshop) == [str(n) for n in range(6)]
    arrivals = [request.at for request in workshop.stub.attempts("PUT", SEND)]
    assert arrivals[2] - arrivals[1] >= 0.3
    assert len(arrivals) == 8


async def test_an_answer_that_was_lost_doubles_nothing(workshop: Workshop) -> None:
    engine = await started(workshop)
    workshop.stub.answer("PUT", SEND, Reply.lost(), Reply.broken(accepted=True), Reply())
    await workshop.said(engine, "talk", *says("one", "two"))
    await workshop.delivered(engine)
    assert bodies(workshop) == ["one", "two"]
    assert len(workshop.stub.attempts("PUT", SEND)) == 4


@pytest.mark.parametrize("trouble", [Reply.broken(500), Reply.html(502), Reply(200, {}), Reply(200, text="[]")])
async def test_what_the_homeserver_cannot_digest_stops_no_other_room_and_ends(
    workshop: Workshop, trouble: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_outbox, "GIVE_UP_TROUBLE", 5)
    engine = await started(workshop)
    workshop.stub.always("PUT", rf"/rooms/{OTHER}/send", trouble)
    await workshop.said(engine, "talk", *says("poison", to=OTHER), cause="$poison")
    for number in range(10):
        await workshop.said(engine, "talk", *says(number))
        await eventually(partial(has_said, workshop, str(number)), 3)

    async def given_up() -> bool:
        await workshop.said(engine, "talk", *says("more"))
        return [letter.key for letter in await workshop.letters()] == ["talk/$poison/0"]

    await eventually(given_up)
    workshop.stub.behave()
    (letter,) = await workshop.letters()
    await workshop.replay(letter)
    await workshop.delivered(engine)
    assert bodies(workshop, OTHER) == ["poison"]


async def test_nothing_is_given_up_while_the_homeserver_digests_nothing_at_all(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_outbox, "GIVE_UP_TROUBLE", 3)
    engine = await started(workshop)
    workshop.stub.always("*", "", Reply.broken(503))
    await workshop.said(engine, "talk", *says("one", "two"), *says("three", to=OTHER))
    await eventually(lambda: len(workshop.stub.attempts("PUT", SEND)) > 20, 20)
    assert engine.homeserver.is_away
    workshop.stub.behave()
    await workshop.delivered(engine)
    assert (bodies(workshop), bodies(workshop, OTHER)) == (["one", "two"], ["three"])
    assert await workshop.letters() == []
    assert not engine.homeserver.is_away


async def test_a_homeserver_that_is_away_gets_all_of_it_later_in_order(workshop: Workshop) -> None:
    engine = await started(workshop)
    await workshop.stub.stop()
    await workshop.said(engine, "talk", *says(*range(30)), *says("other", to=OTHER))
    await eventually(lambda: engine.homeserver.is_away)
    await workshop.stub.start()
    await workshop.delivered(engine)
    assert bodies(workshop) == [str(n) for n in range(30)]
    assert await workshop.letters() == []


@pytest.mark.parametrize("errcode", ["M_UNKNOWN_TOKEN", "M_UNKNOWN_DEVICE"])
async def test_a_refused_token_loses_nothing(workshop: Workshop, errcode: str) -> None:
    engine = await started(workshop)
    workshop.stub.always("*", "", Reply.refused(errcode, 401))
    await workshop.said(
        engine, "talk", *says("one"), Say(room=direct(ALICE), body="two"), SetState(room=OTHER, type="x")
    )
    await eventually(lambda: len(workshop.stub.requests) > 3)
    assert errcode in engine.homeserver.last_error
    workshop.stub.behave()
    await workshop.delivered(engine, 30)
    assert bodies(workshop, None).count("one") == bodies(workshop, None).count("two") == 1
    assert await workshop.letters() == []


async def test_a_refusal_is_set_aside_and_the_room_goes_on(workshop: Workshop) -> None:
    engine = await started(workshop)
    workshop.stub.answer("PUT", SEND, Reply(), Reply.refused("M_FOR\x00BIDDEN"))
    await workshop.said(engine, "talk", *says("one", "two", "three"), cause="$c")
    await workshop.delivered(engine)
    assert bodies(workshop) == ["one", "three"]
    assert [(letter.kind, letter.key) for letter in await workshop.letters()] == [("effect", "talk/$c/1")]


async def test_redactions_and_kicks_overtake_posts(workshop: Workshop) -> None:
    engine = await started(workshop)
    workshop.stub.always("PUT", SEND, Reply(delay=0.02))
    await workshop.said(engine, "talk", *says(*range(40)))
    await eventually(lambda: len(bodies(workshop)) > 3)
    await workshop.said(engine, "gate", Redact(room=ROOM, event="$bad"), Kick(room=ROOM, user=ALICE))
    await workshop.delivered(engine)
    kinds = [request.path.split("/")[6] for request in workshop.stub.requests if "/rooms/" in request.path]
    assert kinds.index("redact") < 20
    assert kinds.index("kick") < 21
    assert bodies(workshop) == [str(n) for n in range(40)]


async def test_redactions_overtake_a_post_that_has_to_wait(workshop: Workshop) -> None:
    engine = await started(workshop)
    workshop.stub.always("PUT", SEND, Reply.broken())
    await workshop.said(engine, "talk", *says("stuck", "behind"))
    await eventually(lambda: len(workshop.stub.attempts("PUT", SEND)) > 3)
    await workshop.said(engine, "gate", Redact(room=ROOM, event="$bad"))
    await eventually(lambda: [sent.content["redacts"] for sent in workshop.stub.sent] == ["$bad"])
    workshop.stub.behave()
    await workshop.delivered(engine)
    assert bodies(workshop) == ["stuck", "behind"]


async def test_the_redaction_of_a_post_that_is_not_sent_yet_waits_for_it(workshop: Workshop) -> None:
    engine = await started(workshop)
    workshop.stub.answer("PUT", SEND, Reply.limited(200))
    await workshop.said(engine, "talk", Say(key="p", room=ROOM, body="mistake"), Redact(room=ROOM, event=post("p")))
    await workshop.delivered(engine)
    message, redaction = workshop.stub.sent
    assert redaction.content["redacts"] == message.event_id


async def test_a_post_can_be_named_before_it_exists(workshop: Workshop) -> None:
    engine = await started(workshop)
    await workshop.said(engine, "talk", Say(key="later", room=room("staff"), body="the post"))
    await workshop.said(engine, "talk", Say(room=OTHER, body="in its thread", thread=post("later")))
    await workshop.said(engine, "talk", React(room=OTHER, to=post("later"), emoji="+"), cause="$r")
    await workshop.database.write(lambda conn: bindings.bind(conn, "staff", ROOM, 1))
    await workshop.delivered(engine)
    root = next(sent.event_id for sent in workshop.stub.messages(ROOM))
    (answer,) = workshop.stub.messages(OTHER)
    assert answer.content["m.relates_to"]["event_id"] == root


async def test_events_of_other_kinds_are_sent_once_and_refer_to_posts(workshop: Workshop) -> None:
    engine = await started(workshop)
    poll = Send(key="poll", room=ROOM, type="test.poll", content={"question": "Where?"})
    await workshop.said(engine, "ask", poll, Send(room=ROOM, type="test.end", refers=post("poll")))
    await workshop.delivered(engine)
    begun, ended = workshop.stub.sent
    assert (begun.type, begun.content["question"], ended.type) == ("test.poll", "Where?", "test.end")
    assert begun.content["org.esnbot.cause"] == "ask/poll"
    assert ended.content["m.relates_to"] == {"rel_type": "m.reference", "event_id": begun.event_id}


async def test_a_room_can_be_named_before_it_is_made_and_is_one_queue_with_its_id(workshop: Workshop) -> None:
    engine = await started(workshop)
    await workshop.said(engine, "talk", *says("one", to=room("staff")))
    await workshop.said(engine, "talk", *says("two", to=room("staff")))
    await workshop.database.write(lambda conn: bindings.bind(conn, "staff", ROOM, 1))
    await workshop.said(engine, "talk", *says("three", to=ROOM))
    await workshop.said(engine, "talk", *says("four", to=room("staff")))
    await workshop.delivered(engine)
    assert bodies(workshop) == ["one", "two", "three", "four"]


async def test_a_key_that_is_bound_while_the_outbox_is_read_keeps_its_place(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = workshop.engine()
    await workshop.said(engine, "talk", *says("one", to=room("staff")))
    read, looks = workshop.database.read, count(1)

    @asynccontextmanager
    async def read_and_be_overtaken() -> AsyncIterator[AsyncConnection]:
        async with read() as conn:
            yield conn
        if next(looks) == 1:
            await workshop.database.write(lambda conn: bindings.bind(conn, "staff", ROOM, 1))
            await workshop.said(engine, "talk", *says("two", to=ROOM))

    monkeypatch.setattr(workshop.database, "read", read_and_be_overtaken)
    assert ROOM not in [load.room for load in await engine.outbox._claim(10)]
    await engine.start()
    await workshop.delivered(engine)
    assert bodies(workshop) == ["one", "two"]


async def test_a_room_that_is_long_in_coming_costs_no_patience_with_the_homeserver(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_outbox, "GIVE_UP_TROUBLE", 3)
    engine = await started(workshop)
    await workshop.said(engine, "talk", *says("patient", to=room("staff")))
    await workshop.said(engine, "talk", *says("other", to=OTHER))
    await eventually(lambda: bodies(workshop, OTHER) == ["other"])
    wakes = engine.signals.count("outbox")
    await eventually(lambda: engine.signals.count("outbox") > wakes + 6)
    workshop.stub.answer("PUT", SEND, Reply.broken())
    await workshop.database.write(lambda conn: bindings.bind(conn, "staff", ROOM, 1))
    await workshop.delivered(engine)
    assert bodies(workshop) == ["patient"]


async def test_a_direct_chat_is_opened_once_and_used_again(workshop: Workshop) -> None:
    engine = await started(workshop)
    await workshop.said(engine, "talk", *says("one", "two", to=direct(ALICE)))
    await workshop.delivered(engine)
    await workshop.said(engine, "talk", *says("three", to=direct(ALICE)))
    await workshop.delivered(engine)
    assert len(workshop.stub.attempts("POST", "createRoom")) == 1
    assert len({sent.room for sent in workshop.stub.messages()}) == 1
    assert bodies(workshop, None) == ["one", "two", "three"]


async def test_what_cannot_be_said_in_private_is_said_otherwise(workshop: Workshop) -> None:
    engine = await started(workshop)
    workshop.stub.answer("POST", "createRoom", Reply.refused())
    hint = Say(room=ROOM, body="I could not write to you", thread="$question")
    await workshop.said(engine, "talk", Say(room=direct(ALICE), body="secret", otherwise=hint))
    await workshop.delivered(engine)
    assert bodies(workshop, None) == ["I could not write to you"]
    assert await workshop.letters() == []


async def test_somebody_who_closed_the_direct_chat_is_not_followed(workshop: Workshop) -> None:
    engine = await started(workshop)
    gone = rooms.StateEvent("!chat:x", "m.room.member", ALICE, "$x", ALICE, 1, {"membership": "leave"})
    await workshop.database.write(lambda conn: bindings.bind(conn, f"direct:{ALICE}", "!chat:x", 1))
    await workshop.database.write(lambda conn: rooms.trust(conn, [gone]))
    await workshop.said(engine, "talk", Say(room=direct(ALICE), body="secret", otherwise=says("hint")[0]))
    await workshop.delivered(engine)
    assert bodies(workshop, None) == ["hint"]
    assert workshop.stub.attempts("POST", "createRoom") == []


async def test_an_old_effect_looks_for_itself_before_it_is_sent_again(workshop: Workshop) -> None:
    system = ManualClock()
    engine = workshop.engine(system=system)
    effects = [Say(room=ROOM, body="was sent"), Say(room=ROOM, body="was not")]
    await workshop.said(engine, "talk", *effects, cause="$c")
    # It went out, and the process died before it could write that down.
    await engine.client.send(ROOM, "m.room.message", "forgotten", {"body": "was sent", "org.esnbot.cause": "talk/$c/0"})
    workshop.stub.always("GET", "/messages", Reply(200, a_page(workshop, system)))
    system.advance(timedelta(hours=21))
    await engine.start()
    await workshop.delivered(engine)
    assert bodies(workshop) == ["was sent", "was not"]


def a_page(workshop: Workshop, system: ManualClock) -> dict[str, object]:
    chunk = [
        {
            "event_id": sent.event_id,
            "type": sent.type,
            "content": sent.content,
            "sender": sent.sender,
            "origin_server_ts": int(system.now().timestamp() * 1000),
        }
        for sent in workshop.stub.sent
    ]
    return {"chunk": chunk, "start": "s"}


async def test_power_levels_are_changed_by_difference_and_one_after_another(workshop: Workshop) -> None:
    engine = await started(workshop)
    levels = {"users": {"@x:y": 50}, "events": {"m.room.name": 50}, "ban": 50}
    await engine.client.set_state(ROOM, "m.room.power_levels", "", levels)
    await workshop.database.write(lambda conn: bindings.bind(conn, "other name", OTHER, 1))
    changes = [AdjustPower(room=ROOM, users={f"@p{n}:y": n}) for n in range(5)]
    await workshop.said(engine, "power", *changes, AdjustPower(room=ROOM, users={"@x:y": None}, levels={"kick": 60}))
    await workshop.delivered(engine)
    found = await engine.client.state_event(ROOM, "m.room.power_levels")
    assert found == {
        "users": {f"@p{n}:y": n for n in range(5)},
        "events": {"m.room.name": 50},
        "ban": 50,
        "kick": 60,
    }


async def test_what_is_so_already_is_success(workshop: Workshop) -> None:
    engine = await started(workshop)
    workshop.stub.members[ROOM] = {ALICE: "join", "@gone:x": "leave"}
    for user, how in workshop.stub.members[ROOM].items():
        await engine.client.set_state(ROOM, "m.room.member", user, {"membership": how})
    await engine.client.set_state(ROOM, "m.room.topic", "", {"topic": "tea"})
    before = len(workshop.stub.sent)
    await workshop.said(
        engine,
        "state",
        Invite(room=ROOM, user=ALICE),
        Kick(room=ROOM, user="@gone:x"),
        SetState(room=ROOM, type="m.room.topic", content={"topic": "tea"}),
    )
    await workshop.delivered(engine)
    assert await workshop.letters() == []
    assert len(workshop.stub.sent) == before


async def test_a_post_is_pinned_beside_the_others_and_stands_when_it_cannot_be(workshop: Workshop) -> None:
    engine = await started(workshop)
    await engine.client.set_state(ROOM, "m.room.pinned_events", "", {"pinned": ["$old"]})
    await workshop.said(engine, "talk", Say(room=ROOM, body="charter", pinned=True), cause="$c")
    await workshop.delivered(engine)
    (said,) = workshop.stub.messages()
    assert await engine.client.state_event(ROOM, "m.room.pinned_events") == {"pinned": ["$old", said.event_id]}
    workshop.stub.always("PUT", "pinned_events", Reply.refused())
    await workshop.said(engine, "talk", Say(key="q", room=ROOM, body="no pin", pinned=True))
    await workshop.said(engine, "talk", Say(room=ROOM, body="below", thread=post("q")), Pin(room=ROOM, event=post("q")))
    await workshop.delivered(engine)
    assert bodies(workshop) == ["charter", "no pin", "below"]
    assert {letter.key.partition("/")[2] for letter in await workshop.letters()} >= {"q/pin"}


async def test_a_clock_that_is_set_back_holds_nothing_up(workshop: Workshop) -> None:
    system = ManualClock()
    engine = workshop.engine(system=system)
    workshop.stub.answer("PUT", SEND, Reply.broken())
    await workshop.said(engine, "talk", *says("one", "two"))
    await engine.start()
    await eventually(partial(is_held, workshop))
    system.advance(-timedelta(hours=5))
    await workshop.delivered(engine)
    assert bodies(workshop) == ["one", "two"]


async def test_posts_do_not_wait_for_a_room_that_is_slow(workshop: Workshop) -> None:
    engine = await started(workshop)
    workshop.stub.always("PUT", rf"/rooms/{OTHER}/send", Reply(delay=1.0))
    await workshop.said(engine, "talk", *says("slow", to=OTHER), *says(*range(20)))
    await eventually(lambda: len(bodies(workshop)) == 20)
    assert (await engine.backlog()).outbox >= 1
    await workshop.delivered(engine)
