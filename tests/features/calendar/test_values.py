"""When and where, as animators write it."""

from __future__ import annotations

from typing import Any

from esnbot.commands.reading import Person, Problem, Reading
from esnbot.community.person import Role
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.calendar import values
from esnbot.provisioning import wanted
from tests.features.calendar.kit import PARIS, a_desk
from tests.features.house import BOT, MAX

SAID = [
    ("on tuesday 10am in #cafe", "Tue 03 Mar 10:00", ["cafe"]),
    ("in #cafe on tuesday 10am", "Tue 03 Mar 10:00", ["cafe"]),
    ("le mardi 10h dans #cafe et #help", "Tue 03 Mar 10:00", ["cafe", "help"]),
    ("tomorrow at 9:30 in #cafe, #help, Chantier", "Tue 03 Mar 09:30", ["cafe", "help", "yard"]),
    ("in two hours in Le café", "Mon 02 Mar 10:00", ["cafe"]),
    ("dans deux heures dans Le café", "Mon 02 Mar 10:00", ["cafe"]),
    ("3 march at 2pm", "Tue 03 Mar 14:00", []),
    ("in #cafe", None, ["cafe"]),
    ("in #cafe and #cafe", None, ["cafe"]),
    ("", None, []),
]


async def test_times_and_places_come_in_any_order_and_both_languages(sqlite_url: str) -> None:
    async with a_desk(sqlite_url) as desk:

        async def job(conn: Any) -> None:
            for text, when, groups in SAID:
                plan = await values.plan(text.split(), reading(desk, conn))
                shown = f"{plan.at.astimezone(PARIS):%a %d %b %H:%M}" if plan.at is not None else None
                assert (shown, [group.key for group in plan.groups]) == (when, groups), text
            quoted = await values.plan(["on", "tuesday", "in", "Le café"], reading(desk, conn))
            assert [group.key for group in quoted.groups] == ["cafe"]
            for text in ("in #nowhere", "on tuesday in Nowhere", "whenever", "on tuesday in #home"):
                try:
                    found = await values.plan(text.split(), reading(desk, conn))
                except Problem:
                    continue
                raise AssertionError(f"{text}: {found}")

        await desk.house.write(job)


def reading(desk: Any, conn: Any) -> Reading:
    house = desk.house
    now = house.clock.now()
    event = Event(
        event_id="$e",
        room_id="!backstage",
        type="m.room.message",
        sender=MAX,
        ts=int(now.timestamp() * 1000),
        content={},
    )
    person = Person(MAX, "en", frozenset({"staff"}), frozenset({Role.animator}))
    voice = house.speech.voice("en")
    return Reading(Context(conn=conn, now=now, bot=BOT), event, person, voice, house.community, wanted)
