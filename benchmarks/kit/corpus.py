"""A made-up company's notes and questions, from a seed: as many words as people use, as often as they use them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from esnbot.features.search import Document

_SYLLABLES = (
    "ba bi bo bra ca che cla co cri da de dra du fa fi flo fra ga gle go gra ha in ja jo la li lo lu ma mi mo na ni no "
    "ou pa pe pla po pra qua ra re ri ro sa si so sta su ta te ti to tra tri tu va ve vi vo"
)
_ENDINGS = "er ion ment eur age ique s es ing ed al ure ette ance "
_SMALL = "le la les de des un une et à en pour dans sur qui que est ce the of to and in is for on with we it"
SYLLABLES, ENDINGS, SMALL = _SYLLABLES.split(), _ENDINGS.split(" "), _SMALL.split()
VOCABULARY = 60_000
GROUPS = 10_000
OPENINGS = ("Comment", "Qui sait", "Où trouver", "Est-ce que", "How do I", "Does anyone know", "Pourquoi", "Which")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Seeded documents; each call gives the same ones again."""

    seed: int
    notes: int
    questions: int
    groups: int = GROUPS

    def words(self) -> tuple[list[str], list[float]]:
        """The vocabulary, with the sums of its frequencies (Zipf's law)."""
        source = random.Random(self.seed)
        found: dict[str, None] = {}
        while len(found) < VOCABULARY:
            stem = "".join(source.choice(SYLLABLES) for _ in range(source.choice((2, 2, 3, 3, 4))))
            found[stem + source.choice(ENDINGS)] = None
        return list(found), list(accumulate(1 / (rank + 8) for rank in range(VOCABULARY)))

    def documents(self) -> Iterator[Document]:
        """Groups, then notes, then questions."""
        source = random.Random(self.seed + 1)
        vocabulary, sums = self.words()

        def some(least: int, most: int) -> str:
            chosen = source.choices(vocabulary, cum_weights=sums, k=source.randint(least, most))
            return " ".join(word if source.random() < 0.6 else f"{source.choice(SMALL)} {word}" for word in chosen)

        places = [f"group-{number}" for number in range(self.groups)]
        for key in places:
            yield Document(key=f"group:{key}", kind="group", place=key, title=some(1, 3), text=some(3, 10))
        for number in range(self.notes):
            yield Document(
                key=f"note:{number}",
                kind="note" if number % 5 else "page",
                place=source.choice(places),
                title=some(2, 6),
                text=some(20, 140),
                tags=tuple(some(1, 1).split()[:1]),
                path=f"/notes/{number}",
                moment=number,
            )
        for number in range(self.questions):
            yield Document(
                key=f"question:$question-{number}",
                kind="question",
                place=source.choice(places),
                title="",
                text=f"{source.choice(OPENINGS)} {some(4, 16)} ?",
                event=f"$question-{number}",
                moment=number,
            )

    def queries(self, count: int) -> list[str]:
        """What people type: a word or several, as often common as rare, the last one often unfinished."""
        source = random.Random(self.seed + 2)
        vocabulary, sums = self.words()
        typed = []
        for _ in range(count):
            words = source.choices(vocabulary, cum_weights=sums, k=source.choice((1, 1, 2, 2, 2, 3, 4)))
            last = words[-1]
            words[-1] = last[: source.randint(max(2, len(last) // 2), len(last))] if source.random() < 0.4 else last
            typed.append(" ".join(words))
        return typed

    def asked(self, count: int) -> list[str]:
        """Questions as somebody asks them, of the same kind as those in the corpus."""
        source = random.Random(self.seed + 3)
        vocabulary, sums = self.words()
        typed = []
        for _ in range(count):
            words = " ".join(source.choices(vocabulary, cum_weights=sums, k=source.randint(4, 14)))
            typed.append(f"{source.choice(OPENINGS)} {words} ?")
        return typed
