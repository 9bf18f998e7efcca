"""What somebody may not see is not listed, not counted and not hinted at, in any community that can be thought of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group, Joining, Kind, Place, Space
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.features.directory import model
from esnbot.features.directory.model import Entry, Listing, Pace, Query, entry_of
from esnbot.features.places import language_of, may_see
from tests.features.house import ALI, PAT, SERVER, ZOE, House, a_community, a_group, a_house
from tests.features.test_directory import found

AUDIENCES = ("staff", "board", "suppliers", "dealers")
WORDS = ("photo", "Photos", "vélo", "Velos", "jardin", "soudure", "TIG", "secret", "paie", "<b>", "🎸", "שלום")
SPACES = ("s0", "s1", "s2")

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
some_audiences = st.lists(st.sampled_from((*AUDIENCES, "gone")), max_size=2, unique=True).map(tuple)


@st.composite
def communities(draw: st.DrawFn) -> Community:
    keys = draw(st.lists(st.sampled_from(AUDIENCES), unique=True))
    outside = draw(st.sets(st.sampled_from(AUDIENCES)))
    spaces = {
        key: Space(
            key=key,
            name=key,
            audiences=draw(some_audiences),
            parent=draw(st.sampled_from((None, *SPACES[:number]))),
            language=draw(st.sampled_from((None, "fr", "en"))),
        )
        for number, key in enumerate(SPACES)
    }
    groups = {
        f"g{number}": Group(
            key=f"g{number}",
            name=draw(texts),
            topic=draw(st.one_of(st.just(""), texts)),
            audiences=draw(some_audiences),
            parent=draw(st.sampled_from((None, *SPACES))),
            joining=draw(st.sampled_from(list(Joining))),
            kind=draw(st.sampled_from(list(Kind))),
            language=draw(st.sampled_from((None, "fr", "en"))),
            archived=draw(st.sampled_from((False, False, False, True))),
        )
        for number in range(draw(st.integers(0, 8)))
    }
    return Community(
        name="Any",
        languages=("fr", "en"),
        zone=ZoneInfo("Europe/Paris"),
        audiences={key: Audience(key, f"Les {key}", Perimeter(), external=key in outside) for key in keys},
        spaces=spaces,
        groups=groups,
    )


queries = st.builds(
    Query,
    words=st.one_of(st.just(""), texts, st.text(max_size=8)),
    kind=st.sampled_from(("", "", *Kind)),
    audience=st.sampled_from(("", "", *AUDIENCES, "Les dealers", "gone", "nonsense")),
    pace=st.sampled_from(("", "", *Pace)),
    language=st.sampled_from(("", "", "fr", "en")),
    page=st.integers(1, 3),
)
askers = st.tuples(
    st.frozensets(st.sampled_from(AUDIENCES)),
    st.sampled_from((frozenset({Role.member}), frozenset({Role.partner}), frozenset({Role.animator}))),
    st.dictionaries(st.sampled_from([f"g{n}" for n in range(8)]), st.sampled_from(("join", "invite", "leave", "ban"))),
)
paces = st.dictionaries(st.sampled_from([f"g{n}" for n in range(8)]), st.sampled_from([None, *Pace]))


def entries_of(community: Community) -> list[Entry]:
    return sorted(
        (entry_of(group, community.spaces, community) for group in community.groups.values()), key=lambda one: one.order
    )


def slowly(community: Community, asker: tuple[frozenset[str], frozenset[Role], Mapping[str, str]]) -> dict[str, Group]:
    """The groups that somebody may see, one after another, as the rule is written for everybody."""
    audiences, roles, mine = asker
    places: dict[str, Place] = {**community.spaces, **community.groups}
    return {
        key: group
        for key, group in community.groups.items()
        if may_see(group, places, community, audiences, roles, mine.get(key, "leave"))
    }


@given(communities(), askers)
@settings(max_examples=400)
def test_exactly_those_groups_are_seen_that_one_may_see(
    community: Community, asker: tuple[frozenset[str], frozenset[Role], Mapping[str, str]]
) -> None:
    seen = list(model.visible(entries_of(community), model.one_person(*asker), community))
    assert {entry.group.key for entry in seen} == set(slowly(community, asker))


@given(communities(), askers, queries, paces)
@settings(max_examples=400)
def test_the_answer_is_the_same_as_if_nothing_else_existed(
    community: Community,
    asker: tuple[frozenset[str], frozenset[Role], Mapping[str, str]],
    query: Query,
    pace: Mapping[str, Pace | None],
) -> None:
    def answer(of: Community) -> Listing:
        seen = list(model.visible(entries_of(of), model.one_person(*asker), of))
        return model.listing(seen, query, of, pace, 3)

    allowed = slowly(community, asker)
    assert answer(community) == answer(replace(community, groups=allowed))
    # Audiences, too: those that none of their groups is for might as well not be there.
    named = {key for group in allowed.values() for key in entry_of(group, community.spaces, community).meant}
    known = named | asker[0]
    fewer = {key: one for key, one in community.audiences.items() if key in known}
    if fewer:
        assert answer(community) == answer(replace(community, groups=allowed, audiences=fewer))


@given(communities(), askers, queries, paces)
@settings(max_examples=400)
def test_what_is_listed_fits_the_question_and_nothing_is_left_out(
    community: Community,
    asker: tuple[frozenset[str], frozenset[Role], Mapping[str, str]],
    query: Query,
    pace: Mapping[str, Pace | None],
) -> None:
    seen = list(model.visible(entries_of(community), model.one_person(*asker), community))
    alive = {key: group for key, group in slowly(community, asker).items() if not group.archived}
    asked = replace(query, words="", audience="")
    places: dict[str, Place] = {**community.spaces}
    fitting = {
        key
        for key, group in alive.items()
        if query.kind in ("", group.kind)
        and query.language in ("", language_of(group, places, community))
        and query.pace in ("", pace.get(key))
    }
    whole = model.listing(seen, asked, community, pace, 100)
    assert {entry.group.key for entry in whole.entries} == fitting
    assert whole.total == len(fitting)
    pages = [model.listing(seen, replace(asked, page=page), community, pace, 3) for page in (1, 2, 3)]
    assert {entry.group.key for one in pages for entry in one.entries} == fitting
    assert set(whole.kinds) == {group.kind for group in alive.values()}
    narrowed = model.listing(seen, query, community, pace, 100)
    assert {entry.group.key for entry in narrowed.entries} <= fitting


HIDDEN = (
    a_group("payroll", "La paie secrète", joining=Joining.invite, kind=Kind.event, language="en"),
    a_group("board", "Direction soudure", audiences=("board",), parent="workshop", language="en"),
    a_group("back", "Coulisses photo", kind=Kind.animators, parent="workshop"),
)
SEEN = (a_group("yard", "Chantier photo", parent="workshop"), a_group("fair", "Salon du vélo", parent="workshop"))
QUESTIONS = (
    "",
    "photo",
    "photos --kind animators",
    "soudure",
    "soudrue",
    "paye secrete",
    "--kind event",
    "--language English",
    "--for board",
    "--for Direction",
    "--pace lively",
    "--page 2",
)


async def test_a_partner_reads_the_same_words_whatever_is_hidden_from_them(sqlite_url: str) -> None:
    """In chat and on the board, letter for letter."""
    answers: list[list[str]] = []
    audiences = {
        **a_community().audiences,
        "board": Audience("board", "Direction", Perimeter(people=frozenset({ALI}))),
    }
    for number, groups in enumerate(((*SEEN, *HIDDEN), SEEN)):
        community = a_community(*groups, audiences=audiences)
        async with a_house(sqlite_url.replace(".db", f"{number}.db"), community) as house:
            await house.put_in("!yard", PAT, ZOE)
            answers.append(await everything(house))
    assert answers[0] == answers[1]


async def everything(house: House) -> list[str]:
    said = [await found(house, f"directory {question}", PAT) for question in QUESTIONS]
    said += [await found(house, f"who knows {word}", PAT) for word in ("soudure", "photo")]
    async with house.board() as board:
        pat = await board.visitor(PAT)
        addresses = [f"/groups/{group.key}" for group in HIDDEN]
        addresses += ["/directory", "/directory?q=soudrue", "/directory?kind=event&for=board", "/people"]
        pages = [await pat.get(address) for address in addresses]
    return [*said, *(f"{page.status} {page.text}" for page in pages)]


async def test_who_is_found_is_the_same_as_if_those_who_are_hidden_had_said_nothing(sqlite_url: str) -> None:
    answers: list[list[str]] = []
    others = [f"@p{number}:{SERVER}" for number in range(4)]
    for number in range(2):
        async with a_house(sqlite_url.replace(".db", f"{number}.db")) as house:
            await house.put_in("!yard", PAT, ZOE, others[0])
            await found(house, "me ask-about soudure", ZOE)
            await found(house, "me visible partners", ZOE)
            if number:
                for who in others:
                    await found(house, "me ask-about soudage, secrets, photos", who)
                await found(house, "me visible nobody", others[1])
                await found(house, "me visible partners", others[2])
            asked = ("soudure", "soudrue", "soudage", "secret", "secrte", "photos")
            said = [await found(house, f"who knows {word}", PAT) for word in asked]
            async with house.board() as board:
                pat = await board.visitor(PAT)
                said += [(await pat.get(f"/people?q={word}")).text for word in ("", *asked)]
            answers.append(said)
    assert answers[0] == answers[1]
