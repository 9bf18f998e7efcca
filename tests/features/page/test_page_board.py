"""Pages on the board: read by those who may, written without losing a word."""

from __future__ import annotations

import asyncio
import re

import pytest

from esnbot.features.page import records
from tests.features.house import ALI, MAX, PAT, ZOE, House, said
from tests.features.page.saying import answer

EN = {"Accept_Language": "en"}


def field(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(f'name="{name}" value="([^"]*)"', html)
    return found[1] if found else ""


async def bread(house: House, words: str = "Take flour.\n\nWait for an hour.\n\nBake.") -> None:
    for user in (ZOE, ALI, MAX):
        await house.ask("!esn language en", user)
    await house.say(f"!esn page write Bread\n{words}")


class TestReading:
    async def test_a_page_with_its_links_children_and_what_links_here(self, any_house: House) -> None:
        await bread(any_house, "# Dough\nSee [[Oven]] and [[Nowhere|that one]].\n## Rest\n## Bake\n`[[code]]`")
        await any_house.say("!esn page write Oven --under Bread Hot. Back to [[bread]].")
        async with any_house.board() as board:
            zoe = await board.visitor(ZOE)
            assert "Le café" in (await zoe.get("/wiki")).text
            assert 'href="../wiki/cafe/bread"' in (await zoe.get("/wiki/cafe")).text
            page = (await zoe.get("/wiki/cafe/bread")).text
            assert '<a href="../../wiki/cafe/oven">Oven</a>' in page
            assert re.search(r'<a class="to-write" href="[^"]*/-/new\?name=Nowhere">that one <span>', page)
            assert '<h2 id="section-1">Dough</h2>' in page
            assert 'href="#section-3"' in page
            assert "<code>[[code]]</code>" in page
            assert "What links here" in page
            assert "Below this page" in page

    async def test_who_may_not_read_gets_the_same_answer_as_for_what_is_not_there(self, any_house: House) -> None:
        await bread(any_house)
        await any_house.put_in("!secret", MAX)
        await any_house.say("!esn page write Plans Surprise.", MAX, "!secret")
        await any_house.say("!esn page write Links See [[Club secret/Plans]] and [[Club secret/Nothing]].")
        async with any_house.board() as board:
            zoe, pat, max_ = [await board.visitor(user) for user in (ZOE, PAT, MAX)]
            for path in ("", "/edit", "/history", "/diff", "/order", "/talk"):
                closed, nothing = [await zoe.get(f"/wiki/{key}/plans{path}") for key in ("secret", "nothing")]
                assert (closed.status, closed.text.replace("secret", "nothing")) == (404, nothing.text)
            assert (await pat.get("/wiki/cafe/bread")).status == 404
            assert "Club secret" not in (await zoe.get("/wiki")).text
            assert "Club secret" in (await max_.get("/wiki")).text
            links = (await zoe.get("/wiki/cafe/links")).text
            assert "/secret/" not in links
            assert "<em>Plans</em>" in links
            assert "<em>Nothing</em>" in links
            assert "Links" not in (await max_.get("/wiki/secret/plans")).text.split("What links here")[0]
            assert (await board.stranger().get("/wiki/cafe/bread")).status == 303

    async def test_the_pages_of_encrypted_groups_are_not_there(self, any_house: House) -> None:
        await bread(any_house)
        await any_house.hear(type="m.room.encryption", sender=MAX, state_key="", content={"algorithm": "x"})
        async with any_house.board() as board:
            zoe = await board.visitor(ZOE)
            assert (await zoe.get("/wiki/cafe/bread")).status == 404
            assert (await zoe.post("/wiki/cafe/bread/edit", {"words": "x", "base": "1"})).status == 404
            assert "in their chats only" in (await zoe.get("/wiki", **EN)).text

    @pytest.mark.parametrize(
        "path",
        [
            "/wiki/cafe/..%2f..%2fetc",
            "/wiki/cafe/%00",
            "/wiki/" + "x" * 5_000,
            "/wiki/cafe/bread/diff?from=99&to=7",
            "/wiki/cafe/bread?version=99999999999999999999",
            "/wiki/cafe/bread?version=-1",
            "/wiki/cafe/%F0%9F%8E%89",
        ],
    )
    async def test_bad_addresses_do_no_harm(self, house: House, path: str) -> None:
        await bread(house)
        async with house.board() as board:
            assert (await (await board.visitor(ZOE)).get(path)).status in (200, 303, 400, 404)

    async def test_markup_in_a_page_is_text(self, house: House) -> None:
        await bread(house, '<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=y> [[a"onclick=b]]')
        async with house.board() as board:
            page = (await (await board.visitor(ZOE)).get("/wiki/cafe/bread")).text.split("<article")[1]
            assert "<script" not in page
            assert "<img" not in page
            assert 'href="javascript' not in page
            assert 'onclick=b"' not in page


class TestWriting:
    async def test_a_page_is_begun_changed_and_brought_back(self, any_house: House) -> None:
        await bread(any_house)
        async with any_house.board() as board:
            zoe = await board.visitor(ZOE)
            begun = await zoe.post("/wiki/cafe/-/new", {"name": "Oven & Co", "words": "Hot.", "under": "1"})
            assert (begun.status, begun.location) == (303, "../../../wiki/cafe/oven%20%26%20co")
            editor = (await zoe.get("/wiki/cafe/oven%20%26%20co/edit")).text
            assert "Hot." in editor
            saved = await zoe.post(
                "/wiki/cafe/oven%20%26%20co/edit", {"words": "Hotter.", "base": field(editor, "base")}
            )
            assert saved.location.endswith("/oven%20%26%20co")
            assert "Hotter." in (await zoe.get("/wiki/cafe/oven%20%26%20co")).text
            assert "Hot." in (await zoe.get("/wiki/cafe/oven%20%26%20co?version=1")).text
            changed = (await zoe.get("/wiki/cafe/oven%20%26%20co/diff", **EN)).text
            assert '<ins><span class="sign">+</span>Hotter' in changed
            assert '<del><span class="sign">-</span>Hot' in changed
            await zoe.post("/wiki/cafe/oven%20%26%20co/order", {"do": "restore", "number": "1"})
            assert "Hot." in (await zoe.get("/wiki/cafe/oven%20%26%20co")).text
            await zoe.post("/wiki/cafe/oven%20%26%20co/order", {"do": "rename", "name": "Stove"})
            assert (await zoe.get("/wiki/cafe/oven%20%26%20co")).location.endswith("/wiki/cafe/stove")
            loop = await zoe.post("/wiki/cafe/bread/order", {"do": "move", "under": "2"}, **EN)
            assert "below itself" in loop.text
            await zoe.post("/wiki/cafe/stove/order", {"do": "hide"})
            assert (await zoe.get("/wiki/cafe/stove")).status == 404

    async def test_one_who_only_reads_is_refused_kindly_and_keeps_what_they_wrote(self, any_house: House) -> None:
        await bread(any_house)
        await any_house.put_in("!help", MAX)
        await any_house.say("!esn page write Printer Off and on.", MAX, "!help")
        async with any_house.board() as board:
            zoe = await board.visitor(ZOE)
            assert "/edit" not in (await zoe.get("/wiki/help/printer")).text
            refused = await zoe.post("/wiki/help/printer/edit", {"words": "Kick it.", "base": "1"}, **EN)
            assert "may post there" in refused.text
            assert "Kick it" not in (await zoe.get("/wiki/help/printer")).text

    @pytest.mark.parametrize(
        ("name", "words", "expected"),
        [
            ("..", "x", "`..`"),
            ("a/b", "x", "/"),
            ("", "x", "needs a name"),
            ("x" * 10_000, "x", "characters"),
            ("Bread", "x", "already"),
            ("brEAD\u0301", "x", "already"),
            ("New", "", "needs some text"),
            ("New", "x" * 60_001, "60,001 characters"),
        ],
    )
    async def test_what_cannot_be_is_said_and_what_was_written_stays_in_the_form(
        self, house: House, name: str, words: str, expected: str
    ) -> None:
        await bread(house)
        async with house.board() as board:
            zoe = await board.visitor(ZOE)
            refused = await zoe.post("/wiki/cafe/-/new", {"name": name, "words": words}, **EN)
            assert refused.status == 200
            assert expected.strip("`") in refused.text
            assert words[:50] in refused.text
            assert "New" not in (await zoe.get("/wiki/cafe")).text

    async def test_two_who_change_different_words_both_stand(self, any_house: House) -> None:
        await bread(any_house)
        async with any_house.board() as board:
            zoe, ali = await board.visitor(ZOE), await board.visitor(ALI)
            await zoe.post(
                "/wiki/cafe/bread/edit", {"words": "Take rye flour.\n\nWait for an hour.\n\nBake.", "base": "1"}
            )
            merged = await ali.post(
                "/wiki/cafe/bread/edit", {"words": "Take flour.\n\nWait for an hour.\n\nBake well.", "base": "1"}
            )
            page = (await ali.get(merged.location.replace("../../..", ""), **EN)).text
            assert "Take rye flour." in page
            assert "Bake well." in page
            assert "both changes stand together" in page

    async def test_two_who_change_the_same_words_the_second_sees_both(self, any_house: House) -> None:
        await bread(any_house)
        words = "Take flour.\n\nWait for {}.\n\nBake."
        async with any_house.board() as board:
            zoe, ali = await board.visitor(ZOE), await board.visitor(ALI)
            await zoe.post("/wiki/cafe/bread/edit", {"words": words.format("two hours"), "base": "1"})
            conflict = await ali.post("/wiki/cafe/bread/edit", {"words": words.format("a night"), "base": "1"})
            path = conflict.location.replace("../../..", "")
            assert "/edit?draft=" in path
            editor = (await ali.get(path, **EN)).text
            assert '<pre class="theirs">Wait for two hours.' in editor
            assert '<pre class="yours">Wait for a night.' in editor
            assert "Wait for two hours.\nWait for a night." in editor
            assert "a night" not in (await ali.get("/wiki/cafe/bread")).text
            assert "Wait for a night." in (await ali.get("/wiki/cafe/bread/edit")).text
            assert "a night" not in (await zoe.get("/wiki/cafe/bread/edit")).text
            await ali.post(
                "/wiki/cafe/bread/edit",
                {
                    "words": words.format("two hours or a night"),
                    "base": field(editor, "base"),
                    "draft": field(editor, "draft"),
                },
            )
            assert "two hours or a night" in (await ali.get("/wiki/cafe/bread")).text
            drafts = await any_house.write(lambda conn: records.drafts_of(conn, ALI))
            assert drafts == []

    async def test_many_at_once_lose_no_word(self, any_house: House) -> None:
        lines = [f"line{number}" for number in range(8)]
        await bread(any_house, "\n\n".join(lines))
        async with any_house.board() as board:
            visitors = [await board.visitor(user) for user in (ZOE, ALI, MAX)]

            async def write(number: int) -> None:
                words = "\n\n".join(f"{line} new{number}" if at == number else line for at, line in enumerate(lines))
                await visitors[number % 3].post("/wiki/cafe/bread/edit", {"words": words, "base": "1"})

            await asyncio.gather(*(write(number) for number in range(8)))
            page = (await visitors[0].get("/wiki/cafe/bread")).text
            assert all(f"line{number} new{number}" in page for number in range(8))

    async def test_two_begin_the_same_page_at_once_and_one_is_told(self, any_house: House) -> None:
        await bread(any_house)
        async with any_house.board() as board:
            zoe, ali = await board.visitor(ZOE), await board.visitor(ALI)
            answers = await asyncio.gather(
                zoe.post("/wiki/cafe/-/new", {"name": "Café", "words": "Zoé's words"}, **EN),
                ali.post("/wiki/cafe/-/new", {"name": "cafe", "words": "Ali's words"}, **EN),
            )
            assert sorted(one.status for one in answers) == [200, 303]
            refused = next(one for one in answers if one.status == 200)
            assert "already" in refused.text
            assert "s words" in refused.text

    async def test_a_board_form_can_be_looked_at_first(self, house: House) -> None:
        await bread(house)
        async with house.board() as board:
            zoe = await board.visitor(ZOE)
            looked = (await zoe.post("/wiki/cafe/bread/edit", {"words": "**Bold**", "base": "1", "do": "preview"})).text
            assert "<strong>Bold</strong>" in looked
            piece = (await zoe.post("/wiki/cafe/-/preview", {"words": "**Bold** <i>"})).text
            assert piece == "<strong>Bold</strong> &lt;i&gt;"
            assert "Take flour." in await answer(house, "!esn page show Bread")


async def test_the_board_tells_nobody_but_the_room(any_house: House) -> None:
    await bread(any_house)
    assert all(one.room in ("!cafe", "key:cafe") for one in said(await any_house.say("!esn page add Bread Eat.")))
