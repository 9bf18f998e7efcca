"""Pages from chats: written, read, put in order, by those who may."""

from __future__ import annotations

import re

import pytest

from esnbot.engine.effects import Attach
from tests.features.house import ALI, BOT, EVE, MAX, PAT, ZOE, House, of, said
from tests.features.page.saying import answer, post

WRITE = '!esn page write "First steps"\nAsk Zoé for a key.\n\nSee [[Keys]].'


class TestWriting:
    async def test_a_page_is_a_message_in_its_group_and_people_read_it_there(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        posted, told = said(await any_house.say(WRITE))
        assert posted.room == "key:cafe"
        assert posted.body.startswith("📄 First steps")
        assert "Ask Zoé for a key." in posted.body
        assert "First steps is there" in told.body
        shown = await answer(any_house, '!esn page show "FIRST STEPS"')
        assert "Ask Zoé for a key." in shown
        assert "Version 1" in shown
        assert "First steps" in await answer(any_house, "!esn page list")

    async def test_the_same_in_french(self, any_house: House) -> None:
        told = await answer(any_house, '!rse page écrire "Premiers pas" Demandez une clé à Zoé.')
        assert "Premiers pas" in told
        assert "Demandez une clé" in await answer(any_house, '!rse page montrer "premiers pas"')

    async def test_a_new_text_takes_the_place_of_ones_own_and_of_others_only_when_it_names_the_version(
        self, any_house: House
    ) -> None:
        await any_house.ask("!esn language en", ALI)
        await any_house.ask("!esn language en")
        await any_house.say(WRITE)
        assert "version 2" in await answer(any_house, '!esn page write "First steps" Ask Ali.')
        refused = await answer(any_house, '!esn page write "First steps" Ask Max.', ALI)
        assert "`--version 2`" in refused
        assert "Ask Ali." in await answer(any_house, '!esn page show "First steps"')
        assert "version 3" in await answer(any_house, '!esn page write "First steps" --version 2 Ask Max.', ALI)

    async def test_two_who_write_at_once_both_stand(self, any_house: House) -> None:
        await any_house.ask("!esn language en", ALI)
        await any_house.say("!esn page write Bread Take flour.\nAdd water.\nWait.")
        await any_house.say("!esn page write Bread --version 1 Take rye flour.\nAdd water.\nWait.", ALI)
        post, thread, told = said(
            await any_house.say("!esn page write Bread --version 1 Take flour.\nAdd water.\nWait. Bake.")
        )
        assert "Take rye flour." in post.body
        assert "Wait. Bake." in post.body
        assert ALI in thread.mentions
        assert thread.thread
        assert "version 3" in told.body

    async def test_who_changes_the_same_words_sees_both_and_decides(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        await any_house.put_in("!chat", ZOE, BOT)
        await any_house.say("!esn page write Bread Wait for an hour.", MAX)
        await any_house.say("!esn page write Bread --version 1 Wait for two hours.", ALI)
        (refused,) = said(await any_house.say("!esn page write Bread --version 1 Wait for a night."))
        for words in ("Not saved", "an hour", "two hours", "a night", "--version 2"):
            assert words in refused.body
        assert "two hours" in await answer(any_house, "!esn page show Bread")
        assert "a night" in await answer(any_house, "page draft", room="!chat")
        await any_house.say("both", room="!chat")
        shown = await answer(any_house, "!esn page show Bread")
        assert "two hours" in shown
        assert "a night" in shown
        assert "nothing that you have written" in await answer(any_house, "page draft", room="!chat")

    async def test_a_long_page_is_kept_to_its_last_word(self, house: House) -> None:
        words = "A line.\n" * 2_500 + "The last word."
        (file,) = of(await house.say(f"!esn page write Long {words}"), Attach)
        assert words in file.text
        (file,) = of(await house.say(f"!esn page add Long {words}\nAnd more."), Attach)
        assert file.text.count("A line.") == 5_000
        assert "And more." in file.text

    async def test_something_is_put_below(self, house: House) -> None:
        await house.say(WRITE)
        await house.say('!esn page add "First steps" And a badge.', ALI)
        shown = await answer(house, '!esn page show "First steps"')
        assert shown.index("Ask Zoé") < shown.index("And a badge.")

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ('page write ".." x', "`..`"),
            ('page write "a/../b" x', "`..`"),
            ('page write "../../etc/passwd" x', "`..`"),
            ('page write "nowhere/page" x', "/"),
            (f'page write "{"x" * 9_000}" x', "100 characters"),
            ('page write "\u202e" x', "missing"),
            ('page write "\u200b" x', "at least one letter"),
            ('page write "[[x]]" x', "sign"),
            ("page show nothing", "no page called"),
            ("page add nothing more", "no page called"),
            ('page move nothing --under "x"', "no page called"),
            ("page edit", "NAME"),
        ],
    )
    async def test_what_cannot_be_done_is_said_in_one_clear_sentence(
        self, house: House, line: str, expected: str
    ) -> None:
        await house.ask("!esn language en")
        assert expected in await answer(house, f"!esn {line}")
        assert "no page here yet" in await answer(house, "!esn page list")

    @pytest.mark.parametrize("name", ["<b>Who", "🎉 Party", "صفحة البداية", "@room", "C#", "x" * 100])
    async def test_names_of_all_kinds_are_shown_as_they_are(self, house: House, name: str) -> None:
        posted, *_ = said(await house.say(f'!esn page write "{name}" text'))
        assert "<b>" not in posted.html.replace("<b>By", "")
        assert "@room" not in posted.body
        assert "text" in await answer(house, f'!esn page show "{name}"')


