"""Groups made in chat."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from esnbot.community.group import Joining, Kind, Origin
from esnbot.engine.effects import TEXT, Invite, Kick
from esnbot.features.group import records
from esnbot.provisioning import wanted
from esnbot.provisioning.reasons import Why
from tests.features.house import (
    ALI,
    BOT,
    FILE,
    MAX,
    PAT,
    ZOE,
    House,
    a_community,
    a_group,
    a_house,
    answer_in,
    of,
    said,
)

CREATE = 'groupe créer "Club photo" --type loisir'


async def test_a_wish_becomes_a_group_that_its_maker_owns(any_house: House) -> None:
    assert await any_house.say(f"!rse {CREATE} --sujet 'Les photos'") == []
    group = await any_house.place("club-photo")
    assert (group.name, group.kind, group.topic, group.parent) == ("Club photo", Kind.hobby, "Les photos", "home")
    assert group.owners == {ZOE}
    assert (group.origin, group.joining) == (Origin.chat, Joining.space)


async def test_the_one_answer_comes_with_the_room_in_the_thread_of_the_question(any_house: House) -> None:
    await any_house.say(f"!rse {CREATE}")
    effects = await any_house.make_ready("club-photo")
    welcome, answer = said(effects)
    assert (welcome.room, welcome.msgtype, welcome.body) == ("key:club-photo", TEXT, "Bienvenue aux passionnés.")
    assert answer.room == "!cafe"
    assert answer.thread.startswith("$e")
    assert "https://matrix.to/#/!club-photo?via=example.org" in answer.html
    assert answer.body.startswith("Club photo")
    assert await any_house.make_ready("club-photo", created=False) == []
    assert await any_house.let_pass(timedelta(minutes=1)) == []


async def test_without_a_template_the_first_words_name_who_made_the_group(house: House) -> None:
    await house.say("!esn language english")
    await house.say('!esn group create "Moving" --kind project')
    welcome = said(await house.make_ready("moving"))[0]
    assert welcome.body.startswith("Welcome to Moving!")
    assert ZOE in welcome.html
    assert "What is the goal" in welcome.body


async def test_a_group_of_the_file_gets_the_words_of_its_template_only(house: House) -> None:
    assert said(await house.make_ready("help")) == []


async def test_who_asks_in_private_is_answered_there(house: House) -> None:
    await house.put_in("!direct", ZOE, BOT)
    await house.say(CREATE, room="!direct")
    answer = said(await house.make_ready("club-photo"))[-1]
    assert (answer.room, answer.thread) == ("!direct", "")


async def test_a_room_that_takes_long_is_announced_once_and_then_answered(house: House) -> None:
    await house.say(f"!rse {CREATE}")
    patience, slow = said(await house.let_pass(timedelta(seconds=30)))
    assert patience.body == "Je m’en occupe\u00a0: cela prend un instant."
    assert "un peu plus de temps" in slow.body
    assert slow.replaces == f"post:/commands/{patience.key}"
    _, answer = said(await house.make_ready("club-photo"))
    assert not answer.replaces, "nobody would notice an edit after so long"
    assert answer.thread == patience.thread


async def test_a_word_of_patience_is_said_after_a_moment_and_replaced_by_the_answer(any_house: House) -> None:
    await any_house.say(f"!rse {CREATE}")
    assert await any_house.let_pass(timedelta(seconds=1)) == []
    (patience,) = said(await any_house.let_pass(timedelta(seconds=1)))
    assert patience.thread.startswith("$e")
    assert await any_house.let_pass(timedelta(seconds=10)) == [], "said once"
    _, answer = said(await any_house.make_ready("club-photo"))
    assert (answer.replaces, answer.answers) == (f"post:/commands/{patience.key}", patience.thread)
    assert answer.otherwise is not None
    assert (answer.otherwise.thread, answer.otherwise.body) == (patience.thread, answer.body)
    assert await any_house.let_pass(timedelta(minutes=5)) == []


async def test_an_answer_that_is_there_at_once_needs_no_patience(any_house: House) -> None:
    await any_house.say(f"!rse {CREATE}")
    _, answer = said(await any_house.make_ready("club-photo"))
    assert not answer.replaces
    assert await any_house.let_pass(timedelta(minutes=5)) == []


async def test_who_was_forgotten_is_not_asked_for_patience(house: House) -> None:
    await house.say(f"!rse {CREATE}")
    for module in ("commands", "group"):
        await house.erase(module, ZOE)
    assert await house.let_pass(timedelta(minutes=5)) == []


async def test_a_room_that_cannot_be_made_is_told_once(house: House) -> None:
    await house.say(f"!rse {CREATE}")
    assert "Je n’ai pas encore pu créer Club photo" in answer_in(await house.fail("club-photo"))
    assert await house.fail("club-photo") == []
    assert await house.let_pass(timedelta(minutes=1)) == []


async def test_what_no_further_try_mends_is_given_up_and_its_name_is_free_for_anybody(any_house: House) -> None:
    await any_house.say(f"!rse {CREATE}")
    told = answer_in(await any_house.fail("club-photo", Why.alias_strangers, alias="#club-photo:example.org"))
    assert told == (
        "Je n’ai pas pu créer Club photo\xa0: l’adresse `#club-photo:example.org` appartient au salon de quelqu’un "
        "d’autre. Il n’en reste rien, et son nom est de nouveau libre\xa0: vous pouvez le redemander plus tard, ou "
        "choisir un autre nom tout de suite."
    )
    assert await any_house.write(lambda conn: wanted.get(conn, "club-photo")) is None
    assert await any_house.let_pass(timedelta(minutes=1)) == []

    assert await any_house.say(f"!rse {CREATE}", sender=ALI, room="!help") == []
    assert (await any_house.place("club-photo")).owners == {ALI}
    patience, slow = said(await any_house.let_pass(timedelta(seconds=30)))
    assert {patience.room, slow.room} == {"!help"}
    assert "un peu plus de temps" in slow.body
    told_again = said(await any_house.fail("club-photo", Why.alias_strangers, alias="#club-photo:example.org"))
    assert [(one.room, "Je n’ai pas pu créer" in one.body) for one in told_again] == [("!help", True)]

    await any_house.say(f"!rse {CREATE}")
    answer = said(await any_house.make_ready("club-photo"))[-1]
    assert (answer.room, ") est prêt. " in answer.body) == ("!cafe", True)


async def test_who_was_told_that_it_may_work_out_is_told_when_it_cannot(house: House) -> None:
    await house.say(f"!rse {CREATE}")
    assert "pas encore" in answer_in(await house.fail("club-photo"))
    assert "nom est de nouveau libre" in answer_in(await house.fail("club-photo", Why.refused))
    assert await house.fail("club-photo", Why.refused) == []


async def test_news_of_an_earlier_wish_is_no_news_of_the_one_that_took_its_name(house: House) -> None:
    await house.say(f"!rse {CREATE}")
    await house.fail("club-photo", Why.refused)
    await house.say(f"!rse {CREATE}", sender=ALI)
    assert await house.fail("club-photo", Why.refused, revision=1) == []
    assert (await house.place("club-photo")).owners == {ALI}


async def test_a_room_that_is_there_is_never_given_up(house: House) -> None:
    await house.say(f"!rse {CREATE}")
    await house.make_ready("club-photo")
    assert await house.fail("club-photo", Why.refused) == []
    assert (await house.place("club-photo")).owners == {ZOE}


async def test_who_was_forgotten_is_not_told_and_leaves_nothing_behind(house: House) -> None:
    await house.say(f"!rse {CREATE}")
    await house.erase("group", ZOE)
    assert await house.fail("club-photo", Why.refused) == []
    assert await house.write(lambda conn: wanted.get(conn, "club-photo")) is None


@pytest.mark.parametrize("name", ["Le café", "cafe", "Café!"])
async def test_near_duplicates_are_pointed_out_first_with_a_link(house: House, name: str) -> None:
    question = said(await house.say(f'!rse groupe créer "{name}"'))[0]
    assert "Un groupe de ce genre existe déjà." in question.body
    assert "matrix.to/#/!cafe" in question.html
    assert await house.scheduled("group") == {}


async def test_a_yes_makes_the_group_all_the_same_and_so_does_anyway(house: House) -> None:
    await house.agree('!rse groupe créer "Café"')
    await house.say('!rse groupe créer "Café" --quand-même')
    assert (await house.place("cafe-2")).name == "Café"
    assert (await house.place("cafe-3")).name == "Café"
    assert (await house.place("cafe")).name == "Le café"


async def test_what_could_not_be_made_is_neither_listed_nor_in_the_way(house: House) -> None:
    await house.say("!rse groupe créer Alpha")
    await house.fail("alpha")
    assert "Alpha" not in await house.ask("!rse groupe liste")
    assert await house.say("!rse groupe créer Alpha") == []
    assert (await house.place("alpha-2")).owners == {ZOE}


async def test_what_somebody_may_not_see_is_not_pointed_out(house: House) -> None:
    assert await house.say('!rse groupe créer "Club secret"') == []
    assert (await house.place("club-secret")).owners == {ZOE}


async def test_of_two_who_ask_in_the_same_second_one_wins_and_the_other_is_told(any_house: House) -> None:
    content = {"msgtype": "m.text", "body": "!rse groupe créer Randonnée"}
    told = said(
        await any_house.hear_together(
            {"sender": ZOE, "room_id": "!cafe", "content": content},
            {"sender": ALI, "room_id": "!help", "content": content},
        )
    )
    assert len(told) == 1
    assert "Randonnée" in told[0].body
    assert len((await any_house.place("randonnee")).owners) == 1


async def test_a_key_is_claimed_once_whoever_comes_at_the_same_time(any_house: House) -> None:
    async def claim(user: str) -> bool:
        wish = records.Request("alpha", "Alpha", user, "fr", "!cafe", "", 0)
        return await any_house.write(lambda conn: records.claim(conn, wish))

    assert sorted(await asyncio.gather(claim(ZOE), claim(ALI))) == [False, True]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("x" * 300, "trop long"),
        ("x" * 10_000, "80 caractères au plus"),
        ('"\u200b\u202e"', ""),
    ],
)
async def test_hostile_names_get_a_clear_sentence_and_make_nothing(house: House, name: str, sentence: str) -> None:
    assert sentence in await house.ask(f"!rse groupe créer {name}")
    assert await house.scheduled("group") == {}


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "@room fête", "🎉🎉", "**gras** [lien](http://x.example)"]
)
async def test_names_with_signs_are_shown_as_they_are_and_call_nobody(house: House, name: str) -> None:
    await house.say(f'!rse groupe créer "{name}"')
    (job,) = await house.scheduled("group")
    key = job.removeprefix("slow:")
    for message in said(await house.make_ready(key)):
        assert "<script" not in message.html
        assert "@room" not in message.body
        assert 'href="http://x.example' not in message.html


async def test_a_new_group_can_stand_in_another_space_and_be_for_one_audience(house: House) -> None:
    assert "nulle-part" in await house.ask('!rse groupe créer "Livraisons" --dans nulle-part')
    await house.say('!rse groupe créer "Livraisons" --dans workshop --pour partners')
    group = await house.place("livraisons")
    assert (group.parent, set(group.audiences)) == ("workshop", {"staff", "partners"})
    refused = await house.ask('!rse groupe créer "Factures" --pour partners')
    assert "La maison" in refused
    assert "Partenaires" in refused


async def test_partners_make_groups_in_the_spaces_that_are_meant_for_them(house: House) -> None:
    await house.put_in("!yard", PAT)
    assert await house.say(f"!rse {CREATE}", sender=PAT, room="!yard") == []
    group = await house.place("club-photo")
    assert group.parent == "workshop"
    assert group.owners == {PAT}
    assert "ne connais" in await house.ask('!rse groupe créer "Paie" --dans home', sender=PAT, room="!yard")


async def test_nobody_fills_the_community_in_a_day(sqlite_url: str) -> None:
    async with a_house(sqlite_url, settings={"group": {"a_day": 2}}) as house:
        for name in ("Alpha", "Bravo"):
            await house.say(f"!rse groupe créer {name}")
        assert "2 groupes depuis hier" in await house.ask("!rse groupe créer Charlie")
        house.clock.advance(timedelta(days=1, seconds=1))
        assert await house.say("!rse groupe créer Charlie") == []


# --- finding --------------------------------------------------------------------------------------------------------


async def test_the_list_shows_what_one_may_see_with_links(house: House) -> None:
    shown = said(await house.say("!rse groupe liste"))[0]
    assert shown.body.splitlines()[0] == "3 groupes"
    assert "Le café" in shown.body
    assert "(vous y êtes)" in shown.body
    assert "Toutes les questions" in shown.body
    assert "Club secret" not in shown.body
    assert "Coulisses" not in shown.body
    assert "matrix.to/#/!help?via=example.org" in shown.html


async def test_a_partner_sees_the_groups_of_the_partners_only(house: House) -> None:
    await house.put_in("!yard", PAT)
    await house.say("!esn language english", sender=PAT, room="!yard")
    shown = await house.ask("!esn group list", sender=PAT, room="!yard")
    assert shown.splitlines()[0] == "One group"
    assert "Chantier" in shown


async def test_members_of_a_closed_group_see_it(house: House) -> None:
    await house.put_in("!secret", ZOE)
    assert "Club secret" in await house.ask("!rse groupe liste secret", room="!secret")


async def test_the_list_is_narrowed_by_words_and_kind(house: House) -> None:
    assert "Entraide" in await house.ask("!rse groupe liste QUESTIONS")
    assert "Entraide" in await house.ask("!rse groupe liste --type entraide")
    assert "pas trouvé" in await house.ask("!rse groupe liste licorne")


async def test_a_long_list_ends_with_how_many_more(sqlite_url: str) -> None:
    async with a_house(sqlite_url, settings={"group": {"listed_at_once": 1}}) as house:
        assert "encore 2" in await house.ask("!rse groupe liste")


async def test_joining_means_an_invitation(house: House) -> None:
    effects = await house.say("!rse groupe rejoindre Entraide")
    (invitation,) = of(effects, Invite)
    assert (invitation.room, invitation.user) == ("key:help", ZOE)
    assert "Je vous invite dans Entraide" in answer_in(effects)


async def test_joining_what_one_is_in_or_invited_to_says_so(house: House) -> None:
    assert "déjà" in await house.ask("!rse groupe rejoindre café") or "déjà" in await house.ask(
        "!rse groupe rejoindre cafe"
    )
    await house.put_in("!help", ZOE, membership="invite")
    assert "vous attend" in await house.ask("!rse groupe rejoindre Entraide")


async def test_open_doors_are_shown_and_closed_ones_do_not_exist(sqlite_url: str) -> None:
    community = a_community(
        a_group(),
        a_group("open", "Forum", joining=Joining.public),
        a_group("knock", "Atelier", joining=Joining.knock),
        a_group("secret", "Club secret", joining=Joining.invite),
    )
    async with a_house(sqlite_url, community) as house:
        shown = await house.say("!rse groupe rejoindre Forum")
        assert of(shown, Invite) == []
        assert "matrix.to/#/!open" in said(shown)[0].html
        assert "demandez qu’on vous ouvre" in await house.ask("!rse groupe rejoindre Atelier")
        closed, unknown = [
            await house.ask(f'!rse groupe rejoindre "{name}"') for name in ("Club secret", "Rien du tout")
        ]
        assert closed.splitlines()[0].replace("Club secret", "") == unknown.splitlines()[0].replace("Rien du tout", "")


async def test_leaving_through_the_bot(house: House) -> None:
    effects = await house.say("!rse groupe quitter Entraide")
    assert "n’êtes pas" in answer_in(effects)
    await house.put_in("!help", ZOE)
    effects = await house.say("!rse groupe quitter Entraide")
    assert [(kick.room, kick.user) for kick in of(effects, Kick)] == [("key:help", ZOE)]
    assert "Vous avez quitté Entraide" in answer_in(effects)


async def a_club(house: House) -> None:
    """Zoé's photo club, there with her in it."""
    await house.say(f"!rse {CREATE}")
    await house.make_ready("club-photo")


