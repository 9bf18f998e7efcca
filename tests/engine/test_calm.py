"""The bot calls a whole room only where an animator asked for it, whatever a feature says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from esnbot.engine.effects import AnyEffect, Effect, React, Say, Send, SetState
from esnbot.matrix import message
from tests.engine.workshop import ROOM, Workshop

LOUD: dict[str, Any] = {"user_ids": ["@zoe:stub.example"], "room": True}


def with_content() -> set[type]:
    """The kinds of effect that can carry whatever content a feature likes, or a text."""
    kinds: tuple[type[Effect], ...] = AnyEffect.__args__  # type: ignore[attr-defined]
    named = {"content", "body"}
    return {
        kind
        for kind in kinds
        if named & {field.name for field in msgspec.structs.fields(kind)} and kind.__name__ != "Emit"
    }


async def sent(workshop: Workshop, effect: Effect) -> dict[str, Any]:
    engine = workshop.engine()
    await engine.start()
    await workshop.said(engine, "loud", effect, cause="$cause")
    await workshop.delivered(engine)
    [one] = workshop.stub.sent
    return dict(one.content)


def test_every_kind_of_effect_that_carries_a_content_is_looked_at_here() -> None:
    assert {kind.__name__ for kind in with_content()} == {"Attach", "Say", "Send", "SetState"}


@pytest.mark.parametrize("html", ["", "<p>@room, look</p>"])
async def test_a_message_calls_nobody_but_those_it_mentions(workshop: Workshop, html: str) -> None:
    content = {"m.mentions": LOUD, "m.new_content": {"m.mentions": LOUD, "body": "@room"}}
    said = Say(room=ROOM, body="Hello @room!", html=html, mentions=("@zoe:stub.example",), content=content)
    found = await sent(workshop, said)
    assert found["m.mentions"] == {"user_ids": ["@zoe:stub.example"]}
    assert "room" not in found["m.new_content"]["m.mentions"]
    assert "@room" not in str(found)


async def test_an_answer_mentions_nobody_by_itself(workshop: Workshop) -> None:
    assert (await sent(workshop, Say(room=ROOM, body="Hello")))["m.mentions"] == {}


async def test_an_animator_may_ask_for_it(workshop: Workshop) -> None:
    found = await sent(workshop, Say(room=ROOM, body="@room: lunch", rouse=True))
    assert found["m.mentions"] == {"room": True}
    assert found["body"] == "@room: lunch"


async def test_a_correction_calls_nobody_either(workshop: Workshop) -> None:
    found = await sent(workshop, Say(room=ROOM, body="@room", replaces="$before"))
    assert "@room" not in str(found)


def test_a_file_calls_nobody() -> None:
    loud = {"m.mentions": LOUD}
    found = message.calm(message.file("@room.md", "mxc://x/y", 3, "text/markdown", cause="c", extra=loud))
    assert "@room" not in found["body"]
    assert found["m.mentions"] == {}


async def test_an_event_of_another_kind_calls_nobody(workshop: Workshop) -> None:
    poll = Send(room=ROOM, type="org.matrix.msc3381.poll.start", content={"body": "@room?", "m.mentions": LOUD})
    found = await sent(workshop, poll)
    assert "room" not in found["m.mentions"]


async def test_state_calls_nobody(workshop: Workshop) -> None:
    state = SetState(room=ROOM, type="m.room.topic", content={"topic": "x", "m.mentions": LOUD})
    assert "room" not in (await sent(workshop, state))["m.mentions"]


async def test_a_reaction_has_no_mentions(workshop: Workshop) -> None:
    assert "m.mentions" not in await sent(workshop, React(room=ROOM, to="$before", emoji="👍"))
