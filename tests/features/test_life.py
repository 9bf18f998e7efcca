"""The life of groups: quiet ones are asked what shall become of them, and owners who leave are replaced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from esnbot.community.group import Kind, Source
from esnbot.community.model import Template
from esnbot.engine.effects import Effect, React, Say
from esnbot.engine.tables import outbox
from esnbot.features.life import last_heard, records
from esnbot.features.life.model import BUTTONS, Choice
from esnbot.features.life.settings import LifeSettings
from esnbot.provisioning import wanted
from esnbot.provisioning.events import ROOM_ARCHIVED
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

PARIS = ZoneInfo("Europe/Paris")
QUIET = timedelta(days=92)
WEEK = timedelta(days=9)
DAY = timedelta(days=1)


async def a_club(house: House, *members: str) -> None:
    """Zoé's club, made in chat, with its room; everybody named is in it."""
    await house.say('!rse groupe créer "Club photo" --type loisir')
    await house.make_ready("club-photo")
    await house.put_in("!club-photo", ZOE, *members)
    await house.start()


async def pass_by(house: House, span: timedelta) -> list[Effect]:
    """Days pass, and the last one with all that happens on it; what was due before is late."""
    house.clock.advance(span - DAY)
    return await house.let_pass(DAY)


async def post_of(house: House, room: str = "!club-photo") -> str:
    """The event id of the last question in a room."""

    async def job(conn: Any) -> str:
        query = select(outbox.c.event_id).where(
            outbox.c.key.like("life/ask:%"), outbox.c.room == room, outbox.c.kind == "Say"
        )
        return str((await conn.execute(query.order_by(outbox.c.seq.desc()).limit(1))).scalar_one())

    return await house.write(job)


async def press(
    house: House, choice: Choice, person: str = ZOE, room: str = "!club-photo", **more: Any
) -> list[Effect]:
    """Somebody reacts to the last question."""
    relation = {"rel_type": "m.annotation", "event_id": await post_of(house, room), "key": BUTTONS[choice]}
    content = {"m.relates_to": relation}
    return await house.hear(**{"sender": person, "room_id": room, "type": "m.reaction", "content": content, **more})


def asked(effects: list[Effect]) -> list[Say]:
    return [one for one in said(effects) if one.key.startswith("ask:")]


async def test_a_group_where_nobody_wrote_for_long_is_asked_once_with_what_each_answer_does(any_house: House) -> None:
    await a_club(any_house, ALI)
    assert asked(await pass_by(any_house, timedelta(days=88))) == []
    effects = await pass_by(any_house, timedelta(days=7))
    (question,) = [one for one in asked(effects) if one.room == "key:club-photo"]
    first, *_ = question.body.split("\n")
    assert first == "Personne n’a écrit ici depuis 94\xa0jours. Que doit devenir Club photo\xa0?"
    for word in ("garder", "archiver", "confier", "fusionner", "rouvrir"):
        assert word in question.body
    buttons = [one.emoji for one in of(effects, React) if one.to == f"post:{question.key}"]
    assert buttons == ["🌱", "📦", "🤝", "🔀"]


async def test_it_is_asked_on_a_working_day_outside_the_quiet_hours(house: House) -> None:
    await a_club(house)
    due = (await house.scheduled("life"))["look"]
    assert f"{due.astimezone(PARIS):%a %H:%M}" == "Mon 10:00"
    await pass_by(house, timedelta(days=4, hours=4))
    due = (await house.scheduled("life"))["look"]
    assert f"{due.astimezone(PARIS):%a %H:%M}" == "Mon 10:00", "not at a weekend"


async def test_talk_keeps_a_group_from_being_asked_and_only_the_time_is_kept(house: House) -> None:
    await a_club(house)
    await pass_by(house, timedelta(days=60))
    await house.say("Une image de la semaine", room="!club-photo")
    assert [one for one in asked(await pass_by(house, timedelta(days=60))) if one.room == "key:club-photo"] == []
    heard = await house.write(last_heard)
    assert heard["club-photo"] == datetime(2026, 5, 1, 7, tzinfo=UTC)


async def test_what_the_bot_says_is_no_talk(house: House) -> None:
    await a_club(house)
    await pass_by(house, timedelta(days=60))
    await house.say("Bonjour", sender=BOT, room="!club-photo")
    assert [one for one in asked(await pass_by(house, timedelta(days=35))) if one.room == "key:club-photo"]


