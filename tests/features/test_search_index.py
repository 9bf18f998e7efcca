"""The index: what is put in is found by those who may read it, in French and English, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from esnbot.features.search import Document, Hit, Readable, find, forget, forget_place, postgres, put, similar, sqlite
from esnbot.features.search.shelf import number_of
from esnbot.features.search.weighing import weigh
from tests.features.house import House, a_house

ALL = Readable.of("cafe", "help", "yard")


def note(number: int, title: str, text: str = "", place: str = "cafe", **more: Any) -> Document:
    """A note, as the notes feature puts it."""
    return Document(key=f"note:{number}", kind="note", place=place, title=title, text=text, **more)


def question(number: int, text: str, place: str = "help") -> Document:
    """A question that somebody asked in a room."""
    return Document(key=f"question:${number}", kind="question", place=place, title="", text=text)


@pytest_asyncio.fixture
async def index(database_url: str) -> AsyncIterator[House]:
    async with a_house(database_url) as one:
        yield one


async def keep(house: House, *documents: Document) -> None:
    async def job(conn: Any) -> None:
        for document in documents:
            await put(conn, document)

    await house.write(job)


async def found(house: House, words: str, readable: Readable = ALL, **more: Any) -> list[str]:
    async with house.database.read() as conn:
        return [hit.key for hit in await find(conn, words, readable, **more)]


async def alike(house: House, words: str, readable: Readable = ALL, **more: Any) -> list[Hit]:
    async with house.database.read() as conn:
        return await similar(conn, words, readable, **more)


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few matches are ranked that a small index is a crowd."""
    for module in (sqlite, postgres):
        monkeypatch.setattr(module, "RANKABLE", 5)


@pytest.mark.usefixtures("crowded")
class TestInACrowd:
    async def test_who_may_read_little_finds_what_is_old_among_all_that_others_wrote(self, index: House) -> None:
        await keep(index, note(1, "Réunion du café"), *(note(n, "Réunion", place="yard") for n in range(2, 80)))
        await index.write(weigh)
        for words in ("réunion", "réuni", "réunion café"):
            assert await found(index, words, Readable.of("cafe")) == ["note:1"], words

    async def test_unfinished_words_find_the_newest_of_what_many_have(self, index: House) -> None:
        await keep(index, *(note(n, "Réunion de chantier", place="yard") for n in range(80)))
        await index.write(weigh)
        hits = await found(index, "réunion chanti", limit=3)
        assert len(hits) == 3
        assert all(int(key.partition(":")[2]) >= 40 for key in hits), hits

    async def test_a_place_is_no_word_that_one_could_ask_for(self, index: House) -> None:
        await keep(index, note(1, "Réunion du café"))
        assert await found(index, f"@{number_of('cafe')}") == []
        assert await found(index, "+0") == []


