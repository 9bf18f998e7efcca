"""Links between pages in the room: they read as the names of the pages, and what was written stays as it was."""

from __future__ import annotations

from esnbot.engine.effects import Say
from esnbot.features.text.model import STRUCTURE
from tests.features.house import ALI, BOT, SERVER, ZOE, House, said
from tests.features.page.saying import answer, post

WORDS = "See [[keys]], [[Keys|the box]], [[Le café/Keys]], [[Lamps]] and [[Photo/Keys]].\n\nSo: `[[Keys]]`."


def address_of(root: str) -> str:
    return f"https://matrix.to/#/!cafe/{root}?via={SERVER}"


def page_in(effects: list[object]) -> Say:
    (found,) = [one for one in effects if isinstance(one, Say) and STRUCTURE in one.content]
    return found


async def test_a_link_reads_as_the_title_and_leads_to_the_post_of_the_page(any_house: House) -> None:
    root = await post(any_house, "!esn page write Keys Ask Zoé.")
    posted = page_in(await any_house.say(f'!esn page write "First steps" {WORDS}'))
    html = posted.html
    assert html.count(f'<a href="{address_of(root)}">Keys</a>') == 2
    assert f'<a href="{address_of(root)}">the box</a>' in html
    assert "<em>Lamps</em>" in html
    assert "<em>Keys</em>" in html, "of other groups the name alone"
    assert "<code>[[Keys]]</code>" in html, "code is code"
    assert html.count("[[") == 1
    assert "See Keys (" in posted.body
    assert posted.content[STRUCTURE]["words"] == WORDS


async def test_what_people_change_and_put_together_is_what_was_written(any_house: House) -> None:
    await post(any_house, "!esn page write Keys Ask Zoé.")
    await any_house.put_in("!chat", ZOE, BOT)
    await any_house.say('!esn page write "First steps" Begin.\n\nSee [[Keys]].\n\nEnd.')
    assert "See [[Keys]]." in await answer(any_house, 'page edit "First steps" --in "Le café"', room="!chat")
    await any_house.say('!esn page write "First steps" --version 1 Begin well.\n\nSee [[Keys]].\n\nEnd.', ALI)
    merged, *_ = said(
        await any_house.say('!esn page write "First steps" --version 1 Begin.\n\nSee [[Keys]].\n\nThe end.')
    )
    assert merged.content[STRUCTURE]["words"] == "Begin well.\n\nSee [[Keys]].\n\nThe end."
    assert "[[" not in merged.body
    assert "[[" not in await answer(any_house, '!esn page show "First steps"')


async def test_a_preview_shows_links_as_the_room_will(house: House) -> None:
    await post(house, "!esn page write Keys Ask Zoé.")
    await house.put_in("!chat", ZOE, BOT)
    await house.say('page write "First steps" --in "Le café"', room="!chat")
    await house.say("See [[keys]].", room="!chat")
    shown = await answer(house, "done", room="!chat")
    assert "See Keys (" in shown
    # Who is out by then learns nothing of what is there.
    await house.put_in("!cafe", ZOE, membership="leave")
    await house.say("And [[lamps]].", room="!chat")
    assert "[[keys]]" in await answer(house, "done", room="!chat")


async def test_a_renamed_page_is_called_what_it_is_called_now_and_one_put_away_is_no_link(house: House) -> None:
    root = await post(house, "!esn page write Keys Ask Zoé.")
    await house.say('!esn page rename Keys "Key box"')
    shown = page_in(await house.say('!esn page write "First steps" See [[Keys]].'))
    assert f'<a href="{address_of(root)}">Key box</a>' in shown.html
    await house.say('!esn page remove "Key box"')
    shown = page_in(await house.say('!esn page add "First steps" Again.'))
    assert "<em>Keys</em>" in shown.html


async def test_names_that_mean_something_in_markdown_are_names(house: House) -> None:
    root = await post(house, '!esn page write "a*b_c <b>" text')
    shown = page_in(await house.say('!esn page write "First steps" See [[A*B_C <b>]] and [[*x* <i>]].'))
    assert f'<a href="{address_of(root)}">a*b_c &lt;b&gt;</a>' in shown.html
    assert "<em>*x* &lt;i&gt;</em>" in shown.html


async def test_links_stay_when_a_page_is_posted_once_more(house: House) -> None:
    root = await post(house, "!esn page write Keys Ask Ali.", ALI)
    await post(house, '!esn page write "First steps" See [[keys]].')
    (posted,) = said(await house.erase("text", ZOE))
    assert f'<a href="{address_of(root)}">Keys</a>' in posted.html
    assert posted.content[STRUCTURE]["words"] == "See [[keys]]."


async def test_many_links_that_make_a_message_too_long_go_into_the_file_as_they_were_written(house: House) -> None:
    await post(house, f"!esn page write {'K' * 90} text")
    words = " ".join(f"[[{'k' * 90}]]" for _ in range(250))
    posted, *_ = said(await house.say(f"!esn page write Many {words}"))
    assert len(posted.body.encode()) + len(posted.html.encode()) < 40_000
    assert posted.body.count("matrix.to") <= 12
