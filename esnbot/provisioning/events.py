"""Domain events of provisioning: what features may listen to."""

from __future__ import annotations

from typing import Final

ROOM_READY: Final = "org.esnbot.room_ready"
"""A declared room stands, whole; content: ``key``, ``room_id``, ``created`` (bool; False: it was adopted)."""

ROOM_ARCHIVED: Final = "org.esnbot.room_archived"
"""A room was made read-only and taken out of its spaces; content: ``key``, ``room_id``."""

ROOM_REVIVED: Final = "org.esnbot.room_revived"
"""An archived room is open again; content: ``key``, ``room_id``."""

ROOM_FAILED: Final = "org.esnbot.room_failed"
"""A room could not be made as declared; content: ``key``, ``revision`` (of the wish that failed), and the reason: its
code ``why`` with ``values`` (``reasons.load`` reads them), and ``reason``, English for the log."""

DRIFT: Final = "org.esnbot.drift"
"""Somebody changed a room by hand; content: ``key``, ``room_id``, ``what``, ``by``, ``wanted``, ``found``."""
