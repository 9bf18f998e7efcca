"""An idea and a proposed prompt on a real homeserver: told in private, decided by a reaction, asked in a group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from esnbot.matrix.registration import Registration
from esnbot.testing import Person, eventually
from esnbot.testing.homeserver import Homeserver
from tests.features.test_in_rooms import Town, a_town

BACKSTAGE = """
groups:
  backstage: {{name: Backstage, kind: animators, alias: "backstage-{bot}", space: home}}
"""


@pytest_asyncio.fixture
async def town(homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str) -> AsyncIterator[Town]:
    """The community with an animators' room."""
    more = BACKSTAGE.format(bot=service.bot_localpart)
    async with a_town(homeserver, service, tmp_path, sqlite_url, more) as one:
        yield one


async def _reacted(person: Person, room: str, event: str, emoji: str) -> bool:
    wanted = {"rel_type": "m.annotation", "event_id": event, "key": emoji}
    return any(one.content.get("m.relates_to") == wanted for one in await person.history(room))


async def test_an_idea_and_a_prompt_find_their_way(town: Town) -> None:
    zoe, ali, bot = await town.newcomer("zoe"), await town.newcomer("ali"), town.app.client.user
    cafe = await town.room("cafe")
    await town.animator.say(cafe, "!esn group join Backstage")
    backstage = await town.animator.wait_for_invite()
    await town.animator.join(backstage)

    proposed = await zoe.say(cafe, '!esn prompt propose "Which tool did you <b>repair</b>?"')
    await zoe.wait_for(lambda event: event.thread == proposed, room=cafe)
    shown = await town.animator.wait_for_text("Which tool did you", room=backstage)
    assert "<b>repair" not in shown.html
    assert zoe.id in shown.html
    await eventually(lambda: _reacted(town.animator, backstage, shown.id, "🗑"))
    await town.animator.react(backstage, shown.id, "✅")
    await town.animator.wait_for(lambda event: event.thread == shown.id and "library" in event.body, room=backstage)

    chat = await zoe.direct_chat(bot)
    await eventually(lambda: _is_in(zoe, chat, bot))
    for words, question in (
        ("idea tell", "what would the community be about"),
        ("Repair café", "what would you do together"),
        ("Once a month we repair things.", "Shall I pass it on?"),
    ):
        await zoe.say(chat, words)
        await zoe.wait_for_text(question, room=chat)
    await zoe.say(chat, "yes")
    idea = await town.animator.wait_for_text("Once a month we repair things.", room=backstage)
    assert "Repair café" in idea.body

    await zoe.say(chat, f"idea ask 1 #cafe-{town.settings.homeserver.bot_localpart}")
    asked = await zoe.wait_for_text("All right?", room=chat)
    await zoe.react(chat, asked.id, "✅")
    question = await ali.wait_for_text("Who is interested?", room=cafe)
    await ali.react(cafe, question.id, "✋")
    await eventually(lambda: _names(zoe, chat, ali.id))
    await town.animator.say(backstage, "!esn idea list")
    listed = await town.animator.wait_for_text("Ideas on their way", room=backstage)
    assert "Repair café" in listed.body


async def _is_in(person: Person, room: str, user: str) -> bool:
    return (await person.members(room)).get(user) == "join"


async def _names(person: Person, chat: str, user: str) -> bool:
    """Whether the founder is told who reacted."""
    await person.say(chat, "idea show 1")
    shown = await person.wait_for_text("Where it stands", room=chat)
    return user in shown.html or any(user in event.html for event in person.seen if event.room == chat)
