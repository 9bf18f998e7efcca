"""What is searched for and what is found: documents, what somebody asks, and how well the two fit. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from esnbot.features.search import words
from esnbot.features.search.shelf import Shelf

LONGEST_TEXT: Final = 60_000
"""Characters of a text that are indexed."""
LONGEST_TITLE: Final = 500
MOST_TAGS: Final = 50
LONGEST_TAG: Final = 100
LONGEST_QUERY: Final = 2_000
FEW_TERMS: Final = 8
"""Up to so many, it counts whether they stand together."""
MOST_TERMS: Final = 20
"""Of a longer question the first words count; a text that is compared has that many words that tell most."""
SHOWN: Final = 180
"""Characters of an excerpt."""

_QUOTED: Final = re.compile(r'["“”„«»]\s*([^"“”„«»]+?)\s*["“”„«»]|([^"“”„«»]+)')
_MARKUP: Final = re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\s]{0,500}\)|[*_`#>|~]+")

# Where a word stands says how much it says of a document.
_IN_TITLE: Final = 4.0
_IN_TAGS: Final = 3.0
_SATURATION: Final = 1.2
_LENGTH: Final = 0.75
_TOGETHER: Final = 0.4
"""What two words of the question add that stand side by side, as a share of what they weigh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Something that can be found; whoever may read its place finds it."""

    key: str
    """'note:12', 'page:4', 'group:KEY', 'question:$event'."""
    kind: str
    """One of ``shelf.KINDS``."""
    place: str
    """Key of the space or group that it belongs to."""
    title: str
    text: str
    """Plain words or Markdown."""
    tags: tuple[str, ...] = ()
    language: str = ""
    """'' when it is not known."""
    moment: int = 0
    """Milliseconds."""
    path: str = ""
    """On the board, as '/notes/12'."""
    event: str = ""
    """The event to link to, once known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A document that was found."""

    key: str
    kind: str
    place: str
    title: str
    tags: tuple[str, ...]
    language: str
    moment: int
    path: str
    event: str
    excerpt: str
    """The passage that fits best, in plain words."""
    score: float
    """Higher is better; means something within one answer only."""
    likeness: float = 0.0
    """0 to 1: how far it is about the same as what was asked."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """The words of a document as they are indexed, each a text of stems with spaces between."""

    head: str
    marks: str
    body: str


@dataclass(frozen=True, slots=True)
class Term:
    """One thing asked for: any of several phrases of one stem or more."""

    phrases: tuple[tuple[str, ...], ...]
    prefix: str = ""
    """Words that begin so count too: what is typed is not finished yet."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that may fit, with its indexed words."""

    id: int
    words: Indexed


class Weights:
    """How much each word tells: the rarer, the more."""

    def __init__(
        self,
        counts: Mapping[str, Mapping[Shelf, int]] | None = None,
        total: int = 0,
        length: float = 40.0,
        begun: Mapping[str, Mapping[Shelf, int]] | None = None,
    ) -> None:
        self._counts = counts or {}
        self._begun = begun or {}
        self._total = total
        self.length = length
        """Of a document, in words."""

    def count(self, term: Term, shelf: Shelf) -> int:
        """In how many documents of a shelf a term is found, roughly; 1 for what is rare or unknown."""
        found = sum(min(self._counts.get(word, {}).get(shelf, 1) for word in phrase) for phrase in term.phrases)
        return max(1, found, self._begun.get(term.prefix, {}).get(shelf, 0))

    def of(self, term: Term) -> float:
        """The weight of a term, 1 when nothing is known of any word."""
        if not self._total:
            return 1.0
        return log(1 + self._total / sum(self.count(term, shelf) for shelf in Shelf))


def usable(text: str, longest: int) -> str:
    """A text that both databases take, cut where it is long."""
    return text[:longest].replace("\x00", " ").encode("utf-8", "ignore").decode("utf-8")


