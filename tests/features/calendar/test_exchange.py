"""Entries as tables and YAML: what goes out comes in again; what cannot be taken is refused whole, in a sentence."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.features.calendar.exchange import MOST, BadFile, Portable, read, to_csv, to_yaml
from esnbot.speech import Voice

WORD = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters=",;'"), min_size=1, max_size=12)
LINES = st.lists(WORD, min_size=1, max_size=4).map("\n".join)
KEY = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
ENTRIES = st.builds(
    Portable,
    number=st.none() | st.integers(1, 10**9),
    titles=st.dictionaries(st.sampled_from(["en", "fr"]), WORD, min_size=1),
    words=st.dictionaries(st.sampled_from(["en", "fr"]), LINES),
    state=st.sampled_from(["idea", "draft", ""]),
    line=KEY,
    groups=st.lists(KEY, max_size=3, unique=True).map(tuple),
    audience=st.lists(KEY, max_size=2, unique=True).map(tuple),
    at=st.sampled_from(["", "2026-12-01 10:00"]),
    zone=st.sampled_from(["", "Europe/Paris"]),
    rule=st.sampled_from(["", "FREQ=WEEKLY;BYDAY=TU"]),
    excepts=st.sampled_from([(), ("2026-12-24", "2026-12-31")]),
    ask=st.booleans(),
    link=st.sampled_from(["", "https://example.org/a?b=c&d"]),
    credit=st.sampled_from(["", "=HYPERLINK()", "-1", "@room"]),
)


def _bare(entry: Portable) -> Portable:
    return replace(entry, where="")


@given(st.lists(ENTRIES, min_size=1, max_size=5))
def test_what_goes_out_as_a_table_comes_in_again(entries: list[Portable]) -> None:
    found = read("calendar.csv", to_csv(entries, ("en", "fr")).encode())
    assert [_bare(one) for one in found] == entries


@given(st.lists(ENTRIES, min_size=1, max_size=5))
def test_what_goes_out_as_yaml_comes_in_again(entries: list[Portable]) -> None:
    found = read("calendar.yaml", to_yaml(entries).encode())
    assert [_bare(one) for one in found] == entries


@given(st.lists(ENTRIES, min_size=1, max_size=5))
def test_no_cell_begins_as_a_formula_does(entries: list[Portable]) -> None:
    for row in csv.reader(io.StringIO(to_csv(entries, ("en", "fr")))):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_tables_of_french_spreadsheets_are_read() -> None:
    table = (
        '\ufefftitle;words;at;groups;ask\r\nLe marché;"Samedi ;\r\nvenez";2026-12-05 09:00;cafe, sorties;oui\r\n\r\n'
    )
    [entry] = read("Calendrier.CSV", table.encode())
    assert entry.titles == {"": "Le marché"}
    assert entry.words == {"": "Samedi ;\r\nvenez"}
    assert entry.groups == ("cafe", "sorties")
    assert entry.ask
    assert entry.where == "3"


def test_yaml_as_people_write_it_is_read() -> None:
    text = """
- title: {fr: Le marché, en: The market}
  words: |
    **Samedi**
    venez
  at: 2026-12-05 09:00
  groups: [cafe]
  except: [2026-12-24]
  ask: yes
- title: 2027
"""
    first, second = read("a.yml", text.encode())
    assert first.titles == {"fr": "Le marché", "en": "The market"}
    assert first.at == "2026-12-05 09:00"
    assert first.excepts == ("2026-12-24",)
    assert first.ask
    assert second.titles == {"": "2027"}


BOMB = "a: &a [x,x]\nb: &b [*a,*a]\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "column"),
        ("a.csv", b"title\n", "no entry"),
        ("a.csv", b"words\nx\n", "title"),
        ("a.csv", b"title,colour\nx,red\n", "colour"),
        ("a.csv", b"title,title\nx,y\n", "twice"),
        ("a.csv", b"title\nx,y\n", "Line 2"),
        ("a.csv", b"title,words\n,y\n", "has no title"),
        ("a.csv", b"title,ask\nx,maybe\n", "yes or no"),
        ("a.csv", "title\nl'été".encode("latin-1"), "UTF-8"),
        ("a.csv", b"title\n" + b"x" * 200_000, "Line 2"),
        ("a.csv", b"title\n" + b"x\n" * (MOST + 1), "more than"),
        ("a.csv", b"x" * 3_000_000, "too large"),
        ("a.yaml", BOMB.encode(), "Line 2"),
        ("a.yaml", b"title: x\n", "list"),
        ("a.yaml", b"- x\n", "no mapping"),
        ("a.yaml", b"- {title: [x]}\n", "no text"),
        ("a.yaml", b"- {title: x, colour: red}\n", "colour"),
        ("a.yaml", b"- !!python/object/apply:os.system ['true']\n", "Line 1"),
        ("a.yaml", b"- [" * 2000, "YAML"),
        ("a.yaml", b"\x00", "YAML"),
        ("a.ods", b"x", ".csv"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_what_is_wrong(name: str, content: bytes, said: str) -> None:
    with pytest.raises(BadFile) as refused:
        read(name, content)
    assert said in Voice("en").say(refused.value.sentence)


def test_a_title_is_one_line_and_hidden_signs_are_gone() -> None:
    [entry] = read("a.csv", '"title"\n"a\nb\u202e\u0007"\n'.encode())
    assert entry.titles == {"": "a b"}
