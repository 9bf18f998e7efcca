"""The hands of the reconciler: one room made, taken over or put right, each step observed first and safe to repeat."""

from __future__ import annotations

import asyncio
import mimetypes
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.person import server_of
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import Forbidden, NotThere, Refused, RoomInUse
from esnbot.provisioning import wanted
from esnbot.provisioning.charter import Charters, Sealer
from esnbot.provisioning.compare import Action, accepts, obstacles
from esnbot.provisioning.desired import DesiredRoom
from esnbot.provisioning.errors import CannotMake, Superseded
from esnbot.provisioning.facets import Facet, View, creation, facets, made_state
from esnbot.provisioning.observer import Observer, file_digest
from esnbot.provisioning.patience import Patience
from esnbot.provisioning.reasons import Why
from esnbot.provisioning.rights import admits
from esnbot.provisioning.seen import Content, Fact, SeenRoom
from esnbot.provisioning.tables import media_upload
from esnbot.store.database import Database
from esnbot.store.upsert import upsert

Now = Callable[[], int]
"""The present, in milliseconds."""

LOOK_AGAIN: Final = 0.25
HALF_MADE_AFTER: Final = 40
"""How often a room behind our alias is looked at before it counts as half-made: its making may still go on."""

CANNOT_OVERWRITE: Final = "M_CANNOT_OVERWRITE_MEDIA"


@dataclass(frozen=True, slots=True)
class Taken:
    """A room that now stands behind a key."""

    room: SeenRoom
    created: bool
    """False: it was adopted."""
    new: bool = False
    """Whether this very request made it, so that nobody else has touched it yet."""


