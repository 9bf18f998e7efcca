"""``kill -9`` between and during the answers of a dialogue: each question is put once, and the deed is done once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from esnbot.matrix.registration import Registration
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.person import Seen
from tests.engine.test_kill import Victim

ANSWERS = (
    ("plan a walk", "What will the group be called?", False),
    ("Up the hill", "What kind of group is it?", True),
    ("hobby", "Which space will it be in?", True),
    ("2", "What is it about, in a sentence?", False),
    ("Far and high", "Is this right?", True),
    ("yes", '"name": "Up the hill"', True),
)
"""What is said, what comes then, and whether the bot is killed in between."""


@pytest.mark.timeout(240)
async def test_a_dialogue_outlives_kills(
    tmp_path: Path, homeserver: Homeserver, service: Registration, database_url: str
) -> None:
    service.write(tmp_path / "bot.yaml")
    order = {
        "database": database_url,
        "homeserver": homeserver.url,
        "server_name": homeserver.server_name,
        "registration": str(tmp_path / "bot.yaml"),
        "port": int(service.url.rpartition(":")[2]),
    }
    log = tmp_path / "victim.log"
    log.touch()
    victim = Victim(order, log, module="tests.commands.victim")
    randomness = random.Random(20261124)
    alice = await homeserver.person("alice")
    try:
        await victim.has_begun()
        room = await alice.direct_chat(service.bot_user_id)
        await alice.wait_for_text("Hello!", room=room, timeout=30)
        for answer, question, killed in ANSWERS:
            await alice.say(room, answer)
            if killed:
                # Before it arrived, while it is handled, while the question is on its way, or after.
                await asyncio.sleep(randomness.choice((0.0, 0.02, 0.05, 0.1, 0.3)))
                victim.kill()
                await victim.has_begun()
            await alice.wait_for_text(question, room=room, timeout=40)
        heard = [message for message in await alice.messages(room) if _is_said_by_the_bot(message, service)]
        times = Counter(question for _, question, _ in ANSWERS for message in heard if question in message.body)
        assert times == {question: 1 for _, question, _ in ANSWERS}
        assert len(heard) == len(ANSWERS) + 1
    finally:
        victim.kill()


def _is_said_by_the_bot(message: Seen, service: Registration) -> bool:
    return message.type == "m.room.message" and message.sender == service.bot_user_id