async def test_the_only_owner_is_asked_before_leaving_and_is_not_called_back(house: House) -> None:
    await a_club(house)
    await house.put_in("!club-photo", MAX)
    effects = await house.agree("!rse groupe quitter", room="!club-photo")
    assert len(of(effects, Kick)) == 1
    assert (await house.place("club-photo")).owners == frozenset()


async def test_an_owner_who_walks_out_owns_it_no_more(house: House) -> None:
    await a_club(house)
    await house.member(ZOE, "!club-photo", "leave")
    assert (await house.place("club-photo")).owners == frozenset()


async def test_an_owner_whom_somebody_removed_stays_the_owner(house: House) -> None:
    await a_club(house)
    await house.member(ZOE, "!club-photo", "leave", sender=BOT)
    assert (await house.place("club-photo")).owners == {ZOE}


# --- keeping --------------------------------------------------------------------------------------------------------


async def test_owners_rename_and_describe_their_group(house: House) -> None:
    await a_club(house)
    assert "Photo et film" in await house.ask('!rse groupe renommer "Photo et film"', room="!club-photo")
    await house.ask('!rse groupe sujet "Images" --groupe "Photo et film"')
    group = await house.place("club-photo")
    assert (group.name, group.topic) == ("Photo et film", "Images")


async def test_others_are_told_who_can(house: House) -> None:
    await a_club(house)
    refused = await house.ask('!rse groupe renommer "À moi" --groupe "Club photo"', sender=ALI)
    assert "propriétaires" in refused
    assert (await house.place("club-photo")).name == "Club photo"