class TestWhoMay:
    async def test_only_those_in_the_group_write_and_who_may_not_read_learns_nothing(self, house: House) -> None:
        for user in (ZOE, PAT):
            await house.ask("!esn language en", user)
        await house.put_in("!secret", MAX)
        await house.put_in("!chat", ZOE, BOT)
        await house.say("!esn page write Plans Surprise.", MAX, "!secret")
        for line in ("page show Plans", 'page show "Club secret/Plans"', 'page list --in "Club secret"', "page list"):
            assert "Surprise" not in (shown := await answer(house, line, room="!chat"))
            assert "Plans" not in re.sub("called “[^”]+”", "", shown)
        assert await house.say("!esn page list", EVE) == []

    async def test_an_open_group_is_read_from_outside_and_not_written(self, house: House) -> None:
        await house.ask("!esn language en")
        await house.put_in("!help", MAX)
        await house.put_in("!chat", ZOE, BOT)
        await house.say("!esn page write Printer Turn it off and on.", MAX, "!help")
        assert "Turn it off" in await answer(house, "page show Entraide/Printer", room="!chat")
        assert "may post there" in await answer(house, "page add Entraide/Printer Kick it.", room="!chat")
        assert "may post there" in await answer(house, "page edit Entraide/Printer", room="!chat")

    async def test_a_paused_person_writes_nothing(self, house: House) -> None:
        await house.hear(
            type="m.room.power_levels",
            sender=BOT,
            state_key="",
            content={"users": {BOT: 100, ZOE: -1}},
        )
        assert "!esn page" not in "".join(one.room for one in said(await house.say(WRITE)) if one.room == "key:cafe")
        assert not [one for one in said(await house.say(WRITE)) if one.room == "key:cafe"]

    async def test_owners_protect_a_page(self, house: House) -> None:
        for user in (ZOE, MAX):
            await house.ask("!esn language en", user)
        await house.say(WRITE)
        assert "owners" in await answer(house, '!esn page protect "First steps"')
        assert "Only the owners can change" in await answer(house, '!esn page protect "First steps"', MAX)
        assert "protected" in await answer(house, '!esn page add "First steps" x')
        assert "again" in await answer(house, '!esn page unprotect "First steps"', MAX)
        assert "version 2" in await answer(house, '!esn page add "First steps" x')


