"""Dialogues in direct chats: one question at a time, and what may happen between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from esnbot.engine.effects import Effect, Redact, Say
from tests.commands.kit import ALI, DIRECT, PHOTO, ZOE, Room, body, reactions, the_community


async def says(room: Room, *lines: str) -> str:
    """Zoé writes in her direct chat; the last answer."""
    answer = ""
    for line in lines:
        answer = await only(await room.say(line, room=DIRECT))
    return answer


async def only(effects: Sequence[Effect]) -> str:
    messages = [effect for effect in effects if isinstance(effect, Say)]
    assert len(messages) <= 1, messages
    return messages[0].body if messages else ""


async def begun(room: Room, line: str = "walk plan") -> str:
    """Zoé speaks English and begins."""
    await says(room, "language english")
    return await says(room, line)


DONE = '`{"name": "Up the hill", "kind": "project", "space": "'


class TestQuestions:
    async def test_they_come_one_at_a_time_then_a_summary_then_the_deed(self, room: Room) -> None:
        asked = await begun(room)
        assert asked == (
            "One question at a time. `back` goes one step back, `cancel` ends it.\n\nWhat will the group be called?"
        )
        asked = await says(room, "Up the hill")
        assert asked == (
            "What kind of group is it?\n\n1. hobby\n2. project\n\n"
            "Answer with a word or its number; `skip` means: informal."
        )
        assert await says(room, "project") == "What is it about, in a sentence?\n\n`skip` leaves it out."
        summed = await says(room, "skip")
        assert summed == (
            "Is this right?\n\n- Name: Up the hill\n- Kind: project\n- Space: Home\n\n"
            "React with ✅ or write `yes`. ❌ leaves everything as it is, and `back` returns to the last question."
        )
        assert (await says(room, "yes")).startswith(DONE)
        assert "conversation" in await says(room, "yes")

    async def test_they_are_put_in_the_language_of_the_person(self, room: Room) -> None:
        asked = await says(room, "prévoir une balade")
        assert asked.startswith("Une question à la fois. `retour` revient en arrière, `annuler` arrête tout.")
        asked = await says(room, "La colline")
        assert "1. loisir\n2. projet\n\nRépondez par un mot ou par son numéro" in asked
        assert "- Type : loisir" in (await says(room, "loisir", "passer", "passer")).replace("\u00a0", " ")

    @pytest.mark.parametrize("line", ["plan walk", "plan a walk", "prévoir une balade", "walk plan", "balade prévoir"])
    async def test_it_begins_with_whatever_says_what_is_wanted(self, room: Room, line: str) -> None:
        assert "What will the group be called?" in await begun(room, line)

    async def test_what_was_given_is_not_asked_for(self, room: Room) -> None:
        assert "What will" in await begun(room, "walk plan --kind project")
        assert "What is it about" in await says(room, "Up the hill")

    async def test_a_question_without_a_choice_is_not_put(self, room: Room) -> None:
        await begun(room)
        assert "Which space" in await says(room, "Up the hill", "hobby")
        assert "Which space" not in await says(room, "back", "project")

    async def test_what_is_skipped_is_what_the_list_offers_by_itself(self, room: Room) -> None:
        await begun(room)
        assert "`skip` means: Home." in await says(room, "Up the hill", "1")
        assert "Space: Home" in await says(room, "skip", "skip")

    async def test_choices_are_answered_by_number_by_word_and_by_reaction(self, room: Room) -> None:
        await begun(room)
        for answer in ("2", "Project", "projet"):
            assert "What is it about" in await says(room, "Up the hill", answer)
            await says(room, "back", "back")
        question = await room.say("Up the hill", room=DIRECT)
        assert reactions(question) == ["1️⃣", "2️⃣", "⏭️"]
        post = await room.posted(question[0])
        assert await room.react("3️⃣", post, room=DIRECT) == []
        assert await room.react("2️⃣", post, sender=ALI, room=DIRECT) == []
        assert "What is it about" in body(await room.react("2️⃣", post, room=DIRECT))
        assert await room.react("1️⃣", post, room=DIRECT) == []

    async def test_a_question_is_skipped_by_reaction_too(self, room: Room) -> None:
        await begun(room)
        question = await room.say("Up the hill", room=DIRECT)
        assert "What is it about" in body(await room.react("⏭", await room.posted(question[0]), room=DIRECT))

    @pytest.mark.parametrize(
        ("before", "wrong", "said"),
        [
            ((), "skip", "I need an answer to this one.\n\nWhat will the group be called?"),
            ((), "x" * 50, "This text has 50 characters, and at most 40 fit."),
            ((), "Taken", "I do not know “Taken” here."),
            (("Hill",), "9", "Choose a number from 1 to 2, or a word of the list."),
            (("Hill",), "hoby", "“hoby” is not a kind of group that I know. Did you mean `hobby`?\n\nWhat kind"),
            (("Hill", "hobby"), "Mars", "I do not know any space called “Mars”.\n\nWhich space"),
        ],
    )
    async def test_a_wrong_answer_is_explained_and_the_question_put_again(
        self, room: Room, before: tuple[str, ...], wrong: str, said: str
    ) -> None:
        asked = await begun(room)
        for line in before:
            asked = await says(room, line)
        again = await says(room, wrong)
        assert again.startswith(said)
        assert again.count("?") >= 1
        assert asked.splitlines()[-1] in again

    async def test_a_text_in_quotation_marks_means_itself(self, room: Room) -> None:
        await begun(room)
        await says(room, '"cancel"', "skip", "« passer »")
        done = await says(room, "yes")
        assert '"name": "cancel"' in done
        assert '"note": "passer"' in done

    async def test_what_the_command_asks_before_it_acts_stands_in_the_summary(self, room: Room) -> None:
        await begun(room)
        assert "Really that long?" in await says(room, "Long", "project", "skip")
        assert '"name": "Long"' in await says(room, "ok")


class TestAnswers:
    async def test_yes_and_no_by_reaction(self, room: Room) -> None:
        for emoji, said in (("❌", "I leave everything as it is."), ("✅", '"name": "Up the hill"')):
            await begun(room)
            await says(room, "Up the hill", "project")
            summed = await room.say("skip", room=DIRECT)
            assert reactions(summed) == ["✅", "❌"]
            post = await room.posted(summed[0])
            assert said in body(await room.react(emoji, post, room=DIRECT))
            assert await room.react("✅", post, room=DIRECT) == []

    @pytest.mark.parametrize("line", ["cancel", "Annuler", "STOP", "stop."])
    async def test_it_ends_anywhere(self, room: Room, line: str) -> None:
        for lines in ((), ("Up the hill",), ("Up the hill", "project", "skip")):
            await begun(room)
            assert "put this aside" in await says(room, *lines, line)
            assert "conversation" in await says(room, "Hello there")
        assert await room.let_pass(timedelta(hours=1)) == []

    async def test_one_step_back_and_to_the_first_no_further(self, room: Room) -> None:
        await begun(room)
        assert "What kind" in await says(room, "Up the hill", "project", "back")
        assert "be called" in await says(room, "retour")
        assert (await says(room, "back")).startswith("This is the first question already.")
        assert "- Name: Down the hill" in await says(room, "Down the hill", "project", "skip")
        assert "What is it about" in await says(room, "back")

    async def test_something_else_than_yes_or_no_is_asked_again(self, room: Room) -> None:
        await begun(room)
        again = await says(room, "Up the hill", "project", "skip", "perhaps")
        assert again.startswith("I need a yes or a no here, not “perhaps”.\n\nIs this right?")


class TestInBetween:
    async def test_another_command_is_answered_and_the_question_put_again(self, room: Room) -> None:
        await begun(room)
        effects = await room.say("note write Something", room=DIRECT)
        answer, question = (effect for effect in effects if isinstance(effect, Say))
        assert answer.body == '`{"text": "Something"}`'
        assert question.body == "Back to my question:\n\nWhat will the group be called?"
        assert "What kind" in await says(room, "Up the hill")

    async def test_help_is_there_and_a_choice_of_that_name_is_a_choice(self, room: Room) -> None:
        await begun(room)
        assert "What you can do here" in body(await room.say("help", room=DIRECT))
        assert "What you can do here" in body(await room.say("help group", room=DIRECT))
        assert "What kind" in await says(room, "Help desk")

    async def test_where_a_list_is_what_is_none_of_it_may_be_the_noun_of_a_command(self, room: Room) -> None:
        await begun(room)
        await says(room, "Up the hill")
        assert '"words": "photo"' in body(await room.say("note photo", room=DIRECT))
        assert "What is it about" in await says(room, "project")

    async def test_a_new_dialogue_replaces_the_old_one_and_says_so(self, room: Room) -> None:
        await begun(room)
        await says(room, "Up the hill")
        again = await says(room, "plan a walk")
        assert again.startswith("I have put the earlier questions aside. One question at a time.")
        assert "What kind" in await says(room, "Down the hill")

    async def test_a_whole_command_of_the_same_kind_is_done_at_once(self, room: Room) -> None:
        await begun(room)
        assert '"name": "Quick one"' in body(await room.say("walk plan Quick one", room=DIRECT))

    async def test_it_expires_and_says_so_once(self, room: Room) -> None:
        await begun(room)
        await room.let_pass(timedelta(minutes=20))
        await says(room, "Up the hill")
        assert await room.let_pass(timedelta(minutes=20)) == []
        [gone] = await room.let_pass(timedelta(minutes=11))
        assert isinstance(gone, Say)
        assert gone.body == "No answer within 30 minutes, so I have put my questions aside. Nothing was done."
        assert await room.let_pass(timedelta(hours=2)) == []
        assert "conversation" in await says(room, "project")

    async def test_it_goes_on_after_a_restart(self, room: Room) -> None:
        await begun(room)
        for line, said in (("Up the hill", "What kind"), ("1", "Which space"), ("Garden", "about"), ("-", "right")):
            room.restart()
            assert said in await says(room, line)
        room.restart()
        assert '"name": "Up the hill"' in await says(room, "yes")

    async def test_others_and_other_rooms_are_no_part_of_it(self, room: Room) -> None:
        await begun(room)
        assert await room.say("Up the hill", room=PHOTO) == []
        assert "What you can do" in await room.ask("!esn help", room=PHOTO)
        assert "What kind" in await says(room, "Up the hill")

    async def test_whoever_left_the_community_is_asked_no_more(self, room: Room) -> None:
        await begun(room)
        room.community = the_community(audiences={"partners": room.community.audiences["partners"]})
        room.restart()
        assert await says(room, "Up the hill") == ""
        assert len(await room.let_pass(timedelta(hours=1))) == 1

    async def test_in_a_group_the_usage_says_how_to_be_asked(self, room: Room) -> None:
        answer = await room.ask("!esn walk plan")
        assert "`NAME` is missing." in answer
        assert answer.endswith("Write to me directly, and I will ask you step by step.")
        assert "Write to me directly" not in await room.ask("!esn group create")


class TestSecondThoughts:
    async def test_an_answer_that_was_not_taken_can_be_edited(self, room: Room) -> None:
        await begun(room)
        await says(room, "x" * 50)
        assert "What kind" in await only(await room.edit(room.last, "Up the hill", room=DIRECT))

    async def test_an_answer_that_was_taken_stays_until_one_goes_back(self, room: Room) -> None:
        await begun(room)
        await says(room, "Up the hill")
        assert "I keep your first answer." in await only(await room.edit(room.last, "Down", room=DIRECT))
        assert "- Name: Up the hill" in await says(room, "project", "skip")

    async def test_an_edited_answer_is_itself_after_a_restart_and_can_be_edited_again(self, room: Room) -> None:
        await begun(room)
        await says(room, "x" * 50)
        first = room.last
        assert "characters" in await only(await room.edit(first, "y" * 50, room=DIRECT))
        await room.edit(first, "Up the hill", room=DIRECT)
        room.restart()
        assert "- Name: Up the hill" in await says(room, "project", "skip")

    async def test_a_removed_answer_is_asked_for_again(self, room: Room) -> None:
        await begun(room)
        await says(room, "Up the hill")
        name = room.last
        await says(room, "project")
        assert "be called" in await only(await room.redact(name, room=DIRECT))
        assert "What kind" in await says(room, "Down the hill")

    async def test_a_reaction_that_is_taken_back_is_asked_for_again(self, room: Room) -> None:
        await begun(room)
        question = await room.say("Up the hill", room=DIRECT)
        await room.react("2️⃣", await room.posted(question[0]), room=DIRECT)
        chosen = room.last
        assert await room.redact(chosen, sender=ALI, room=DIRECT) == []
        assert "What kind" in await only(await room.redact(chosen, room=DIRECT))

    async def test_the_command_removed_takes_all_questions_with_it(self, room: Room) -> None:
        await says(room, "language english")
        begin = await room.say("walk plan", room=DIRECT)
        command = room.last
        second = await room.say("Up the hill", room=DIRECT)
        gone = [effect.event for effect in await room.redact(command, room=DIRECT) if isinstance(effect, Redact)]
        posts = [await room.posted(effect) for effect in [*begin, *second] if isinstance(effect, Say)]
        assert set(posts) <= set(gone)
        assert len(gone) == 5, "two questions and three buttons"
        assert await room.redact(command, room=DIRECT) == []
        assert "conversation" in await says(room, "project")
        assert await room.let_pass(timedelta(hours=1)) == []

    async def test_what_is_kept_is_exported_and_erased(self, room: Room) -> None:
        await begun(room)
        await says(room, "Up the hill")
        assert room.module.export is not None
        async with room.database.read() as conn:
            kept = await room.module.export(conn, ZOE)
        assert kept["dialogue"]["room"] == DIRECT
        assert "hill" not in str(kept)