async def test_animators_may_what_owners_may(house: House) -> None:
    await a_club(house)
    await house.ask('!rse groupe renommer "Photos" --groupe "Club photo"', sender=MAX)
    assert (await house.place("club-photo")).name == "Photos"


async def test_what_the_file_states_is_refused_with_file_and_line(house: House) -> None:
    refusal = await house.ask('!rse groupe renommer "Le bar"', sender=MAX)
    assert f"Le café est déclaré dans `{FILE}:41:5`, qui fixe aussi le nom." in refusal
    await house.ask('!rse groupe sujet "Tout et rien"', sender=MAX)
    cafe = await house.place("cafe")
    assert (cafe.name, cafe.topic) == ("Le café", "Tout et rien")


async def test_archiving_needs_a_yes_and_can_be_taken_back(any_house: House) -> None:
    await a_club(any_house)
    question = await any_house.ask_first("!rse groupe archiver", room="!club-photo")
    assert "Archiver Club photo" in question
    assert not (await any_house.place("club-photo")).archived
    await any_house.agree("!rse groupe archiver", room="!club-photo")
    assert (await any_house.place("club-photo")).archived
    assert "archivé" in await any_house.ask('!rse groupe rejoindre "Club photo"', sender=ALI)
    told = said(await any_house.say('!rse groupe rouvrir "Club photo"'))
    assert {(one.room, "rouvert" in one.body) for one in told} == {("key:club-photo", True), ("!cafe", True)}
    assert not (await any_house.place("club-photo")).archived