def indexed(document: Document) -> Indexed:
    """The words of a document as they go into the index."""
    title = list(words.tokens(usable(document.title, LONGEST_TITLE)))
    text = list(words.tokens(plain(usable(document.text, LONGEST_TEXT))))
    language = document.language if document.language in ("fr", "en") else words.language_of([*title, *text])
    tags = [word for tag in document.tags[:MOST_TAGS] for word in words.tokens(usable(tag, LONGEST_TAG))]
    return Indexed(
        " ".join(words.stems(title, language, all_of_them=True)),
        " ".join(words.stems(tags, "", all_of_them=True)),
        " ".join(words.stems(text, language)),
    )


def plain(markdown: str) -> str:
    """Markdown without its marks and the addresses of its links."""
    return _MARKUP.sub(lambda match: match.group(1) or " ", markdown)


def asked(text: str) -> tuple[Term, ...]:
    """What somebody looks for: words, phrases in quotation marks, and a last word that may not be finished."""
    text = usable(text, LONGEST_QUERY)
    unended = text[-1:].isalnum()
    text = " ".join(text.split())
    found: list[Term] = []
    loose: list[str] = []
    parts = list(_QUOTED.finditer(text))
    for number, part in enumerate(parts):
        if part.group(1) is not None:
            found.append(_phrase(list(words.tokens(part.group(1)))))
            continue
        here = list(words.tokens(part.group(2)))
        ends = number == len(parts) - 1 and bool(here) and unended
        unfinished = here.pop() if ends and len(words.fold(here[-1])) > 1 else ""
        loose.extend(here)
        found.extend(_word(word) for word in here if not words.is_stop(word))
        if unfinished:
            loose.append(unfinished)
            # A function word at the end is most often the beginning of another word; alone it says nothing.
            if not words.is_stop(unfinished):
                found.append(_unfinished(unfinished))
    kept = _distinct(found)
    return kept or _distinct(_word(word) for word in loose)


def told(text: str, weights: Callable[[Term], float]) -> tuple[Term, ...]:
    """The words of a text that tell most about it, for finding what is like it."""
    said = words.tokens(plain(usable(text, LONGEST_TEXT)))
    found = tuple(dict.fromkeys(_word(word) for word in said if not words.is_stop(word)))
    best = frozenset(sorted(found, key=weights, reverse=True)[:MOST_TERMS])
    return tuple(term for term in found if term in best)


def every_word(text: str) -> frozenset[str]:
    """All stems that the words of a text may have."""
    return frozenset(one for word in words.tokens(text) for one in words.forms(word))


def _word(word: str) -> Term:
    return Term(tuple((form,) for form in words.forms(word)))


def _unfinished(word: str) -> Term:
    phrases = dict.fromkeys((form,) for form in (*words.forms(word), *words.halfway(word)))
    return Term(tuple(phrases), words.fold(word))


def _phrase(found: list[str]) -> Term:
    phrases: dict[tuple[str, ...], None] = {}
    for language in ("fr", "en"):
        for everything in (False, True):
            phrases[tuple(words.stems(found, language, all_of_them=everything)[:MOST_TERMS])] = None
    return Term(tuple(phrase for phrase in phrases if phrase))


def _distinct(terms: Iterable[Term]) -> tuple[Term, ...]:
    return tuple(term for term in dict.fromkeys(terms) if term.phrases)[:MOST_TERMS]


