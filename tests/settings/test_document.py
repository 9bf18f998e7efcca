"""YAML is read with places, within bounds, and every way of breaking it has one clear sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.settings.document import DocumentError, read_document


def the_complaint(folder: Path, text: str | bytes) -> str:
    path = folder / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DocumentError) as caught:
        read_document(path, "file.yaml")
    return str(caught.value)


def outcome(path: Path) -> str:
    try:
        root, _ = read_document(path, "file.yaml")
    except DocumentError as error:
        return str(error)
    return "read" if root.entries is not None else "no mapping\n"


def the_content(folder: Path, text: str) -> object:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    root, mistakes = read_document(path, "file.yaml")
    assert mistakes == []
    return root.plain()


def a_bomb() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("name: x\n\tb: 2", "2:1", "found a tab, expected spaces"),
        ("people:\n  - @camille:x", "2:5", 'in quotes: "@camille:x"'),
        ("a: 'x\nb: 2\n", "", "found a quote that is never closed"),
        ("a: b: c", "1:5", "a second ':' in one value"),
        ("a:\n  b: 1\n c: 2", "3:2", "found a line that fits nowhere ('c: 2')"),
        ("a: [1, 2", "", "never closed"),
        (b"a: 1\nb: \xe9t\xe9", "2:4", "found a byte that is no UTF-8 (0xe9)"),
        ("é: \x07", "1:4", "a control character (U+0007)"),
        ("a: !!python/object:os.system x", "1:4", "found the tag !!python/object:os.system"),
        ("a: !mine x", "1:4", "found the tag !mine"),
        ("- a\n- b", "1:1", "found a list, expected keys and values"),
        ("", "1:1", "found an empty file"),
        ("# only a comment", "1:1", "found an empty file"),
        ("a: 1\n---\nb: 2", "2:1", "found a second document"),
        ("a: *nobody", "1:4", "an alias without an anchor"),
        ("a: &x [*x]", "1:8", "an alias that contains itself"),
        ("? [a]\n: b", "1:3", "found a list, expected a plain word as a key"),
        ("b: &b [1]\na:\n  <<: *b", "3:3", "found '1', expected a mapping after '<<:'"),
        ("a: " + "[" * 3000 + "]" * 3000, "1:", "more than 60 levels of nesting"),
        (a_bomb(), "", "more than 400,000 values (aliases counted)"),
        ("x" * 4_000_001, "1:1", "found more than 4 MB"),
    ],
)
def test_a_broken_file_gets_one_clear_sentence(tmp_path: Path, text: str | bytes, place: str, sentence: str) -> None:
    complaint = the_complaint(tmp_path, text)

    assert complaint.startswith(f"file.yaml:{place}")
    assert sentence in complaint
    assert len(complaint) < 300


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"file\.yaml:1:1: found no such file"):
        read_document(tmp_path / "file.yaml", "file.yaml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        read_document(tmp_path, "folder")


def test_norway_times_and_versions_stay_text(tmp_path: Path) -> None:
    content = the_content(tmp_path, "a: [NO, 19:30, yes, 1.10, 007, 12, 1.5, true, ~, 'true', 2030-01-01]")

    assert content == {"a": ["NO", "19:30", "yes", "1.10", "007", 12, 1.5, True, None, "true", "2030-01-01"]}


def test_aliases_and_merge_keys_work_within_bounds(tmp_path: Path) -> None:
    content = the_content(tmp_path, "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: *x\n")

    assert content == {"x": {"a": 1, "b": 2}, "y": {"b": 3, "a": 1}, "z": {"a": 1, "b": 2}}


def test_every_key_that_is_given_twice_is_named_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a: 1\nb:\n  - c: 1\n    c: 2\na: 2\n")

    _, mistakes = read_document(path, "file.yaml")

    assert [str(mistake) for mistake in mistakes] == [
        "file.yaml:4:5: b.0.c: found the key 'c' a second time, expected each key once (the first stands at line 3)",
        "file.yaml:5:1: a: found the key 'a' a second time, expected each key once (the first stands at line 1)",
    ]


def test_a_value_knows_its_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a:\n  b: [é, ü, here]\n", encoding="utf-8")

    root, _ = read_document(path, "file.yaml")
    node = root.get("a", "b", 2)

    assert node is not None
    assert (node.value, node.source.line, node.source.column) == ("here", 2, 13)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "file.yaml"
    path.write_bytes(data)
    assert "\n" not in outcome(path)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@,? \n\t~<", max_size=60))
def test_no_punctuation_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "file.yaml"
    path.write_text(text, encoding="utf-8")
    assert "\n" not in outcome(path)
