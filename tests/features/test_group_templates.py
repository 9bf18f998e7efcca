"""Groups from templates: their rooms, what they begin with, and that all of it is made or none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from esnbot.community.group import Group, History, Joining, Kind, Place, Posting, Space
from esnbot.community.model import Community, Prompt, Template, TemplateRoom, TemplateText
from esnbot.engine.effects import Effect, Invite, Kick
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features.group import families, plans
from esnbot.features.group.events import GROUP_BORN
from esnbot.provisioning import wanted
from esnbot.provisioning.reasons import Why
from tests.features.house import ALI, BOT, MAX, PAT, ZOE, House, a_community, a_house, a_tempo, answer_in, of, said

PROJECT = Template(
    Kind.project,
    key="project",
    name={"fr": "Projet", "en": "Project"},
    summary={"fr": "Un but, une équipe.", "en": "A goal, a team."},
    topic={"fr": "Ce que nous faisons", "en": "What we do"},
    charter={"fr": "- On décide ici.", "en": "- We decide here."},
    tempo=a_tempo(0),
    rooms=(
        TemplateRoom("discussion", {"fr": "Discussion", "en": "Discussion"}),
        TemplateRoom(
            "decisions", {"fr": "Décisions", "en": "Decisions"}, {"fr": "Décidé", "en": "Decided"}, Posting.owners
        ),
    ),
    pages=(TemplateText("home", {"fr": "Accueil", "en": "Home"}, {"fr": "Le but", "en": "The goal"}),),
    notes=(TemplateText("two", {"fr": "Décider à deux", "en": "Deciding as two"}, {"fr": "Oui.", "en": "Yes."}),),
    prompts=(Prompt("project/next", {"fr": "Et ensuite ?", "en": "What next?"}, template="project"),),
)
BENCH = Template(
    Kind.practice,
    key="bench",
    name={"fr": "Établi", "en": "Bench"},
    joining=Joining.knock,
    encrypted=True,
    retention=timedelta(days=400),
)
CREATE = "!rse groupe créer Tram --modèle projet"


def with_templates(**changes: Any) -> Community:
    """A community with a project of two rooms, and a bench for people of a trade."""
    return a_community(templates={"project": PROJECT, "bench": BENCH}, **changes)


@pytest_asyncio.fixture
async def house(sqlite_url: str) -> AsyncIterator[House]:
    """The features at work, with templates."""
    async with a_house(sqlite_url, with_templates()) as one:
        yield one


@pytest_asyncio.fixture
async def any_house(database_url: str) -> AsyncIterator[House]:
    """The same on SQLite and on PostgreSQL."""
    async with a_house(database_url, with_templates()) as one:
        yield one


async def place(house: House, key: str) -> Place | None:
    """A place as it should be."""
    return await house.write(lambda conn: wanted.get(conn, key))


async def family(house: House, key: str) -> list[Place]:
    """The places that belong together."""
    return await house.write(lambda conn: families.family(conn, key))


async def a_tram(house: House, line: str = CREATE) -> None:
    """Zoé has made a project, and all its rooms are there."""
    await house.say(line)
    for key in ("tram-space", "tram", "tram-decisions"):
        await house.make_ready(key)


class TestRooms:
    """A template with several rooms."""

    async def test_all_its_places_are_wanted_at_once(self, any_house: House) -> None:
        assert await any_house.say(f"{CREATE} --sujet 'Une ligne de plus'") == []
        space = await place(any_house, "tram-space")
        assert isinstance(space, Space)
        assert (space.name, space.parent, space.topic) == ("Tram", "home", "Une ligne de plus")
        first, decisions = await any_house.place("tram"), await any_house.place("tram-decisions")
        assert (first.name, first.parent, first.topic) == ("Tram", "tram-space", "Une ligne de plus")
        assert (decisions.name, decisions.parent, decisions.topic) == ("Tram · Décisions", "tram-space", "Décidé")
        assert (first.posting, decisions.posting) == (Posting.everyone, Posting.owners)
        assert (bool(first.charter), bool(decisions.charter)) == (True, False)
        assert (first.tempo, decisions.tempo) == (a_tempo(0), None)
        assert {first.owners, decisions.owners} == {frozenset({ZOE})}
        assert {first.kind, decisions.kind} == {Kind.project}
        assert {first.template, decisions.template} == {"project"}

    async def test_the_answer_comes_when_the_last_room_is_there(self, any_house: House) -> None:
        await any_house.say(CREATE)
        assert of(await any_house.make_ready("tram-space"), Invite) == []
        assert of(await any_house.make_ready("tram"), Invite) == []
        effects = await any_house.make_ready("tram-decisions")
        invited = [effect.room for effect in of(effects, Invite)]
        assert sorted(invited) == ["key:tram", "key:tram-decisions", "key:tram-space"]
        (answer,) = [one for one in said(effects) if one.room == "!cafe"]
        assert "est prêt" in answer.body
        assert await any_house.let_pass(timedelta(minutes=5)) == []

    async def test_features_learn_that_it_stands_once(self, any_house: House) -> None:
        heard: list[dict[str, Any]] = []
        any_house.add(ear(heard))
        await a_tram(any_house)
        await any_house.make_ready("tram", created=False)
        assert heard == [
            {
                "key": "tram",
                "template": "project",
                "kind": "project",
                "language": "fr",
                "owners": [ZOE],
                "space": "tram-space",
                "rooms": {"discussion": "tram", "decisions": "tram-decisions"},
            }
        ]

    async def test_no_key_or_none_is_taken(self, any_house: House) -> None:
        await any_house.say('!rse groupe créer "Tram decisions" --modèle établi')
        assert await place(any_house, "tram-decisions") is not None
        await any_house.say(f"{CREATE} --quand-même")
        assert [one.key for one in await family(any_house, "tram-2")] == ["tram-2", "tram-2-space", "tram-2-decisions"]
        assert await place(any_house, "tram") is None
        assert await place(any_house, "tram-space") is None

    async def test_an_address_that_the_file_declares_is_left_alone(self, sqlite_url: str) -> None:
        declared = {**a_community().groups}
        declared["cafe"] = Group(key="cafe", name="Le café", parent="home", alias="tram")
        async with a_house(sqlite_url, with_templates(groups=declared)) as house:
            await house.say(CREATE)
            assert await place(house, "tram") is None
            assert await place(house, "tram-2") is not None

    async def test_when_nothing_stands_yet_all_is_taken_back(self, any_house: House) -> None:
        await any_house.say(CREATE)
        told = answer_in(await any_house.fail("tram-space", Why.alias_strangers, alias="#tram-space:example.org"))
        assert "appartient au salon de quelqu’un" in told
        for key in ("tram-space", "tram", "tram-decisions"):
            assert await place(any_house, key) is None
        assert await any_house.fail("tram", Why.no_space, revision=1) == []
        assert await any_house.say(CREATE) == []
        assert [one.key for one in await family(any_house, "tram")] == ["tram", "tram-space", "tram-decisions"]

    async def test_once_something_stands_a_taken_address_is_gone_around(self, any_house: House) -> None:
        await any_house.say(CREATE)
        await any_house.make_ready("tram-space")
        for number in (2, 3):
            assert said(await any_house.fail("tram-decisions", Why.alias_strangers, alias="#tram-decisions:x")) == []
            decisions = await place(any_house, "tram-decisions")
            assert decisions is not None
            assert decisions.alias == f"tram-decisions-{number}"
        await any_house.make_ready("tram")
        answers = [one.body for one in said(await any_house.make_ready("tram-decisions")) if one.room == "!cafe"]
        assert "est prêt" in answers[0]

    async def test_it_is_one_group_in_lists_and_for_look_alikes(self, house: House) -> None:
        await a_tram(house)
        listed = await house.ask("!rse groupe liste tram")
        assert "Un groupe" in listed
        assert "Décisions" not in listed

    async def test_who_joins_comes_into_the_space_and_the_first_room(self, house: House) -> None:
        await a_tram(house)
        effects = await house.say('!rse groupe rejoindre "Tram · Décisions"', sender=ALI, room="!help")
        assert [effect.room for effect in of(effects, Invite)] == ["key:tram-space", "key:tram"]

    async def test_who_is_invited_to_a_closed_one_is_invited_to_each_of_its_rooms(self, sqlite_url: str) -> None:
        closed = replace(PROJECT, joining=Joining.invite)
        async with a_house(sqlite_url, a_community(templates={"project": closed})) as house:
            await a_tram(house)
            assert "ne connais" in await house.ask("!rse groupe rejoindre Tram", sender=ALI, room="!help")
            effects = await house.say(f"!rse groupe inviter {ALI}", room="!tram")
            assert [one.room for one in of(effects, Invite)] == ["key:tram-space", "key:tram", "key:tram-decisions"]

    async def test_its_name_means_the_group_and_not_its_space(self, house: House) -> None:
        await a_tram(house)
        assert "Accueil" in await house.ask("!rse page liste --dans Tram")

    async def test_it_begins_with_the_pages_and_notes_of_its_template(self, any_house: House) -> None:
        await any_house.say(CREATE)
        for key in ("tram-space", "tram"):
            await any_house.make_ready(key)
        bodies = [one.body for one in said(await any_house.make_ready("tram-decisions")) if one.room == "key:tram"]
        assert any("Accueil" in body for body in bodies)
        assert any("Décider à deux" in body for body in bodies)

    async def test_who_comes_into_its_space_is_no_newcomer(self, house: House) -> None:
        await a_tram(house)
        await house.member(ALI, "!tram-space")
        assert await house.scheduled("welcome") == {}

    async def test_who_leaves_leaves_all_of_it(self, house: House) -> None:
        await a_tram(house)
        for room in ("!tram", "!tram-space", "!tram-decisions"):
            await house.put_in(room, ALI)
        effects = await house.say("!rse groupe quitter", sender=ALI, room="!tram-decisions")
        assert sorted(effect.room for effect in of(effects, Kick)) == [
            "key:tram",
            "key:tram-decisions",
            "key:tram-space",
        ]

    async def test_archiving_and_opening_again_take_all_of_it_together(self, any_house: House) -> None:
        await a_tram(any_house)
        await any_house.agree("!rse groupe archiver Tram", room="!cafe")
        objects = await any_house.write(lambda conn: wanted.some(conn, ["tram", "tram-space", "tram-decisions"]))
        assert all(entry.archived for entry in objects)
        # Whom it was for is not forgotten with its space.
        assert {entry.place.audiences for entry in objects} == {("staff",)}
        await any_house.say("!rse groupe rouvrir Tram")
        objects = await any_house.write(lambda conn: wanted.some(conn, ["tram", "tram-space", "tram-decisions"]))
        assert not any(entry.archived for entry in objects)
        assert {entry.place.audiences for entry in objects} == {()}

    async def test_a_new_name_and_a_new_owner_are_those_of_all_of_it(self, any_house: House) -> None:
        await a_tram(any_house)
        await any_house.say("!rse groupe renommer Métro", room="!tram-decisions")
        names = {one.key: one.name for one in await family(any_house, "tram")}
        assert names == {"tram": "Métro", "tram-space": "Métro", "tram-decisions": "Métro · Décisions"}
        await any_house.agree(f"!rse groupe confier {ALI}", room="!tram")
        rooms = [one for one in await family(any_house, "tram") if isinstance(one, Group)]
        assert {room.owners for room in rooms} == {frozenset({ALI})}

    async def test_an_owner_can_leave_one_of_the_rooms_and_stays_the_owner(self, house: House) -> None:
        await a_tram(house)
        await house.member(ZOE, "!tram-decisions", "leave")
        assert (await house.place("tram")).owners == {ZOE}
        await house.member(ZOE, "!tram", "leave")
        assert {(await house.place(key)).owners for key in ("tram", "tram-decisions")} == {frozenset()}

    async def test_its_space_is_no_place_for_other_groups(self, house: House) -> None:
        await a_tram(house)
        assert "propriétaires" in await house.ask("!rse groupe créer Bus --dans tram-space", sender=ALI, room="!help")
        assert await house.say("!rse groupe créer Bus --dans tram-space") == []
        assert (await house.place("bus")).parent == "tram-space"

    async def test_the_prompts_of_its_template_come_first(self, house: House) -> None:
        await a_tram(house)
        await house.put_in("!backstage", MAX)
        assert "Et ensuite" in await house.ask("!rse amorce suite Tram", sender=MAX, room="!backstage")


class TestTemplates:
    """Choosing a template."""

    async def test_the_kind_and_all_else_follow_from_it(self, any_house: House) -> None:
        await any_house.say("!esn group create Lathe --template bench")
        lathe = await any_house.place("lathe")
        assert (lathe.kind, lathe.joining, lathe.encrypted) == (Kind.practice, Joining.knock, True)
        assert (lathe.retention, lathe.template, lathe.parent) == (timedelta(days=400), "bench", "home")

    async def test_a_kind_means_its_standard_template(self, house: House) -> None:
        await house.say("!rse groupe créer Tram --type projet")
        assert len(await family(house, "tram")) == 3
        await house.say("!rse groupe créer Papotage")
        assert (await house.place("papotage")).template == ""

    async def test_one_that_does_not_exist_gets_the_list_and_a_guess(self, house: House) -> None:
        told = await house.ask("!rse groupe créer Tram --modèle projt")
        assert "Je ne connais pas de modèle « projt »" in told.replace("\u00a0", " ").replace("\u202f", " ")
        assert "projet" in told
        assert "établi" in told
        assert await place(house, "tram") is None

    async def test_a_kind_that_is_not_the_templates_is_a_contradiction(self, house: House) -> None:
        assert "Laissez `--type` de côté" in await house.ask("!rse groupe créer Tram --modèle projet --type loisir")

    async def test_they_are_listed_with_a_sentence_each(self, house: House) -> None:
        told = await house.ask("!rse groupe modèles")
        assert "`projet`\u00a0: Un but, une équipe. Avec ses propres salons\u00a0: Discussion et Décisions." in told
        assert "`établi`" in told
        assert "`loisir`" in told
        assert "`event`" not in told

    async def test_the_dialogue_offers_them(self, house: House) -> None:
        await house.put_in("!direct", ZOE, BOT)
        await house.say("créer un groupe", room="!direct")
        asked = answer_in(await house.say("Tram", room="!direct"))
        assert "1. projet" in asked
        assert "établi" in asked
        for line in ("projet", "passer", "passer", "passer"):
            summed = answer_in(await house.say(line, room="!direct"))
        assert "- Modèle\u00a0: projet" in summed
        await house.say("oui", room="!direct")
        assert len(await family(house, "tram")) == 3


class TestDoors:
    """A template opens nothing wider than the space around."""

    @pytest.mark.parametrize(
        ("wanted_door", "around", "audiences", "door"),
        [
            (None, Joining.public, (), Joining.space),
            (Joining.public, Joining.public, (), Joining.public),
            (Joining.public, Joining.space, (), Joining.space),
            (Joining.public, Joining.public, ("staff",), Joining.space),
            (Joining.knock, Joining.space, (), Joining.knock),
            (Joining.knock, Joining.space, ("staff",), Joining.space),
            (Joining.invite, Joining.public, ("staff",), Joining.invite),
        ],
    )
    def test_how_people_come_in(
        self, wanted_door: Joining | None, around: Joining, audiences: tuple[str, ...], door: Joining
    ) -> None:
        template = Template(Kind.hobby, joining=wanted_door)
        parent = Space(key="home", name="Home", joining=around)
        assert plans.door(template, parent, audiences) is door

    async def test_what_is_readable_from_outside_is_so_in_public_groups_only(self, sqlite_url: str) -> None:
        template = Template(Kind.hobby, key="hobby", joining=Joining.public, history=History.world)
        async with a_house(sqlite_url, a_community(templates={"hobby": template})) as house:
            await house.say("!rse groupe créer Tram --modèle loisir")
            tram = await house.place("tram")
            assert (tram.joining, tram.history) == (Joining.space, History.shared)


class TestQuotas:
    """Who may make what, audience by audience."""

    async def test_where_nothing_is_declared_everybody_may_where_they_are_at_home(self, house: House) -> None:
        await house.put_in("!yard", PAT)
        assert await house.say("!rse groupe créer Livraisons", sender=PAT, room="!yard") == []
        group = await house.place("livraisons")
        assert group.parent == "workshop"
        assert group.owners == {PAT}
        assert "ne connais" in await house.ask("!rse groupe créer Paie --dans home", sender=PAT, room="!yard")

    async def test_other_templates_than_those_declared_are_refused_with_what_one_may(self, sqlite_url: str) -> None:
        settings = {"group": {"may_create": {"partners": {"templates": ["bench"]}}}}
        async with a_house(sqlite_url, with_templates(), settings) as house:
            await house.put_in("!yard", PAT)
            for line in ("Tram --modèle projet", "Tram", "Tram --type loisir"):
                told = await house.ask(f"!rse groupe créer {line}", sender=PAT, room="!yard")
                assert "`établi`" in told
            listed = await house.ask("!rse groupe modèles", sender=PAT, room="!yard")
            assert ("`établi`" in listed, "`projet`" in listed) == (True, False)
            assert await house.say("!rse groupe créer Tour --modèle établi", sender=PAT, room="!yard") == []
            assert await house.say(CREATE) == []

    async def test_nothing_may_be_made_with_no_template(self, sqlite_url: str) -> None:
        settings: dict[str, dict[str, Any]] = {"group": {"may_create": {"partners": {"templates": []}}}}
        async with a_house(sqlite_url, with_templates(), settings) as house:
            await house.put_in("!yard", PAT)
            for line in ("créer Tram", "modèles"):
                told = await house.ask(f"!rse groupe {line}", sender=PAT, room="!yard")
                assert "les animateurs peuvent en créer un pour vous" in told

    async def test_so_many_a_week(self, database_url: str) -> None:
        settings = {"group": {"may_create": {"staff": {"a_week": 2}}}}
        async with a_house(database_url, with_templates(), settings) as house:
            for name in ("Alpha", "Bravo"):
                assert await house.say(f"!rse groupe créer {name}") == []
            told = await house.ask("!rse groupe créer Charlie")
            assert "Vous avez créé 2 groupes en sept jours" in told
            assert "Alpha" not in told
            assert await house.say("!rse groupe créer Charlie", sender=ALI, room="!help") == []
            house.clock.advance(timedelta(days=7, seconds=1))
            assert await house.say("!rse groupe créer Delta") == []

    async def test_so_many_at_once_and_one_of_several_rooms_counts_once(self, database_url: str) -> None:
        settings = {"group": {"may_create": {"staff": {"at_once": 1}}}}
        async with a_house(database_url, with_templates(), settings) as house:
            await a_tram(house)
            told = await house.ask("!rse groupe créer Alpha")
            assert "on en a un à la fois" in told
            await house.agree("!rse groupe archiver Tram")
            assert await house.say("!rse groupe créer Alpha") == []

    async def test_nothing_a_week_is_nothing(self, sqlite_url: str) -> None:
        settings = {"group": {"may_create": {"staff": {"a_week": 0}}}}
        async with a_house(sqlite_url, with_templates(), settings) as house:
            assert "les animateurs peuvent en créer un pour vous" in await house.ask(f"{CREATE}")

    async def test_a_word_that_is_no_template_gets_those_that_one_may_use(self, sqlite_url: str) -> None:
        settings = {"group": {"may_create": {"staff": {"templates": ["bench"]}}}}
        async with a_house(sqlite_url, with_templates(), settings) as house:
            told = await house.ask("!rse groupe créer Tram --modèle projett")
            assert "« projett »" in told.replace("\u00a0", " ")
            assert "`établi`" in told
            assert "`projet`" not in told
            # Who names none is told to choose, not refused something that they did not ask for.
            assert "Dites de quoi part votre groupe" in await house.ask("!rse groupe créer Tram")

    async def test_questions_offer_and_take_what_one_may_make(self, sqlite_url: str) -> None:
        settings = {"group": {"may_create": {"staff": {"templates": ["bench", "project"], "a_week": 1}}}}
        async with a_house(sqlite_url, with_templates(), settings) as house:
            await house.put_in("!direct", ZOE, BOT)
            await house.say("créer un groupe", room="!direct")
            asked = await house.ask_first("Tram", room="!direct")
            assert ("établi" in asked, "loisir" in asked, "passer" in asked) == (True, False, False)
            assert "Vous ne pouvez pas créer ce genre de groupe ici" in await house.ask_first("loisir", room="!direct")
            assert "J’ai besoin d’une réponse" in await house.ask_first("passer", room="!direct")
            for line in ("établi", "passer", "passer", "passer", "oui"):
                await house.say(line, room="!direct")
            assert (await house.place("tram")).template == "bench"
            # Whoever has made enough hears it before any question.
            told = await house.ask("créer un groupe", room="!direct")
            assert "Vous avez créé un groupe en sept jours" in told

    async def test_animators_are_not_counted(self, sqlite_url: str) -> None:
        settings = {"group": {"may_create": {"staff": {"a_week": 0}}}}
        async with a_house(sqlite_url, with_templates(), settings) as house:
            assert await house.say(CREATE, sender=MAX) == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("🎉 Fête 🎉", "fete"),
        ("קבוצה", None),
        ("\u202eevil\u202c tram", "evil-tram"),
        ("<b>Tram</b><script>x</script>", "b-tram-b-script-x-script"),
        ("@room Tram", "room-tram"),
    ],
)
async def test_hostile_names_make_a_whole_group_that_calls_nobody(any_house: House, name: str, key: str | None) -> None:
    await any_house.say(f'!rse groupe créer "{name}" --modèle projet')
    (job,) = await any_house.scheduled("group")
    head = job.removeprefix("slow:")
    assert head == (key or head)
    made = await family(any_house, head)
    assert len(made) == 3
    sent = [effect for one in made for effect in await any_house.make_ready(one.key)]
    for message in said(sent):
        assert "<script" not in message.html
        assert "@room" not in message.body
        assert not message.rouse
    assert not any("\u202e" in one.name for one in made)


async def test_ten_thousand_characters_make_nothing(any_house: House) -> None:
    assert "80 caractères au plus" in await any_house.ask(f"!rse groupe créer {'x' * 10_000} --modèle projet")
    assert await any_house.scheduled("group") == {}


async def test_of_two_who_ask_at_the_same_moment_the_second_is_taken_to_the_first(any_house: House) -> None:
    content = {"msgtype": "m.text", "body": CREATE}
    asked = said(
        await any_house.hear_together(
            {"sender": ALI, "room_id": "!help", "content": content},
            {"sender": ZOE, "room_id": "!cafe", "content": content},
        )
    )
    assert [("au même moment" in one.body, one.room) for one in asked] == [(True, "!cafe")]
    assert (await any_house.place("tram")).owners == {ALI}
    assert await place(any_house, "tram-2") is None


async def test_a_yes_takes_the_second_there_however_late_it_comes(any_house: House) -> None:
    await any_house.say(CREATE, sender=ALI, room="!help")
    effects = await any_house.agree(CREATE, after=timedelta(minutes=4))
    assert await place(any_house, "tram-2") is None
    # They wait for the rooms.
    assert [(one.room, one.user) for one in of(effects, Invite)] == [("key:tram-space", ZOE), ("key:tram", ZOE)]
    assert "mon invitation avec lui" in said(effects)[0].body


async def test_anyway_makes_one_of_ones_own(house: House) -> None:
    await house.say(CREATE, sender=ALI, room="!help")
    assert await house.say(f"{CREATE} --quand-même") == []
    assert (await house.place("tram-2")).owners == {ZOE}


async def test_what_one_may_not_see_is_no_twin(house: House) -> None:
    await house.say("!rse groupe créer Paie --modèle établi --dans home", sender=ALI, room="!help")
    await house.put_in("!yard", PAT)
    assert await house.say("!rse groupe créer Paie", sender=PAT, room="!yard") == []
    assert (await house.place("paie-2")).owners == {PAT}


def ear(heard: list[dict[str, Any]]) -> Module:
    """A module that listens to what is born."""

    async def handle(ctx: Context, event: Event) -> list[Effect]:
        heard.append(dict(event.content))
        return []

    return Module(name="ear", listeners=(Listener(frozenset({GROUP_BORN}), handle),))
