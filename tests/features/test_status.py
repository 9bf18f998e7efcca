"""How the bot is doing, and the switch."""

from __future__ import annotations

from datetime import timedelta

from esnbot.engine.tables import dead_letter
from esnbot.features.status import is_paused
from esnbot.provisioning import wanted
from esnbot.provisioning.events import DRIFT
from esnbot.provisioning.reasons import Reason, Why
from tests.features.house import ALI, MAX, ZOE, House


async def test_an_animator_sees_at_a_glance_that_all_is_well(any_house: House) -> None:
    shown = (await any_house.ask("!rse état", sender=MAX)).splitlines()
    assert shown[0] == "Tout va bien ici"
    assert shown[2:] == [
        "- En attente\xa0: rien, ni à l’arrivée ni au départ",
        "- Mis de côté après un échec\xa0: rien",
        "- Changé à la main depuis hier\xa0: rien",
        "",
        "Rien n’est prévu.",
    ]


async def test_what_is_due_is_shown_as_one_says_it(house: House) -> None:
    await house.start()
    shown = (await house.ask("!rse état", sender=MAX)).splitlines()
    assert shown[-3:] == ["À venir\xa0:", "", "- une amorce pour Le café, aujourd’hui à 9\xa0h\xa030"]


async def test_housekeeping_is_nobodys_business(house: House) -> None:
    await house.say("!rse groupe créer Alpha")
    await house.member(ZOE, "!home")
    assert "Rien n’est prévu." in await house.ask("!rse état", sender=MAX)


async def test_dead_letters_come_with_what_to_do(any_house: House) -> None:
    letter = {"kind": "event", "key": "$x", "module": "group", "room": "", "body": "secret", "error": "oops", "died": 0}
    await any_house.write(lambda conn: conn.execute(dead_letter.insert().values(letter)))
    shown = await any_house.ask("!rse état", sender=MAX)
    assert shown.splitlines()[0] == "Quelque chose demande votre attention"
    assert "Mis de côté après un échec\xa0: 1" in shown
    assert "esnbot dead-letters list" in shown
    assert "secret" not in shown


async def test_drift_since_yesterday_is_shown_and_older_one_is_not(any_house: House) -> None:
    await any_house.tell(DRIFT, key="cafe", what="topic", by=ALI, room_id="!cafe", wanted="a", found="b")
    shown = await any_house.ask("!rse état", sender=MAX)
    assert "Changé à la main depuis hier (1)\xa0: Le café (sujet)" in shown
    assert ALI not in shown
    any_house.clock.advance(timedelta(days=2))
    assert "depuis hier\xa0: rien" in await any_house.ask("!rse état", sender=MAX)


async def test_rooms_that_cannot_be_made_as_wanted_are_named_with_the_reason(any_house: House) -> None:
    taken = Reason("the alias is taken", Why.alias_strangers, {"alias": "#cafe:example.org"})
    await any_house.write(lambda conn: wanted.fail(conn, "cafe", taken))
    shown = await any_house.ask("!rse état", sender=MAX)
    assert shown.splitlines()[0] == "Quelque chose demande votre attention"
    assert "(1)\xa0: Le café (l’adresse `#cafe:example.org` appartient au salon de quelqu’un d’autre)" in shown
    await any_house.say("!esn language english", sender=MAX)
    shown = await any_house.ask("!esn status", sender=MAX)
    assert "Le café (the address `#cafe:example.org` belongs to somebody else's room)" in shown


async def test_a_reason_without_words_of_its_own_is_said_in_general_and_never_raw(house: House) -> None:
    await house.write(lambda conn: wanted.fail(conn, "cafe", Reason("M_WEIRD: Traceback")))
    await house.write(lambda conn: wanted.fail(conn, "help", Reason("alias without a value", Why.alias_strangers)))
    shown = await house.ask("!rse état", sender=MAX)
    said = "quelque chose s’est mal passé\xa0; le journal du serveur dit quoi"
    assert f"Le café ({said}) et Entraide ({said})" in shown
    assert "M_WEIRD" not in shown


async def test_others_are_told_who_can(house: House) -> None:
    for command in ("état", "pause", "reprendre"):
        assert "Seuls" in await house.ask(f"!rse {command}", sender=ZOE)


async def test_a_pause_begins_with_a_yes_and_ends_with_one(any_house: House) -> None:
    assert "Dois-je me taire" in await any_house.ask_first("!rse pause", sender=MAX)
    assert not await any_house.write(is_paused)
    await any_house.agree("!rse pause", sender=MAX)
    assert await any_house.write(is_paused)
    shown = await any_house.ask("!rse état", sender=MAX)
    assert shown.startswith("Je suis en pause")
    assert MAX in shown
    assert "déjà" in await any_house.ask("!rse pause", sender=MAX)
    assert "Dois-je reprendre" in await any_house.ask_first("!rse reprendre", sender=MAX)
    assert await any_house.write(is_paused)
    await any_house.agree("!rse reprendre", sender=MAX)
    assert not await any_house.write(is_paused)
    assert "pas en pause" in await any_house.ask("!rse reprendre", sender=MAX)


async def test_a_pause_outlives_a_restart_and_answers_go_on(house: House) -> None:
    await house.agree("!esn pause", sender=MAX)
    house.restart()
    assert await house.write(is_paused)
    assert "Ce que je sais de vous" in await house.ask("!rse moi")


async def test_export_and_erase_of_an_animator(any_house: House) -> None:
    await any_house.agree("!esn pause", sender=MAX)
    await any_house.tell(DRIFT, key="cafe", what="topic", by=MAX)
    kept = await any_house.export("status", MAX)
    assert [change["what"] for change in kept["changes_by_hand"]] == ["topic"]
    assert "paused_since" in kept
    await any_house.erase("status", MAX)
    assert await any_house.export("status", MAX) == {"changes_by_hand": []}
    assert await any_house.write(is_paused)