async def test_an_archived_group_is_named_when_somebody_makes_one_like_it(house: House) -> None:
    await a_club(house)
    await house.agree("!rse groupe archiver", room="!club-photo")
    assert "groupe rouvrir" in await house.ask_first('!rse groupe créer "Le club photo"')


async def test_handing_over_needs_a_yes_and_invites_who_takes_it(house: House) -> None:
    await a_club(house)
    effects = await house.agree(f"!rse groupe confier {ALI} --groupe 'Club photo'")
    assert (await house.place("club-photo")).owners == {ALI}
    assert [invite.user for invite in of(effects, Invite)] == [ALI]
    there, answer = said(effects)
    assert (there.room, there.mentions) == ("key:club-photo", (ALI,))
    assert "appartient désormais à" in answer.body


@pytest.mark.parametrize(
    ("taker", "sentence"), [(BOT, "une personne"), (ZOE, "lui appartient déjà"), (PAT, "ne s’adresse pas")]
)
async def test_a_group_is_not_handed_to_just_anybody(house: House, taker: str, sentence: str) -> None:
    await a_club(house)
    assert sentence in await house.ask(f"!rse groupe confier {taker}", room="!club-photo")
    assert (await house.place("club-photo")).owners == {ZOE}


# --- one person -----------------------------------------------------------------------------------------------------


