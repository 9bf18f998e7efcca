"""Making a group by answering questions, and second thoughts about one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from esnbot.community.group import Kind
from esnbot.engine.effects import Redact
from tests.features.house import BOT, ZOE, House, a_community, a_house, answer_in, of, said

CREATE = 'groupe créer "Club photo" --type loisir'


class TestDialogue:
    """Making a group in a direct chat, one question at a time."""

    async def talk(self, house: House, *lines: str) -> str:
        """Zoé writes in her direct chat; the last answer."""
        answer = ""
        for line in lines:
            answer = answer_in(await house.say(line, room="!direct"))
        return answer.replace("\u00a0", " ").replace("\u202f", " ")

    @pytest.mark.parametrize("line", ["créer un groupe", "groupe créer", "create a group", "nouveau groupe"])
    async def test_a_group_is_made_by_answering(self, any_house: House, line: str) -> None:
        await any_house.put_in("!direct", ZOE, BOT)
        assert "Comment s’appellera le groupe ?" in await self.talk(any_house, line)
        asked = await self.talk(any_house, "Club échecs")
        assert "De quel type de groupe s’agit-il ?" in asked
        assert "2. loisir" in asked
        assert "`passer` veut dire : informel." in asked
        assert "De quoi parlera-t-il" in await self.talk(any_house, "2", "passer", "La maison")
        summed = await self.talk(any_house, "Le jeudi midi")
        assert "- Nom : Club échecs\n- Modèle : loisir\n" in summed
        assert "- Sujet : Le jeudi midi" in summed
        any_house.restart()
        assert await self.talk(any_house, "oui") == ""
        group = await any_house.place("club-echecs")
        assert (group.name, group.kind, group.topic) == ("Club échecs", Kind.hobby, "Le jeudi midi")
        assert (group.parent, group.audiences) == ("home", ())
        assert group.owners == {ZOE}
        answer = said(await any_house.make_ready("club-echecs"))[-1]
        assert (answer.room, answer.thread) == ("!direct", "")

    async def test_whom_it_is_for_and_where_are_asked_where_there_is_a_choice(self, house: House) -> None:
        await house.put_in("!direct", ZOE, BOT)
        asked = await self.talk(house, "groupe créer", "Essais", "projet")
        assert "À qui s’adressera-t-il ?\n\n1. Salariés\n2. Salariés et Partenaires" in asked
        assert "toutes les personnes de son espace" in asked
        # For partners, one space is left: nobody is asked.
        assert "De quoi parlera-t-il" in await self.talk(house, "Partenaires")
        asked = await self.talk(house, "retour", "Salariés")
        assert "Dans quel espace sera-t-il ?\n\n1. La maison\n2. L'atelier" in asked
        assert "`passer` veut dire : La maison." in asked
        summed = await self.talk(house, "2", "passer")
        assert "- Pour : Salariés\n- Dans : L'atelier" in summed
        await self.talk(house, "oui")
        group = await house.place("essais")
        assert (group.parent, group.audiences) == ("workshop", ("staff",))

    async def test_where_there_is_no_choice_nobody_is_asked(self, sqlite_url: str) -> None:
        community = a_community()
        alone = {"home": community.spaces["home"]}
        groups = {key: group for key, group in community.groups.items() if group.parent == "home"}
        async with a_house(sqlite_url, replace(community, spaces=alone, groups=groups)) as house:
            await house.put_in("!direct", ZOE, BOT)
            assert "De quoi parlera-t-il" in await self.talk(house, "groupe créer", "Essais", "projet")
            assert "- Dans : La maison" in await self.talk(house, "passer")

    async def test_an_unusable_name_is_said_when_it_is_given(self, house: House) -> None:
        await house.put_in("!direct", ZOE, BOT)
        assert "trop long" in await self.talk(house, "créer un groupe", "x" * 200)
        assert "De quel type" in await self.talk(house, "Échecs")

    async def test_a_group_like_it_is_pointed_out_in_the_summary(self, house: House) -> None:
        await house.put_in("!direct", ZOE, BOT)
        summed = await self.talk(house, "créer un groupe", "Café", "passer", "passer", "passer", "passer")
        assert "Un groupe de ce genre existe déjà." in summed
        assert "- Modèle : informel" in summed
        await self.talk(house, "oui")
        assert (await house.place("cafe-2")).name == "Café"

    async def test_a_removed_command_takes_the_answer_that_came_later_with_it(self, house: House) -> None:
        await house.hear(content={"msgtype": "m.text", "body": f"!rse {CREATE}"}, event_id="$wish")
        await house.make_ready("club-photo")
        removed = await house.hear(type="m.room.redaction", redacts="$wish", content={})
        assert [one.room for one in of(removed, Redact)] == ["!cafe"]
        assert (await house.place("club-photo")).owners == {ZOE}

    async def test_a_refused_wish_can_be_corrected(self, house: House) -> None:
        await house.hear(content={"msgtype": "m.text", "body": '!rse groupe créer "\u200b"'}, event_id="$wish")
        new = {"msgtype": "m.text", "body": "!rse groupe créer Alpha"}
        relation = {"rel_type": "m.replace", "event_id": "$wish"}
        content = {**new, "body": "* Alpha", "m.new_content": new, "m.relates_to": relation}
        removed = await house.hear(content=content)
        assert len(of(removed, Redact)) == 1
        assert (await house.place("alpha")).owners == {ZOE}
