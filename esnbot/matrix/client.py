"""The client-server API as the bot uses it: verbs with plain arguments, typed errors, no retries of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import orjson
from aiohttp import ClientSession
from mautrix.types import UserID

from esnbot.matrix.api import JSON, Api, new_session, path
from esnbot.matrix.errors import NotMatrix, NotThere, Refused

StateKey = tuple[str, str]
"""Type and state key of a state event."""


class MatrixClient:
    """The bot on its homeserver, speaking with the application service's token as the bot *and its device*.

    With user and device on each request Synapse keeps transaction ids with the events, so that a send can be repeated
    after any crash (Client-Server API, 'transaction identifiers').
    """

    def __init__(
        self, url: str, token: str, user: str, device: str | None, session: ClientSession | None = None
    ) -> None:
        self.user = user
        self.device = device
        self._session = session or new_session()
        self._api = Api(
            url,
            token,
            client_session=self._session,
            as_user_id=UserID(user),
            # mautrix types the device as a user id.
            as_device_id=UserID(device) if device else None,
        )
        self._service = Api(url, token, client_session=self._session)
        # A sync as the device makes the homeserver forget what waits for the device: only who reads it may do that.
        self._user_api = Api(url, token, client_session=self._session, as_user_id=UserID(user))
        self._url, self._token = url, token
        self._writers: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def server(self) -> str:
        """The bot's server name."""
        return self.user.partition(":")[2]

    def as_person(self, user: str) -> MatrixClient:
        """The same service speaking as another user of its namespace, over the same connections."""
        return MatrixClient(self._url, self._token, user, None, self._session)

    def writing(self, room: str) -> asyncio.Lock:
        """A lock for reading state, merging and writing it back: one writer a room in this process."""
        return self._writers.setdefault(room, asyncio.Lock())

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    async def call(
        self, method: str, path: str, content: Any = None, *, query: Mapping[str, str] | None = None
    ) -> JSON:
        """Any request as the bot, for what has no verb here."""
        return await self._api.call(method, path, content, query=dict(query or {}))

    # --- the account -------------------------------------------------------------------------------------------

    async def versions(self) -> JSON:
        """What the homeserver supports; needs no token."""
        return await self._service.call("GET", "/_matrix/client/versions")

    async def whoami(self) -> JSON:
        """The user and device that the token stands for."""
        return await self._api.call("GET", path("account", "whoami"))

    async def capabilities(self) -> JSON:
        """The server's capabilities, such as room versions."""
        answer = await self._api.call("GET", path("capabilities"))
        return dict(answer.get("capabilities", {}))

    async def register(self) -> bool:
        """Make the bot's account; False when it was there already."""
        content = {
            "type": "m.login.application_service",
            "username": self.user[1:].partition(":")[0],
            "inhibit_login": True,
        }
        try:
            await self._service.call("POST", path("register"), content)
        except Refused as error:
            if error.errcode == "M_USER_IN_USE":
                return False
            raise
        return True

    async def ensure_device(self, name: str) -> None:
        """Make the bot's device: without a login (Client-Server API, application services, since 1.17), else with one.

        What the login answers is not needed: requests go on with the service's token, as the bot and its device.
        """
        if self.device is None:
            raise ValueError("this client speaks without a device")
        try:
            # Without its own device on the request: the homeserver refuses to speak as one that is not there yet.
            await self._user_api.call("PUT", path("devices", self.device), {"display_name": name})
        except Refused as error:
            # What homeservers answer that make no device so: not there, no such request, or not like this.
            if error.status not in (400, 404, 405):
                raise
            content = {
                "type": "m.login.application_service",
                "identifier": {"type": "m.id.user", "user": self.user[1:].partition(":")[0]},
                "device_id": self.device,
                "initial_device_display_name": name,
            }
            await self._service.call("POST", path("login"), content, sensitive=True)

    async def profile(self, user: str) -> JSON:
        """A person's display name and avatar; empty when there is none."""
        try:
            return await self._api.call("GET", path("profile", user))
        except NotThere:
            return {}

    async def set_profile(self, key: str, value: str) -> None:
        """Set one of the bot's own profile fields (``displayname``, ``avatar_url``)."""
        await self._api.call("PUT", path("profile", self.user, key), {key: value})

    async def account_data(self, type: str) -> JSON:
        """The bot's account data of a type; empty when there is none."""
        try:
            return await self._api.call("GET", path("user", self.user, "account_data", type))
        except NotThere:
            return {}

    async def set_account_data(self, type: str, content: JSON) -> None:
        """Replace the bot's account data of a type."""
        await self._api.call("PUT", path("user", self.user, "account_data", type), content)

    async def ping_service(self, service: str, transaction: str) -> JSON:
        """Make the homeserver call the application service back, which also ends its back-off."""
        return await self._service.call(
            "POST",
            path("appservice", service, "ping", prefix="/_matrix/client/v1"),
            {"transaction_id": transaction},
        )

    # --- rooms --------------------------------------------------------------------------------------------------

    async def create_room(self, content: JSON) -> str:
        """Make a room and return its id; raises ``RoomInUse`` when ``room_alias_name`` is taken."""
        answer = await self._api.call("POST", path("createRoom"), content)
        return _of(answer, "room_id")

    async def joined_rooms(self) -> list[str]:
        """The rooms that the bot is in."""
        answer = await self._api.call("GET", path("joined_rooms"))
        return [str(room) for room in answer.get("joined_rooms", [])]

    async def join(self, room: str, via: Sequence[str] = ()) -> str:
        """Join by id or alias; returns the room id."""
        query = {"via": via[0], "server_name": via[0]} if via else {}
        answer = await self._api.call("POST", path("join", room), {}, query=query)
        return _of(answer, "room_id")

    async def leave(self, room: str) -> None:
        """Leave a room."""
        await self._api.call("POST", path("rooms", room, "leave"), {})

    async def forget(self, room: str) -> None:
        """Forget a room that was left."""
        await self._api.call("POST", path("rooms", room, "forget"), {})

    async def invite(self, room: str, user: str, reason: str = "") -> None:
        """Invite somebody; 403 when they are in already or banned."""
        await self._api.call("POST", path("rooms", room, "invite"), _because({"user_id": user}, reason))

    async def kick(self, room: str, user: str, reason: str = "") -> None:
        """Remove somebody; 403 when they are out already."""
        await self._api.call("POST", path("rooms", room, "kick"), _because({"user_id": user}, reason))

    async def ban(self, room: str, user: str, reason: str = "") -> None:
        """Ban somebody."""
        await self._api.call("POST", path("rooms", room, "ban"), _because({"user_id": user}, reason))

    async def unban(self, room: str, user: str) -> None:
        """Lift a ban."""
        await self._api.call("POST", path("rooms", room, "unban"), {"user_id": user})

    async def resolve_alias(self, alias: str) -> str | None:
        """The room behind an alias, or None."""
        try:
            answer = await self._api.call("GET", path("directory", "room", alias))
        except NotThere:
            return None
        return _of(answer, "room_id")

    async def set_alias(self, alias: str, room: str) -> None:
        """Point a new alias at a room; 409 when it is taken."""
        await self._api.call("PUT", path("directory", "room", alias), {"room_id": room})

    async def delete_alias(self, alias: str) -> None:
        """Take an alias away."""
        await self._api.call("DELETE", path("directory", "room", alias))

    async def directory_visibility(self, room: str) -> str:
        """``public`` or ``private`` in the server's room directory."""
        answer = await self._api.call("GET", path("directory", "list", "room", room))
        return str(answer.get("visibility", "private"))

    async def set_directory_visibility(self, room: str, visibility: str) -> None:
        """List a room in the server's directory, or take it out; 403 when the server's rules forbid it."""
        await self._api.call("PUT", path("directory", "list", "room", room), {"visibility": visibility})

    # --- events -------------------------------------------------------------------------------------------------

    async def send(self, room: str, type: str, transaction: str, content: JSON) -> str:
        """Send an event and return its id; the same transaction id gives the same event."""
        answer = await self._api.call("PUT", path("rooms", room, "send", type, transaction), content)
        return _of(answer, "event_id")

    async def redact(self, room: str, event: str, transaction: str, reason: str = "") -> str:
        """Redact an event and return the redaction's id."""
        answer = await self._api.call("PUT", path("rooms", room, "redact", event, transaction), _because({}, reason))
        return _of(answer, "event_id")

    async def mark_read(self, room: str, event: str, thread: str = "") -> None:
        """Show that the bot has read up to an event, in the thread with that root or in the whole room."""
        content = {"thread_id": thread} if thread else {}
        await self._api.call("POST", path("rooms", room, "receipt", "m.read", event), content)

    async def show_typing(self, room: str, seconds: float) -> None:
        """Show the bot typing, for so long unless told otherwise; 0 ends it."""
        content = {"typing": True, "timeout": int(seconds * 1000)} if seconds > 0 else {"typing": False}
        await self._api.call("PUT", path("rooms", room, "typing", self.user), content)

    async def set_state(self, room: str, type: str, state_key: str, content: JSON) -> str:
        """Set a state event and return its id."""
        answer = await self._api.call("PUT", path("rooms", room, "state", type, state_key), content)
        return _of(answer, "event_id")

    async def state_event(self, room: str, type: str, state_key: str = "") -> JSON | None:
        """The content of a state event, or None when there is none."""
        try:
            return await self._api.call("GET", path("rooms", room, "state", type, state_key))
        except NotThere:
            return None

    async def state(self, room: str) -> list[JSON]:
        """All state events of a room."""
        raw = await self._api.fetch("GET", path("rooms", room, "state"))
        events = orjson.loads(raw) if isinstance(raw, bytes) else []
        return [event for event in events if isinstance(event, dict)]

    async def event(self, room: str, event: str) -> JSON | None:
        """One event, or None when it is not there or not for the bot."""
        try:
            return await self._api.call("GET", path("rooms", room, "event", event))
        except NotThere:
            return None

    async def relations(self, room: str, event: str, type: str, *, start: str | None = None, limit: int = 100) -> JSON:
        """One page of what relates to an event in one way, oldest first (``chunk``, ``next_batch``)."""
        query = {"dir": "f", "limit": str(limit)}
        if start:
            query["from"] = start
        route = path("rooms", room, "relations", event, type, prefix="/_matrix/client/v1")
        return await self._api.call("GET", route, query=query)

    async def messages(
        self,
        room: str,
        *,
        start: str | None = None,
        end: str | None = None,
        backwards: bool = True,
        limit: int = 100,
        filter: JSON | None = None,
    ) -> JSON:
        """One page of a room's timeline (``chunk``, ``start``, ``end``)."""
        query = {"dir": "b" if backwards else "f", "limit": str(limit)}
        if start:
            query["from"] = start
        if end:
            query["to"] = end
        if filter:
            query["filter"] = orjson.dumps(filter).decode()
        return await self._api.call("GET", path("rooms", room, "messages"), query=query)

    async def recent(self, room: str, since_ts: int) -> AsyncIterator[JSON]:
        """The room's events from the newest back to a time in milliseconds."""
        start: str | None = None
        while True:
            page = await self.messages(room, start=start)
            for event in page.get("chunk", []):
                if event.get("origin_server_ts", 0) < since_ts:
                    return
                yield event
            start = page.get("end")
            if not start or not page.get("chunk"):
                return

    async def sync(
        self, since: str | None = None, *, filter: JSON | None = None, timeout_ms: int = 0, device: bool = False
    ) -> JSON:
        """One ``/sync`` as the bot; as its ``device``, with what was sent to that alone (which is then gone)."""
        query = {"timeout": str(timeout_ms), "set_presence": "offline"}
        if since:
            query["since"] = since
        if filter:
            query["filter"] = orjson.dumps(filter).decode()
        api = self._api if device else self._user_api
        return await api.call("GET", path("sync"), query=query)

    # --- keys of devices ----------------------------------------------------------------------------------------

    async def upload_keys(self, content: JSON) -> JSON:
        """Publish keys of the bot's device."""
        return await self._api.call("POST", path("keys", "upload"), content)

    async def query_keys(self, users: Sequence[str]) -> JSON:
        """The devices of people with their keys."""
        return await self._api.call("POST", path("keys", "query"), {"device_keys": {user: [] for user in users}})

    async def upload_signing_keys(self, content: JSON) -> None:
        """Publish the bot's cross-signing keys; 401 where the homeserver wants a person's password for it."""
        await self._api.call("POST", path("keys", "device_signing", "upload"), content)

    async def upload_signatures(self, content: JSON) -> JSON:
        """Publish signatures of keys and devices; the answer has ``failures``."""
        return await self._api.call("POST", path("keys", "signatures", "upload"), content)

    async def claim_keys(self, devices: Mapping[str, Sequence[str]]) -> JSON:
        """A one-time key of each of some devices."""
        wanted = {user: dict.fromkeys(ids, "signed_curve25519") for user, ids in devices.items()}
        return await self._api.call("POST", path("keys", "claim"), {"one_time_keys": wanted})

    async def send_to_device(self, type: str, transaction: str, messages: JSON) -> None:
        """Send messages to devices, past the rooms."""
        await self._api.call("PUT", path("sendToDevice", type, transaction), {"messages": messages})

    # --- media --------------------------------------------------------------------------------------------------

    async def reserve_media(self) -> str:
        """A content URI to upload to later (``/media/v1/create``)."""
        answer = await self._api.call("POST", "/_matrix/media/v1/create", {})
        return _of(answer, "content_uri")

    async def upload_media(self, uri: str, data: bytes, mimetype: str) -> None:
        """Upload to a reserved URI; raises ``Refused`` with ``M_CANNOT_OVERWRITE_MEDIA`` when it is there already."""
        server, _, media = uri.removeprefix("mxc://").partition("/")
        await self._api.call(
            "PUT",
            path("upload", server, media, prefix="/_matrix/media/v3"),
            data,
            headers={"Content-Type": mimetype},
        )


def _of(answer: JSON, key: str) -> str:
    """What an answer must contain."""
    value = answer.get(key)
    if not isinstance(value, str):
        raise NotMatrix(f"the answer has no {key}")
    return value


def _because(content: JSON, reason: str) -> JSON:
    return {**content, "reason": reason} if reason else content