async def test_an_owners_answer_counts_at_once(any_house: House) -> None:
    await a_club(any_house, ALI)
    await pass_by(any_house, QUIET)
    (archived,) = said(await press(any_house, Choice.archive))
    assert archived.body.startswith("Club photo est archivé, comme vous le vouliez.")
    assert (await any_house.place("club-photo")).archived
    assert await press(any_house, Choice.keep) == [], "it is decided"
    assert (await any_house.place("club-photo")).archived


async def test_members_are_counted_and_the_last_answer_of_each_is_theirs(any_house: House) -> None:
    await a_club(any_house, ALI, MAX)
    await pass_by(any_house, QUIET)
    assert said(await press(any_house, Choice.archive, ALI)) == []
    assert said(await press(any_house, Choice.keep, ALI)) == []
    assert said(await press(any_house, Choice.keep, MAX)) == []
    effects = await pass_by(any_house, WEEK)
    (kept,) = [one for one in said(effects) if one.room == "key:club-photo"]
    assert kept.body.startswith("Club photo reste ouvert. Je ne poserai plus la question")
    assert not (await any_house.place("club-photo")).archived
    later = await pass_by(any_house, timedelta(days=80))
    assert [one for one in asked(later) if one.room == "key:club-photo"] == []
    assert [one for one in asked(await pass_by(any_house, timedelta(days=20))) if one.room == "key:club-photo"]


async def test_as_many_for_one_as_for_the_other_means_what_changes_least(house: House) -> None:
    await a_club(house, ALI, MAX)
    await pass_by(house, QUIET)
    await press(house, Choice.archive, ALI)
    await press(house, Choice.keep, MAX)
    await pass_by(house, WEEK)
    assert not (await house.place("club-photo")).archived


async def test_an_answer_that_is_taken_back_does_not_count(house: House) -> None:
    await a_club(house, ALI, MAX)
    await pass_by(house, QUIET)
    await press(house, Choice.archive, ALI, event_id="$pressed")
    await house.hear(type="m.room.redaction", sender=ALI, room_id="!club-photo", content={"redacts": "$pressed"})
    effects = await pass_by(house, WEEK)
    assert not (await house.place("club-photo")).archived
    assert [one.key for one in asked(effects) if one.room == "key:club-photo"] == ["ask:2:2"], "nobody answered"


async def test_words_below_the_question_are_answers_too(house: House) -> None:
    await a_club(house, ALI)
    await pass_by(house, QUIET)
    relation = {"rel_type": "m.thread", "event_id": await post_of(house)}
    content = {"msgtype": "m.text", "body": "On garde !", "m.relates_to": relation}
    effects = await house.hear(sender=ZOE, room_id="!club-photo", content=content)
    assert "reste ouvert" in answer_in(effects)


async def test_without_any_answer_there_is_a_second_notice_and_then_the_archive_loses_nothing(any_house: House) -> None:
    await a_club(any_house, ALI)
    before = await any_house.place("club-photo")
    await pass_by(any_house, QUIET)
    second = [one for one in asked(await pass_by(any_house, WEEK)) if one.room == "key:club-photo"]
    assert [one.body.split("\n")[0] for one in second] == [
        "Faut-il archiver Club photo\xa0? Personne n’a encore répondu."
    ]
    assert not (await any_house.place("club-photo")).archived
    effects = await pass_by(any_house, WEEK)
    assert any("personne n’a répondu" in one.body for one in said(effects) if one.room == "key:club-photo")
    assert (await any_house.place("club-photo")).archived
    await any_house.tell(ROOM_ARCHIVED, key="club-photo", room_id="!club-photo")
    assert [one for one in asked(await pass_by(any_house, QUIET)) if one.room == "key:club-photo"] == []
    await any_house.say('!rse groupe rouvrir "Club photo"')
    assert await any_house.place("club-photo") == before


async def test_talk_while_the_question_is_open_is_an_answer(house: House) -> None:
    await a_club(house, ALI)
    await pass_by(house, QUIET)
    await pass_by(house, timedelta(days=1))
    await house.say("Tiens, une photo", sender=ALI, room="!club-photo")
    effects = await pass_by(house, timedelta(days=30))
    assert [one for one in said(effects) if one.room == "key:club-photo"] == []
    assert not (await house.place("club-photo")).archived


async def test_strangers_and_those_outside_do_not_decide(house: House) -> None:
    await a_club(house, PAT)
    await pass_by(house, QUIET)
    for person in (ALI, PAT, BOT):
        assert said(await press(house, Choice.archive, person)) == []
    await pass_by(house, WEEK)
    assert not (await house.place("club-photo")).archived


