"""How a line is cut into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.commands.grammar import Word, option, quote, split


def texts(line: str) -> list[str]:
    """The words as text."""
    return [word.text for word in split(line)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  group   create ", ["group", "create"]),
        ('group create "Club photo"', ["group", "create", "Club photo"]),
        ("group create “Club photo”", ["group", "create", "Club photo"]),
        ("group create «\u00a0Club photo\u00a0»", ["group", "create", "Club photo"]),
        ("group create « Club photo »", ["group", "create", "Club photo"]),
        ("group create «Club photo»", ["group", "create", "Club photo"]),
        ("group create 'Club photo'", ["group", "create", "Club photo"]),
        ("group create ‘Club photo’", ["group", "create", "Club photo"]),
        ("l'eau et d'où", ["l'eau", "et", "d'où"]),
        ("'l'eau' l’eau", ["l'eau", "l’eau"]),
        ('"5"x7" c', ['5"x7', "c"]),
        ('a "never closed', ["a", '"never', "closed"]),
        ('12" vinyl', ['12"', "vinyl"]),
        (r'"a \"b\" c"', ['a "b" c']),
        (r"Club\ photo", ["Club photo"]),
        (r"C:\temp", [r"C:\temp"]),
        ('kind="two words" x', ["kind=two words", "x"]),
        ("--kind=«deux mots»", ["--kind=deux mots"]),
        ('""', [""]),
        ("a\nb\tc", ["a", "b", "c"]),
    ],
)
def test_a_line_is_cut_as_people_mean_it(line: str, expected: list[str]) -> None:
    assert texts(line) == expected


def test_each_word_knows_where_it_begins_and_whether_it_was_quoted() -> None:
    assert split('a "b c"') == (Word("a", False, 0), Word("b c", True, 2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--kind", ("kind", None, True)),
        ("--kind=hobby", ("kind", "hobby", True)),
        ("—kind", ("kind", None, True)),
        ("–kind=a=b", ("kind", "a=b", True)),
        ("kind=hobby", ("kind", "hobby", False)),
        ("--année", ("année", None, True)),
        ("--", None),
        ("---", None),
        ("-5", None),
        ("1=2", None),
        ("a=", None),
        ("word", None),
    ],
)
def test_options_are_told_by_their_shape(text: str, expected: tuple[str, str | None, bool] | None) -> None:
    assert option(Word(text, False, 0)) == expected
    assert option(Word(text, True, 0)) is None


@given(st.text(max_size=80))
def test_no_line_is_too_strange_to_be_cut(line: str) -> None:
    for word in split(line):
        assert 0 <= word.start < len(line)
        option(word)


@given(st.lists(st.text(alphabet="ab \"'“”„‘’«»\\=-—\u00a0é\n#", max_size=12), max_size=5))
def test_what_is_quoted_comes_back_as_it_was(parts: list[str]) -> None:
    assert texts(" ".join(map(quote, parts))) == parts


@given(st.text(max_size=60))
def test_any_text_can_be_quoted_into_one_word_that_is_no_option(text: str) -> None:
    [word] = split(quote(text))
    assert word.text == text
    assert option(word) is None
