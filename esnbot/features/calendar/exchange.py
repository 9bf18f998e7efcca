"""Entries of the calendar as a table (CSV, RFC 4180) or as YAML, out and in. Pure.

What comes in is not trusted: a file is read whole or refused whole, with one sentence on what is wrong where.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from esnbot.speech import Later, Quoted, clean, later

LARGEST: Final = 2_000_000
"""Bytes of a file."""
MOST: Final = 2_000
"""Entries in a file."""
LONGEST_CELL: Final = 100_000
"""Characters."""
SIMPLE: Final = ("state", "line", "at", "zone", "rule", "embargo", "expires", "ask", "link", "credit")
LISTS: Final = ("groups", "audience", "except")
BY_LANGUAGE: Final = ("title", "words")
_COLUMN: Final = re.compile(r"(title|words)(?:_([a-z]{2,3}))?")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would compute what begins so (OWASP, 'CSV injection')."""
_YES: Final = frozenset({"yes", "oui", "true", "vrai", "1", "x"})
_NO: Final = frozenset({"", "no", "non", "false", "faux", "0"})


class BadFile(ValueError):
    """A file that is not taken; the sentence says what is wrong where."""

    def __init__(self, sentence: Later) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Portable:
    """An entry as a file has it; what is empty is not said."""

    number: int | None = None
    """Its number in the calendar that it comes from."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Language to title; '' for the language of the community."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Language to Markdown."""
    state: str = ""
    line: str = ""
    groups: tuple[str, ...] = ()
    """Keys of its targets."""
    audience: tuple[str, ...] = ()
    at: str = ""
    """Local time, '2026-12-01 10:00'."""
    zone: str = ""
    rule: str = ""
    """RFC 5545."""
    excepts: tuple[str, ...] = ()
    """Local days."""
    embargo: str = ""
    expires: str = ""
    ask: bool = False
    link: str = ""
    credit: str = ""
    where: str = ""
    """The line of the file or the place in it, for what is said about it."""


# --- out -----------------------------------------------------------------------------------------------------------


def to_csv(entries: Sequence[Portable], languages: Sequence[str]) -> str:
    """A table with a column of titles and one of words for each language."""
    titles = [f"{name}_{language}" for language in languages for name in BY_LANGUAGE]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["number", *titles, *SIMPLE, *LISTS])
    for one in entries:
        flat = _flat(one)
        texts = [
            (one.titles if name == "title" else one.words).get(language, "")
            for language in languages
            for name in BY_LANGUAGE
        ]
        lists = [" ".join(flat[name]) for name in LISTS]
        simple = [("yes" if flat[name] else "") if name == "ask" else str(flat[name]) for name in SIMPLE]
        writer.writerow([one.number or "", *map(_harmless, (*texts, *simple, *lists))])
    return out.getvalue()


def to_yaml(entries: Sequence[Portable]) -> str:
    """A list of mappings; what is empty is left out."""
    return yaml.dump(
        [_compact(one) for one in entries],
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=100,
    )


def _flat(one: Portable) -> dict[str, Any]:
    simple = {name: getattr(one, name) for name in SIMPLE}
    return {**simple, "groups": one.groups, "audience": one.audience, "except": one.excepts}


def _compact(one: Portable) -> dict[str, Any]:
    whole: dict[str, Any] = {"number": one.number, "title": dict(one.titles), "words": dict(one.words), **_flat(one)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in whole.items() if value}


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as one reads them."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


# --- in ------------------------------------------------------------------------------------------------------------