class Judge:
    """Says how well documents fit what is asked: the same on both databases."""

    def __init__(self, terms: Sequence[Term], weights: Weights) -> None:
        self._terms = [(term, weights.of(term)) for term in terms]
        self._all = sum(weight for _, weight in self._terms) or 1.0
        self._weights = weights
        self._single = frozenset(phrase[0] for term in terms for phrase in term.phrases if len(phrase) == 1)
        self._together = len(terms) <= FEW_TERMS

    def score(self, words: Indexed) -> float:
        """BM25 over title, tags and text as fields of one document, and a little for words that stand together."""
        head, marks, body = self._field(words.head), self._field(words.marks), self._field(words.body)
        norm = 1 - _LENGTH + _LENGTH * words.body.count(" ") / self._weights.length
        total, before, last = 0.0, "", 0.0
        for term, weight in self._terms:
            found = _IN_TITLE * head.times(term) + _IN_TAGS * marks.times(term) + body.times(term) / norm
            total += weight * found / (found + _SATURATION)
            if self._together:
                here = next((" ".join(one) for one in term.phrases if head.has(one) or body.has(one)), "")
                pair = f" {before} {here} "
                if before and here and (pair in head.text or pair in body.text):
                    total += _TOGETHER * min(weight, last)
                before, last = here, weight
        return total

    def likeness(self, words: Indexed) -> float:
        """The share of the weight of all that is asked which the document has, and the other way round.

        A long text is likened by its title and tags, whose words it is about; that it says something about all that is
        asked counts more than what else stands in its title.
        """
        everywhere = self._field(f"{words.head} {words.marks} {words.body}")
        common = sum(weight for term, weight in self._terms if everywhere.times(term))
        about = f"{words.head} {words.marks}".split() or words.body.split()[:60]
        own = {word: self._weights.of(Term(((word,),))) for word in about}
        back = sum(weight for word, weight in own.items() if word in self._single) / (sum(own.values()) or 1.0)
        there = common / self._all
        if not there + back:
            return 0.0
        alike = 2 * there * back / (there + back)
        if not (words.head and words.body):
            return alike
        return max(alike, 10 * there * back / (9 * back + there))

    def _field(self, text: str) -> _Field:
        counts: dict[str, int] = {}
        wanted = self._single
        for word in text.split():
            if word in wanted:
                counts[word] = counts.get(word, 0) + 1
        return _Field(f" {text} ", counts)


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a document: its words, and how often those are in it that are asked for."""

    text: str
    counts: Mapping[str, int]

    def times(self, term: Term) -> int:
        """How often a term is in it."""
        found = self.text.count(f" {term.prefix}") if term.prefix else 0
        for phrase in term.phrases:
            found += self.counts.get(phrase[0], 0) if len(phrase) == 1 else self.text.count(f" {' '.join(phrase)} ")
        return found

    def has(self, phrase: Sequence[str]) -> bool:
        """Whether a phrase is in it."""
        return phrase[0] in self.counts if len(phrase) == 1 else f" {' '.join(phrase)} " in self.text


def excerpt(text: str, terms: Sequence[Term]) -> str:
    """The passage of a text where most of what is asked stands, on one line."""
    line = " ".join(plain(text[:8_000]).split())
    if len(line) <= SHOWN:
        return line
    wanted = {word for term in terms for phrase in term.phrases for word in phrase}
    prefixes = tuple(term.prefix for term in terms if term.prefix)
    beginnings = tuple({word[:4] for word in (*wanted, *prefixes)})
    best, most, starts = 0, 0, []
    for match in re.finditer(r"[^\W_]+", line):
        word = match.group().lower()[: words.LONGEST_WORD]
        folded = words.fold(word)
        # Stems begin as their words do: few words need to be looked at closely.
        if not folded.startswith(beginnings) and not any(one.startswith(folded[:4]) for one in beginnings):
            continue
        if any(form in wanted for form in words.forms(word)) or (prefixes and folded.startswith(prefixes)):
            starts.append(match.start())
    for place, start in enumerate(starts):
        within = sum(start <= other <= start + SHOWN - 40 for other in starts[place : place + 12])
        if within > most:
            best, most = start, within
    begin = max(0, best - 30)
    if begin:
        begin = line.find(" ", begin, best) + 1 or best
    end = begin + SHOWN
    if end < len(line):
        end = max(line.rfind(" ", begin, end), begin + SHOWN // 2)
    cut = line[begin:end].strip()
    return f"{'…' if begin else ''}{cut}{'…' if end < len(line) else ''}"
