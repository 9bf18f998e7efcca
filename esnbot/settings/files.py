"""The files of a configuration: what one includes becomes part of it, prompts and templates are read beside it."""

from __future__ import annotations

import glob
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from esnbot.community.group import Source
from esnbot.settings.document import DocumentError, Node, read_document
from esnbot.settings.mistakes import Mistake, shown

MAX_FILES: Final = 500
_SHARED: Final = ("audiences", "sites", "teams", "spaces", "groups", "features")
"""Keys whose entries may be spread over files; any other key stands in one file."""
_LISTS: Final = ("include", "prompts", "templates")
"""Lists of files: each pattern is relative to the file that has it."""


@dataclass(slots=True)
class Files:
    """All that was read."""

    root: Node
    prompts: list[Node] = field(default_factory=list)
    templates: list[Node] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def read_files(path: Path) -> Files:
    """Read the file and all that it names. Raises DocumentError when the first file itself cannot be read."""
    root, mistakes = read_document(path, str(path))
    files = Files(root, mistakes=mistakes)
    waiting = [root]
    seen = {path.resolve()}
    while waiting:
        part = waiting.pop(0)
        if part is not root:
            _join(files, part)
        for key in _LISTS:
            for found in _listed(files, part, key, seen):
                if key == "include":
                    waiting.append(found)
                else:
                    (files.prompts if key == "prompts" else files.templates).append(found)
    return files


def _listed(files: Files, part: Node, key: str, seen: set[Path]) -> list[Node]:
    """The documents that a list of patterns names; each file once."""
    node = part.get(key)
    found: list[Node] = []
    for index, item in enumerate(node.items if node is not None and node.items is not None else ()):
        pattern = item.value
        dotted = f"{key}.{index}"
        if not isinstance(pattern, str) or not pattern:
            continue
        folder = Path(item.source.path).parent
        whole = pattern if Path(pattern).is_absolute() else f"{glob.escape(str(folder))}/{pattern}"
        paths = sorted(Path(name) for name in glob.glob(whole, recursive=True))
        if not paths:
            expected = f"a file of that name, relative to '{folder}'"
            files.mistakes.append(Mistake(item.source, dotted, f"no file for {shown(pattern)}", expected))
        for one in paths:
            if one.resolve() in seen:
                continue
            seen.add(one.resolve())
            if len(seen) > MAX_FILES:
                files.mistakes.append(Mistake(item.source, dotted, f"more than {MAX_FILES} files", "fewer files"))
                return found
            try:
                document, mistakes = read_document(one, str(one))
            except DocumentError as error:
                files.mistakes.append(error.mistake)
            else:
                files.mistakes += mistakes
                found.append(document)
    return found


def _join(files: Files, part: Node) -> None:
    """Make an included file's keys part of the root."""
    assert files.root.entries is not None
    assert part.entries is not None
    for key, (source, node) in part.entries.items():
        there = files.root.entries.get(key)
        if there is None or _is_nothing(there[1]):
            files.root.entries[key] = (source, node)
        elif key in _SHARED and there[1].entries is not None and node.entries is not None:
            for name, entry in node.entries.items():
                if name in there[1].entries:
                    _twice(files, f"{key}.{name}", entry[0], there[1].entries[name][0])
                else:
                    there[1].entries[name] = entry
        elif key not in _LISTS and not _is_nothing(node):
            _twice(files, key, source, there[0])


def _is_nothing(node: Node) -> bool:
    return node.value is None and node.entries is None and node.items is None


def _twice(files: Files, dotted: str, again: Source, first: Source) -> None:
    name = dotted.rpartition(".")[2]
    expected = f"each key once (the first stands at {first})"
    files.mistakes.append(Mistake(again, dotted, f"the key '{name}' a second time", expected))
