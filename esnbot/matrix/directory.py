"""Whose devices are whose, as the homeservers tell it, and sessions with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from copy import deepcopy
from itertools import islice
from typing import Any, Final

import structlog
import vodozemac
from nio import KeysClaimResponse, KeysQueryResponse
from nio.crypto import OlmDevice

from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import NotMatrix
from esnbot.matrix.machine import Machine

CLAIM_AGAIN: Final = 300.0
"""Seconds for which a device that has no one-time key left is not asked for one again."""
ASK_AGAIN: Final = 60.0
"""Seconds for which a person's devices are not asked for again because of one key that is none of theirs."""
AT_ONCE: Final = 500
"""People in one question."""

log = structlog.get_logger("esnbot.matrix.device")


class Directory:
    """What the machine knows of other people's devices, kept up to date."""

    def __init__(self, client: MatrixClient, machine: Machine) -> None:
        """Nothing is asked yet."""
        self._client = client
        self._machine = machine
        self._outdated: set[str] = set()
        self._keyless: dict[tuple[str, str], float] = {}
        self._asked: dict[tuple[str, str], float] = {}
        self._silent: dict[str, float] = {}

    def changed(self, users: Iterable[object]) -> None:
        """The homeserver says that people's devices changed."""
        tracked: set[str] = self._machine.tracked_users
        self._outdated |= tracked.intersection(users)

    def wanted(self) -> set[str]:
        """People whose devices somebody waits for."""
        return set(self._machine.users_for_key_query)

    def ask_for(self, user: str, sender_key: str) -> bool:
        """Have the person's devices asked for soon, because of a key that may be of one; False: it was just done."""
        now = asyncio.get_running_loop().time()
        if self._asked.get((user, sender_key), 0.0) > now:
            return False
        self._asked = {one: until for one, until in self._asked.items() if until > now}
        self._asked[user, sender_key] = now + ASK_AGAIN
        self._machine.users_for_key_query.add(user)
        return True

    async def know(self, users: Iterable[str]) -> None:
        """Return once the devices of all of them are known."""
        machine = self._machine
        now = asyncio.get_running_loop().time()
        self._silent = {user: until for user, until in self._silent.items() if until > now}
        outdated = self._outdated | machine.users_for_key_query
        unknown = {user for user in users if user not in machine.tracked_users or user in outdated}
        await self.query(unknown - self._silent.keys())

    async def query(self, users: Iterable[str]) -> None:
        """Ask for the devices of these people."""
        rest = iter(sorted(set(users)))
        while some := list(islice(rest, AT_ONCE)):
            await self._query(some)

    async def _query(self, users: list[str]) -> None:
        machine = self._machine
        self._outdated.difference_update(users)
        machine.users_for_key_query.difference_update(users)
        try:
            answer = await self._client.query_keys(users)
        except BaseException:
            self._outdated.update(users)
            raise
        devices = {
            user: {id: device for id, device in as_dict(of_one).items() if self._is_sound(user, id, device)}
            for user, of_one in as_dict(answer.get("device_keys")).items()
            if user in users
        }
        found = KeysQueryResponse.from_dict({"device_keys": devices})
        if not isinstance(found, KeysQueryResponse):
            raise NotMatrix("the answer to /keys/query is none")
        with machine.store.database.atomic():
            machine.handle_response(found)
        # Of people whose homeserver is away nothing comes; whoever writes to them must not wait for it each time.
        until = asyncio.get_running_loop().time() + ASK_AGAIN
        self._silent.update((user, until) for user in users if user not in devices)

    def _is_sound(self, user: str, id: str, device: object) -> bool:
        """Whether a device is what it says: anybody's homeserver can say anything, and it must not harm the others."""
        found = as_dict(device)
        try:
            vodozemac.Curve25519PublicKey.from_base64(found["keys"][f"curve25519:{id}"])
            sound = (found["user_id"], found["device_id"]) == (user, id) and self._machine.verify_json(
                deepcopy(found), found["keys"][f"ed25519:{id}"], user, id
            )
        # Whatever is wrong with it.
        except Exception:  # noqa: BLE001
            sound = False
        if not sound:
            log.warning("a device is not what it says it is", user=user, device=id)
        return bool(sound)

    async def sessions_with(self, devices: Iterable[OlmDevice], *, fresh: bool = False) -> None:
        """Begin sessions with devices that have none, ``fresh``: with all of them; some may have no key left."""
        machine = self._machine
        now = asyncio.get_running_loop().time()
        asked: dict[str, list[str]] = {}
        for device in devices:
            known = not fresh and machine.session_store.get(device.curve25519) is not None
            if not known and self._keyless.get((device.user_id, device.id), 0.0) <= now:
                asked.setdefault(device.user_id, []).append(device.id)
        if not asked:
            return
        found = KeysClaimResponse.from_dict(await self._client.claim_keys(asked))
        if not isinstance(found, KeysClaimResponse):
            raise NotMatrix("the answer to /keys/claim is none")
        with machine.store.database.atomic():
            machine.handle_response(found)
        for user, ids in asked.items():
            for id in ids:
                if id not in as_dict(found.one_time_keys.get(user)):
                    self._keyless[user, id] = now + CLAIM_AGAIN


def as_dict(found: object) -> dict[str, Any]:
    """It, when it is one; else an empty one."""
    return found if isinstance(found, dict) else {}


def as_dicts(found: object) -> list[dict[str, Any]]:
    """Those of a list that are dictionaries."""
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
