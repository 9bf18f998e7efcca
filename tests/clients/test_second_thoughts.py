"""Corrections and removals as matrix-js-sdk sends them from an encrypted chat, and as it shows what came of them."""

from __future__ import annotations

from esnbot.testing.waiting import eventually
from tests.clients.kit import Town


async def test_a_mistyped_command_is_put_right_by_an_edit_and_one_taken_back_takes_its_answer_along(
    town: Town,
) -> None:
    async with town.whole() as app:
        alice = await town.person()
        room = await alice.room(app.client.user, direct=True)
        mistyped = await alice.say(room, "grp list")
        await alice.wait_for("grp", room=room)
        await alice.edit(room, mistyped, "help")
        answer = await alice.wait_for("What you can do here", room=room)
        assert answer.encrypted
        await alice.redact(room, mistyped)

        async def gone() -> bool:
            return (await alice.ask("shown", room=room, event=answer.id))["content"] == {}

        await eventually(gone, 20, message="the answer taken back")
        assert alice.unreadable == []