class Hands:
    """Does things to rooms, on the homeserver."""

    def __init__(
        self,
        database: Database,
        client: MatrixClient,
        observer: Observer,
        patience: Patience,
        now: Now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        sealer: Sealer | None = None,
    ) -> None:
        self._charters = Charters(client, patience, sealer)
        self._database = database
        self._client = client
        self._observer = observer
        self._patience = patience
        self._now = now
        self._sleep = sleep
        self._default_version: str | None = None
        self._uploads: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    # --- a room for a key ------------------------------------------------------------------------------------------

    async def take(self, desired: DesiredRoom, view: View, found: str | None, attempted: bool) -> Taken:
        """A room for the key: adopted, found from before a crash, or made; raises ``CannotMake``, ``Superseded``."""
        if desired.place.adopt is not None:
            return Taken(await self._adopt(desired.place.adopt), created=False)
        if found is not None and (room := await self._observer.read(found)) is not None:
            return Taken(room, created=True)
        key, revision, alias = desired.key, desired.revision, desired.alias
        if not await self._database.write(lambda conn: wanted.attempt(conn, key, revision, alias, self._now())):
            raise Superseded(f"'{key}' is not wanted as it was any more")
        for _ in range(3):
            taken = await self._make(desired, view, attempted)
            if taken is not None:
                return taken
        raise CannotMake(
            f"the alias {alias} leads to a half-made room that cannot be given up", Why.half_made, alias=alias
        )

    async def _make(self, desired: DesiredRoom, view: View, attempted: bool) -> Taken | None:
        """Ask for the room; None when what an earlier attempt left behind its alias was given up."""
        version = desired.place.room_version or await self._server_version()
        body = creation(desired, view, version)
        requests = 0

        async def create() -> str:
            nonlocal requests
            requests += 1
            return await self._client.create_room(body)

        try:
            room_id = await self._patience(create)
        except Refused as error:
            # 409 without a code of its own: two requests for one alias crossed.
            if not isinstance(error, RoomInUse) and error.status != 409:
                raise
            return await self._behind_alias(desired, maybe_half_made=attempted or requests > 1)
        return Taken(made_state(body, desired, view, room_id, version, self._now()), created=True, new=True)

    async def _behind_alias(self, desired: DesiredRoom, *, maybe_half_made: bool) -> Taken | None:
        """Our room behind the alias, finished or not; None when it was given up; ``CannotMake`` for a stranger's.

        Only where an earlier request of ours may have made it, a room that the bot cannot read is waited for (its
        making may still go on), then entered, then given up.
        """
        alias = desired.alias
        for _ in range(HALF_MADE_AFTER if maybe_half_made else 1):
            room_id = await self._patience(lambda: self._client.resolve_alias(alias))
            if room_id is None:
                return None
            room = await self._observer.read(room_id)
            if room is not None and room.content("m.room.power_levels") is not None:
                if self._checked(desired, room).joined(self._client.user):
                    return Taken(room, created=True)
                # Ours, but the bot has left it: what can be read is what it saw last.
                room, maybe_half_made = None, True
                break
            if maybe_half_made:
                await self._sleep(LOOK_AGAIN)
        if room is None and maybe_half_made and room_id is not None:
            room = await self._entered(desired, room_id)
            if room is None:
                await self._patience(lambda: self._client.delete_alias(alias))
                return None
        if room is None:
            await self._database.write(lambda conn: wanted.forget_attempt(conn, desired.key))
            raise _strangers(desired, room_id or "")
        return Taken(self._checked(desired, room), created=True)

    async def _entered(self, desired: DesiredRoom, room: str) -> SeenRoom | None:
        """A half-made room with its creator, the bot, in it; None when there is nothing that anybody could enter."""
        try:
            await self._patience(lambda: self._client.join(room))
        except Refused as error:
            if error.status == 404:
                return None
            if error.passes:
                raise
            raise _strangers(desired, room) from error
        found = await self._observer.read(room)
        if found is not None and found.made_for != desired.key:
            await self._patience(lambda: self._client.leave(room))
        return found

    def _checked(self, desired: DesiredRoom, room: SeenRoom) -> SeenRoom:
        ours = self._client.user in room.founders
        if ours and room.made_for not in (None, desired.key):
            raise CannotMake(
                f"the alias {desired.alias} still leads to the room of '{room.made_for}'",
                Why.alias_ours,
                alias=desired.alias,
            )
        if room.made_for != desired.key or not ours:
            raise _strangers(desired, room.room_id)
        return room

    async def _joined(self, room: str) -> SeenRoom | None:
        """The room with the bot in it, None when it cannot be."""
        try:
            await self._patience(lambda: self._client.join(room))
        except Refused as error:
            if error.passes:
                raise
            return None
        return await self._observer.read(room)

    async def _adopt(self, target: str) -> SeenRoom:
        room_id: str | None = target
        if not target.startswith("!"):
            room_id = await self._patience(lambda: self._client.resolve_alias(target))
        if room_id is None:
            raise CannotMake(f"there is no room {target} to adopt", Why.no_such_room, room=target)
        room = await self._observer.read(room_id)
        if room is None or not room.joined(self._client.user):
            room = await self._joined(room_id)
        if room is None:
            bot = self._client.user
            what = f"the bot cannot enter {target}: invite {bot} there, then apply again"
            raise CannotMake(what, Why.closed, room=target, bot=bot)
        return room

    async def rejoin(self, room_id: str) -> SeenRoom | None:
        """A bound room with the bot in it again; None when it does not exist any more. Raises ``CannotMake``."""
        try:
            await self._patience(lambda: self._client.join(room_id))
        except Refused as error:
            if error.status == 404:
                return None
            if error.passes:
                raise
            bot = self._client.user
            what = f"the bot is not in {room_id} any more: invite {bot} there, then apply again"
            raise CannotMake(what, Why.not_inside, bot=bot) from error
        return await self._observer.read(room_id)

    async def look_again(self, room_ids: Sequence[str]) -> None:
        """Read rooms anew into the store, because somebody else changed them meanwhile."""
        await self._observer.read_rooms(room_ids)

    async def _server_version(self) -> str:
        if self._default_version is None:
            capabilities = await self._patience(self._client.capabilities)
            versions = capabilities.get("m.room_versions", {})
            self._default_version = str(versions.get("default", "1"))
        return self._default_version

    # --- what is in a room -----------------------------------------------------------------------------------------

    async def put_right(
        self, desired: DesiredRoom, taken: Taken, view: View, spaces: dict[str, SeenRoom]
    ) -> list[Facet]:
        """Bring a room to what it should be; returns what an owner changed by hand, to be accepted."""
        room = taken.room
        for notice in [] if taken.new else obstacles(desired, room, view.bot):
            if notice.action is Action.conflict:
                raise CannotMake(notice.why, Why.no_power, bot=view.bot)
        accepted: list[Facet] = []
        for facet in facets(desired, view, room, room.version):
            where = room if not facet.space else spaces.get(facet.space)
            fact = where.state.get((facet.type, facet.state_key)) if where is not None else None
            if (facet.merge(fact) or None) == (fact.content or None if fact is not None else None):
                continue
            if not taken.new and accepts(desired, facet, fact, view.bot):
                accepted.append(facet)
                continue
            await self._set(desired, facet, view.id(facet.space) if facet.space else room.room_id, fact, view)
        return accepted

    async def charter(self, desired: DesiredRoom, taken: Taken) -> bool:
        """Say, correct and pin the charter; False when it is left to a process that can encrypt."""
        return await self._charters.put_right(desired, taken.room, new=taken.new)

    async def _set(self, desired: DesiredRoom, facet: Facet, room: str, fact: Fact | None, view: View) -> None:
        client = self._client
        if not facet.fresh:
            content = facet.merge(fact) or {}
            await self._patience(lambda: client.set_state(room, facet.type, facet.state_key, content))
            return
        async with client.writing(room):
            now = await self._patience(lambda: client.state_event(room, facet.type, facet.state_key))
            found = Fact(now, fact.sender if fact else view.bot, 0) if now is not None else None
            wanted = facet.merge(found)
            if (wanted or None) == (now or None):
                return
            if facet.type == "m.room.canonical_alias":
                await self._point_alias(desired, room)
            if facet.type == "m.room.server_acl":
                await self._remove_denied(room, wanted, view)
            merged = wanted or {}
            await self._patience(lambda: client.set_state(room, facet.type, facet.state_key, merged))

    async def _point_alias(self, desired: DesiredRoom, room: str) -> None:
        # Asked for first: looking up an alias that is free makes the homeserver ask every service.
        try:
            await self._patience(lambda: self._client.set_alias(desired.alias, room))
        except Refused as error:
            leads_to = await self._patience(lambda: self._client.resolve_alias(desired.alias))
            if leads_to is None:
                raise
            if leads_to != room:
                raise _strangers(desired, leads_to) from error

    async def _remove_denied(self, room: str, acl: Content | None, view: View) -> None:
        """A server that is denied still receives what is said while one of its people is in the room."""
        for event in await self._patience(lambda: self._client.state(room)):
            user = event.get("state_key")
            if event.get("type") != "m.room.member" or not isinstance(user, str) or user == view.bot:
                continue
            content = event.get("content")
            inside = isinstance(content, dict) and content.get("membership") in ("join", "invite", "knock")
            if inside and not admits(acl, server_of(user)):
                await self._kick(room, user)

    async def _kick(self, room: str, user: str) -> None:
        reason = "This room is for other homeservers."
        try:
            await self._patience(lambda: self._client.kick(room, user, reason))
        except Forbidden as error:
            member = await self._patience(lambda: self._client.state_event(room, "m.room.member", user))
            if (member or {}).get("membership") in ("join", "invite", "knock"):
                what = f"{user} cannot be removed from {room}: {error.message}"
                raise CannotMake(what, Why.cannot_remove) from error

    async def list_room(self, desired: DesiredRoom, room: str) -> str:
        """List a room in the directory, or take it out; returns 'public', 'private' or 'refused'."""
        visibility = "public" if desired.place.listed and not desired.archived else "private"
        try:
            await self._patience(lambda: self._client.set_directory_visibility(room, visibility))
        except Forbidden:
            return "refused"
        return visibility

    # --- media -----------------------------------------------------------------------------------------------------

    async def with_avatar(self, desired: DesiredRoom, view: View) -> View:
        """The view with the room's avatar uploaded, when that is a file."""
        avatar = desired.place.avatar
        if avatar is None or avatar.startswith("mxc://") or avatar in view.media:
            return view
        digest = await asyncio.to_thread(file_digest, avatar)
        if not digest:
            raise CannotMake(f"the avatar '{avatar}' cannot be read", Why.avatar)
        async with self._uploads[digest]:
            try:
                uri = await self._upload(avatar, digest)
            except OSError as error:
                what = f"the avatar '{avatar}' cannot be read: {error.strerror}"
                raise CannotMake(what, Why.avatar) from error
        return replace(view, media={**view.media, avatar: uri})

    async def _upload(self, path: str, digest: str) -> str:
        """Reserve a URI, keep it, upload to it: whatever is lost in between, nothing is uploaded twice."""
        async with self._database.read() as conn:
            query = select(media_upload).where(media_upload.c.digest == digest)
            row = (await conn.execute(query)).one_or_none()
        if row is not None and row.done:
            return str(row.uri)
        uri = str(row.uri) if row is not None else await self._patience(self._client.reserve_media)

        async def keep(conn: AsyncConnection, *, done: bool) -> None:
            await upsert(conn, media_upload, {"digest": digest, "uri": uri, "done": done})

        await self._database.write(lambda conn: keep(conn, done=False))
        data = await asyncio.to_thread(Path(path).read_bytes)
        mimetype = mimetypes.guess_type(path)[0] or "application/octet-stream"
        try:
            await self._patience(lambda: self._client.upload_media(uri, data, mimetype))
        except NotThere:
            # The reservation ran out before the upload: begin anew.
            await self._database.write(lambda conn: _forget_upload(conn, digest))
            return await self._upload(path, digest)
        except Refused as error:
            if error.errcode != CANNOT_OVERWRITE:
                raise
        await self._database.write(lambda conn: keep(conn, done=True))
        return uri


async def _forget_upload(conn: AsyncConnection, digest: str) -> None:
    await conn.execute(delete(media_upload).where(media_upload.c.digest == digest))


def _strangers(desired: DesiredRoom, room: str) -> CannotMake:
    what = (
        f"the alias {desired.alias} leads to a room that is not ours ({room}): "
        f"take it over with 'adopt: \"{desired.alias}\"', or declare another alias"
    )
    return CannotMake(what, Why.alias_strangers, alias=desired.alias)


def field_value(field: str, content: Content) -> Any:
    """What somebody set by hand, as the value of the declaration's field."""
    value = content.get({"name": "name", "topic": "topic", "avatar": "url"}[field])
    return value or None if field == "avatar" else value or ""
