"""What a page can be called, how pages stand below one another, and how they name one another."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esnbot.features.page.links import Link, links, replaced, written
from esnbot.features.page.names import LONGEST_NAME, BadName, above, fold, in_order, name_of, too_deep, would_loop


class TestNames:
    @pytest.mark.parametrize(
        ("one", "other"),
        [("Café", "cafe"), ("CAFE\u0301", "Café"), ("Œuvres", "oeuvres"), ("l’eau", "L'eau"), ("a  b", "A b")],
    )
    def test_case_and_accents_make_no_other_page(self, one: str, other: str) -> None:
        assert fold(name_of(one)) == fold(name_of(other))

    @pytest.mark.parametrize(("one", "other"), [("C", "C++"), ("C#", "C++"), ("🎉", "🎂"), ("1.5", "15")])
    def test_signs_do(self, one: str, other: str) -> None:
        assert fold(name_of(one)) != fold(name_of(other))

    @pytest.mark.parametrize("name", ["صفحة", "🎉 Party 🎉", "<b>bold", "👩‍👩‍👧", "C#", "x" * LONGEST_NAME, "@room"])
    def test_names_of_all_kinds_are_welcome(self, name: str) -> None:
        assert fold(name_of(name))

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "   ",
            "\u200b",
            "\u202e",
            "..",
            "../etc/passwd",
            "a/b",
            "a\\b",
            "[[x]]",
            "a|b",
            "x" * 10_000,
            ".",
            "\x00",
        ],
    )
    def test_what_cannot_be_a_name_is_said_so(self, name: str) -> None:
        with pytest.raises(BadName):
            name_of(name)

    @given(st.text(max_size=120))
    @example("0\n\ue000")
    def test_a_name_that_was_taken_is_taken_as_it_is(self, text: str) -> None:
        try:
            name = name_of(text)
        except BadName:
            return
        assert name_of(name) == name
        assert fold(fold(name)) == fold(name)
        assert not any(ord(character) < 32 for character in name)


class TestHierarchy:
    PARENTS = {1: 0, 2: 1, 3: 2, 4: 0}  # noqa: RUF012 - read only

    def test_pages_stand_below_one_another(self) -> None:
        assert above(3, self.PARENTS) == [2, 1]
        assert in_order({1: "b", 2: "c", 3: "d", 4: "A"}, self.PARENTS) == [(4, 0), (1, 0), (2, 1), (3, 2)]

    def test_and_never_below_themselves(self) -> None:
        assert would_loop(1, 3, self.PARENTS)
        assert would_loop(1, 1, self.PARENTS)
        assert not would_loop(3, 4, self.PARENTS)

    def test_nor_too_deep(self) -> None:
        deep = {number: number - 1 for number in range(1, 9)}
        assert too_deep(0, 8, deep)
        assert not too_deep(0, 7, deep)
        assert too_deep(1, 9, {**{number: number - 1 for number in range(1, 9)}, 9: 0})

    @given(st.dictionaries(st.integers(1, 12), st.integers(0, 12)))
    def test_every_page_is_shown_once_whatever_the_table_says(self, parents: dict[int, int]) -> None:
        titles = {page: f"page {page}" for page in parents}
        assert sorted(page for page, _ in in_order(titles, parents)) == sorted(titles)


class TestLinks:
    def test_they_name_a_page_a_group_and_a_text(self) -> None:
        assert links("See [[Bread]], [[Cake|the cake]] and [[Le café/Tea]]. [[Bread]]") == [
            Link("Bread"),
            Link("Cake", shown="the cake"),
            Link("Tea", "Le café"),
        ]

    @pytest.mark.parametrize(
        "words", ["`[[x]]`", "```\n[[x]]\n```", "~~~\n[[x]]", "[[]]", "[[/x]]", "[[x\ny]]", "[x]", "`` ` [[x]] ``"]
    )
    def test_code_and_halves_are_none(self, words: str) -> None:
        assert not links(words)
        assert replaced(words, lambda link: "!") == words

    @given(st.text(alphabet="[]|/ab`~\n ", max_size=80))
    def test_what_is_put_back_is_what_was_there(self, words: str) -> None:
        again = replaced(words, written)
        assert links(again) == links(words)
        assert replaced(again, written) == again

    def test_they_are_put_in_another_way(self) -> None:
        assert replaced("a [[b]] c", lambda link: link.text.upper()) == "a B c"
