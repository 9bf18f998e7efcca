"""Pages in a real browser: two people who write at once, the keyboard, a phone, and a browser without scripts."""

from __future__ import annotations

import io
import os
import re
import zipfile
from pathlib import Path

from playwright.async_api import FilePayload

from esnbot.testing.browser import PHONE, Tab, Windows
from tests.features.house import ALI, MAX, ZOE, House, a_house, said

WORDS = """# Dough
Take flour, see [[Oven]] and [[Sourdough]].

Wait for an hour.

## Rest
Cover it with a **cloth**.

| What | How much |
| --- | --- |
| flour | 500 g |

## Bake
Hot, then hotter: `240 °C`.
"""


async def a_wiki(house: House) -> None:
    for user in (ZOE, ALI, MAX):
        await house.ask("!esn language en", user)
    await house.hear(
        type="m.room.member", sender=ALI, state_key=ALI, content={"membership": "join", "displayname": "Ali Durand"}
    )
    assert said(await house.say(f"!esn page write Bread\n{WORDS}"))
    await house.say("!esn page write Oven --under Bread Hot. Back to [[Bread]].")


async def look(tab: Tab, name: str) -> None:
    """Keep a picture where somebody asked for it, to be looked at."""
    folder = os.environ.get("ESNBOT_SCREENSHOTS")
    if folder:
        await tab.page.screenshot(path=Path(folder) / f"page-{name}.png", full_page=True)
    assert not await tab.is_too_wide()
    tab.check()


async def test_two_write_at_once_and_the_second_sees_both(database_url: str, browser: Windows) -> None:
    async with a_house(database_url) as house:
        await a_wiki(house)
        async with house.board() as board:
            zoe, ali = await browser.tab(board, ZOE), await browser.tab(board, ALI)
            for tab in (zoe, ali):
                await tab.open("/wiki/cafe/bread")
                await tab.page.get_by_role("link", name="Edit").click()
            await ali.page.get_by_label("Text").fill(WORDS.replace("an hour", "two hours"))
            await ali.page.get_by_role("button", name="Save").click()
            await ali.page.wait_for_url("**/wiki/cafe/bread")
            await zoe.page.get_by_label("Text").fill(WORDS.replace("an hour", "a night").replace("240", "250"))
            await zoe.page.get_by_role("button", name="Save").click()

            await zoe.page.wait_for_url("**/edit?draft=*")
            assert "Ali Durand changed the same passage" in await zoe.text()
            assert (await zoe.page.inner_text(".theirs")).strip() == "Wait for two hours."
            assert (await zoe.page.inner_text(".yours")).strip() == "Wait for a night."
            mine = await zoe.page.input_value("#words")
            assert "Wait for two hours.\nWait for a night." in mine
            assert "250 °C" in mine
            await look(zoe, "conflict")
            await zoe.page.get_by_label("Text").fill(mine.replace("hours.\nWait for a", "hours, or a"))
            await zoe.page.get_by_role("button", name="Save").click()
            await zoe.page.wait_for_url("**/wiki/cafe/bread")
            text = await zoe.text()
            assert "Wait for two hours, or a night." in text
            assert "250 °C" in text
            await look(zoe, "read")

            await zoe.page.get_by_role("link", name="History").click()
            assert "Version 3" in await zoe.text()
            await look(zoe, "history")
            await zoe.page.get_by_role("button", name="Compare the two").click()
            assert "+" in await zoe.page.inner_text("ins >> nth=0")
            await look(zoe, "diff")


async def test_two_changes_of_different_passages_both_stand(sqlite_url: str, browser: Windows) -> None:
    async with a_house(sqlite_url) as house:
        await a_wiki(house)
        async with house.board() as board:
            zoe, ali = await browser.tab(board, ZOE), await browser.tab(board, ALI)
            for tab in (zoe, ali):
                await tab.open("/wiki/cafe/bread/edit")
            await ali.page.get_by_label("Text").fill(WORDS.replace("flour,", "rye flour,"))
            await ali.page.get_by_role("button", name="Save").click()
            await ali.page.wait_for_url("**/wiki/cafe/bread")
            await zoe.page.get_by_label("Text").fill(WORDS.replace("cloth", "lid"))
            await zoe.page.get_by_role("button", name="Save").click()
            await zoe.page.wait_for_url("**/bread?merged=3")
            text = await zoe.text()
            assert "both changes stand together" in text
            assert "rye flour" in text
            assert "lid" in text


