"""Keeps the catalogues in step with the code: `python -m esnbot.speech.catalogues [--check] [FOLDER …]`.

Each package with a `texts` folder owns the sentences of the code beside it (that is how a feature brings its own);
all other sentences of `esnbot` are in the core catalogue. Updating takes in new sentences, untranslated, drops those
that are gone, and puts typography right; checking says what a translator has to do.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from esnbot.speech.extract import Sentence, misfilled, sentences
from esnbot.speech.speech import core_catalogue
from esnbot.speech.typography import french
from esnbot.speech.voice import placeholders

LANGUAGES = ("fr",)
_ROOT = Path(__file__).parent.parent
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
"""Dates in a catalogue's head would make every update a change; git knows them better."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a translator or an author has to put right."""

    path: Path
    text: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}: {self.text!r}"


def catalogues(root: Path = _ROOT, language: str = "fr") -> dict[Path, list[Sentence]]:
    """Every catalogue that there is or should be, with the sentences in its keeping."""
    kept: dict[Path, list[Sentence]] = {}
    if root == _ROOT:
        kept[core_catalogue(language)] = []
    owners = {folder.parent: folder / f"{language}.po" for folder in sorted(root.rglob("texts")) if folder.is_dir()}
    kept.update({path: [] for path in owners.values()})
    for path in sorted([*root.rglob("*.py"), *root.rglob("templates/*.html")]):
        owner = next((owners[parent] for parent in path.parents if parent in owners), None)
        catalogue = owner or core_catalogue(language)
        found = list(sentences(path))
        if found:
            kept.setdefault(catalogue, []).extend(found)
    return kept


def read(path: Path, language: str) -> Catalog:
    """The catalogue in a file, an empty one when there is none."""
    if not path.exists():
        return Catalog(locale=language, project="esnbot", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def updated(path: Path, found: Iterable[Sentence], language: str) -> bytes:
    """The file as it should be for the sentences found, with the translations that it has."""
    old = read(path, language)
    new = Catalog(
        locale=language,
        project="esnbot",
        version="1",
        charset="utf-8",
        fuzzy=False,
        creation_date=_WRITTEN,
        revision_date=_WRITTEN,
        header_comment="# Translations; the ids are the English sentences.",
        last_translator="esnbot",
        language_team=language,
        msgid_bugs_address="esnbot",
    )
    for sentence in found:
        kept = old.get(sentence.text)
        new.add(sentence.id, string=_tidy(kept, sentence, language), locations=[(_place(path, sentence), 0)])
    buffer = BytesIO()
    write_po(buffer, new, width=116, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return buffer.getvalue()


def _place(path: Path, sentence: Sentence) -> str:
    root = path.parent.parent if path.parent.name == "texts" else _ROOT.parent
    return sentence.path.relative_to(root).as_posix() if sentence.path.is_relative_to(root) else sentence.path.name


def _tidy(kept: Message | None, sentence: Sentence, language: str) -> str | tuple[str, ...]:
    strings = _strings(kept) if kept is not None and not kept.fuzzy else ()
    if language == "fr":
        strings = tuple(map(french, strings))
    if sentence.many is not None:
        return strings if len(strings) == 2 else ("", "")
    return strings[0] if len(strings) == 1 else ""


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def problems(root: Path = _ROOT, language: str = "fr") -> Iterator[Problem]:
    """What is missing, stale, fuzzy, filled with other placeholders, badly set, or said in two ways."""
    said: dict[object, tuple[Path, tuple[str, ...]]] = {}
    for path, found in catalogues(root, language).items():
        yield from (
            Problem(item.path, f"line {item.line}: {item.text}", why) for item in found if (why := misfilled(item))
        )
        catalogue = read(path, language)
        wanted = {sentence.id: sentence for sentence in found}
        for id in wanted:
            if catalogue.get(id if isinstance(id, str) else id[0]) is None:
                yield Problem(path, str(id), "missing (run `python -m esnbot.speech.catalogues` and translate it)")
        for message in catalogue:
            if message.id:
                yield from (Problem(path, str(message.id), why) for why in _faults(message, wanted, language))
                first = said.setdefault(message.id, (path, _strings(message)))
                if first[1] != _strings(message):
                    yield Problem(path, str(message.id), f"said in another way than in {first[0]}")


def _faults(message: Message, wanted: dict[str | tuple[str, str], Sentence], language: str) -> Iterator[str]:
    id = message.id if isinstance(message.id, str) else (message.id[0], message.id[1])
    if id not in wanted:
        yield "stale: no code says it"
        return
    if message.fuzzy:
        yield "fuzzy: look at it and take the mark away"
    ids = (message.id,) if isinstance(message.id, str) else tuple(message.id)
    for string in _strings(message):
        if not string.strip():
            yield "not translated"
        elif unfit(string, ids):
            yield "its placeholders are not those of the English"
        elif language == "fr" and string != french(string):
            yield f"typography (’, no-break space before : ; ? ! and in « »), meant is {french(string)!r}"


def unfit(string: str, ids: Sequence[str]) -> bool:
    """Whether a translation has other placeholders than its ids; in a plural the number may go unsaid."""
    names = placeholders(string)
    if len(ids) == 1:
        return names != placeholders(ids[0])
    every = frozenset().union(*map(placeholders, ids))
    return not (every - {"n"} <= names | (every - placeholders(ids[0])) and names <= every)


def main(arguments: Sequence[str] | None = None) -> int:
    """Update or check the catalogues; 1 when something is to be done by a person."""
    parser = ArgumentParser(prog="python -m esnbot.speech.catalogues", description=main.__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="only the catalogues below these (default: all)")
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args(arguments)
    chosen = [folder.resolve() for folder in options.folders]
    for language in LANGUAGES:
        if not options.check:
            for path, found in catalogues(_ROOT, language).items():
                wanted = found or path.exists()
                if wanted and (not chosen or any(path.is_relative_to(folder) for folder in chosen)):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(updated(path, found, language))
        left = list(problems(_ROOT, language))
        left = [p for p in left if not chosen or any(p.path.is_relative_to(folder) for folder in chosen)]
        for problem in left:
            print(problem, file=sys.stderr)
        if left:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
