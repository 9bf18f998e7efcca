"""Names that are one to people, in each of the ways in which features compare them; and texts that are cut to fit."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esnbot.commands import words as typed
from esnbot.features.page import names as pages
from esnbot.features.search import words as searched
from esnbot.speech import beginning, cut, first_line, fold, in_a_line, tidy, unaccented

KEPT = [
    # what people write            commands          words            pages             search
    ("  Club   PHOTO ", "club photo", "club photo", "club photo", None),
    ("Été à l’Île", "ete a l'ile", "ete a l ile", "ete a l'ile", "etealile"),
    ("Cœur, œuvre & Cie", "cœur, œuvre & cie", "coeur oeuvre cie", "coeur, oeuvre & cie", "coeuroeuvrecie"),
    ("Straße", "strasse", "strasse", "strasse", "strasse"),
    ("Łódź, Øresund", "łodz, øresund", "lodz oresund", "łodz, øresund", "lodzoresund"),
    ("C++ / C#", "c++ / c#", "c c", "c++ / c#", None),
    ("re-open", "re-open", "re open", "re-open", None),
    ("ﬁchier n° ²", "fichier n° 2", "fichier n 2", "fichier n° 2", "fichiern2"),
    ("𝐆𝐫𝐨𝐮𝐩𝐞", "groupe", "groupe", "groupe", "groupe"),
    ("a\u200bb c\u00add", "a\u200bb c\u00add", "a b c d", "ab cd", "abcd"),
    ("snake_case", "snake_case", "snake case", "snake_case", None),
    ("ΣΊΣΥΦΟΣ", "σισυφοσ", "σισυφοσ", "σισυφοσ", "σισυφοσ"),
    ("Ελλάδα И́горь Й", "ελλαδα игорь и", "ελλαδα игорь и", "ελλαδα игорь и", "ελλαδαигорьи"),
    ("🎉!?", "🎉!?", "", "🎉!?", ""),
]
"""What tables keep is folded so: whoever changes a line has to fold anew what is kept."""


@pytest.mark.parametrize(("written", "command", "words", "page", "search"), KEPT)
def test_what_was_kept_yesterday_is_found_tomorrow(
    written: str, command: str, words: str, page: str, search: str | None
) -> None:
    assert typed.fold(written) == command
    assert fold(written) == words
    assert pages.fold(written) == page
    if search is not None:
        assert searched.fold(written) == search


@given(st.text(max_size=30))
@example("ǽ\u0323")
@example("İstanbul")
def test_folding_twice_changes_nothing(text: str) -> None:
    for way in (fold, typed.fold, pages.fold, searched.fold):
        assert way(way(text)) == way(text)


@given(st.text(max_size=30))
@example("e\u0301te\u0301")
def test_however_a_keyboard_makes_an_accent_it_is_the_same(text: str) -> None:
    for way in (fold, typed.fold, pages.fold, searched.fold):
        assert way(unicodedata.normalize("NFC", text)) == way(unicodedata.normalize("NFD", text))


@given(st.text(max_size=40))
def test_words_have_letters_and_digits_alone(text: str) -> None:
    assert fold(text).replace(" ", "").isalnum() or not fold(text)
    assert fold(text) == " ".join(fold(text).split())


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=40))
def test_the_short_way_for_plain_letters_leads_to_the_same(text: str) -> None:
    assert fold(text) == fold(f"{text} é").removesuffix("e").rstrip()


def test_signs_and_spaces_stay_where_only_accents_are_taken_off() -> None:
    assert unaccented(" À  demain, C++ ! ") == " a  demain, c++ ! "


@given(st.text(max_size=60))
@example("a" + "\u0301\u0302\u0303\u0304" * 9)
@example("x\u0315\u0300\u0301")
def test_a_tidied_name_is_one_line_and_stays_as_it_is(text: str) -> None:
    name = tidy(text)
    assert tidy(name) == name == unicodedata.normalize("NFC", name)
    assert len(name.splitlines()) <= 1


# --- cut ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("Short", 10, "Short"),
        ("exactly so", 10, "exactly so"),
        ("Pictures of the week, and more", 23, "Pictures of the week…"),
        ("Pictures of the week", 14, "Pictures of…"),
        ("Donaudampfschifffahrt", 10, "Donaudamp…"),
        ("a Donaudampfschifffahrt", 10, "a Donauda…"),
    ],
)
def test_a_text_is_cut_between_words(text: str, most: int, shown: str) -> None:
    assert cut(text, most) == shown


@given(st.text(max_size=80), st.integers(1, 60))
def test_what_is_cut_fits(text: str, most: int) -> None:
    for way in (cut, in_a_line, first_line):
        assert len(way(text, most)) <= most
    assert len(in_a_line(text, most).splitlines()) <= 1


def test_a_line_has_all_of_it_and_a_first_line_the_first_that_says_something() -> None:
    assert in_a_line("\n one\n\ntwo ", 20) == "one two"
    assert first_line("\n one\n\ntwo ", 20) == "one"


def test_the_beginning_ends_with_a_line_and_says_that_there_is_more() -> None:
    assert beginning("one\ntwo", 7) == "one\ntwo"
    assert beginning("one\ntwo\nthree", 9) == "one\ntwo …"


def test_what_is_cut_within_code_ends_the_code_before_anything_follows() -> None:
    assert beginning("```\nmake\nmake install\n```", 12) == "```\nmake\n```\n\n…"
