"""Polls as matrix-js-sdk understands them, in an encrypted room: what it shows, and how it votes."""

from __future__ import annotations

from typing import Any

from esnbot.testing.waiting import eventually
from tests.clients.js import JsClient
from tests.clients.kit import Town


async def the_poll(client: JsClient, room: str) -> dict[str, Any]:
    """The one poll of the room."""

    async def found() -> list[dict[str, Any]]:
        return list((await client.ask("polls", room=room))["polls"])

    polls = await eventually(found, 20, message=f"a poll shown to {client.id}")
    assert len(polls) == 1
    return polls[0]


async def test_a_poll_is_shown_as_one_its_votes_are_counted_and_it_ends(town: Town) -> None:
    async with town.whole() as app:
        alice, bob = await town.person("alice"), await town.person("bob")
        for person in (alice, bob):
            await person.join(town.alias("house"))
        room = await alice.room(app.client.user)
        await alice.ask("invite", room=room, user=bob.id)
        await bob.join(await bob.invited_to())
        await alice.until_joined(room, bob.id)

        await alice.say(room, '!esn poll create "Where do we eat?" "Pizza" "Sushi"')
        poll = await the_poll(bob, room)
        assert poll["question"] == "Where do we eat?"
        assert [answer.split()[-1] for answer in poll["answers"]] == ["Pizza", "Sushi"]
        await bob.ask("vote", room=room, poll=poll["id"], answers=[poll["ids"][0]])
        await alice.ask("vote", room=room, poll=poll["id"], answers=[poll["ids"][1]])
        await alice.say(room, "!esn poll show")
        await alice.wait_for("1️⃣ 1 · 2️⃣ 1", room=room)
        assert (await the_poll(alice, room))["votes"] == {bob.id: [poll["ids"][0]], alice.id: [poll["ids"][1]]}

        await alice.say(room, "!esn poll close")

        async def ended() -> bool:
            return bool((await the_poll(bob, room))["ended"])

        await eventually(ended, 20, message="the poll ended")
