"""Names, keys and look-alikes of groups."""

from __future__ import annotations

import re
import unicodedata
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esnbot.features.group.model import (
    LONGEST_KEY,
    NameProblem,
    UnusableName,
    handed_over,
    home_for,
    key_of,
    keys_of,
    look_alikes,
    matches,
    proper_name,
)
from esnbot.speech import fold
from tests.features.house import a_community, a_group


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  Club   photo \n", "Club photo"),
        ("Club\u202ephoto", "Clubphoto"),
        ("<b>Club</b>", "<b>Club</b>"),
        ("🎉", "🎉"),
        ('"Tram', "Tram"),
        ("« Tram", "Tram"),
        ('"Tram" et bus', '"Tram" et bus'),
        ('Écrans de 24"', 'Écrans de 24"'),
        ("e\u0301te\u0301", "été"),
        ("a" + "\u0301\u0302\u0303\u0304" * 9, "á\u0302\u0303"),
    ],
)
def test_a_name_is_kept_as_people_see_it(written: str, kept: str) -> None:
    assert proper_name(written, 80) == kept


def test_a_name_calls_nobody() -> None:
    assert "@room" not in proper_name("@room party", 80)


@pytest.mark.parametrize("written", ["", "   ", "\u200b\u200b", "\u202e\n", "\u0301"])
def test_a_name_that_nobody_sees_is_refused(written: str) -> None:
    with pytest.raises(UnusableName) as refused:
        proper_name(written, 80)
    assert refused.value.problem is NameProblem.empty


@pytest.mark.parametrize("written", ["x" * 81, "x" * 10_000])
def test_a_name_that_is_too_long_is_refused(written: str) -> None:
    with pytest.raises(UnusableName) as refused:
        proper_name(written, 80)
    assert refused.value.problem is NameProblem.long


@example("A\x08\u0300")
@given(st.text(max_size=120) | st.text(alphabet="a \u0301\u202e@roмm<>&*`[]()\n\x00🎉", max_size=120))
def test_any_text_is_refused_or_becomes_a_name_that_stays_as_it_is(text: str) -> None:
    try:
        name = proper_name(text, 80)
    except UnusableName:
        return
    assert 1 <= len(name) <= 80
    assert name == " ".join(name.split())
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
    assert proper_name(name, 80) == name
    assert key_of(name)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Club photo", "club-photo"),
        ("Été à Œuvre", "ete-a-oeuvre"),
        ("C++ & Rust", "c-rust"),
        ("Projet 2026", "projet-2026"),
        ("Straße", "strasse"),
    ],
)
def test_a_key_is_made_of_the_words_of_the_name(name: str, key: str) -> None:
    assert key_of(name) == key


def test_a_name_without_ascii_has_a_key_of_its_own() -> None:
    assert key_of("写真部").startswith("group-")
    assert key_of("写真部") != key_of("🎉")


@given(st.text(min_size=1, max_size=300))
def test_every_key_can_be_an_alias(name: str) -> None:
    for key in islice(keys_of(name), 3):
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", key)
        assert 2 <= len(key) <= LONGEST_KEY


@given(st.text(min_size=1, max_size=40))
def test_further_groups_of_a_name_have_further_keys(name: str) -> None:
    keys = list(islice(keys_of(name), 20))
    assert len(set(keys)) == 20


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Club photo", "club photo"),
        ("Club photo", "Le club photo"),
        ("Photo", "Club photo"),
        ("Randonnée", "Randonnées"),
        ("Éco-gestes", "Eco gestes"),
        ("Photography", "Photograhpy"),
        ("Club de lecture", "Lecture club"),
    ],
)
def test_near_duplicates_are_seen(name: str, other: str) -> None:
    assert look_alikes(name, {"it": other}) == ["it"]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Club photo", "Club de lecture"),
        ("Équipe 1", "Équipe 2"),
        ("Noël 2025", "Noël 2026"),
        ("Projet Alpha", "Projet Bêta"),
        ("Vélo", "Véto"),
    ],
)
def test_different_groups_are_not_taken_for_duplicates(name: str, other: str) -> None:
    assert look_alikes(name, {"it": other}) == []


def test_the_very_same_name_comes_first_and_few_are_shown() -> None:
    others = {f"photo-{n}": "Photos" for n in range(9)} | {"same": "photo"}
    found = look_alikes("Photo", others)
    assert found[0] == "same"
    assert len(found) == 3


def test_words_are_found_in_name_and_topic_whatever_the_accents() -> None:
    group = a_group(name="Randonnée", topic="Le dimanche, en forêt")
    assert matches(group, "foret RANDO")
    assert not matches(group, "mer")


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_handing_over_takes_from_the_giver_and_an_animator_gives_for_all() -> None:
    assert handed_over(frozenset({"a", "b"}), "a", "c") == {"b", "c"}
    assert handed_over(frozenset({"a", "b"}), "animator", "c") == {"c"}


def test_a_new_group_goes_where_its_maker_may_be() -> None:
    community = a_community()
    places = {**community.spaces, **community.groups}
    assert home_for(community, places, {"staff"}, []) == "home"
    assert home_for(community, places, {"partners"}, []) == "workshop"
    assert home_for(community, places, {"staff"}, ["workshop"]) == "workshop"
    assert home_for(community, places, set(), []) is None