class TestFinding:
    @pytest.mark.parametrize(
        "words",
        ["imprimante", "Imprimantes", "IMPRIMANTES", "imprimer", "imprim", "imprima", "étage", "etage", "etages", "3e"],
    )
    async def test_accents_inflections_and_beginnings_of_words(self, index: House, words: str) -> None:
        await keep(
            index,
            note(1, "L’imprimante du 3e étage", "Elle se bloque : ouvrir le bac."),
            note(2, "Le vélo", "Où le garer ?"),
        )
        assert await found(index, words) == ["note:1"]

    async def test_the_title_counts_more_than_the_text(self, index: House) -> None:
        await keep(
            index,
            note(1, "Le café", "On y parle de tout, aussi du budget du service."),
            note(2, "Le budget", "Comment le demander."),
        )
        assert await found(index, "budget") == ["note:2", "note:1"]

    async def test_tags_are_found(self, index: House) -> None:
        await keep(index, note(1, "Le café", tags=("pause déjeuner",)), note(2, "Autre"))
        assert await found(index, "dejeuners") == ["note:1"]

    async def test_a_phrase_in_quotation_marks_stands_together(self, index: House) -> None:
        await keep(index, note(1, "Mot de passe oublié"), note(2, "Passe-moi le mot", "il passe, le mot"))
        assert await found(index, '"mot de passe"') == ["note:1"]
        assert await found(index, "« mots de passe »") == ["note:1"]
        assert set(await found(index, "mot passe")) == {"note:1", "note:2"}

    async def test_what_has_all_the_words_comes_first(self, index: House) -> None:
        await keep(
            index,
            note(1, "Réserver une salle", "par le portail"),
            note(2, "Salle de sport", "casiers"),
            note(3, "Réserver un vélo", "au garage"),
        )
        assert (await found(index, "réserver salle "))[0] == "note:1"
        assert set(await found(index, "réserver salle ")) == {"note:1", "note:2", "note:3"}

    async def test_kinds_limit_and_offset(self, index: House) -> None:
        await keep(
            index,
            *(note(number, f"Budget {number}") for number in range(5)),
            Document(key="page:1", kind="page", place="cafe", title="Budget", text=""),
            question(1, "Qui connaît le budget ?", "cafe"),
        )
        assert await found(index, "budget", kinds=("page",)) == ["page:1"]
        assert await found(index, "budget", kinds=("question",)) == ["question:$1"]
        everything = await found(index, "budget")
        assert len(everything) == 7
        assert await found(index, "budget", limit=3) == everything[:3]
        assert await found(index, "budget", limit=3, offset=3) == everything[3:6]

    async def test_what_is_put_again_is_there_once_with_its_new_words(self, index: House) -> None:
        await keep(index, note(1, "Avant"), note(1, "Après"))
        assert await found(index, "avant") == []
        assert await found(index, "apres") == ["note:1"]

    async def test_what_is_forgotten_is_gone(self, index: House) -> None:
        await keep(index, note(1, "Budget"), note(2, "Budget", place="yard"))
        await index.write(lambda conn: forget(conn, "note:1"))
        assert await found(index, "budget") == ["note:2"]
        await index.write(lambda conn: forget_place(conn, "yard"))
        assert await found(index, "budget") == []


class TestWhoMayRead:
    async def test_only_what_is_in_places_that_may_be_read(self, index: House) -> None:
        await keep(index, note(1, "Budget"), note(2, "Budget", place="secret"))
        assert await found(index, "budget") == ["note:1"]
        assert await found(index, "budget", Readable.of("secret")) == ["note:2"]
        assert await found(index, "budget", Readable.of()) == []


class TestOddInput:
    @pytest.mark.parametrize(
        "words",
        [
            "",
            " ",
            '"',
            '""',
            "«",
            "AND",
            "OR NOT",
            "NEAR(a b)",
            "a AND (b",
            "title:budget",
            "-budget",
            "budget*",
            "'; DROP TABLE search_document; --",
            "& | ! <-> :*",
            "\\",
            "\x00",
            "🎉🎉🎉",
            "\ud800",
            "שלום עולם",
            "مرحبا",
            "%",
            "x" * 10_000,
            "budget " * 2_000,
            '" ' * 1_000,
            "^budget",
            "{a b} : c",
            "会議室の予約",
            "l'",
            "’",
            "1e5 0x1F 1.5",
        ],
    )
    async def test_never_an_error(self, index: House, words: str) -> None:
        await keep(index, note(1, words, words, tags=(words,)))
        await found(index, words)
        await alike(index, words)

    async def test_right_to_left_text_is_found(self, index: House) -> None:
        await keep(index, note(1, "שלום עולם"), note(2, "مرحبا بالعالم"))
        assert await found(index, "עולם") == ["note:1"]
        assert await found(index, "مرحبا") == ["note:2"]

    async def test_a_million_tags(self, index: House) -> None:
        await keep(index, note(1, "Budget", tags=tuple(f"tag{number}" for number in range(1_000_000))))
        assert await found(index, "budget") == ["note:1"]
        assert await found(index, "tag3 ") == ["note:1"]


class TestLikeness:
    async def test_a_question_finds_the_same_in_other_words(self, index: House) -> None:
        await keep(
            index,
            Document(
                key="question:$1", kind="question", place="help", title="", text="L'imprimante du 3e est bloquée ?"
            ),
            Document(key="question:$2", kind="question", place="help", title="", text="Qui vient manger ce midi ?"),
            note(3, "Imprimantes bloquées", "Ouvrir le bac, retirer la feuille."),
        )
        hits = await alike(index, "Comment débloquer les imprimantes, la mienne bloque ?")
        assert {hit.key for hit in hits} == {"question:$1", "note:3"}
        (same, *_) = await alike(index, "l'imprimante du 3e est bloquée ?", besides="question:$1")
        assert same.key == "note:3"
        (same, *_) = await alike(index, "l'imprimante du 3e est bloquée ?", kinds=("question",))
        assert same.likeness > 0.95