async def test_hand_over_asks_who_wants_it_and_the_first_has_it(any_house: House) -> None:
    await a_club(any_house, ALI, MAX)
    await pass_by(any_house, QUIET)
    (question,) = asked(await press(any_house, Choice.hand_over))
    assert question.body.startswith("Qui veut s’occuper de Club photo\xa0?")
    (taken,) = said(await press(any_house, Choice.volunteer, ALI))
    assert taken.mentions == (ALI,)
    assert said(await press(any_house, Choice.volunteer, MAX)) == []
    assert (await any_house.place("club-photo")).owners == {ALI}


async def test_what_nobody_takes_over_stays_with_its_owner(house: House) -> None:
    await a_club(house, ALI)
    await pass_by(house, QUIET)
    await press(house, Choice.hand_over)
    told = [one for one in said(await pass_by(house, WEEK)) if one.room == "key:club-photo"]
    assert ["reste pour l’instant à" in one.body for one in told] == [True]
    assert (await house.place("club-photo")).owners == {ZOE}


async def test_two_who_answer_in_the_same_second_do_not_both_decide(any_house: House) -> None:
    await a_club(any_house, ALI)
    await pass_by(any_house, QUIET)
    post = await post_of(any_house)

    def reaction(person: str, choice: Choice) -> dict[str, Any]:
        relation = {"rel_type": "m.annotation", "event_id": post, "key": BUTTONS[choice]}
        return {
            "sender": person,
            "room_id": "!club-photo",
            "type": "m.reaction",
            "content": {"m.relates_to": relation},
        }

    effects = await any_house.hear_together(
        reaction(ALI, Choice.archive), reaction(ZOE, Choice.keep), reaction(ZOE, Choice.archive)
    )
    assert [one.body.split(".")[0] for one in said(effects)] == ["Club photo reste ouvert"]


async def test_merging_is_left_to_the_owners(house: House) -> None:
    await a_club(house, ALI)
    await pass_by(house, QUIET)
    (told,) = said(await press(house, Choice.merge))
    assert told.mentions == (ZOE,)
    assert "groupe fusionner" in told.body


async def test_a_group_that_is_archived_while_it_is_asked_is_asked_no_more(any_house: House) -> None:
    await a_club(any_house, ALI)
    await pass_by(any_house, QUIET)
    await any_house.agree("!rse groupe archiver", room="!club-photo")
    assert said(await press(any_house, Choice.keep, ALI)) == []
    await any_house.tell(ROOM_ARCHIVED, key="club-photo", room_id="!club-photo")
    assert await any_house.write(lambda conn: records.open_for(conn, "club-photo")) is None
    assert [one.room for one in said(await pass_by(any_house, QUIET))].count("key:club-photo") == 0


async def test_a_process_that_was_off_asks_and_ends_each_question_once(any_house: House) -> None:
    await a_club(any_house, ALI)
    await any_house.sleep_through(timedelta(days=120))
    first = [*await pass_by(any_house, timedelta(days=3)), *await any_house.sleep_through(timedelta(minutes=5))]
    assert [one.key for one in asked(first) if one.room == "key:club-photo"] == ["ask:2:1"]
    assert asked(await any_house.sleep_through(timedelta(minutes=5))) == []
    second = [*await any_house.sleep_through(timedelta(days=20)), *await pass_by(any_house, timedelta(days=3))]
    assert [one.key for one in asked(second) if one.room == "key:club-photo"] == ["ask:2:2"]


@pytest.mark.parametrize("span", ["never", 0, "off"])
async def test_it_can_be_switched_off(sqlite_url: str, span: object) -> None:
    async with a_house(sqlite_url, settings={"life": {"quiet_after": span}}) as house:
        await a_club(house)
        assert asked(await pass_by(house, timedelta(days=400))) == []


async def test_a_kind_can_have_a_time_of_its_own(sqlite_url: str) -> None:
    settings = {"life": {"quiet_after": "never", "quiet_after_of": {"hobby": "14 days"}}}
    async with a_house(sqlite_url, settings=settings) as house:
        await a_club(house)
        assert {one.room for one in asked(await pass_by(house, timedelta(days=23)))} == {"key:club-photo"}


def test_a_template_says_more_than_a_kind_and_what_there_is_none_of_is_a_mistake() -> None:
    settings = LifeSettings.model_validate(
        {"quiet_after_of": {"hobby": "14 days", "chess": "never", "hobbby": "1 day"}}
    )
    assert settings.quiet_span(a_group(kind=Kind.hobby)) == timedelta(days=14)
    assert settings.quiet_span(a_group(kind=Kind.hobby, template="chess")) is None
    assert settings.quiet_span(a_group(kind=Kind.project)) == timedelta(days=90)
    assert settings.quiet_span(a_group(kind=Kind.animators)) is None
    community = a_community(templates={"chess": Template(Kind.hobby)})
    assert [one.path for one in settings.mistakes(community)] == [("quiet_after_of", "hobbby")]