async def test_a_page_is_begun_with_the_keyboard_alone(sqlite_url: str, browser: Windows) -> None:
    async with a_house(sqlite_url) as house:
        await a_wiki(house)
        async with house.board() as board:
            tab = await browser.tab(board, ZOE)
            await tab.open("/wiki/cafe")
            await look(tab, "contents")
            await tab.page.get_by_role("link", name="Begin a page").focus()
            await tab.page.keyboard.press("Enter")
            await tab.page.wait_for_url("**/-/new")
            assert await tab.page.evaluate("document.activeElement.id") == "name"
            await tab.page.keyboard.type("Sourdough")
            for _ in range(2):
                await tab.page.keyboard.press("Tab")
            await tab.page.keyboard.type("Feed it **daily**.")
            for _ in range(2):
                await tab.page.keyboard.press("Tab")
            await tab.page.keyboard.press("Enter")
            await tab.page.wait_for_selector("#preview strong")
            assert await tab.page.inner_text("#preview strong") == "daily"
            assert tab.page.url.endswith("/-/new")
            await look(tab, "new")
            await tab.page.keyboard.press("Shift+Tab")
            await tab.page.keyboard.press("Enter")
            await tab.page.wait_for_url("**/wiki/cafe/sourdough")
            assert "Feed it daily." in await tab.text()
            assert "What links here" in await tab.text()


async def test_on_a_phone_and_without_scripts(sqlite_url: str, browser: Windows) -> None:
    async with a_house(sqlite_url) as house:
        await a_wiki(house)
        async with house.board() as board:
            tab = await browser.tab(
                board, ZOE, size=PHONE, locale="fr-FR", color_scheme="dark", java_script_enabled=False
            )
            await tab.open("/wiki?lang=fr")
            await tab.page.get_by_role("link", name="Le café").click()
            await tab.page.get_by_role("link", name="Bread").click()
            await look_at_phone(tab, "phone")
            await tab.page.get_by_role("link", name=re.compile("Sourdough")).click()
            assert await tab.page.input_value("#name") == "Sourdough"
            await tab.page.get_by_label("Texte").fill("Du **levain**.")
            await tab.page.get_by_role("button", name="Voir d’abord").click()
            assert await tab.page.inner_text("#preview strong") == "levain"
            await tab.page.get_by_role("button", name="Enregistrer").click()
            assert "Du levain." in await tab.text()


async def look_at_phone(tab: Tab, name: str) -> None:
    folder = os.environ.get("ESNBOT_SCREENSHOTS")
    if folder:
        await tab.page.screenshot(path=Path(folder) / f"page-{name}.png", full_page=True)
    tab.check()


def a_zip(*files: tuple[str, bytes]) -> bytes:
    """A zip of files as somebody made it who means no good."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


GOOD = ("pages/ok.md", b"# Fine\nAll is well.")
HOSTILE = {
    "outside": (a_zip(GOOD, ("../../etc/evil.md", b"# Evil")), "would lie outside of its folder"),
    "bomb": (a_zip(GOOD, ("pages/big.md", b"a" * 50_000_000)), "larger than 20 megabytes"),
    "many": (a_zip(*((f"{n}.md", b"") for n in range(6_000))), "6,000 files in it, and at most 200 are taken"),
    "broken": (a_zip(GOOD, ("pages/b.md", b"# B\n\xff\xfe")), "is not written in UTF-8"),
    "no-zip": (b"hello", "no zip that can be read"),
    "too-large": (b"x" * 1_100_000, "at most one megabyte fits"),
}


async def test_a_hostile_archive_is_refused_whole_with_a_sentence(sqlite_url: str, browser: Windows) -> None:
    async with a_house(sqlite_url) as house:
        await house.ask("!esn language en")
        async with house.board() as board:
            tab = await browser.tab(board, ZOE)
            for name, (data, why) in HOSTILE.items():
                await tab.open("/wiki/cafe/-/files")
                file = FilePayload(name=f"{name}.zip", mimeType="application/zip", buffer=data)
                await tab.page.get_by_label("A zip of Markdown files").set_input_files([file])
                await tab.page.get_by_role("button", name="Bring them in").click()
                await tab.page.get_by_text(why).wait_for()
                await tab.open("/wiki/cafe")
                assert "Fine" not in await tab.text()
            # A browser notes for developers that an upload was refused; nothing else went wrong.
            assert all("413" in error for error in tab.errors)