class TestOrder:
    async def test_pages_stand_below_one_another_and_never_below_themselves(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        await any_house.say("!esn page write Kitchen Here.")
        await any_house.say("!esn page write Bread --under Kitchen Take flour.")
        assert "  - Bread" in await answer(any_house, "!esn page list")
        assert "below itself" in await answer(any_house, "!esn page move Kitchen --under Bread")
        assert "below itself" in await answer(any_house, "!esn page move Kitchen --under Kitchen")
        assert "at the top" in await answer(any_house, "!esn page move Bread")
        assert "Below it" not in await answer(any_house, "!esn page show Kitchen")

    async def test_a_renamed_page_is_found_by_both_names(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        await any_house.say("!esn page write Bread Take flour.")
        await any_house.say("!esn page write Kitchen See [[Bread]].")
        assert "Baguette" in await answer(any_house, "!esn page rename Bread Baguette")
        assert "Take flour." in await answer(any_house, "!esn page show bread")
        assert "Kitchen" in await answer(any_house, "!esn page links Baguette")
        assert "already" in await answer(any_house, "!esn page rename Kitchen baguette")

    async def test_history_differences_and_any_version_back(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        await any_house.say("!esn page write Bread Wait for an hour.")
        await any_house.say("!esn page write Bread Wait for two hours.")
        history = await answer(any_house, "!esn page history Bread")
        assert "Version 1" in history
        assert "Version 2" in history
        compared = await answer(any_house, "!esn page compare Bread")
        assert "Wait for [-an hour-][+two hours+]." in compared
        await any_house.say("!esn page restore Bread 1")
        assert "an hour" in await answer(any_house, "!esn page show Bread")
        assert "Version 3" in await answer(any_house, "!esn page history Bread")

    async def test_what_is_put_away_comes_back_whole(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        await any_house.say("!esn page write Bread Take flour.")
        assert "put away" in await answer(any_house, "!esn page remove Bread")
        assert "no page" in await answer(any_house, "!esn page show Bread")
        assert "was put away" in await answer(any_house, "!esn page write Bread Other.")
        assert "is back" in await answer(any_house, "!esn page restore Bread")
        assert "Take flour." in await answer(any_house, "!esn page show Bread")


class TestLongTexts:
    async def chat(self, house: House) -> None:
        for user in (ZOE, ALI):
            await house.ask("!esn language en", user)
        await house.put_in("!chat", ZOE, BOT)
        await house.put_in("!ali", ALI, BOT)

    async def test_one_writes_messages_looks_and_saves(self, any_house: House) -> None:
        await self.chat(any_house)
        assert "Send me the whole text" in await answer(any_house, 'page write Bread --in "Le café"', room="!chat")
        assert said(await any_house.say("Take flour.", room="!chat")) == []
        assert said(await any_house.say("help", room="!chat")) == []
        preview = await answer(any_house, "done", room="!chat")
        assert "Take flour." in preview
        posted = said(await any_house.say("yes", room="!chat"))
        assert posted[0].room == "key:cafe"
        assert "Take flour.\n\nhelp" in posted[0].body
        assert "is there" in posted[-1].body

    async def test_a_reaction_saves_too_and_it_survives_a_restart(self, any_house: House) -> None:
        await self.chat(any_house)
        await any_house.say("!esn page write Bread Take flour.")
        begun = said(await any_house.say("!esn page edit Bread"))
        assert begun[0].room == f"direct:{ZOE}"
        assert "Take flour." in begun[0].body
        await any_house.say("Take rye.", room="!chat")
        any_house.restart()
        (preview,) = said(await any_house.say("done", room="!chat"))
        posted = await any_house.react(preview, "✅", room="!chat")
        assert "Take rye." in said(posted)[0].body

    async def test_a_conflict_keeps_both_until_one_decides(self, any_house: House) -> None:
        await self.chat(any_house)
        await any_house.say("!esn page write Bread Wait for an hour.")
        await any_house.say("page edit Bread", room="!chat")
        await any_house.say("Wait for a night.", room="!chat")
        await any_house.say("done", room="!chat")
        await any_house.say("!esn page write Bread --version 1 Wait for two hours.", ALI)
        (conflict,) = said(await any_house.say("yes", room="!chat"))
        for words in ("Not saved", "an hour", "two hours", "a night"):
            assert words in conflict.body
        any_house.restart()
        posted = said(await any_house.react(conflict, "2️⃣", room="!chat"))
        assert "a night" in posted[0].body
        assert "Version 3" in await answer(any_house, "!esn page history Bread")

    async def test_what_nobody_comes_back_to_is_forgotten(self, any_house: House) -> None:
        from datetime import timedelta

        await any_house.start()
        await self.chat(any_house)
        await any_house.say('page write Bread --in "Le café"', room="!chat")
        await any_house.say("Take flour.", room="!chat")
        await any_house.let_pass(timedelta(hours=3))
        assert "Take" not in await answer(any_house, "help", room="!chat")
        assert "Take flour." in await answer(any_house, "page draft", room="!chat")
        await any_house.let_pass(timedelta(days=32))
        assert "nothing that you have written" in await answer(any_house, "page draft", room="!chat")

    async def test_a_message_that_is_corrected_or_removed_counts_as_it_is_now(self, house: House) -> None:
        await self.chat(house)
        await house.say('page write Bread --in "Le café"', room="!chat")
        for number, body in ((1, "Take flour."), (2, "Take nothing.")):
            await house.hear(event_id=f"$p{number}", room_id="!chat", content={"msgtype": "m.text", "body": body})
        edit = {"msgtype": "m.text", "body": "* Take rye.", "m.new_content": {"msgtype": "m.text", "body": "Take rye."}}
        relation = {"rel_type": "m.replace", "event_id": "$p1"}
        await house.hear(room_id="!chat", content={**edit, "m.relates_to": relation})
        await house.hear(type="m.room.redaction", room_id="!chat", redacts="$p2", content={"redacts": "$p2"})
        preview = await answer(house, "done", room="!chat")
        assert "Take rye." in preview
        assert "nothing" not in preview.lower()
        assert "as it was" in await answer(house, "cancel", room="!chat")

    async def test_what_is_too_long_is_left_out_and_said(self, house: House) -> None:
        await self.chat(house)
        await house.say('page write Bread --in "Le café"', room="!chat")
        await house.say("x" * 50_000, room="!chat")
        assert "left out" in await answer(house, "y" * 20_000, room="!chat")
        await house.say("done", room="!chat")
        assert "is there" in await answer(house, "yes", room="!chat")

    async def test_a_page_that_is_taken_away_meanwhile_loses_nobodys_words(self, any_house: House) -> None:
        await self.chat(any_house)
        root = await post(any_house, "!esn page write Bread Take flour.", ALI)
        await any_house.say("page edit Bread", room="!chat")
        await any_house.say("Take rye.", room="!chat")
        await any_house.hear(type="m.room.redaction", sender=MAX, redacts=root, content={"redacts": root})
        gone, preview = said(await any_house.say("done", room="!chat"))
        assert "not there any more" in gone.body
        assert "Take rye." in preview.body
        posted = said(await any_house.say("yes", room="!chat"))
        assert posted[0].room == "key:cafe"
        assert "Take rye." in posted[0].body

    async def test_what_was_written_on_the_board_goes_on_in_the_chat(self, any_house: House) -> None:
        await self.chat(any_house)
        await any_house.say("!esn page write Bread Wait for an hour.", ALI)
        async with any_house.board() as board:
            zoe = await board.visitor(ZOE)
            await any_house.say("!esn page write Bread Wait for two hours.", ALI)
            await zoe.post("/wiki/cafe/bread/edit", {"words": "Wait for a night.", "base": "1"})
        shown = await answer(any_house, "page draft", room="!chat")
        assert "two hours" in shown
        assert "a night" in shown
        posted = said(await any_house.say("mine", room="!chat"))
        assert "a night" in posted[0].body

    async def test_a_file_is_answered_with_how_it_gets_there(self, house: House) -> None:
        await self.chat(house)
        file = {"msgtype": "m.file", "body": "bread.md", "url": "mxc://example.org/x"}
        assert said(await house.hear(room_id="!chat", content=file)) == []
        await house.say('page write Bread --in "Le café"', room="!chat")
        assert "on the board" in said(await house.hear(room_id="!chat", content=file))[0].body
        assert said(await house.hear(room_id="!cafe", content=file)) == []