def read(name: str, content: bytes) -> list[Portable]:
    """The entries of a file, by what it is called: ``.csv``, ``.yaml`` or ``.yml``. Raises ``BadFile``."""
    if len(content) > LARGEST:
        raise BadFile(later("This file is too large: {most} MB at most.", most=LARGEST // 1_000_000))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(later("This file is not UTF-8: save it as 'CSV UTF-8'.")) from error
    suffix = name.lower().rpartition(".")[2]
    if suffix == "csv":
        found = _from_csv(text)
    elif suffix in ("yaml", "yml"):
        found = _from_yaml(text)
    else:
        raise BadFile(later("I read {csv} and {yaml} files.", csv=".csv", yaml=".yaml"))
    if not found:
        raise BadFile(later("There is no entry in this file."))
    return found


def _from_csv(text: str) -> list[Portable]:
    csv.field_size_limit(LONGEST_CELL)
    first = text.partition("\n")[0]
    # French spreadsheets write semicolons.
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    found: list[Portable] = []
    try:
        header = [column.strip().lower() for column in next(rows, [])]
        _known(header)
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            where = str(rows.line_num)
            if len(row) > len(header):
                raise BadFile(later("Line {line} has more columns than the first line.", line=where))
            if len(found) >= MOST:
                raise BadFile(later("These are more than {most} entries.", most=MOST))
            cells = {name: _plain(cell) for name, cell in zip(header, row, strict=False)}
            found.append(_portable(cells, where))
    except csv.Error as error:
        raise BadFile(later("Line {line} is no line of a table.", line=str(rows.line_num))) from error
    return found


def _known(header: Iterable[str]) -> None:
    names = list(header)
    allowed = {"number", *SIMPLE, *LISTS}
    strange = [name for name in names if name and name not in allowed and not _COLUMN.fullmatch(name)]
    if strange:
        raise BadFile(later("I know no column {name}.", name=Quoted(strange[0][:60])))
    if not any(_COLUMN.fullmatch(name) and name.startswith("title") for name in names):
        raise BadFile(later("The first line has no column {name}.", name=Quoted("title")))
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise BadFile(later("The column {name} stands twice.", name=Quoted(twice)))


def _plain(cell: str) -> str:
    """A cell as it was before ``_harmless``."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


class _Loader(yaml.SafeLoader):
    """Without anchors: a few lines of them unfold into gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(problem="alias", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


# Dates stay the texts that people write.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _from_yaml(text: str) -> list[Portable]:
    try:
        given = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadFile(later("Line {line} is no YAML that I can read.", line=str(line))) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadFile(later("This is no YAML that I can read.")) from error
    if not isinstance(given, list):
        raise BadFile(later("I expect a list of entries, each beginning with a dash."))
    if len(given) > MOST:
        raise BadFile(later("These are more than {most} entries.", most=MOST))
    return [_of_mapping(one, str(number)) for number, one in enumerate(given, 1)]


def _of_mapping(given: Any, where: str) -> Portable:
    if not isinstance(given, dict):
        raise BadFile(later("Entry {number} is no mapping.", number=where))
    cells: dict[str, str] = {}
    for key, value in given.items():
        name = str(key)
        if name in BY_LANGUAGE and isinstance(value, dict):
            cells.update({f"{name}_{language}": _scalar(text, where, name) for language, text in value.items()})
        elif name in LISTS and isinstance(value, list):
            cells[name] = " ".join(_scalar(one, where, name) for one in value)
        elif name in ("number", *SIMPLE, *LISTS, *BY_LANGUAGE):
            cells[name] = _scalar(value, where, name)
        else:
            raise BadFile(later("Entry {number}: I know no key {name}.", number=where, name=Quoted(name[:60])))
    return _portable(cells, where)


def _scalar(value: Any, where: str, name: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise BadFile(later("Entry {number}: {name} is no text.", number=where, name=Quoted(name)))
    text = str(value)
    if len(text) > LONGEST_CELL:
        raise BadFile(later("Entry {number}: {name} is too long.", number=where, name=Quoted(name)))
    return text.strip()


def _portable(cells: Mapping[str, str], where: str) -> Portable:
    by_language: dict[str, dict[str, str]] = {name: {} for name in BY_LANGUAGE}
    for column, cell in cells.items():
        match = _COLUMN.fullmatch(column)
        if match and cell:
            # A title is one line, whatever was in the cell.
            by_language[match[1]][match[2] or ""] = " ".join(clean(cell).split()) if match[1] == "title" else cell
    if not by_language["title"]:
        raise BadFile(later("Entry {number} has no title.", number=where))
    ask = cells.get("ask", "").lower()
    if ask not in _YES | _NO:
        raise BadFile(later("Entry {number}: {name} is yes or no.", number=where, name=Quoted("ask")))
    simple = {name: cells.get(name, "") for name in SIMPLE if name != "ask"}
    lists = {
        name: tuple(re.split(r"[\s,;]+", cells.get(name, "").strip())) if cells.get(name) else () for name in LISTS
    }
    number = cells.get("number", "")
    return Portable(
        number=int(number) if re.fullmatch(r"[0-9]{1,12}", number) else None,
        titles=by_language["title"],
        words=by_language["words"],
        ask=ask in _YES,
        groups=lists["groups"],
        audience=lists["audience"],
        excepts=lists["except"],
        where=where,
        **simple,
    )
