"""Two people change one text: no word of either is ever lost."""

from __future__ import annotations

from collections import Counter
from time import perf_counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esnbot.features.page.differences import How, counted, differences, in_lines
from esnbot.features.text.merging import merge
from esnbot.features.text.sequences import lines_of, tokens_of

BASE = "# Bread\n\nTake flour.\nAdd water and salt.\nWait for an hour.\n"
texts = st.text(alphabet="ab \n.é🎉\u0301", max_size=60)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str, str, set[str], set[str]]:
    """A text of words that are all different, two edits of it, and the words that each put in."""
    words = [f"w{number}{draw(st.sampled_from([' ', chr(10), '. ']))}" for number in range(draw(st.integers(0, 25)))]

    def edited(who: str) -> tuple[str, set[str]]:
        kept: list[str] = []
        new: set[str] = set()
        for index in range(len(words) + 1):
            if draw(st.integers(0, 5)) == 0:
                word = f"{who}{index}"
                new.add(word)
                kept.append(word + draw(st.sampled_from([" ", "\n"])))
            if index < len(words) and draw(st.integers(0, 6)):
                kept.append(words[index])
        return "".join(kept), new

    (first, ours), (second, theirs) = edited("first"), edited("second")
    return "".join(words), first, second, ours, theirs


def words_of(text: str) -> set[str]:
    return {token for token in tokens_of(text) if token.isalnum()}


class TestMerging:
    @given(edits())
    def test_what_either_wrote_is_there_and_what_neither_took_out_too(
        self, edit: tuple[str, str, str, set[str], set[str]]
    ) -> None:
        base, first, second, ours, theirs = edit
        merged = merge(base, first, second)
        assert ours | theirs <= words_of(merged.text)
        assert words_of(first) & words_of(second) <= words_of(merged.text)

    @given(edits())
    def test_a_clean_merge_takes_out_what_one_took_out_and_doubles_nothing(
        self, edit: tuple[str, str, str, set[str], set[str]]
    ) -> None:
        base, first, second, _, _ = edit
        merged = merge(base, first, second)
        if merged.clean:
            assert not (words_of(base) - words_of(first)) & words_of(merged.text)
            assert max(Counter(token for token in tokens_of(merged.text) if token.isalnum()).values(), default=1) == 1

    @given(texts, texts, texts)
    @example("", "a", "b")
    def test_any_text_can_be_merged(self, base: str, first: str, second: str) -> None:
        merged = merge(base, first, second)
        conflicts = [piece for piece in merged.pieces if piece.settled is None]
        assert merged.clean is (not conflicts)
        assert all(piece.first != piece.second for piece in conflicts)

    @given(texts, texts)
    def test_who_changed_nothing_stands_in_nobodys_way(self, base: str, other: str) -> None:
        assert merge(base, base, other).text == other
        assert merge(base, other, base).text == other
        assert merge(base, other, other).text == other

    def test_different_lines_go_together(self) -> None:
        merged = merge(BASE, BASE.replace("flour", "rye flour"), BASE + "Bake.\n")
        assert merged.clean
        assert "rye flour" in merged.text
        assert merged.text.endswith("Bake.\n")

    def test_different_words_of_one_line_go_together(self) -> None:
        merged = merge(BASE, BASE.replace("water", "warm water"), BASE.replace("salt", "sea salt"))
        assert merged.clean
        assert "Add warm water and sea salt." in merged.text

    def test_the_same_words_are_for_people_to_decide(self) -> None:
        merged = merge(BASE, BASE.replace("an hour", "two hours"), BASE.replace("an hour", "a night"))
        (conflict,) = [piece for piece in merged.pieces if piece.settled is None]
        assert (conflict.base, conflict.first, conflict.second) == (
            "Wait for an hour.\n",
            "Wait for two hours.\n",
            "Wait for a night.\n",
        )
        assert "two hours" in merged.text
        assert "a night" in merged.text

    @pytest.mark.parametrize("line", ["a\n", "a ", "ab\nba\n", "\n"])
    def test_texts_that_repeat_themselves_take_no_time(self, line: str) -> None:
        many = (line * 60_000)[:60_000]
        began = perf_counter()
        merged = merge(many, "x\n" + many[: len(many) // 2] + "mine" + many[len(many) // 2 :], many + "yours")
        differences(many, many[::-1] + "x")
        assert perf_counter() - began < 10
        assert {"mine", "yours"} <= {word for word in ("mine", "yours") if word in merged.text}


class TestDifferences:
    @given(texts, texts)
    def test_both_versions_can_be_read_from_them(self, before: str, after: str) -> None:
        found = differences(before, after)
        assert "".join(one.text for one in found if one.how is not How.added) == before
        assert "".join(one.text for one in found if one.how is not How.removed) == after

    @given(texts)
    def test_the_same_text_has_none(self, text: str) -> None:
        assert counted(differences(text, text)) == (0, 0)
        assert all(not line.changed for line in in_lines(differences(text, text)))

    def test_words_are_counted_and_far_lines_left_out(self) -> None:
        before = "".join(f"line {number}\n" for number in range(50))
        found = differences(before, before.replace("line 25", "line twenty five"))
        assert counted(found) == (2, 1)
        lines = in_lines(found)
        assert [line.skipped for line in lines if line.skipped] == [23, 22]
        assert len([line for line in lines if line.changed]) == 1

    @given(texts)
    def test_lines_and_words_are_the_whole_text(self, text: str) -> None:
        assert "".join(lines_of(text)) == text
        assert "".join(tokens_of(text)) == text