async def test_the_animators_room_is_never_asked(house: House) -> None:
    await house.put_in("!backstage", MAX)
    await house.start()
    assert "key:backstage" not in {one.room for one in said(await pass_by(house, timedelta(days=400)))}


async def test_what_the_file_keeps_open_is_reported_to_the_animators(sqlite_url: str) -> None:
    cafe = a_group(stated=frozenset({"name", "archived"}), source=Source(FILE, 41, 5))
    backstage = a_group("backstage", "Coulisses", kind=Kind.animators)
    async with a_house(sqlite_url, a_community(cafe, backstage, animators_room="backstage")) as house:
        await house.start()
        await pass_by(house, 2 * DAY)
        await pass_by(house, QUIET)
        await press(house, Choice.archive, ALI, "!cafe")
        effects = said(await pass_by(house, WEEK))
        told = next(one for one in effects if one.room == "key:backstage")
        assert f"{FILE}:41:5" in told.body
        assert not (await house.place("cafe")).archived


# --- owners ----------------------------------------------------------------------------------------------------------


async def test_the_members_are_asked_when_the_last_owner_leaves(any_house: House) -> None:
    await a_club(any_house, ALI, MAX)
    await any_house.let_pass(timedelta(hours=1))
    effects = await any_house.member(ZOE, "!club-photo", "leave")
    (question,) = asked(effects)
    assert question.body.startswith("Qui veut s’occuper de Club photo\xa0?")
    assert ZOE in question.body or "zoe" in question.body
    (taken,) = said(await press(any_house, Choice.volunteer, ALI))
    assert "s’occupe désormais de Club photo" in taken.body
    assert (await any_house.place("club-photo")).owners == {ALI}


async def test_a_raised_hand_of_any_colour_is_a_raised_hand(house: House) -> None:
    await a_club(house, ALI)
    await house.let_pass(timedelta(hours=1))
    await house.member(ZOE, "!club-photo", "leave")
    relation = {"rel_type": "m.annotation", "event_id": await post_of(house), "key": "🙋🏽‍♀️"}
    await house.hear(sender=ALI, room_id="!club-photo", type="m.reaction", content={"m.relates_to": relation})
    assert (await house.place("club-photo")).owners == {ALI}


async def test_an_owner_who_leaves_at_night_is_asked_about_in_the_morning(house: House) -> None:
    await a_club(house, ALI)
    house.clock.set(datetime(2026, 3, 2, 22, tzinfo=UTC))
    assert said(await house.member(ZOE, "!club-photo", "leave")) == []
    effects = await house.let_pass(timedelta(hours=10))
    assert [one.room for one in asked(effects)] == ["key:club-photo"]
    assert house.clock.now() >= datetime(2026, 3, 3, 7, tzinfo=UTC)


async def test_nobody_is_asked_while_another_owner_is_there(house: House) -> None:
    await a_club(house, ALI)
    group = await house.place("club-photo")
    await house.write(lambda conn: wanted.want(conn, replace(group, owners=frozenset({ZOE, ALI})), ZOE, 1))
    assert said(await house.member(ZOE, "!club-photo", "leave")) == []


async def test_without_a_volunteer_the_animators_are_told(sqlite_url: str) -> None:
    backstage = a_group("backstage", "Coulisses", kind=Kind.animators)
    async with a_house(sqlite_url, a_community(a_group(), backstage, animators_room="backstage")) as house:
        await a_club(house, ALI)
        await house.let_pass(timedelta(hours=1))
        await house.member(ZOE, "!club-photo", "leave")
        effects = said(await pass_by(house, WEEK))
        assert [one.room for one in effects if one.room != "key:cafe"] == ["key:club-photo", "key:backstage"]
        assert "Personne ne s’occupe de Club photo" in effects[-1].body


async def test_a_group_in_which_nobody_is_left_goes_to_the_animators(sqlite_url: str) -> None:
    backstage = a_group("backstage", "Coulisses", kind=Kind.animators)
    async with a_house(sqlite_url, a_community(a_group(), backstage, animators_room="backstage")) as house:
        await a_club(house)
        (told,) = said(await house.member(ZOE, "!club-photo", "leave"))
        assert (told.room, "plus personne" in told.body) == ("key:backstage", True)