async def test_export_names_wishes_and_groups_and_erase_takes_them_back(any_house: House) -> None:
    await a_club(any_house)
    await any_house.say("!rse groupe créer Bravo")
    kept = await any_house.export("group", ZOE)
    assert [wish["key"] for wish in kept["asked_for"]] == ["club-photo", "bravo"]
    assert kept["owns"] == ["club-photo", "bravo"]
    await any_house.erase("group", ZOE)
    assert await any_house.export("group", ZOE) == {"asked_for": [], "owns": [], "waiting": []}
    assert (await any_house.place("club-photo")).owners == frozenset()
    assert await any_house.scheduled("group") == {}
    assert len(said(await any_house.make_ready("bravo"))) == 1


async def test_erasing_leaves_what_the_file_says(sqlite_url: str) -> None:
    cafe = a_group(owners=frozenset({ZOE}), stated=frozenset({"name", "owners"}))
    async with a_house(sqlite_url, a_community(cafe)) as house:
        await house.erase("group", ZOE)
        assert (await house.place("cafe")).owners == {ZOE}


async def test_a_list_in_a_room_names_what_all_who_read_there_may_know(any_house: House) -> None:
    await any_house.put_in("!secret", ZOE)
    await any_house.put_in("!yard", ZOE, PAT)
    said = await any_house.ask("!rse groupe liste", room="!yard")
    assert "Chantier" in said
    assert not any(name in said for name in ("Le café", "Entraide", "Club secret"))
    assert "Écrivez-moi directement" in said
    among_us = await any_house.ask("!rse groupe liste")
    assert "Entraide" in among_us
    assert "Club secret" not in among_us
