"""Whatever comes in: stored, set aside or refused, and the bot lives on."""

from __future__ import annotations

import asyncio
import json
import os
import random
from typing import Any

import msgspec
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esnbot.engine import dispatch, inbox
from esnbot.engine.incoming import MalformedEvent, MalformedTransaction, parse, split
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.testing.clock import ManualClock
from esnbot.testing.stub import StubHomeserver
from tests.engine.workshop import ALICE, BOT, ROOM, Recorder, Workshop, a_message, a_state, a_transaction, an_echo

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
FIELDS = ["event_id", "room_id", "type", "sender", "content", "origin_server_ts", "state_key", "redacts", "unsigned"]


def digest(body: bytes) -> None:
    """What a transaction goes through; raises nothing but what is answered with 400."""
    try:
        events, malformed = split("t", body)
    except MalformedTransaction:
        return
    for event in events:
        try:
            parse(event.body)
        except MalformedEvent as error:
            str(error).encode(errors="replace")
    for letter in malformed:
        letter.body.encode()


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_are_digested(body: bytes) -> None:
    digest(body)
    digest(b'{"events":[' + body + b"]}")


@given(JSON_VALUES)
@settings(max_examples=200, deadline=None)
def test_arbitrary_json_is_digested(value: Any) -> None:
    digest(json.dumps(value).encode())
    digest(json.dumps({"events": value}).encode())
    digest(json.dumps({"events": [value]}).encode())


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES | st.just("$x") | st.just(ROOM)),
    st.sets(st.sampled_from(FIELDS)),
)
@settings(max_examples=300, deadline=None)
def test_mutated_events_are_digested(changes: dict[str, Any], missing: set[str]) -> None:
    event = {**a_state("m.room.topic", {"topic": "tea"}), **changes}
    digest(json.dumps({"events": [{key: value for key, value in event.items() if key not in missing}]}).encode())


@given(st.integers(0, 10_000), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6))
@settings(max_examples=300, deadline=None)
def test_flipped_bytes_are_digested(cut: int, flips: list[tuple[int, int]]) -> None:
    body = bytearray(a_transaction(a_message("été"), a_state("m.room.topic", {"topic": "tea"})))
    for place, value in flips:
        body[place % len(body)] = value
    digest(bytes(body[: cut % len(body)] if cut % 2 else body))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def raw(**changes: bytes) -> bytes:
    """An event whose fields are given as JSON text."""
    fields = {key: msgspec.json.encode(value) for key, value in a_message().items()}
    fields |= changes
    return b"{" + b",".join(b'"' + key.encode() + b'":' + value for key, value in fields.items()) + b"}"


