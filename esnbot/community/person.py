"""Who somebody is to the community: a member of an audience, with functions and never ranks."""

from __future__ import annotations

from enum import StrEnum

UserID = str
"""A Matrix user id, ``@localpart:server``."""


class Role(StrEnum):
    """Functions that a person can have; they are not ordered."""

    member = "member"
    partner = "partner"
    owner = "owner"
    animator = "animator"
    administrator = "administrator"


def server_of(user: UserID) -> str:
    """The server name in a user id, or '' when there is none."""
    return user.partition(":")[2]


def is_user_id(text: str) -> bool:
    """Whether the text has the shape of a user id (Matrix specification, appendix 4.2.1)."""
    localpart, colon, server = text.partition(":")
    return bool(colon) and len(text) <= 255 and localpart.startswith("@") and len(localpart) > 1 and bool(server)
