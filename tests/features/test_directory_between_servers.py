"""The directory between two real homeservers: a partner finds what is meant for them, and no hint of anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from esnbot.discovery import discover
from esnbot.matrix.registration import Registration
from esnbot.store import rooms
from esnbot.testing import Person, eventually
from esnbot.testing.board import OpenBoard
from esnbot.testing.homeserver import Homeserver
from tests.town import answer_to, ask, at_work, declared

SPACES = """
spaces:
  home:
    name: The house
    alias: home-{bot}
    audiences: [staff]
    joining: public
    groups:
      cafe: {{name: The café, alias: cafe-{bot}, joining: public, topic: Wages and welding}}
  yard:
    name: The yard
    alias: yard-{bot}
    audiences: [staff, partners]
    joining: public
    groups:
      site: {{name: The site, alias: site-{bot}, joining: public, topic: Welding for all}}
      deal: {{name: The deal, alias: deal-{bot}, joining: invite, topic: Welding in secret}}
"""


@pytest.mark.timeout(240)
async def test_a_partner_finds_groups_and_people_that_are_meant_for_them_only(
    homeserver: Homeserver, partner_homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> None:
    found, partner = discover(), partner_homeserver.server_name
    settings = declared(service, homeserver.url, tmp_path, database_url, SPACES, partner=partner, found=found)
    async with at_work(settings) as app:
        zoe, ali = await homeserver.person("zoe"), await homeserver.person("ali")
        pat = await partner_homeserver.person("pat")
        alias = f"#site-{service.bot_localpart}:{homeserver.server_name}"
        for person in (zoe, pat):
            await person.join(alias, via=homeserver.server_name)
        site = await zoe.resolve(alias)
        assert site is not None
        bot = app.settings.homeserver.bot
        chats: dict[Person, str] = {person: await person.direct_chat(bot) for person in (zoe, ali, pat)}
        for person, chat in chats.items():
            await person.wait_for_text("Hello!", 30, room=chat)

        async def are_in() -> bool:
            async with app.database.read() as conn:
                return {zoe.id, pat.id} <= set(await rooms.members(conn, site))

        await eventually(are_in, 30)
        shown = await ask(pat, chats[pat], "directory")
        assert "One group" in shown
        assert "The site" in shown
        for hidden in ("café", "deal", "house", "Wages", "secret"):
            assert hidden not in shown, hidden
        assert "The café" in await ask(zoe, chats[zoe], "directory welding")
        assert "no such group" in await ask(pat, chats[pat], "directory wages")
        assert (await ask(pat, chats[pat], "directory --for staff --kind event")).startswith("I found no such group")

        await ask(zoe, chats[zoe], "me ask-about jigs, TIG welding")
        await ask(ali, chats[ali], "me ask-about TIG")
        await ask(ali, chats[ali], "me visible partners")
        assert "nobody" in await ask(pat, chats[pat], "who knows TIG")
        await ask(zoe, chats[zoe], "me visible partners")
        found = await ask(pat, chats[pat], "who knows tig")
        assert "Zoe" in found
        assert "Ali" not in found, "they are in no group together"
        both = await ask(ali, chats[ali], "who knows TIG")
        assert {"Zoe", "Ali"} <= set(both.replace(":", " ").split())

        in_the_room = await answer_to(zoe, site, "!esn directory welding")
        assert "The site" in in_the_room.body
        assert "café" not in in_the_room.body

        assert app.board is not None
        board = OpenBoard(app.board.url, app.database, app.clock)
        visitor = await board.visitor(pat.id)
        assert (await visitor.get("/groups/site")).status == 200
        hidden_page, no_page = await visitor.get("/groups/cafe"), await visitor.get("/groups/nothing")
        assert (hidden_page.status, hidden_page.text) == (no_page.status, no_page.text)
        assert hidden_page.status == 404
        listed = (await visitor.get("/directory")).text
        assert "The site" in listed
        assert "café" not in listed
