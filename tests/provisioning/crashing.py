"""A process that applies a community and is killed at one of its requests: run by the crash tests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from esnbot.community.model import Community
from esnbot.engine.clock import SystemClock
from esnbot.matrix.api import Api
from esnbot.matrix.client import MatrixClient
from esnbot.provisioning.reconciler import Reconciler
from esnbot.store.database import Database
from tests.provisioning.kit import a_community, a_group, a_space

IN_FLIGHT_FOR = 0.02
"""Seconds that a request is on its way when the process dies in the middle of it."""


def sample(prefix: str) -> Community:
    """A small community with everything that takes more than one request."""
    return a_community(
        a_space("company", alias=f"{prefix}-company"),
        a_space("crafts", parent="company", alias=f"{prefix}-crafts"),
        *(
            a_group(key, parent="crafts", alias=f"{prefix}-{key}", charter=f"Rules of {key}", listed=True)
            for key in ("photo", "wood", "chess")
        ),
        a_group("news", parent="company", also_in=("crafts",), alias=f"{prefix}-news"),
    )


def die() -> None:
    """As kill -9 does it: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(number: int, moment: str) -> None:
    """Make the process die before, during or after its request of that number."""
    count = 0
    fetch = Api.fetch

    async def counted(self: Api, method: str, path: str, *arguments: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == number and moment == "before":
            die()
        if count == number and moment == "during":
            asyncio.get_running_loop().call_later(IN_FLIGHT_FOR, die)
        answer = await fetch(self, method, path, *arguments, **more)
        if count >= number and moment == "after":
            die()
        return answer

    Api.fetch = counted  # type: ignore[method-assign]


async def main(task: dict[str, Any]) -> None:
    """Declare and apply."""
    database = await Database.open(task["database"])
    client = MatrixClient(task["url"], task["token"], task["bot"], "ESNBOT")
    die_at(task["number"], task["moment"])
    reconciler = Reconciler(database, client, SystemClock(), in_flight=task["in_flight"])
    await reconciler.declare(sample(task["prefix"]))
    await reconciler.apply()
    await client.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
