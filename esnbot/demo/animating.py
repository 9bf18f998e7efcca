"""What animators do in the week: an entry of the calendar, a prompt that somebody proposes, a meet-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from esnbot.testing.person import Seen

if TYPE_CHECKING:
    from esnbot.demo.week import Week

ENTRY: Final = "Portes ouvertes samedi à l'atelier"
PROMPT: Final = "Quel outil vous a sauvé la mise cette semaine ?"
MEETUP: Final = "Sortie photo au bord de l'eau"
ON_SITE: Final = "🏢"


async def an_entry_is_planned(week: Week) -> None:
    """The animator writes on Monday what everybody reads on Tuesday."""
    week.tell.note("Camille, who animates, plans an announcement for Tuesday at ten.")
    command = f'!rse calendrier ajouter "{ENTRY}" le mardi 10h dans #entraide'
    asked = await week.asks("camille", "animation", command)
    answer = await week.answered("camille", "animation", asked)
    await week.tell.expect("the entry is in the calendar", _has(answer, ENTRY))


async def the_entry_appears(week: Week) -> None:
    """At its time, once."""
    await week.joins("camille", "entraide")
    before = len([one for one in await week.bot_messages("entraide") if ENTRY in one.body])
    await week.until(1, "10:01")
    await week.tell.expect("it appears on Tuesday at ten, and not before", _appeared(week, before))


async def _appeared(week: Week, before: int) -> bool:
    async def once() -> Seen | None:
        found = [one for one in await week.bot_messages("entraide") if ENTRY in one.body]
        return found[0] if len(found) == 1 else None

    said = await week.eventually(once)
    week.tell.says("esnbot", week.shown("entraide"), said.body)
    return before == 0


async def a_prompt_is_proposed(week: Week) -> None:
    """Somebody has a question for all; the animator takes it with a reaction."""
    week.tell.note("Lou has a question that the bot could ask one day, and proposes it.")
    asked = await week.asks("lou", "cafe", f'!rse amorce proposer "{PROMPT}"')
    await week.answered("lou", "cafe", asked)
    camille, room = week.people["camille"], week.room("animation")

    def is_proposal(event: Seen) -> bool:
        return event.sender == week.town.bot and PROMPT in event.body

    proposal = await camille.wait_for(is_proposal, 20.0, room=room)
    week.tell.says("esnbot", week.shown("animation"), proposal.body)
    await camille.react(room, proposal.id, "✅")
    week.tell.says("Camille", week.shown("animation"), "✅")

    def is_taken(event: Seen) -> bool:
        # The proposal says so itself, or the bot does below it.
        return event.sender == week.town.bot and event.id != proposal.id and event.type == "m.room.message"

    await week.tell.expect("it is in the library with one reaction", camille.wait_for(is_taken, 20.0, room=room))


async def a_meet_up_is_proposed(week: Week) -> None:
    """Two places, each taken by a reaction."""
    week.tell.note("Sacha proposes to go out on Saturday; there are two places, and a reaction takes one.")
    room = "Club photo"
    command = f'!rse rencontre proposer "{MEETUP}" samedi 15h à "Quai 3" places=2'
    await week.asks("sacha", room, command)

    def is_post(event: Seen) -> bool:
        return event.sender == week.town.bot and MEETUP in event.body and event.thread is None

    lou = week.people["lou"]
    posted = await lou.wait_for(is_post, 20.0, room=week.room(room))
    week.tell.says("esnbot", room, posted.body)
    for who in ("sacha", "lou"):
        await week.people[who].react(week.room(room), posted.id, ON_SITE)
        week.tell.says(who.capitalize(), room, ON_SITE)

    async def full() -> bool:
        asked = await lou.say(week.room(room), "!rse rencontre montrer")

        def is_answer(event: Seen) -> bool:
            return event.sender == week.town.bot and event.thread == asked

        answer = await lou.wait_for(is_answer, 20.0, room=week.room(room))
        return "2 sur 2" in answer.body

    await week.tell.expect("both places are taken", week.eventually(full))


async def _has(event: Seen, *words: str) -> bool:
    return all(word in event.body for word in words)
