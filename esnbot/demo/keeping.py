"""What people keep in the week: a project born from a template, a note of a thread, a page that two write at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from esnbot.testing.person import Seen

if TYPE_CHECKING:
    from esnbot.demo.week import Week

PROJECT: Final = "Cargo 4"
PAGE: Final = "Sorties du mois"
FIRST: Final = "- Samedi 4 : les quais\n- Samedi 18 : la forêt"


async def a_project_is_born(week: Week) -> None:
    """A group of two rooms, with a page and a note to begin with."""
    week.tell.note("Alex begins a project: the template knows what such a group starts with.")
    asked = await week.asks("alex", "cafe", f'!rse groupe créer "{PROJECT}" --modèle projet')
    await week.tell.expect(
        "the project has two rooms in a space of their own, and Alex is in them", _rooms_of_the_project(week)
    )
    await week.answered("alex", "cafe", asked)
    await week.tell.expect("it begins with the template's page and note", _first_texts(week))


async def _rooms_of_the_project(week: Week) -> None:
    alex = week.people["alex"]
    for name in (PROJECT, f"{PROJECT} · Décisions"):
        week.enters(name, await week.invited_to(alex, name))
        await alex.join(week.room(name))


async def _first_texts(week: Week) -> None:
    alex, room = week.people["alex"], week.room(PROJECT)
    page = await alex.wait_for_text("Accueil du projet", room=room)
    note = await alex.wait_for_text("Comment nous décidons", room=room)
    for text in (page, note):
        week.tell.says("esnbot", week.shown(PROJECT), text.body)


async def a_note_is_kept(week: Week) -> None:
    """Somebody asks, two answer, and one reaction keeps what they said."""
    week.tell.note("A question, two answers in its thread; Lou finds them worth keeping, and pins the question.")
    for who in ("lou", "alex", "sacha"):
        await week.joins(who, "entraide")
    room = week.room("entraide")
    question = await week.says("lou", "entraide", "Quelle huile pour la chaîne quand il pleut tous les jours ?")
    for who, answer in (
        ("alex", "Une huile « conditions humides », une goutte par maillon, puis on essuie bien."),
        ("sacha", "Et on rince à l'eau claire après chaque sortie : le sable use plus que la pluie."),
    ):
        await week.says_in_thread(who, "entraide", question, answer)
    week.tell.says("Lou", week.shown("entraide"), "📌")
    await week.people["lou"].react(room, question, "📌")
    await week.tell.expect("the thread is a note, with what both said", _note_of_the_thread(week))


async def _note_of_the_thread(week: Week) -> None:
    def is_note(event: Seen) -> bool:
        return event.sender == week.town.bot and "goutte par maillon" in event.body and "eau claire" in event.body

    note = await week.people["alex"].wait_for(is_note, 20.0, room=week.room("entraide"))
    week.tell.says("esnbot", week.shown("entraide"), note.body)


async def a_page_is_edited_by_two(week: Week) -> None:
    """Two people change the same version of a page; both changes stand."""
    week.tell.note("Sacha writes a page. Then Sacha and Lou change it at the same time, each without seeing the other.")
    room = "Club photo"
    asked = await week.asks("sacha", room, f'!rse page écrire "{PAGE}"\n{FIRST}')
    await week.answered("sacha", room, asked)
    changed = (
        ("sacha", FIRST.replace("les quais", "les quais, à 9 h")),
        ("lou", FIRST + "\n- Samedi 25 : les toits"),
    )
    for who, text in changed:
        asked = await week.asks(who, room, f'!rse page écrire "{PAGE}" --version 1\n{text}')
        await week.answered(who, room, asked)
    asked = await week.asks("lou", room, f'!rse page montrer "{PAGE}"')
    shown = await week.answered("lou", room, asked)
    await week.tell.expect("no word of either is lost", _has(shown, "à 9 h", "les toits"))
    asked = await week.asks("sacha", room, "!rse chercher toit")
    found = await week.answered("sacha", room, asked)
    await week.tell.expect("the page is found by its words", _has(found, PAGE))


async def _has(event: Seen, *words: str) -> bool:
    return all(word in event.body for word in words)
