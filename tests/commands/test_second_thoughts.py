"""Commands that are corrected or removed, reactions that are taken back, replies and threads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from esnbot.commands import trail
from esnbot.commands.reactions import Reaction, reactions
from esnbot.engine.dispatch import Dispatcher
from esnbot.engine.effects import Effect, React, Redact, Say
from esnbot.engine.feature import Context, Module
from esnbot.engine.metrics import Metrics
from esnbot.engine.signals import Signals
from tests.commands.kit import ALI, BOT, DIRECT, EVE, MAX, PHOTO, SHARED, ZOE, Room, body


def say(effects: Sequence[Effect]) -> Say:
    [one] = [effect for effect in effects if isinstance(effect, Say)]
    return one


def gone(effects: Sequence[Effect]) -> list[str]:
    return [effect.event for effect in effects if isinstance(effect, Redact)]


class TestCorrections:
    @pytest.mark.parametrize(
        ("wrong", "sender"),
        [
            ("!esn gruop create Choir", ZOE),
            ("!esn group craete Choir", ZOE),
            ("!esn group create", ZOE),
            ("!esn group create Choir --kind hoby", ZOE),
            ("!esn group join Nowhere", ZOE),
            ("!esn status", ZOE),
        ],
    )
    async def test_a_failed_command_is_tried_again_and_its_answer_replaced(
        self, room: Room, wrong: str, sender: str
    ) -> None:
        first = await room.say(wrong, sender)
        room.clock.instant += timedelta(seconds=59)
        answer = say(await room.edit(room.last, "!esn group create Choir", sender))
        assert answer.body == '`{"name": "Choir"}`'
        assert answer.replaces == f"post:{say(first).key}"

    async def test_what_fails_again_can_be_corrected_again_in_the_same_place(self, room: Room) -> None:
        first = say(await room.say("!esn gruop create"))
        command = room.last
        second = say(await room.edit(command, "!esn group craete"))
        third = say(await room.edit(command, "!esn group create Choir"))
        assert second.replaces == third.replaces == f"post:{first.key}"
        assert third.body == '`{"name": "Choir"}`'
        assert await room.edit(command, "!esn group create Another") == []

    async def test_after_a_minute_it_is_too_late(self, room: Room) -> None:
        await room.say("!esn gruop create Choir")
        room.clock.instant += timedelta(seconds=61)
        assert await room.edit(room.last, "!esn group create Choir") == []

    async def test_what_worked_is_not_done_again(self, room: Room) -> None:
        await room.say("!esn group create Choir")
        assert await room.edit(room.last, "!esn group create Chorus") == []

    async def test_in_a_direct_chat_one_hint_says_how_edits_are_meant(self, room: Room) -> None:
        await room.say("group create Choir", room=DIRECT)
        command = room.last
        assert "seulement si je n’avais pas pu" in body(await room.edit(command, "group create Chorus", room=DIRECT))
        assert await room.edit(command, "group create Chorale", room=DIRECT) == []

    async def test_only_the_author_corrects_and_only_commands(self, room: Room) -> None:
        await room.say("!esn gruop create Choir")
        assert await room.edit(room.last, "!esn group create Choir", ALI) == []
        await room.say("hello")
        assert await room.edit(room.last, "!esn group create Choir") == []
        await room.say("!esn gruop create Choir")
        assert await room.edit(room.last, "sorry, forget it") == []

    async def test_a_question_that_comes_of_a_correction_is_said_anew_with_its_buttons(self, room: Room) -> None:
        first = await room.say("!esn deeed do much")
        asked = await room.edit(room.last, "!esn deed do much")
        assert gone(asked) == [await room.posted(first[0])]
        assert say(asked).replaces == ""
        room.restart()
        done = await room.react("✅", await room.posted(say(asked)))
        assert body(done) == '`{"what": "much"}`'

    async def test_a_dialogue_can_begin_with_a_correction(self, room: Room) -> None:
        await room.say("walk paln", room=DIRECT)
        asked = await room.edit(room.last, "walk plan --kind project", room=DIRECT)
        assert "What will the group be called?" in say(asked).body
        room.restart()
        assert "What is it about" in body(await room.say("Up the hill", room=DIRECT))

    async def test_an_answer_stays_in_the_thread_of_the_first_version(self, room: Room) -> None:
        thread: dict[str, Any] = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$root"}}
        await room.say("!esn deeed do much", **thread)
        assert say(await room.edit(room.last, "!esn deed do much")).thread == "$root"
        await room.say("!esn deeed do much")
        command = room.last
        assert say(await room.edit(command, "!esn deed do much")).thread == command


class TestRemoval:
    async def test_a_removed_command_takes_its_answer_with_it_once(self, room: Room) -> None:
        answer = await room.say("!esn help")
        command = room.last
        removed = await room.redact(command)
        assert gone(removed) == [await room.posted(answer[0])]
        assert await room.redact(command) == []

    async def test_the_pending_question_and_its_buttons_go_too(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        command, posts = room.last, [effect for effect in asked if isinstance(effect, Say | React)]
        assert set(gone(await room.redact(command))) == {await room.posted(post) for post in posts}
        assert await room.react("✅", await room.posted(asked[0])) == []
        assert await room.let_pass(timedelta(minutes=11)) == []

    async def test_what_was_done_is_not_undone_and_what_was_said_goes(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        command = room.last
        done = await room.react("✅", await room.posted(asked[0]))
        room.restart()
        removed = gone(await room.redact(command))
        assert await room.posted(say(done)) in removed
        assert await room.posted(asked[0]) in removed

    async def test_a_corrected_command_takes_both_versions_of_the_answer_with_it(self, room: Room) -> None:
        first = say(await room.say("!esn gruop create Choir"))
        command = room.last
        second = say(await room.edit(command, "!esn group create Choir"))
        assert set(gone(await room.redact(command))) == {await room.posted(first), await room.posted(second)}

    async def test_moderators_may_remove_it_and_others_cannot(self, room: Room) -> None:
        await room.say("!esn help")
        command = room.last
        assert await room.redact(command, sender=EVE) == []
        assert await room.redact(command, sender=ZOE, room=SHARED) == []
        assert len(gone(await room.redact(command, sender=MAX))) == 1

    async def test_after_a_week_it_is_forgotten(self, room: Room) -> None:
        await room.say("!esn help")
        command = room.last
        room.clock.instant += timedelta(days=8)
        await room.say("!esn help")
        async with room.database.read() as conn:
            assert len((await conn.execute(select(trail.heard.c.id))).all()) == 1
            assert len((await conn.execute(select(trail.answer.c.effect))).all()) == 1
        assert await room.redact(command) == []


class TestReactions:
    async def test_a_yes_that_was_taken_back_before_it_was_heard_is_none(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        question = await room.posted(asked[0])
        relation = {"rel_type": "m.annotation", "event_id": question, "key": "✅"}
        number = room.heard + 1
        assert (
            await room.hear_together(
                {"type": "m.reaction", "content": {"m.relates_to": relation}},
                {"type": "m.room.redaction", "redacts": f"$e{number}", "content": {}},
            )
            == []
        )
        assert body(await room.react("✅", question)) == '`{"what": "much"}`'

    async def test_a_yes_that_was_followed_is_not_undone(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        await room.react("✅", await room.posted(asked[0]))
        assert await room.redact(room.last) == []

    async def test_a_feature_hears_what_was_given_to_its_posts_and_taken_back(self, room: Room) -> None:
        told: list[tuple[str, str, str, bool]] = []

        async def chosen(_ctx: Context, reaction: Reaction) -> Sequence[Effect]:
            told.append((reaction.sender, reaction.post, reaction.emoji, reaction.taken_back))
            return []

        poll = Module("commands", reactions("commands", chosen, wants=lambda emoji: emoji in ("👍", "1⃣")))
        post = (await room.say("!esn help"))[0]
        room.dispatcher = Dispatcher(room.database, [poll], room.clock, room.clock, Signals(), BOT, Metrics())
        event = await room.posted(post)
        await room.react("👍", event)
        mine = room.last
        await room.react("1️⃣", event, sender=ALI)
        await room.react("👎", event)
        await room.react("👍", "$another")
        await room.react("👍", event, sender=BOT)
        await room.redact(mine)
        await room.redact(mine)
        assert told == [
            (ZOE, post.key, "👍", False),
            (ALI, post.key, "1⃣", False),
            (ZOE, post.key, "👍", True),
        ]


class TestFollowing:
    async def test_a_reply_to_the_bot_that_is_a_command_needs_no_prefix(self, room: Room) -> None:
        answer = await room.posted((await room.say("!esn help"))[0])
        await room.say("people talk")
        reply = {"m.relates_to": {"m.in_reply_to": {"event_id": answer}}}
        quoted = f"> <{BOT}> What you can do here\n\ngroup create Choir"
        assert body(await room.say(quoted, **reply)) == '`{"name": "Choir"}`'
        assert await room.say("thank you, group hug", **reply) == []
        assert await room.say("help", **reply) != []

    async def test_a_reply_to_somebody_else_is_none_of_its_business(self, room: Room) -> None:
        await room.say("hello")
        reply = {"m.relates_to": {"m.in_reply_to": {"event_id": room.last}}}
        assert await room.say("group create Choir", **reply) == []

    async def test_in_the_thread_of_a_command_a_mention_is_enough(self, room: Room) -> None:
        await room.say("!esn help")
        command = room.last
        thread: dict[str, Any] = {
            "rel_type": "m.thread",
            "event_id": command,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": "$1"},
        }
        mention = {"m.mentions": {"user_ids": [BOT]}}
        answer = say(await room.say("group create Choir", **{"m.relates_to": thread}, **mention))
        assert answer.body == '`{"name": "Choir"}`'
        assert answer.thread == command
        assert await room.say("group create Choir", **{"m.relates_to": thread}) == []
        elsewhere = {**thread, "event_id": "$other"}
        assert await room.say("group create Choir", **{"m.relates_to": elsewhere}, **mention) == []

    async def test_a_thread_in_a_direct_chat_is_followed(self, room: Room) -> None:
        thread: dict[str, Any] = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$root"}}
        assert say(await room.say("help", room=DIRECT, **thread)).thread == "$root"
        assert say(await room.say("help", room=DIRECT)).thread == ""


async def test_only_an_animator_makes_the_bot_call_a_whole_room(room: Room) -> None:
    for sender, rouses in ((ZOE, False), (MAX, True)):
        assert say(await room.say("!esn call out everybody", sender, PHOTO)).rouse is rouses
