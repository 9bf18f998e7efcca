"""YAML read into nodes that know their file, line and column; bounded, so that no file can blow up the reader.

Plain scalars follow YAML 1.2's core schema: ``NO`` is Norway and ``19:30`` a time of day, both text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from esnbot.community.group import Source
from esnbot.settings.mistakes import Mistake, shown

MAX_BYTES: Final = 4_000_000
MAX_DEPTH: Final = 60
MAX_NODES: Final = 400_000
"""Of one file, and of what its aliases expand to."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?[0-9]+\.[0-9]+")
_NULL: Final = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(slots=True, eq=False)
class Node:
    """A value with its place: a scalar, a list of nodes, or a mapping from keys to (place of the key, node)."""

    source: Source
    value: Any = None
    items: list[Node] | None = None
    entries: dict[str, tuple[Source, Node]] | None = None

    def get(self, *path: str | int) -> Node | None:
        """The node at a path below this one, None when there is none."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node is not None else None
        return node

    def child(self, step: str | int) -> Node | None:
        """The value under a key or index."""
        if self.entries is not None:
            entry = self.entries.get(str(step))
            return entry[1] if entry else None
        if self.items is not None and isinstance(step, int) and 0 <= step < len(self.items):
            return self.items[step]
        return None

    def keys(self) -> list[str]:
        """The keys of a mapping; none for anything else."""
        return list(self.entries or ())

    def plain(self) -> Any:
        """The same as ordinary Python values."""
        if self.entries is not None:
            return {key: node.plain() for key, (_, node) in self.entries.items()}
        if self.items is not None:
            return [node.plain() for node in self.items]
        return self.value


class DocumentError(Exception):
    """A file that cannot be read as YAML; carries the one mistake."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(str(mistake))
        self.mistake = mistake


def read_document(path: Path, name: str) -> tuple[Node, list[Mistake]]:
    """The root node of a file and the mistakes that do not keep it from being read (keys given twice).

    ``name`` is the file's name in messages. Raises DocumentError.
    """
    start = Source(name, 1)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DocumentError(Mistake(start, "", "no such file", "a YAML file")) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DocumentError(Mistake(start, "", f"a file that cannot be read ({reason})", "a readable file")) from error
    if len(raw) > MAX_BYTES:
        expected = f"at most {MAX_BYTES // 1_000_000} MB; split it with 'include:'"
        raise DocumentError(Mistake(start, "", f"more than {MAX_BYTES // 1_000_000} MB", expected))
    return _Composer(name).compose(_decoded(raw, name))


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        found = f"a byte that is no UTF-8 (0x{raw[error.start]:02x})"
        raise DocumentError(Mistake(Source(name, line, column), "", found, "text saved as UTF-8")) from error


@dataclass(slots=True)
class _Frame:
    node: Node
    anchor: str | None
    key: tuple[str, Source] | None = None
    merges: list[tuple[Source, Node]] = field(default_factory=list)


