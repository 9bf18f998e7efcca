"""Tables of provisioning: what is wanted, how far it is, and what was asked of the reconciler."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, Table, Text

from esnbot.store.tables import Json, Milliseconds, metadata

desired_object = Table(
    "desired_object",
    metadata,
    Column("key", Text, primary_key=True),
    # 'space' or 'group'.
    Column("kind", Text, nullable=False),
    # 'file' or 'chat'.
    Column("origin", Text, nullable=False),
    # The place as its origin declares it.
    Column("spec", Json, nullable=False),
    # What people changed in chat of an object of the file: only keys that the file does not state.
    Column("overrides", Json, nullable=False),
    # 'wanted' or 'archived'.
    Column("state", Text, nullable=False),
    # Place in the file; objects made in chat come after, in the order of their making.
    Column("position", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("changed", Milliseconds, nullable=False),
    # Counts the changes; settled is the revision that stands on the homeserver.
    Column("revision", Integer, nullable=False),
    Column("settled", Integer, nullable=False),
    # Why the last attempt did not work: a reason with its code (``reasons.Reason``).
    Column("problem", Json),
)

withdrawn = Table(
    "withdrawn",
    metadata,
    # A key whose wish was withdrawn, and its last revision: the next wish for it goes on counting from there, so that
    # no work and no news of the old one is ever taken for the new one's.
    Column("key", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
)

community_frame = Table(
    "community_frame",
    metadata,
    Column("id", Integer, primary_key=True),
    # Audiences, roles, languages: what rooms depend on besides themselves.
    Column("spec", Json, nullable=False),
)

provisioned = Table(
    "provisioned",
    metadata,
    Column("key", Text, primary_key=True),
    Column("room_id", Text, nullable=False),
    Column("created", Boolean, nullable=False),
    Column("ready", Milliseconds),
    # In the server's directory: 'public', 'private', or 'refused' when the server's rules forbid it.
    Column("listed", Text, nullable=False),
)

room_attempt = Table(
    "room_attempt",
    metadata,
    # Written before a room is asked for: what stands behind the alias later may be our half-made room.
    Column("key", Text, primary_key=True),
    Column("alias", Text, nullable=False),
    Column("since", Milliseconds, nullable=False),
)

media_upload = Table(
    "media_upload",
    metadata,
    # SHA-256 of the content.
    Column("digest", Text, primary_key=True),
    Column("uri", Text, nullable=False),
    Column("done", Boolean, nullable=False),
)

sync_token = Table(
    "sync_token",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token", Text, nullable=False),
)

apply_request = Table(
    "apply_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asked", Milliseconds, nullable=False),
    Column("fresh", Boolean, nullable=False),
    # 'waiting', 'running' or 'done'.
    Column("state", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("result", Json),
)

drift = Table(
    "drift",
    metadata,
    Column("key", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("room_id", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("wanted", Json),
    Column("found", Json),
    Column("since", Milliseconds, nullable=False),
    Column("told", Boolean, nullable=False),
)