ODD = {
    "deep": raw(content=b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "deep content": raw(content=b'{"a":' + b"[" * 700 + b"]" * 700 + b"}"),
    "deep state": raw(content=b'{"a":' + b"[" * 700 + b"]" * 700 + b"}", state_key=b'""', type=b'"m.room.topic"'),
    "huge number": raw(content=b'{"a":1' + b"0" * 400 + b"}"),
    "huge number in state": raw(content=b'{"a":1' + b"0" * 60 + b"}", state_key=b'""', type=b'"m.room.topic"'),
    "endless number": raw(origin_server_ts=b"1" + b"0" * 5000),
    "null character": raw(content=b'{"body":"a\\u0000b"}'),
    "null character in state": raw(content=b'{"x":"a\\u0000b"}', state_key=b'"a\\u0000b"', type=b'"m.room.x\\u0000"'),
    "null character in id": raw(event_id=b'"$a\\u0000b"'),
    "half a character": raw(content=b'{"body":"\\ud800"}'),
    "half a character in id": raw(event_id=b'"$a\\ud800"'),
    "invalid utf-8": raw(content=b'{"body":"\xff\xfe"}'),
    "invalid utf-8 in id": raw(event_id=b'"$\xff"'),
    "no id": b'{"type":"m.room.message"}',
    "no object": b"[1,2,3]",
    "a number": b"17",
    "null": b"null",
    "wrong types": raw(type=b"7", sender=b"[]", content=b'"text"'),
    "content is null": raw(content=b"null"),
    "body is a list": raw(content=b'{"body":["!esn"],"msgtype":{}}'),
    "unsigned is a list": raw(unsigned=b"[1]"),
    "redacts is a number": raw(redacts=b"5"),
    "state key is a number": raw(state_key=b"5"),
    "long state key": raw(state_key=b'"' + os.urandom(4000).hex().encode() + b'"', type=b'"m.room.x"'),
    "long type": raw(type=b'"' + b"x" * 60_000 + b'"'),
    "long id": raw(event_id=b'"$' + b"x" * 60_000 + b'"'),
    "long room": raw(room_id=b'"!' + b"x" * 60_000 + b'"'),
    "megabyte": raw(content=b'{"body":"' + b"x" * 1_000_000 + b'"}'),
    "other sigils": raw(event_id=b'"!x"', room_id=b'"$x"'),
    "internal id": raw(event_id=b'"due:x:y"', type=b'"org.esnbot.due"'),
    "unknown type": raw(type=b'"com.example.unknown"'),
    "float time": raw(origin_server_ts=b"1.5"),
    "negative time": raw(origin_server_ts=b"-99999999999999999999"),
    "a bot's membership that is none": raw(
        type=b'"m.room.member"', state_key=msgspec.json.encode(BOT), content=b'{"membership":{"join":true}}'
    ),
}


@pytest.mark.parametrize("name", sorted(ODD))
async def test_one_odd_event_takes_no_other_with_it(
    workshop: Workshop, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "RETRY_AFTER", ())
    seen = Recorder("recorder", "m.room.message", wants=lambda event: event.sender == ALICE)
    engine = workshop.engine(an_echo(), seen.module)
    before, after = (msgspec.json.encode(a_message(body)) for body in ("before", "after"))
    odd = ODD[name].replace(b'"$message', b'"$odd')
    await engine.accept("t", b'{"events":[' + before + b"," + odd + b"," + after + b"]}")
    await workshop.dispatched(engine)
    bodies = [body for body in seen.bodies if body in ("before", "after")]
    # A bot that was told that it is out of the room does not listen to it any more.
    assert bodies == (["before"] if "membership" in name else ["before", "after"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"events"',
        b'{"events":{}}',
        b'{"events":[1}',
        b'{"events":[' + b"[" * 100_000,
        b"\xff",
    ],
)
async def test_what_is_no_transaction_is_said_to_be_none(workshop: Workshop, body: bytes) -> None:
    with pytest.raises(MalformedTransaction):
        await workshop.engine().accept("t", body)
    assert await workshop.letters() == []


async def test_a_transaction_without_events_is_one(workshop: Workshop) -> None:
    engine = workshop.engine()
    for body in (
        b"{}",
        b'{"events":[]}',
        b'{"ephemeral":[{"type":"m.typing"}],"events":[],"de.sorunome.msc2409.x":{}}',
    ):
        assert await engine.accept("t", body) == 0


async def test_malformed_transactions_without_end_take_no_more_and_more(
    sqlite_url: str, stub_homeserver: StubHomeserver, soak: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, warm = (1_000_000, 20_000) if soak else (3_000, 1_000)
    monkeypatch.setattr(inbox, "MALFORMED_KEPT", 200)
    database = await Database.open(sqlite_url)
    await migrate(database)
    workshop = Workshop(database, stub_homeserver, ManualClock())
    engine = workshop.engine(an_echo())
    randomness = random.Random(7)
    process, before = psutil.Process(), 0
    for number in range(0, count, 50):
        if number == warm:
            before = process.memory_info().rss
        await asyncio.gather(
            *[refused_or_not(engine.accept, f"t{number}/{more}", a_mutation(randomness)) for more in range(50)]
        )
    await workshop.dispatched(engine)
    grown = process.memory_info().rss - before
    assert grown < 60 * 1024 * 1024
    assert len(await workshop.letters()) <= 201
    await workshop.close()
    await database.close()


async def refused_or_not(accept: Any, transaction: str, body: bytes) -> None:
    try:
        await accept(transaction, body)
    except MalformedTransaction:
        return


def a_mutation(randomness: random.Random) -> bytes:
    """A transaction of which something is wrong."""
    odd = randomness.choice([value for value in ODD.values() if len(value) < 5000])
    body = bytearray(b'{"events":[' + odd + b"," + raw(event_id=b'"$%d"' % randomness.getrandbits(20)) + b"]}")
    for _ in range(randomness.randrange(4)):
        body[randomness.randrange(len(body))] = randomness.randrange(256)
    return bytes(body[: randomness.randrange(len(body))] if randomness.random() < 0.2 else body)