class _Composer:
    """Builds nodes from parser events with a stack of its own: depth costs no recursion."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[int, int] = {}
        self.mistakes: list[Mistake] = []
        self.count = 0
        self.stack: list[_Frame] = []
        self.root: Node | None = None

    def compose(self, text: str) -> tuple[Node, list[Mistake]]:
        documents = 0
        try:
            for event in yaml.parse(text, _Loader):
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        self._fail(self._source(event), "a second document ('---')", "one document a file")
                self._take(event)
        except yaml.reader.ReaderError as error:
            raise self._unreadable(error, text) from error
        except yaml.MarkedYAMLError as error:
            raise self._broken(error, text) from error
        if self.root is None or (self.root.entries is None and self.root.value is None and self.root.items is None):
            self._fail(Source(self.name, 1), "an empty file", "keys and values, such as 'name: Our community'")
        assert self.root is not None
        if self.root.entries is None:
            self._fail(self.root.source, shown(self.root.plain()), "keys and values, such as 'name: Our community'")
        return self.root, self.mistakes

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._count(event)
            self._no_tag(event)
            plain = event.implicit[0]
            self._place(Node(self._source(event), value=_scalar(event.value) if plain else event.value), event)
        elif isinstance(event, yaml.AliasEvent):
            self._count(event)
            self._place(self._resolve(event), event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._count(event)
            self._no_tag(event)
            if len(self.stack) >= MAX_DEPTH:
                self._fail(self._source(event), f"more than {MAX_DEPTH} levels of nesting", "a flatter file")
            node = Node(self._source(event))
            if isinstance(event, yaml.MappingStartEvent):
                node.entries = {}
            else:
                node.items = []
            self.stack.append(_Frame(node, event.anchor))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            frame = self.stack.pop()
            self._merge(frame)
            self._place(frame.node, event, frame.anchor)

    def _place(self, node: Node, event: Any, anchor: str | None = None) -> None:
        anchor = anchor or (event.anchor if isinstance(event, yaml.ScalarEvent) else None)
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        if frame.node.items is not None:
            frame.node.items.append(node)
        elif frame.key is None:
            frame.key = (self._key(node, event), node.source)
        else:
            self._enter(frame, node)

    def _key(self, node: Node, event: Any) -> str:
        if node.entries is not None or node.items is not None:
            self._fail(node.source, shown(node.plain()), "a plain word as a key")
        return event.value if isinstance(event, yaml.ScalarEvent) else str(node.value)

    def _enter(self, frame: _Frame, node: Node) -> None:
        assert frame.key is not None
        assert frame.node.entries is not None
        (key, source), frame.key = frame.key, None
        if key == "<<":
            frame.merges.append((source, node))
        elif key in frame.node.entries:
            first = frame.node.entries[key][0]
            path = ".".join([*self._path(), key])
            expected = f"each key once (the first stands at line {first.line})"
            self.mistakes.append(Mistake(source, path, f"the key '{key}' a second time", expected))
        else:
            frame.node.entries[key] = (source, node)

    def _merge(self, frame: _Frame) -> None:
        for source, merged in frame.merges:
            parts = merged.items if merged.items is not None else [merged]
            for part in parts:
                if part.entries is None or frame.node.entries is None:
                    self._fail(source, shown(part.plain()), "a mapping after '<<:'")
                else:
                    for key, entry in part.entries.items():
                        frame.node.entries.setdefault(key, entry)

    def _path(self) -> Iterator[str]:
        for frame in self.stack:
            if frame.key is not None:
                yield frame.key[0]
            elif frame.node.items is not None:
                yield str(len(frame.node.items))

    def _resolve(self, event: Any) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            inside = any(frame.anchor == event.anchor for frame in self.stack)
            what = "an alias that contains itself" if inside else "an alias without an anchor"
            expected = f"'&{event.anchor}' on an earlier value"
            self._fail(self._source(event), f"{what} ('*{event.anchor}')", expected)
        assert node is not None
        self.count += self._size(node)
        self._count(event)
        return node

    def _size(self, node: Node) -> int:
        """How many nodes it expands to. Anchored nodes are complete when they are used, so sizes never change."""
        known = self.sizes.get(id(node))
        if known is None:
            children = node.items or [child for _, child in (node.entries or {}).values()]
            known = self.sizes[id(node)] = 1 + sum(self._size(child) for child in children)
        return known

    def _count(self, event: Any) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            self._fail(self._source(event), f"more than {MAX_NODES:,} values (aliases counted)", "a smaller file")

    def _no_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._fail(self._source(event), f"the tag {tag}", "plain values: text, numbers, lists and mappings")

    def _source(self, event: Any) -> Source:
        mark = event.start_mark
        return Source(self.name, mark.line + 1, mark.column + 1)

    def _fail(self, source: Source, found: str, expected: str) -> None:
        raise DocumentError(Mistake(source, ".".join(list(self._path())[:6]), found, expected))

    def _unreadable(self, error: Any, text: str) -> DocumentError:
        position = error.position if isinstance(error.position, int) else 0
        # The C reader counts bytes, Python's counts characters: find the character itself.
        wanted = chr(error.character) if isinstance(error.character, int) else str(error.character)[:1]
        position = text.find(wanted) if wanted and wanted in text else min(position, len(text))
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        code = ord(wanted) if wanted else 0
        found = f"a control character (U+{code:04X})"
        return DocumentError(Mistake(Source(self.name, line, column), "", found, "printable text"))

    def _broken(self, error: Any, text: str) -> DocumentError:
        mark = error.problem_mark or error.context_mark
        source = Source(self.name, mark.line + 1, mark.column + 1) if mark is not None else Source(self.name, 1)
        lines = text.splitlines()
        line = lines[source.line - 1] if source.line <= len(lines) else ""
        found, expected = _syntax(line, source.column, error.problem or "", error.context or "")
        return DocumentError(Mistake(source, "", found, expected))


def _scalar(text: str) -> Any:
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text) and len(text) < 16:
        return int(text)
    if _FLOAT.fullmatch(text) and str(float(text)) == text:
        return float(text)
    return text


def _syntax(line: str, column: int, problem: str, context: str) -> tuple[str, str]:
    """What a YAML parser's complaint means to somebody who writes a file."""
    at = line[column - 1 : column]
    indent = line[: len(line) - len(line.lstrip())]
    if at == "\t" or "\t" in indent:
        return "a tab", "spaces for indenting (two a level)"
    if at in "@`%" and at:
        return f"a value that begins with '{at}'", f'the value in quotes: "{line[column - 1 :].strip()}"'
    if "quoted scalar" in context:
        return "a quote that is never closed", "the closing quote"
    if "mapping values are not allowed" in problem:
        return "a second ':' in one value, or a line that is indented too far", "text with ': ' in quotes"
    if "expected key" in problem or "block mapping" in context:
        return f"a line that fits nowhere ({shown(line.strip())})", "'key: value', indented like its neighbours"
    if "flow" in context:
        return "a list or mapping that is never closed", "the closing ']' or '}'"
    found = f"{problem} {context}".strip() or "something that is no YAML"
    return found, "YAML ('key: value' lines, indented with spaces)"
