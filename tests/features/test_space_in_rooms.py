"""Spaces that members add to, on a real homeserver and across federation; and what groups silence there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from esnbot.discovery import discover
from esnbot.engine.signals import SCHEDULE
from esnbot.matrix.registration import Registration
from esnbot.provisioning.compare import DOABLE
from esnbot.testing import ManualClock, Person, eventually
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.person import MatrixRefusal
from tests.town import MONDAY, Town, answer_to, declared

SPACES = """
roles:
  animators: ["{animator}"]
spaces:
  square:
    name: The square
    alias: square-{bot}
    audiences: [staff, partners]
    joining: public
    open_to_additions: true
    groups:
      talk: {{name: Talk, alias: talk-{bot}, joining: public}}
  workshop:
    name: The workshop
    alias: workshop-{bot}
    audiences: [staff, partners]
    joining: public
    groups:
      bench: {{name: Bench, alias: bench-{bot}, owners: ["{owner}"]}}
      stall: {{name: Stall, alias: stall-{bot}, joining: public}}
  home:
    name: The house
    alias: home-{bot}
    audiences: [staff]
    joining: public
    groups:
      cellar: {{name: Cellar, alias: cellar-{bot}}}
"""


@pytest_asyncio.fixture
async def owner(homeserver: Homeserver) -> Person:
    """Who owns the bench."""
    return await homeserver.person("olga")


@pytest_asyncio.fixture
async def town(
    homeserver: Homeserver,
    owner: Person,
    partner_homeserver: Homeserver,
    service: Registration,
    tmp_path: Path,
    database_url: str,
) -> AsyncIterator[Town]:
    """Three spaces, one of them open to additions, for staff and partners."""
    animator = await homeserver.person("max")
    settings = declared(
        service,
        homeserver.url,
        tmp_path,
        database_url,
        SPACES,
        partner=partner_homeserver.server_name,
        found=discover(),
        animator=animator.id,
        owner=owner.id,
    )
    one = Town(settings, homeserver, ManualClock(MONDAY), animator)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(one.life)
        await one.begin()
        for alias in ("square", "talk", "workshop"):
            await animator.join(await one.room(alias))
        yield one


async def came(town: Town, name: str, *aliases: str) -> Person:
    person = await town.homeserver.person(name)
    for alias in aliases:
        await person.join(await town.room(alias))
    return person


async def listed(town: Town, space: str, group: str) -> bool:
    child = await town.animator.state(await town.room(space), "m.space.child", await town.room(group))
    return bool((child or {}).get("via"))


async def test_members_add_and_the_bot_alone_can_take_away(town: Town) -> None:
    zoe, talk = await came(town, "zoe", "square", "talk"), await town.room("talk")
    square, bench = await town.room("square"), await town.room("bench")
    bot = town.app.client
    before = [await bot.state_event(bench, type, "") for type in ("m.room.join_rules", "m.room.power_levels")]

    answer = await answer_to(zoe, talk, "!esn space add Bench --to The square")
    assert answer.body.startswith("I am adding Bench to The square")
    await eventually(lambda: listed(town, "square", "bench"))

    # The door is as it was, and the room does not say where it is shown.
    after = [await bot.state_event(bench, type, "") for type in ("m.room.join_rules", "m.room.power_levels")]
    assert before == after
    assert not await bot.state_event(bench, "m.space.parent", square)
    with pytest.raises(MatrixRefusal):
        await zoe.join(bench)

    # Nobody takes it away with a client, not even who looks after the community.
    for person in (zoe, town.animator):
        with pytest.raises(MatrixRefusal) as refused:
            await person.set_state(square, "m.space.child", {}, bench)
        assert refused.value.status == 403
    refused_too = await answer_to(zoe, talk, "!esn space remove Bench --from The square")
    assert "Only owners of Bench and animators" in refused_too.body
    assert await listed(town, "square", "bench")

    # It stands as declared: nothing is left to do, also for another process.
    await town.restart()
    plan = await town.app.reconciler.plan(town.settings.community, fresh=True)
    assert [change for change in plan.changes if change.action in DOABLE] == []
    assert await listed(town, "square", "bench")

    taken = await answer_to(town.animator, talk, "!esn space remove Bench --from The square")
    assert "no longer in The square" in taken.body

    async def gone() -> bool:
        return not await listed(town, "square", "bench")

    await eventually(gone)
    assert await listed(town, "workshop", "bench")
    again = await answer_to(zoe, talk, "!esn space add Bench --to The square")
    assert "only they put it back" in again.body


async def test_its_owner_hears_of_it_at_a_good_hour_and_takes_it_out(town: Town, owner: Person) -> None:
    zoe, talk = await came(town, "zoe", "square", "talk"), await town.room("talk")
    await owner.join(talk)
    await answer_to(zoe, talk, "!esn space add Bench --to The square")
    await eventually(lambda: listed(town, "square", "bench"))

    # It is eight in the morning; private words come at ten.
    town.clock.set(MONDAY + timedelta(hours=2, seconds=1))
    town.app.engine.signals.set(SCHEDULE)
    chat = await owner.wait_for_invite(timeout=20)
    await owner.join(chat)
    word = await owner.wait_for_text("is now shown in The square", room=chat)
    assert "Too much?" in word.body
    taken = await answer_to(owner, talk, "!esn space remove Bench")
    assert "no longer in The square" in taken.body


async def test_people_of_other_homeservers_see_and_enter_what_they_could_before(
    town: Town, partner_homeserver: Homeserver
) -> None:
    zoe, talk = await came(town, "zoe", "square", "talk"), await town.room("talk")
    square, bench, stall = [await town.room(alias) for alias in ("square", "bench", "stall")]
    pat = await partner_homeserver.person("pat")
    await pat.join(square, via=town.homeserver.server_name)
    await pat.join(talk, via=town.homeserver.server_name)

    for name in ("Bench", "Stall"):
        await answer_to(zoe, talk, f"!esn space add {name} --to The square")
        await eventually(lambda: listed(town, "square", name.lower()))  # noqa: B023 - awaited in the loop
    refused = await answer_to(zoe, talk, "!esn space add Cellar --to The square")
    assert "Not everybody in The square may know of Cellar" in refused.body
    assert not await listed(town, "square", "cellar")

    # Their client sees what is open to all, and of the other nothing but that something is there.
    seen = await _hierarchy(pat, square)
    assert {stall, talk} <= seen
    assert bench not in seen
    with pytest.raises(MatrixRefusal):
        await pat.join(bench, via=town.homeserver.server_name)

    # The bot tells them, since it is meant for them, and lets them in.
    shown = await answer_to(pat, talk, "!esn space show The square", timeout=20)
    assert "Bench" in shown.body
    assert "Cellar" not in shown.body
    await answer_to(pat, talk, "!esn group join Bench", timeout=20)
    await pat.wait_for_invite(bench, timeout=20)

    async def in_it() -> bool:
        # Their homeserver may know of the invitation a moment before ours has written it down.
        try:
            await pat.join(bench, via=town.homeserver.server_name)
        except MatrixRefusal:
            return False
        return True

    await eventually(in_it)
    assert bench in await _hierarchy(pat, square)

    # They are members of the space like all others, and add to it.
    cannot = await answer_to(pat, talk, "!esn space add Cellar --to The square", timeout=20)
    assert "I do not know any group called" in cannot.body


async def _hierarchy(person: Person, space: str) -> set[str]:
    found = await person.request("GET", f"/_matrix/client/v1/rooms/{quote(space)}/hierarchy")
    return {room["room_id"] for room in found["rooms"]}


async def test_a_group_silences_what_the_bot_says_by_itself(town: Town) -> None:
    zoe, talk = await came(town, "zoe", "square", "talk"), await town.room("talk")
    answer = await answer_to(zoe, talk, "!esn silence greetings")
    assert re.search(r"Silenced in this group: greetings", answer.body)
    listed_now = await answer_to(town.animator, talk, "!esn silence list")
    assert "greetings: since" in listed_now.body
    lifted = await answer_to(town.animator, talk, "!esn silence lift greetings")
    assert "No longer silenced here" in lifted.body
