"""Apply, killed anywhere: the next apply completes, and no room is there twice."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path

from esnbot.testing.homeserver import Homeserver
from tests.provisioning.crashing import sample
from tests.provisioning.kit import Stage, staged

REQUESTS = 36
"""About as many as an apply of the sample makes."""
SEED = 20
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


async def test_killed_anywhere_the_next_apply_completes_without_a_second_room(stage: Stage, soak: bool) -> None:
    """Each kill goes on where the last one left off, until one apply comes through."""
    luck = random.Random(SEED)
    kills = REQUESTS * 3 if soak else 8
    community = sample(stage.prefix)
    killed = 0
    for _ in range(kills):
        moment = luck.choice(("before", "during", "after"))
        code = await applied_and_killed(stage, luck.randint(3, REQUESTS // 3), moment, luck.choice((1, 10)))
        killed += code == -9
        made = await stage.rooms_made()
        assert all(len(rooms) == 1 for rooms in made.values()), made
    assert killed >= kills // 4

    await stage.apply(community)

    assert {key: len(rooms) for key, rooms in (await stage.rooms_made()).items()} == dict.fromkeys(
        ("company", "crafts", "photo", "wood", "chess", "news"), 1
    )
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
            assert {key: len(rooms) for key, rooms in made.items()} == dict.fromkeys(
                ("company", "crafts", "photo", "wood", "chess", "news"), 1
            ), number
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
