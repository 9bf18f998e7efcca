"""Notes and pages as files: out and in again, and what is refused whole."""

from __future__ import annotations

import io
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.features.page.archive import (
    LARGEST_FILE,
    MOST_FILES,
    BadArchive,
    Change,
    Leaf,
    fast_import,
    packed,
    paths,
    read,
    unpacked,
    written,
)
from esnbot.features.page.names import BadName, fold, name_of
from esnbot.features.text import NOTE
from esnbot.speech import clean


def usable(text: str) -> bool:
    try:
        return name_of(text) == text
    except BadName:
        return False


names = st.text(min_size=1, max_size=40).filter(usable)
texts = st.text(max_size=200).map(lambda text: clean(text.replace("\r", "")).strip("\n")).filter(str.strip)
leaves = st.builds(
    Leaf,
    title=names,
    words=texts,
    tags=st.lists(st.text("abé-🎉", min_size=1, max_size=10), max_size=3, unique=True).map(tuple),
    parent=names | st.just(""),
)


def a_zip(*files: tuple[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files:
            archive.writestr(path, data)
    return buffer.getvalue()


class TestRoundTrip:
    @given(leaves)
    def test_a_file_says_what_the_page_said(self, leaf: Leaf) -> None:
        again = read("pages/x.md", written(leaf).encode())
        assert again == Leaf(title=leaf.title, words=leaf.words, tags=leaf.tags, parent=leaf.parent)

    @given(st.lists(leaves, min_size=1, max_size=6, unique_by=lambda leaf: fold(leaf.title)))
    def test_and_so_does_a_zip_of_them(self, some: list[Leaf]) -> None:
        found = unpacked(packed(some))
        assert [(leaf.title, leaf.words) for leaf in found] == [(leaf.title, leaf.words) for leaf in some]
        assert packed(some) == packed(some)

    @given(st.lists(leaves, max_size=6))
    def test_no_two_paths_are_alike_on_any_system(self, some: list[Leaf]) -> None:
        found = paths(some)
        assert len({path.casefold() for path in found}) == len(found)
        assert all(path.startswith("pages/") and ".." not in path.split("/") for path in found)

    def test_files_that_people_wrote_themselves_are_welcome(self) -> None:
        assert read("a/first-steps.md", b"Hello") == Leaf(title="first steps", words="Hello")
        assert read("x.md", "# Été\n\nHello".encode()) == Leaf(title="Été", words="Hello")
        assert read("notes/x.md", b"---\ntitle: A\ntags: [b]\n---\nHello").kind == NOTE


class TestRefused:
    @pytest.mark.parametrize(
        "path",
        ["/etc/passwd.md", "../x.md", "a/../../x.md", "a\\..\\x.md", "C:/x.md", "x.exe", "a\x01.md", "x.png"],
    )
    def test_paths_that_lead_elsewhere(self, path: str) -> None:
        with pytest.raises(BadArchive):
            unpacked(a_zip(("good.md", "Hello"), (path, "Hello")))

    @pytest.mark.parametrize(
        "data",
        [
            b"\xff\xfe\x00",
            b"---\ntitle: [\n---\n",
            b"---\n- a\n---\nx",
            b"---\ntitle: '../x'\n---\nx",
            b"---\n" + b"[" * 5_000 + b"\n---\n",
            b"---\na: &a [x]\nb: &b [*a,*a]\ntitle: *b\n---\n# ..\n",
            b"---\nx: !!python/object:os.system x\n---\n",
            b"---\n" + b"x" * 30_000 + b"\n---\n",
        ],
    )
    def test_what_cannot_be_read(self, data: bytes) -> None:
        with pytest.raises(BadArchive):
            unpacked(a_zip(("x.md", data)))

    def test_bombs_crowds_links_and_what_is_no_zip(self) -> None:
        link = zipfile.ZipInfo("x.md")
        link.external_attr = 0o120777 << 16
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(link, "/etc/passwd")
        for data in (
            a_zip(("x.md", b"0" * (LARGEST_FILE + 1))),
            a_zip(*((f"{number}.md", b"0" * LARGEST_FILE) for number in range(60))),
            a_zip(*((f"{number}.md", b"") for number in range(MOST_FILES + 1))),
            buffer.getvalue(),
            a_zip(),
            a_zip(("a.md", "# Café\n"), ("b.md", "# cafe\n")),
            b"",
            b"PK\x03\x04" + b"\x00" * 100,
            packed([Leaf(title="a", words="b")])[:-30],
        ):
            with pytest.raises(BadArchive):
                unpacked(data)

    def test_a_size_that_is_a_lie(self) -> None:
        data = bytearray(a_zip(("x.md", b"0" * 10_000_000)))
        size = (10_000_000).to_bytes(4, "little")
        for _ in range(2):
            at = data.find(size)
            if at >= 0:
                data[at : at + 4] = (10).to_bytes(4, "little")
        with pytest.raises(BadArchive):
            unpacked(bytes(data))

    @given(st.binary(max_size=300))
    def test_any_bytes_are_a_sentence_at_worst(self, data: bytes) -> None:
        for one in (data, a_zip(("x.md", data))):
            with suppress(BadArchive):
                assert unpacked(one)


class TestGit:
    def test_versions_are_commits_by_their_authors(self, tmp_path: Path) -> None:
        changes = [
            Change(of=1, leaf=Leaf(title="Bread", words="one"), author="@zoe:example.org", moment=1_000_000, number=1),
            Change(of=2, leaf=Leaf(title='Ov"en', words="hot", parent="Brot"), author="", moment=2_000_000, number=1),
            Change(of=1, leaf=Leaf(title="Brot", words="two"), author="@a<li>:x", moment=3_000_000, number=2),
        ]

        def git(*arguments: str, data: bytes = b"") -> str:
            done = subprocess.run(["git", *arguments], cwd=tmp_path, input=data, capture_output=True, check=True)
            return done.stdout.decode()

        git("init", "-q")
        git("fast-import", "--quiet", data=fast_import(changes))
        assert git("log", "--format=%an|%s", "main").splitlines() == [
            "@ali:x|Brot (2)",
            'nobody|Ov"en (1)',
            "@zoe:example.org|Bread (1)",
        ]
        assert git("ls-tree", "-r", "--name-only", "main").splitlines() == ["pages/Brot.md", "pages/Brot/Ov-en.md"]
        assert "two" in git("show", "main:pages/Brot.md")
