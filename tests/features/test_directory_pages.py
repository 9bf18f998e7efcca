"""The directory on the board: the same answers as in chat, with forms that need no scripts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import effects_in
from esnbot.engine.effects import Invite
from esnbot.engine.tables import outbox
from esnbot.testing.board import OpenBoard
from esnbot.testing.browser import PHONE, Browser
from tests.features.house import ALI, MAX, PAT, ZOE, House, a_community, a_group, a_house
from tests.features.test_directory import crowd


@pytest_asyncio.fixture
async def board(house: House) -> AsyncIterator[OpenBoard]:
    """The board over the house."""
    async with house.board() as one:
        yield one


def section(text: str) -> str:
    """What was found, without the form."""
    return text.partition('<section id="found"')[2]


async def test_the_list_has_what_one_may_see_and_a_page_for_each_group(board: OpenBoard) -> None:
    zoe = await board.visitor(ZOE)
    page = await zoe.get("/directory")
    assert page.status == 200
    assert "3 groupes" in page.text
    for name in ("Le café", "Entraide", "Chantier"):
        assert name in page.text
    assert "secret" not in page.text
    links = re.findall(r'href="\.?\.?/?(groups/[^"]+)"', page.text)
    assert len(links) == 3
    for link in links:
        assert (await zoe.get(f"/{link}")).status == 200


async def test_filters_are_a_form_whose_address_can_be_kept(board: OpenBoard) -> None:
    zoe = await board.visitor(ZOE)
    found = section((await zoe.get("/directory?q=QUESTION&kind=help&for=&language=fr")).text)
    assert "Entraide" in found
    assert "café" not in found
    assert "Aucun groupe" in (await zoe.get("/directory?q=zzz")).text
    assert "?q=entraide" in (await zoe.get("/directory?q=entrayde")).text
    assert "Un groupe" in (await zoe.get("/directory?for=partners")).text


async def test_a_group_that_one_may_not_see_is_as_one_that_is_not_there(house: House, board: OpenBoard) -> None:
    zoe, ali, pat = [await board.visitor(who) for who in (ZOE, ALI, PAT)]
    await house.put_in("!secret", ALI)
    for visitor, key in ((zoe, "secret"), (zoe, "backstage"), (pat, "cafe"), (pat, "secret")):
        there, not_there = await visitor.get(f"/groups/{key}"), await visitor.get(f"/groups/{key}x")
        assert (there.status, there.text) == (not_there.status, not_there.text) == (404, there.text)
    assert (await ali.get("/groups/secret")).status == 200
    assert (await (await board.visitor(MAX)).get("/groups/backstage")).status == 200


async def test_a_partner_is_offered_only_what_their_own_groups_leave_to_choose(board: OpenBoard) -> None:
    text = (await (await board.visitor(PAT)).get("/directory")).text
    assert "Un groupe" in text
    for name in ("entraide", "informel", "café", "maison", "secret"):
        assert name not in text.lower(), name


async def test_the_page_of_a_group_says_what_one_needs_to_know(sqlite_url: str) -> None:
    community = a_community(
        a_group("x", "Vélos & <b>cargos</b>", topic="On roule.\n<script>alert(1)</script>", owners=frozenset({ALI}))
    )
    async with a_house(sqlite_url, community) as house:
        await house.put_in("!x", *crowd(5))
        await house.member(ZOE, "!x", "invite")
        async with house.board() as board:
            text = (await (await board.visitor(ZOE)).get("/groups/x")).text
    for part in ("Vélos &amp; &lt;b&gt;", "On roule.", "informel", "Salariés", "silencieux", "français", "invitation"):
        assert part in text, part
    assert f"https://matrix.to/#/{ALI}" in text
    assert "https://matrix.to/#/!x?via=" in text
    assert "<script>" not in text


async def test_people_state_and_take_back_on_the_board(board: OpenBoard, house: House) -> None:
    zoe, ali = await board.visitor(ZOE), await board.visitor(ALI)
    answer = await zoe.post("/people/me", {"add": "Gabarits, <i>TIG</i>"})
    assert answer.status == 303
    mine = (await zoe.get("/people/me")).text
    assert "Gabarits" in mine
    assert "&lt;i&gt;TIG" in mine
    assert "Gabarits" in (await ali.get("/people?q=gabarit")).text
    await zoe.post("/people/me", {"shown_to": "nobody"})
    assert "Gabarits" not in (await ali.get("/people")).text
    await zoe.post("/people/me", {"remove": "gabarits"})
    assert [one["text"] for one in (await house.export("directory", ZOE))["ask_about"]] == ["<i>TIG</i>"]


@pytest.mark.parametrize("text", ["", " , ", "x" * 10_000, ",".join(map(str, range(400_000))), "a," * 21])
async def test_what_cannot_be_kept_is_said_beside_the_field(board: OpenBoard, house: House, text: str) -> None:
    zoe = await board.visitor(ZOE)
    answer = await zoe.post("/people/me", {"add": text})
    if answer.status == 303:
        assert text == "a," * 21, "twenty-one times the same is once"
        return
    assert answer.status in (200, 413)
    if answer.status == 200:
        assert 'aria-invalid="true"' in answer.text
    assert (await house.export("directory", ZOE))["ask_about"] == []


@pytest.mark.parametrize(
    "query",
    [
        "q=" + quote("<script>'\"" * 40),
        "page=999999999999",
        "page=-1",
        "kind=nonsense",
        "for=" + "x" * 9_000,
        "lang=xx",
    ],
)
async def test_any_query_has_an_answer(board: OpenBoard, query: str) -> None:
    zoe = await board.visitor(ZOE)
    for path in ("/directory", "/people"):
        answer = await zoe.get(f"{path}?{query}")
        assert answer.status in (200, 400, 414)
        assert "<script>'" not in answer.text


async def test_strangers_are_sent_to_the_door(board: OpenBoard) -> None:
    for path in ("/directory", "/groups/cafe", "/people", "/people/me"):
        answer = await board.stranger().get(path)
        assert answer.status == 303
        assert "sign-in" in answer.location


async def test_in_a_browser_without_scripts_by_keyboard_and_on_a_phone(house: House, browser: Browser) -> None:
    await house.put_in("!cafe", *crowd(5))
    await house.member(ZOE, "!cafe")
    async with house.board() as board:
        tab = await browser.tab(board, ZOE, size=PHONE, locale="fr-FR", java_script_enabled=False)
        await tab.open("/directory")
        assert not await tab.is_too_wide()
        await tab.page.get_by_label("Des mots de son nom").fill("cafe")
        await tab.page.keyboard.press("Enter")
        await tab.page.get_by_role("link", name="Le café").click()
        assert await tab.page.get_by_role("heading", level=1).inner_text() == "Le café"
        assert not await tab.is_too_wide()
        await tab.open("/people/me")
        await tab.page.get_by_label("Ajouter des sujets").fill("gabarits, soudure TIG, " + "x" * 60)
        await tab.page.get_by_role("button", name="Ajouter").click()
        assert not await tab.is_too_wide()
        await tab.page.get_by_role("button", name="Retirer gabarits").click()
        await tab.page.get_by_label("Personne").check()
        await tab.page.get_by_role("button", name="Enregistrer").click()
        assert await tab.page.get_by_label("Personne").is_checked()
        tab.check()
    kept = await house.export("directory", ZOE)
    assert [one["text"] for one in kept["ask_about"]] == ["soudure TIG", "x" * 60]
    assert kept["shown_to"] == "nobody"


async def test_one_has_oneself_invited_where_the_group_is_open_to_one(house: House, board: OpenBoard) -> None:
    zoe, pat = await board.visitor(ZOE), await board.visitor(PAT)
    assert "Invitez-moi" in (await zoe.get("/groups/help")).text
    answer = await zoe.post("/groups/help/join", {})
    assert answer.status == 303
    assert "Une invitation vous attend" in (await zoe.get("/groups/help?invited=yes")).text
    assert await invited(house) == [("!help", ZOE)]
    assert (await pat.post("/groups/help/join", {})).status == 404
    assert (await pat.post("/groups/secret/join", {})).status == 404
    await house.put_in("!help", ZOE, membership="ban")
    await zoe.post("/groups/help/join", {})
    assert len(await invited(house)) == 1
    page = (await zoe.get("/groups/help")).text
    assert "Invitez-moi" not in page
    assert "pour l’instant" in page


async def test_whoever_asks_past_the_page_is_looked_at_again(house: House) -> None:
    for by, key in ((PAT, "help"), (ZOE, "secret"), (ZOE, "nothing"), ("", "help"), ("@eve:elsewhere.example", "help")):
        assert await house.tell("org.esnbot.let_me_in", by=by, key=key) == []


async def invited(house: House) -> list[tuple[str, str]]:
    """Rooms and people of all invitations that go out."""

    async def job(conn: AsyncConnection) -> list[tuple[str, str]]:
        rows = await conn.execute(select(outbox.c.body).order_by(outbox.c.seq))
        found = [effects_in.read(body) for body in rows.scalars() if body]
        return [(f"!{one.room.partition(':')[2]}", one.user) for one in found if isinstance(one, Invite)]

    return await house.write(job)


async def test_with_scripts_the_list_follows_what_is_typed(house: House, browser: Browser) -> None:
    async with house.board() as board:
        tab = await browser.tab(board, ZOE, locale="fr-FR")
        await tab.open("/directory")
        await tab.page.get_by_label("Des mots de son nom").press_sequentially("quest")
        await tab.page.get_by_role("heading", name="Un groupe").wait_for()
        assert await tab.page.get_by_role("link", name="Le café").count() == 0
        assert "q=quest" in tab.page.url
        await tab.page.get_by_label("Des mots de son nom").fill("")
        await tab.page.get_by_role("heading", name="3 groupes").wait_for()
        await tab.page.get_by_label("Type").select_option("project")
        await tab.page.get_by_role("heading", name="Un groupe").wait_for()
        tab.check()
