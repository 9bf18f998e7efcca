"""A group's notes and pages as Markdown files: how one is written and read again, and a zip of them. Pure.

What comes from outside is not trusted: an archive is read whole or refused whole, with one sentence on why.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from stat import S_IFLNK, S_IFMT
from typing import Any, Final

import yaml

from esnbot.features.page.names import BadName, fold, name_of
from esnbot.features.text import NOTE, PAGE
from esnbot.speech import Later, Quoted, clean, later

LARGEST: Final = 20_000_000
"""Bytes of all files together, unpacked."""
LARGEST_FILE: Final = 400_000
MOST_FILES: Final = 5_000
LONGEST_TITLE: Final = 200
"""Characters of a note's title; a page's name is checked as such."""
LONGEST_HEAD: Final = 20_000
MOST_TAGS: Final = 20
LONGEST_TAG: Final = 50
FOLDERS: Final = {PAGE: "pages", NOTE: "notes"}
_HEAD: Final = re.compile(r"\A---\n(.*?)^---\n?", re.DOTALL | re.MULTILINE)
_TITLE: Final = re.compile(r"\A\s*# +(.+?) *#* *(?:\n|\Z)")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_IGNORED: Final = ("__MACOSX/", ".git/")


class BadArchive(ValueError):
    """Files that are not taken; the sentence says why and what to do."""

    def __init__(self, sentence: Later) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A note or a page, as a file has it."""

    kind: str = PAGE
    title: str
    words: str
    tags: tuple[str, ...] = ()
    parent: str = ""
    """The name of the page above it."""
    names: tuple[str, ...] = ()
    """Names that it had before."""
    authors: tuple[str, ...] = ()
    created: int = 0
    """Milliseconds."""
    changed: int = 0
    language: str = ""


# --- one file ----------------------------------------------------------------------------------------------------


def written(leaf: Leaf) -> str:
    """A leaf as Markdown with its data in front."""
    head: dict[str, Any] = {"title": leaf.title, "kind": leaf.kind}
    head |= {"parent": leaf.parent} if leaf.parent else {}
    head |= {"tags": list(leaf.tags)} if leaf.tags else {}
    head |= {"earlier_names": list(leaf.names)} if leaf.names else {}
    head |= {"authors": list(leaf.authors)} if leaf.authors else {}
    head |= {"created": _moment(leaf.created)} if leaf.created else {}
    head |= {"changed": _moment(leaf.changed)} if leaf.changed else {}
    head |= {"language": leaf.language} if leaf.language else {}
    data = yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=1_000)
    return f"---\n{data}---\n\n{leaf.words}\n"


def read(path: str, data: bytes) -> Leaf:
    """The leaf of a file; without data in front, its name is that of its first heading or of the file.

    Raises ``BadArchive``.
    """
    shown = Quoted(path[-100:])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadArchive(
            later("{file} is not written in UTF-8. Save it as UTF-8, then try again.", file=shown)
        ) from error
    text = clean(text.replace("\r\n", "\n").replace("\r", "\n"))
    head, words = _head(text, shown)
    title, named = head.get("title"), _TITLE.match(words)
    if not isinstance(title, str):
        title = named[1] if named else path.rpartition("/")[2].removesuffix(".md").replace("-", " ")
        words = words[named.end() :] if named else words
    kind = NOTE if head.get("kind") == NOTE or path.startswith("notes/") else PAGE
    try:
        name = " ".join(title.split())[:LONGEST_TITLE] if kind == NOTE else name_of(title)
    except BadName as error:
        raise BadArchive(later("{file}: {reason}", file=shown, reason=error.sentence)) from error
    parent = head.get("parent")
    return Leaf(
        kind=kind,
        title=name,
        words=words.strip("\n"),
        tags=_strings(head.get("tags"))[:MOST_TAGS],
        parent=parent.strip()[:200] if isinstance(parent, str) else "",
        names=_strings(head.get("earlier_names"))[:MOST_TAGS],
    )


def _head(text: str, shown: Quoted) -> tuple[Mapping[str, Any], str]:
    match = _HEAD.match(text)
    if match is None:
        return {}, text
    wrong = later(
        "The data in front of {file} cannot be read: it has to be YAML between two lines of `---`.", file=shown
    )
    if len(match[1]) > LONGEST_HEAD:
        raise BadArchive(wrong)
    try:
        found = yaml.safe_load(match[1])
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadArchive(wrong) from error
    if found is not None and not isinstance(found, dict):
        raise BadArchive(wrong)
    return found or {}, text[match.end() :].lstrip("\n")


def _strings(found: object) -> tuple[str, ...]:
    if not isinstance(found, list):
        return ()
    every = (one.strip() for one in found[: 5 * MOST_TAGS] if isinstance(one, str))
    return tuple(dict.fromkeys(one[:LONGEST_TAG] for one in every if one))


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")


# --- all files ---------------------------------------------------------------------------------------------------


def paths(leaves: Sequence[Leaf]) -> list[str]:
    """A path for each leaf, in the folders of the pages above it; no two alike on any system."""
    titled = {fold(leaf.title): leaf for leaf in leaves if leaf.kind == PAGE}
    taken: set[str] = set()
    found = []
    for leaf in leaves:
        parts, above = [file_name(leaf.title)], titled.get(fold(leaf.parent))
        while above is not None and leaf.kind == PAGE and len(parts) < 10:
            parts.insert(0, file_name(above.title))
            above = titled.get(fold(above.parent)) if above.parent else None
        stem = "/".join([FOLDERS[leaf.kind], *parts])
        path, number = f"{stem}.md", 2
        while path.casefold() in taken:
            path, number = f"{stem}-{number}.md", number + 1
        taken.add(path.casefold())
        found.append(path)
    return found


