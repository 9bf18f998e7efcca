"""Commands that a client sends as values (MSC4391): the same way, the same rights, and no trust in the client."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esnbot.commands.addressing import LONGEST
from esnbot.commands.invocation import KEYS, LONGEST_LINE, invoked
from esnbot.engine.courtesy import Courtesy
from esnbot.engine.effects import Heed
from esnbot.engine.event import Event
from tests.commands.kit import ALI, BOT, DIRECT, EVE, MAX, PAT, PHOTO, SHARED, ZOE, Room

KEY = KEYS[0]
MENTION = {"user_ids": [BOT], "room": False}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def a_command(command: Any, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """What a client adds to a message."""
    block = {"command": command, **({"arguments": arguments} if arguments is not None else {})}
    return {KEY: block, "m.mentions": MENTION, **more}


def line(content: dict[str, Any]) -> str | None:
    """The line that it stands for."""
    whole = {"msgtype": "m.text", "body": "/x", **content}
    return invoked(Event(event_id="$1", room_id="!r", type="m.room.message", sender=ZOE, ts=0, content=whole), BOT)


async def understood(room: Room, command: str, arguments: dict[str, Any], **more: Any) -> dict[str, str]:
    return await room.understood("/ something", **a_command(command, arguments), **more)


class TestValues:
    async def test_each_kind_of_value_arrives_as_it_was_chosen(self, room: Room) -> None:
        given = {"name": "Club de photo", "kind": "hobby", "quiet": True, "note": "--kind project"}
        assert await understood(room, "group create", given) == {
            "name": "Club de photo",
            "kind": "hobby",
            "quiet": "True",
            "note": "--kind project",
        }
        assert await understood(room, "group create", {"name": "a", "quiet": False, "note": None}) == {"name": "a"}
        assert await understood(room, "meetup size", {"seats": 12}) == {"seats": "12"}
        assert await understood(room, "group invite", {"person": ALI, "note": "come in"}) == {
            "person": ALI,
            "note": "come in",
        }

    async def test_both_languages_are_understood(self, room: Room) -> None:
        assert await understood(room, "groupe créer", {"nom": "Club", "type": "loisir"}) == {
            "name": "Club",
            "kind": "hobby",
        }

    @pytest.mark.parametrize("reference", ["id", "room_id"])
    async def test_a_room_can_be_picked(self, room: Room, reference: str) -> None:
        given = {"group": {"type": "room_id", reference: PHOTO, "via": ["example.org"]}}
        assert "Club photo" in (await understood(room, "group join", given))["group"]

    async def test_the_stable_name_of_the_block_counts_too(self, room: Room) -> None:
        block = {"command": "meetup size", "arguments": {"seats": 3}}
        content: dict[str, Any] = {"m.bot.command": block, "m.mentions": MENTION}
        assert await room.understood("/", **content) == {"seats": "3"}

    @given(text=st.text(max_size=60))
    def test_any_text_is_one_value_and_nothing_else(self, text: str) -> None:
        from esnbot.commands.grammar import option, split
        from esnbot.speech import clean

        said = line(a_command("note write", {"text": text}))
        assert said is not None
        *command, value = split(said)
        assert [word.text for word in command] == ["note", "write"]
        assert option(value) == ("text", clean(text), True)


class TestWhoIsMeant:
    async def test_without_a_mention_of_the_bot_it_is_another_bots_command(self, room: Room) -> None:
        for mentions in (None, {}, {"user_ids": []}, {"user_ids": [MAX]}, {"user_ids": BOT}, [BOT], {"user_ids": 7}):
            content = a_command("help") | {"m.mentions": mentions}
            assert await room.say("/help", **content) == []

    async def test_the_block_counts_and_not_the_text(self, room: Room) -> None:
        assert await room.understood("!esn group create Another", **a_command("meetup size", {"seats": 5})) == {
            "seats": "5"
        }

    async def test_an_edit_is_no_new_command(self, room: Room) -> None:
        relation: dict[str, Any] = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}}
        assert await room.say("* /help", **a_command("help"), **relation) == []


class TestRights:
    async def test_who_may_not_is_refused_as_in_any_other_way(self, room: Room) -> None:
        typed = await room.ask("!esn note publish hello")
        sent = await room.ask("/note", **a_command("note publish", {"text": "hello"}))
        assert sent == typed
        assert await understood(room, "note publish", {"text": "hello"}, sender=MAX) == {"text": "hello"}

    async def test_a_group_that_is_hidden_stays_hidden(self, room: Room) -> None:
        for group in ("Club secret", {"type": "room_id", "id": "!secret"}, "#secret:example.org"):
            answer = await room.ask("/", PAT, SHARED, **a_command("group join", {"group": group}))
            assert "owned" not in answer
            assert "`{" not in answer, "nothing was understood"

    async def test_strangers_are_not_heard(self, room: Room) -> None:
        assert await room.say("/help", EVE, SHARED, **a_command("help")) == []

    async def test_what_asks_first_asks_here_too(self, room: Room) -> None:
        question, *_ = await room.say("/deed", **a_command("deed do", {"what": "grand"}))
        assert "Really?" in getattr(question, "body", "")
        (answer,) = await room.react("✅", await room.posted(question))
        assert getattr(answer, "body", "") == '`{"what": "grand"}`'


class TestHostileClients:
    @pytest.mark.parametrize("command", [None, 7, [], {}, "", "   ", "\x00", ["group", "create"], True])
    async def test_a_command_of_another_type_is_none(self, room: Room, command: Any) -> None:
        assert line(a_command(command)) is None
        assert await room.say("/x", **a_command(command)) == []

    @pytest.mark.parametrize("arguments", [7, "text", ["a"], [["a"]], True])
    async def test_arguments_of_another_type_are_none(self, room: Room, arguments: Any) -> None:
        assert "SEATS" in await room.ask("/x", **a_command("meetup size", arguments))

    @pytest.mark.parametrize("value", [[[1]], {"a": 1}, {"type": "room_id", "id": 7}, 10**30, [], None])
    async def test_a_value_that_nothing_takes_is_missing(self, room: Room, value: Any) -> None:
        assert "SEATS" in await room.ask("/x", **a_command("meetup size", {"seats": value}))

    async def test_wrong_values_are_explained_like_typed_ones(self, room: Room) -> None:
        for value in ("many", True, -3, 10_000):
            answer = await room.ask("/x", **a_command("meetup size", {"seats": value}))
            assert answer
            assert "`{" not in answer

    async def test_unknown_arguments_are_named_and_impossible_ones_left_out(self, room: Room) -> None:
        assert "--colour" in await room.ask("/x", **a_command("meetup size", {"seats": 3, "colour": "red"}))
        odd = {"seats": 3, "": "x", "a b": "x", "x" * 500: "x", "--seats": "9", 'k"': "x", "0": "x"}
        assert await understood(room, "meetup size", odd) == {"seats": "3"}

    async def test_options_cannot_be_smuggled_in(self, room: Room) -> None:
        for text in ('a" --kind "project', "a\\", '\\" --quiet', "“ --quiet", 'a”" --quiet', "-- --quiet"):
            given = await understood(room, "group create", {"name": text})
            assert given == {"name": text}

    async def test_a_megabyte_is_not_looked_at_whole(self, room: Room) -> None:
        huge = "é" * 1_000_000
        for content in (
            a_command(huge),
            a_command("note write", {"text": huge}),
            a_command("note write", {huge: "x"}),
            a_command("note write", {f"k{number}": "x" * 1_000 for number in range(1_000)}),
            a_command("note write", {"text": [huge] * 50}),
            a_command("note write", {"text": "x"}, **{"m.mentions": {"user_ids": ["@x:y"] * 100_000 + [BOT]}}),
        ):
            said = line(content)
            assert said is None or len(said) <= LONGEST_LINE + 200
            effects = await room.say("/x", **content)
            assert all(len(getattr(effect, "body", "")) < LONGEST for effect in effects)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(block=JSON, mentions=JSON)
    def test_nothing_that_json_can_say_raises(self, block: Any, mentions: Any) -> None:
        line({KEY: block, "m.mentions": mentions})
        line({KEY: block, "m.mentions": MENTION})
        line({KEY: {"command": "help", "arguments": block}, "m.mentions": MENTION})


class _Noted:
    """A courtesy that only writes down."""

    def __init__(self) -> None:
        self.heeded: list[Heed] = []

    def heed(self, heed: Heed) -> None:
        self.heeded.append(heed)


class TestWhatIsHeeded:
    @pytest.fixture
    def noted(self, room: Room) -> _Noted:
        noted = _Noted()
        room.dispatcher._courtesy = cast(Courtesy, noted)
        return noted

    async def test_commands_in_groups_and_everything_in_direct_chats(self, room: Room, noted: _Noted) -> None:
        await room.say("good morning")
        await room.say("!esn help")
        await room.say("/help", **a_command("help"))
        await room.say("thanks", room=DIRECT)
        assert [(heed.room, heed.awaited) for heed in noted.heeded] == [(PHOTO, True), (PHOTO, True), (DIRECT, True)]

    async def test_strangers_learn_nothing(self, room: Room, noted: _Noted) -> None:
        await room.say("!esn help", EVE, SHARED)
        assert noted.heeded == []

    async def test_the_thread_is_that_of_the_question(self, room: Room, noted: _Noted) -> None:
        thread: dict[str, Any] = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$root"}}
        await room.say("!esn help", **thread)
        await room.say("!esn help")
        assert [heed.thread for heed in noted.heeded] == ["$root", ""]