async def test_the_members_are_asked_too_when_an_owner_leaves_by_a_command(sqlite_url: str) -> None:
    backstage = a_group("backstage", "Coulisses", kind=Kind.animators)
    async with a_house(sqlite_url, a_community(a_group(), backstage, animators_room="backstage")) as house:
        await a_club(house, ALI)
        await pass_by(house, 2 * DAY)
        (question,) = asked(await house.agree("!rse groupe quitter", room="!club-photo"))
        assert question.room == "key:club-photo"
        await house.say("!rse groupe créer Dessin", sender=ALI)
        await house.make_ready("dessin")
        await house.put_in("!dessin", ALI)
        told = said(await house.agree("!rse groupe quitter", sender=ALI, room="!dessin"))
        assert [one.room for one in told] == ["key:backstage"], "nobody is left to be asked"


async def test_an_owner_who_belongs_to_the_community_no_more_is_replaced(any_house: House) -> None:
    await a_club(any_house, ALI)
    staff = any_house.community.audiences["staff"]
    gone = replace(staff, perimeter=replace(staff.perimeter, homeservers=(), people=frozenset({ALI, MAX})))
    await any_house.declare(a_community(audiences={**any_house.community.audiences, "staff": gone}))
    any_house.restart()
    await any_house.start()
    effects = await pass_by(any_house, timedelta(days=2))
    assert [one.body.split("\n")[0] for one in asked(effects)] == ["Qui veut s’occuper de Club photo\xa0?"]
    assert (await any_house.place("club-photo")).owners == frozenset()


async def test_an_owner_who_leaves_while_the_group_is_asked_is_asked_about_instead(any_house: House) -> None:
    await a_club(any_house, ALI)
    await pass_by(any_house, QUIET)
    before = await post_of(any_house)
    (question,) = asked(await any_house.member(ZOE, "!club-photo", "leave"))
    assert question.body.startswith("Qui veut s’occuper")
    relation = {"rel_type": "m.annotation", "event_id": before, "key": BUTTONS[Choice.archive]}
    content = {"m.relates_to": relation}
    assert said(await any_house.hear(sender=ALI, room_id="!club-photo", type="m.reaction", content=content)) == []
    await press(any_house, Choice.volunteer, ALI)
    group = await any_house.place("club-photo")
    assert (group.owners, group.archived) == (frozenset({ALI}), False)
    assert [one.room for one in asked(await pass_by(any_house, 2 * DAY))].count("key:club-photo") == 0


async def test_an_owner_who_is_found_otherwise_ends_the_question(house: House) -> None:
    await a_club(house, ALI)
    await house.let_pass(timedelta(hours=1))
    await house.member(ZOE, "!club-photo", "leave")
    group = await house.place("club-photo")
    await house.write(lambda conn: wanted.want(conn, replace(group, owners=frozenset({ALI})), MAX, 1))
    assert [one for one in said(await pass_by(house, WEEK)) if one.room == "key:club-photo"] == []


async def test_a_person_sees_their_answers_and_they_can_be_forgotten(any_house: House) -> None:
    await a_club(any_house, ALI)
    await pass_by(any_house, QUIET)
    await press(any_house, Choice.archive, ALI)
    kept = await any_house.export("life", ALI)
    assert kept["answers"] == [{"group": "club-photo", "about": "quiet", "answer": "archive"}]
    await any_house.erase("life", ALI)
    assert (await any_house.export("life", ALI))["answers"] == []
    await pass_by(any_house, WEEK)
    assert not (await any_house.place("club-photo")).archived


async def test_answers_are_forgotten_with_the_question(house: House) -> None:
    await a_club(house, ALI)
    await pass_by(house, QUIET)
    await press(house, Choice.keep, ALI)
    await press(house, Choice.keep)

    async def left(conn: Any) -> int:
        return len((await conn.execute(select(records.answer))).all())

    assert await house.write(left) == 0


async def test_a_group_that_silenced_the_questions_is_not_asked_and_nothing_follows(house: House) -> None:
    await a_club(house, ALI)
    await pass_by(house, QUIET)
    await house.say("!rse silence questions", room="!club-photo")
    effects = [one for one in said(await pass_by(house, WEEK)) if one.room == "key:club-photo"]
    assert effects == []
    assert not (await house.place("club-photo")).archived
    assert await house.write(lambda conn: records.open_for(conn, "club-photo")) is None


async def test_a_pause_keeps_the_questions_back(house: House) -> None:
    await a_club(house, ALI)
    await house.agree("!rse pause", sender=MAX)
    assert asked(await pass_by(house, timedelta(days=120))) == []
