"""What happens to pages: templates bring the first ones, rooms take them away, files carry them, people go."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientSession, FormData
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Kind
from esnbot.community.model import Template, TemplateText
from esnbot.engine.effects import Attach
from esnbot.features import search, text
from esnbot.features.group.events import GROUP_BORN
from esnbot.features.page import records
from esnbot.features.page.archive import Leaf, packed, unpacked
from esnbot.features.search import Readable
from esnbot.testing import eventually
from esnbot.testing.board import Visitor
from esnbot.web.guard import CSRF_FIELD, Cookies, csrf_token
from tests.features.house import ALI, BOT, MAX, ZOE, House, a_community, a_house, said
from tests.features.page.saying import answer, post

EN = {"Accept_Language": "en"}


async def found(house: House, words: str) -> list[str]:
    async def job(conn: AsyncConnection) -> list[str]:
        return [hit.title for hit in await search.find(conn, words, Readable.of("cafe", "help"), kinds=("page",))]

    return await house.write(job)


class TestRooms:
    async def test_what_is_taken_away_in_the_room_is_taken_away_here(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        root = await post(any_house, "!esn page write Bread Take flour.")
        edit = await post(any_house, "!esn page write Bread Take poison.")
        assert await found(any_house, "poison") == ["Bread"]
        await any_house.hear(type="m.room.redaction", sender=MAX, redacts=edit, content={"redacts": edit})
        assert "Take flour." in await answer(any_house, "!esn page show Bread")
        assert await found(any_house, "poison") == []
        await any_house.hear(type="m.room.redaction", sender=MAX, redacts=root, content={"redacts": root})
        assert "no page called" in await answer(any_house, "!esn page show Bread")
        assert await found(any_house, "flour") == []
        await post(any_house, "!esn page write Bread Anew.")
        assert "Anew." in await answer(any_house, "!esn page show Bread")

    async def test_pages_are_searched_as_they_are_called_and_found_until_they_are_put_away(
        self, any_house: House
    ) -> None:
        await post(any_house, '!esn page write "Pain d’épices" Farine et miel.')
        assert await found(any_house, "épice") == ["Pain d’épices"]
        await any_house.say('!esn page rename "pain d’epices" "Gâteau"')
        assert await found(any_house, "gateau") == ["Gâteau"]
        await any_house.say('!esn page remove "Gâteau"')
        assert await found(any_house, "farine") == []
        await any_house.say('!esn page restore "Gâteau"')
        assert await found(any_house, "farine") == ["Gâteau"]

    async def test_the_talk_is_the_thread_of_the_message(self, house: House) -> None:
        root = await post(house, "!esn page write Bread Take flour.")
        async with house.board() as board:
            zoe = await board.visitor(ZOE)
            assert "/wiki/cafe/bread/talk" in (await zoe.get("/wiki/cafe/bread")).text
            talk = await zoe.get("/wiki/cafe/bread/talk")
            assert talk.location == f"https://matrix.to/#/!cafe/{root}?via=example.org"


class TestTemplates:
    async def test_a_group_begins_with_the_pages_of_its_template(self, database_url: str) -> None:
        pages = (
            TemplateText("rules", {"en": "House rules", "fr": "Règles"}, {"en": "Be kind.", "fr": "Soyez aimables."}),
            TemplateText("bad", {"en": "../x"}, {"en": "x"}),
            TemplateText("empty", {"en": "Empty"}, {}),
        )
        template = Template(Kind.hobby, pages=pages)
        community = replace(a_community(), templates={"hobby": template})
        async with a_house(database_url, community) as house:
            for _ in range(2):
                born = await house.tell(
                    GROUP_BORN, key="cafe", template="hobby", kind="hobby", language="fr", owners=[ZOE], rooms={}
                )
            assert not said(born)
            listed = await answer(house, "!rse page liste")
            assert "Règles" in listed
            assert "x" not in listed.replace("Règles", "")
            shown = await answer(house, "!rse page montrer regles")
            assert "Soyez aimables." in shown
            await house.tell(GROUP_BORN, key="nowhere", template="hobby", language="fr")
            await house.tell(GROUP_BORN, key="help", template="unknown", language="fr")


@asynccontextmanager
async def visiting(house: House, user: str = ZOE) -> AsyncIterator[Visitor]:
    async with house.board() as board:
        yield await board.visitor(user)


async def bring(visitor: Visitor, place: str, name: str, data: bytes, **fields: str) -> str:
    """Send a file as a browser does; the page that comes back."""
    form = FormData()
    form.add_field(CSRF_FIELD, csrf_token(visitor.token))
    form.add_field("file", data, filename=name)
    for key, value in fields.items():
        form.add_field(key, value)
    headers = {"Cookie": f"{Cookies(secure=False).session}={visitor.token}", "Accept-Language": "en"}
    async with (
        ClientSession() as session,
        session.post(f"{visitor.url}/wiki/{place}/-/files", data=form, headers=headers) as answered,
    ):
        return await answered.text()


async def take(visitor: Visitor, place: str, query: str = "") -> bytes:
    headers = {"Cookie": f"{Cookies(secure=False).session}={visitor.token}"}
    async with (
        ClientSession() as session,
        session.get(f"{visitor.url}/wiki/{place}/-/export{query}", headers=headers) as answered,
    ):
        assert answered.status == 200
        return await answered.read()


async def _has_notes(house: House, place: str) -> bool:
    return bool(await house.write(lambda conn: text.of_place(conn, place, text.NOTE)))


class TestFiles:
    async def test_what_is_taken_away_comes_back_the_same(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        await any_house.put_in("!help", ZOE)
        await any_house.say("!esn page write Bread Take flour. See [[Oven]].")
        await any_house.say("!esn page write Oven --under Bread Hot.")
        await any_house.say("!esn page rename Oven Stove")
        async with visiting(any_house) as zoe:
            data = await take(zoe, "cafe")
            names = zipfile.ZipFile(io.BytesIO(data)).namelist()
            assert names == ["pages/Bread.md", "pages/Bread/Stove.md"]
            assert "Pages begun: 2" in await bring(zoe, "help", "pages.zip", data)
            again = unpacked(await take(zoe, "help"))
            assert [(leaf.title, leaf.words, leaf.parent, leaf.names) for leaf in again] == [
                (leaf.title, leaf.words, leaf.parent, leaf.names) for leaf in unpacked(data)
            ]
            assert "said the same: 2" in await bring(zoe, "help", "pages.zip", data)
            assert (await zoe.get("/wiki/help/oven")).location.endswith("/wiki/help/stove")

    async def test_notes_come_along(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        await any_house.put_in("!help", ZOE)
        await any_house.say("!esn note keep TCP/IP, which drill?\nTwelve millimetres. #tools")
        async with visiting(any_house) as zoe:
            data = await take(zoe, "cafe")
            (note,) = unpacked(data)
            assert (note.kind, note.title, note.tags) == ("note", "TCP/IP, which drill?", ("tools",))
            assert "Notes: 1" in await bring(zoe, "help", "notes.zip", data)
            await eventually(lambda: _has_notes(any_house, "help"))
            (again,) = unpacked(await take(zoe, "help"))
            assert (again.kind, again.title, again.words, again.tags) == (note.kind, note.title, note.words, note.tags)
            assert "Notes: 0" in await bring(zoe, "help", "notes.zip", data)

    async def test_all_or_nothing(self, any_house: House) -> None:
        await any_house.ask("!esn language en")
        await any_house.say("!esn page write Bread Take flour.")
        other = packed([Leaf(title="Aaa", words="x"), Leaf(title="Bread", words="Other.")])
        async with visiting(any_house) as zoe:
            assert "Nothing was taken" in await bring(zoe, "cafe", "x.zip", other)
            assert "Aaa" not in (await zoe.get("/wiki/cafe")).text
            too_long = packed([Leaf(title="Aaa", words="x"), Leaf(title="Bbb", words="y " * 40_000)])
            assert "characters" in await bring(zoe, "cafe", "x.zip", too_long)
            assert "Aaa" not in (await zoe.get("/wiki/cafe")).text
            done = await bring(zoe, "cafe", "x.zip", other, replace="yes")
            assert "Pages begun: 1" in done
            assert "new version: 1" in done
            assert "Take flour." in (await zoe.get("/wiki/cafe/bread?version=1")).text

    @pytest.mark.parametrize("name", ["x.zip", "x.md", "../../x.md", "x.exe"])
    async def test_rubbish_is_a_sentence(self, house: House, name: str) -> None:
        async with visiting(house) as zoe:
            refused = await bring(zoe, "cafe", name, b"\xff\x00PK\x03\x04")
            assert 'class="mistake"' in refused

    async def test_who_only_reads_brings_nothing(self, house: House) -> None:
        await house.ask("!esn language en")
        async with visiting(house) as zoe:
            refused = await bring(zoe, "help", "x.zip", packed([Leaf(title="Aaa", words="x")]))
            assert "may post there" in refused
            assert "Aaa" not in (await zoe.get("/wiki/help")).text

    async def test_git_has_every_version(self, house: House) -> None:
        await house.say("!esn page write Bread One.")
        await house.say("!esn page write Bread Two.")
        async with visiting(house) as zoe:
            bundle = await take(zoe, "cafe", "?format=git")
            assert bundle.startswith(b"# v2 git bundle")

    async def test_the_command_leads_to_them(self, house: House) -> None:
        await house.ask("!esn language en")
        await house.put_in("!chat", ZOE, BOT)
        assert "no page here yet" in await answer(house, "!esn page export")
        await house.say("!esn page write Bread One.")
        assert "direct chat" in await answer(house, "!esn page export")
        sent = await house.say('page export --in "Le café"', room="!chat")
        (file,) = [effect for effect in sent if isinstance(effect, Attach)]
        assert file.room == "!chat"
        assert "One." in file.text


class TestOnePerson:
    async def test_what_somebody_has_not_saved_is_theirs_and_goes_with_them(self, any_house: House) -> None:
        await any_house.put_in("!chat", ALI, BOT)
        await any_house.say('page write Bread --in "Le café"', ALI, "!chat")
        await any_house.say("Take flour.", ALI, "!chat")
        kept = await any_house.export("page", ALI)
        assert kept["drafts"][0]["name"] == "Bread"
        await any_house.erase("page", ALI)
        assert (await any_house.export("page", ALI)) == {"drafts": []}
        assert await any_house.write(lambda conn: records.drafts_of(conn, ALI)) == []

    async def test_what_they_saved_stays_without_their_name(self, any_house: House) -> None:
        await post(any_house, "!esn page write Bread Take flour.", ALI)
        await any_house.erase("text", ALI)
        await any_house.erase("page", ALI)
        shown = await answer(any_house, "!esn page show Bread")
        assert "Take flour." in shown
        assert "ali" not in shown.lower()
