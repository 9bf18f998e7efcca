"""Apply, killed anywhere: the next apply completes, and no room is there twice."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from pathlib import Path

from esnbot.testing.homeserver import Homeserver
from tests.provisioning.crashing import sample
from tests.provisioning.kit import Stage, staged

REQUESTS = 36
"""About as many as an apply of the sample makes."""
SEED = 20
ROOMS = ("company", "crafts", "photo", "wood", "chess", "news")
ROOT = Path(__file__).parents[2]


async def applied_and_killed(stage: Stage, number: int, moment: str, in_flight: int) -> int:
    """Apply in a process of its own that dies at a request; returns its exit code."""
    task = {
        "database": str(stage.database.engine.url.render_as_string(hide_password=False)),
        "url": stage.url,
        "token": stage.registration.as_token,
        "bot": stage.client.user,
        "prefix": stage.prefix,
        "number": number,
        "moment": moment,
        "in_flight": in_flight,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.provisioning.crashing", json.dumps(task), cwd=ROOT
    )
    return await process.wait()


async def test_killed_anywhere_the_next_apply_completes_without_a_second_room(
    homeserver: Homeserver, tmp_path: Path, soak: bool
) -> None:
    """Each kill goes on where the last one left off; once an apply came through, a new community begins."""
    luck = random.Random(SEED)
    kills = REQUESTS * 3 if soak else 8
    killed = communities = 0
    while killed < kills:
        communities += 1
        async with staged(homeserver, f"sqlite+aiosqlite:///{tmp_path / f'{communities}.db'}") as stage:
            killed += await kill_until_one_comes_through(stage, luck, kills - killed)
            await assert_whole(stage)


async def kill_until_one_comes_through(stage: Stage, luck: random.Random, most: int) -> int:
    """How often applying the sample was killed before it came through, or ``most``."""
    for killed in range(most):
        moment = luck.choice(("before", "during", "after"))
        code = await applied_and_killed(stage, luck.randint(3, REQUESTS // 3), moment, luck.choice((1, 10)))
        made = await stage.rooms_made()
        assert all(len(rooms) == 1 for rooms in made.values()), made
        if code == 0:
            return killed
        assert code == -signal.SIGKILL
    return most


async def assert_whole(stage: Stage) -> None:
    """One more apply completes it: every room once, nothing left to change, every charter said once."""
    community = sample(stage.prefix)
    await stage.apply(community)
    made = await stage.rooms_made()
    assert {key: len(rooms) for key, rooms in made.items()} == dict.fromkeys(ROOMS, 1)
    assert (await stage.plan(community)).changes == ()
    assert (await stage.plan(community, fresh=True)).changes == ()
    for key in ("photo", "wood", "chess"):
        assert await stage.said_in(key) == [f"Rules of {key}"]


async def test_killed_at_each_of_some_requests_of_a_first_apply(
    homeserver: Homeserver, tmp_path: Path, soak: bool
) -> None:
    """Every time an empty homeserver: the making of a room is cut short at different points."""
    luck = random.Random(SEED + 1)
    for number in range(1, REQUESTS + 1) if soak else sorted(luck.sample(range(3, 20), 4)):
        url = f"sqlite+aiosqlite:///{tmp_path / f'{number}.db'}"
        async with staged(homeserver, url) as stage:
            await applied_and_killed(stage, number, "during", 10)
            await stage.apply(sample(stage.prefix))
            made = await stage.rooms_made()
            assert {key: len(rooms) for key, rooms in made.items()} == dict.fromkeys(ROOMS, 1), number
            assert (await stage.plan(sample(stage.prefix))).changes == (), number


async def test_a_homeserver_that_dies_in_the_middle_is_waited_for(
    stage: Stage, homeserver: Homeserver, soak: bool
) -> None:
    luck = random.Random(SEED + 2)
    community = sample(stage.prefix)
    reconciler = stage.reconciler()
    await reconciler.declare(community)
    for _ in range(5 if soak else 1):
        working = asyncio.create_task(stage.reconciler().apply())
        await asyncio.sleep(luck.uniform(0.1, 0.6))
        homeserver.server.kill()
        await homeserver.server.start()
        await working

    await stage.apply(community)

    assert all(len(rooms) == 1 for rooms in (await stage.rooms_made()).values())
    assert (await stage.plan(community)).changes == ()