_DEVICES: Final = frozenset(["con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(10))])


def file_name(title: str) -> str:
    """A title as the name of a file on any system."""
    name = "-".join("".join(character if character.isalnum() else " " for character in title).split())[:60].strip("-")
    return f"{name}-" if name.casefold() in _DEVICES else name or "page"


def packed(leaves: Sequence[Leaf]) -> bytes:
    """A zip of Markdown files; the same leaves give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, leaf in zip(paths(leaves), leaves, strict=True):
            info = zipfile.ZipInfo(path, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, written(leaf))
    return buffer.getvalue()


def unpacked(data: bytes, most: int = MOST_FILES) -> list[Leaf]:
    """The leaves of a zip with at most so many files. Raises ``BadArchive``: nothing of it is taken then."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [info for info in archive.infolist() if not _is_ignored(info.filename)]
            _check(files, most)
            return together((info.filename, _bytes(archive, info)) for info in files)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, ValueError) as error:
        if isinstance(error, BadArchive):
            raise
        raise BadArchive(later("This is no zip that can be read. Make it again, then try once more.")) from error


def together(files: Iterable[tuple[str, bytes]]) -> list[Leaf]:
    """The leaves of some files, each name once. Raises ``BadArchive``."""
    leaves: dict[tuple[str, str], Leaf] = {}
    for path, data in files:
        check_path(path)
        leaf = read(path, data)
        if leaf.kind == PAGE and (PAGE, fold(leaf.title)) in leaves:
            raise BadArchive(later("Two files are pages called {name}. Rename one of them.", name=Quoted(leaf.title)))
        leaves[leaf.kind, fold(leaf.title) if leaf.kind == PAGE else path] = leaf
    if not leaves:
        raise BadArchive(later("There is no Markdown file in it: files end in `.md`."))
    return list(leaves.values())


def check_path(path: str) -> None:
    """Refuse what would leave its folder, and what is no Markdown. Raises ``BadArchive``."""
    shown = Quoted(path[-100:])
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or ".." in parts or ":" in parts[0] or any(ord(c) < 32 for c in path):
        raise BadArchive(later("The file {file} would lie outside of its folder, so nothing was taken.", file=shown))
    if not path.lower().endswith(".md"):
        raise BadArchive(later("{file} is no Markdown file. Take it out, then try again.", file=shown))


def _is_ignored(path: str) -> bool:
    return path.endswith(("/", ".DS_Store")) or path.startswith(_IGNORED)


def _check(files: Sequence[zipfile.ZipInfo], most: int) -> None:
    if len(files) > most:
        raise BadArchive(later("There are {n} files in it, and at most {most} are taken.", n=len(files), most=most))
    if sum(info.file_size for info in files) > LARGEST:
        raise BadArchive(_too_large())
    for info in files:
        shown = Quoted(info.filename[-100:])
        if S_IFMT(info.external_attr >> 16) == S_IFLNK:
            raise BadArchive(later("The file {file} is a link to another one, so nothing was taken.", file=shown))
        if info.flag_bits & 1:
            raise BadArchive(later("The file {file} is locked with a password.", file=shown))
        if info.file_size > LARGEST_FILE:
            raise BadArchive(later("The file {file} is too large for a page.", file=shown))
        check_path(info.filename)


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """What a file has in it, whatever size it says that it has."""
    with archive.open(info) as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise BadArchive(_too_large())
    return data


def _too_large() -> Later:
    return later(
        "Unpacked, this is larger than {most} megabytes. Bring it in several parts.", most=LARGEST // 1_000_000
    )


# --- a git repository --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One version of one leaf."""

    of: int
    """The kept text."""
    leaf: Leaf
    author: str
    moment: int
    number: int


def fast_import(changes: Iterable[Change], branch: str = "main") -> bytes:
    """All versions as commits in their order, as ``git fast-import`` reads them; authors by their Matrix ids."""
    every = sorted(changes, key=lambda one: (one.moment, one.of, one.number))
    latest = {change.of: change.leaf for change in sorted(every, key=lambda one: one.number)}
    # Files are called as pages are called now, so that each has one history.
    path_of = dict(zip(latest, paths(list(latest.values())), strict=True))
    stream: list[bytes] = []
    for mark, change in enumerate(every, start=1):
        message = f"{change.leaf.title} ({change.number})\n".encode()
        who, when = _ident(change.author), change.moment // 1000
        data = written(change.leaf).encode()
        stream += [
            f"commit refs/heads/{branch}\nmark :{mark}\n".encode(),
            f"author {who} {when} +0000\ncommitter {who} {when} +0000\n".encode(),
            f"data {len(message)}\n".encode() + message,
            f"M 100644 inline {_quoted(path_of[change.of])}\ndata {len(data)}\n".encode() + data + b"\n",
        ]
    return b"".join([b"feature done\n", *stream, b"done\n"])


def _ident(author: str) -> str:
    plain = re.sub(r"[<>\x00-\x20]", "", author) or "nobody"
    return f"{plain} <{plain}>"


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
