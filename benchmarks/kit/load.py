"""Loads: transactions as a homeserver pushes them, one at a time over one connection."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

JSON = dict[str, Any]

SENTENCES = (
    "Bonjour à tous, quelqu'un a-t-il le compte rendu de la réunion de mardi ?",
    "The new bearings arrived this morning, they are on the second shelf.",
    "Je propose qu'on en parle demain à la pause, vers 10 h.",
    "Merci !",
    "Has anybody tried the tandem hub with the 135 mm spacing? It seems to rub when the chain is on the largest cog.",
)


def rooms_of(count: int, server: str) -> list[str]:
    """Ids of rooms."""
    return [f"!room{number:05}:{server}" for number in range(count)]


def message(name: str, room: str, body: str, server: str, *, ts: int) -> JSON:
    """A message as it stands in a transaction."""
    return {
        "type": "m.room.message",
        "room_id": room,
        "event_id": f"${name}",
        "sender": f"@someone:{server}",
        "origin_server_ts": ts,
        "content": {"msgtype": "m.text", "body": body, "m.mentions": {}},
        "unsigned": {"age": 12},
        "age": 12,
    }


def join(user: str, room: str, *, ts: int) -> JSON:
    """The event with which somebody came into a room."""
    return {
        "type": "m.room.member",
        "room_id": room,
        "event_id": f"$join-{user[1:].partition(':')[0]}-{room[1:].partition(':')[0]}",
        "sender": user,
        "state_key": user,
        "origin_server_ts": ts,
        "content": {"membership": "join", "displayname": "Bot"},
        "unsigned": {"age": 12},
    }


def chatter(count: int, rooms: Sequence[str], server: str, *, name: str) -> list[JSON]:
    """Ordinary messages, spread over rooms. ``name`` makes their ids unlike those of other loads."""
    now = int(time.time() * 1000) - count
    return [
        message(f"{name}-{n}", rooms[n % len(rooms)], SENTENCES[n % len(SENTENCES)], server, ts=now + n)
        for n in range(count)
    ]


def bodies(events: Sequence[JSON], size: int) -> list[bytes]:
    """Transaction bodies of ``size`` events each."""
    return [orjson.dumps({"events": events[start : start + size]}) for start in range(0, len(events), size)]


class Pusher:
    """Pushes transactions to one application service, as a homeserver does."""

    def __init__(self, port: int, hs_token: str = "hs-token") -> None:
        self._url = f"http://127.0.0.1:{port}/_matrix/app/v1/transactions/"
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {hs_token}"})
        self._number = 0
        # Transaction ids are never used twice, also not by another pusher for the same service.
        self._name = f"{time.time_ns():x}"

    async def push(self, body: bytes) -> None:
        """Push one and return once it is acknowledged."""
        self._number += 1
        headers = {"Content-Type": "application/json"}
        async with self._session.put(f"{self._url}{self._name}-{self._number}", data=body, headers=headers) as answer:
            await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"the transaction was answered with {answer.status}")

    async def push_all(self, all_bodies: Sequence[bytes]) -> float:
        """Push one after another; seconds that it took."""
        started = time.perf_counter()
        for body in all_bodies:
            await self.push(body)
        return time.perf_counter() - started

    async def handled(self, port: int) -> int:
        """How many messages a bot says that it has handled."""
        async with self._session.get(f"http://127.0.0.1:{port}/bench") as answer:
            return int((await answer.json())["handled"])

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()
