"""What can go wrong with a homeserver, as types: some pass with time, some are answers."""

from __future__ import annotations


class HomeserverError(Exception):
    """Base of all errors of the homeserver; the message is fit for a log line and has no secrets."""

    hint = ""
    """What to do about it, where the sentence itself does not say."""

    passes = False
    """Whether trying the same request again later makes sense."""


class Unreachable(HomeserverError):
    """No connection, or it broke before the answer."""

    passes = True


class NotMatrix(HomeserverError):
    """Something answered, but not in Matrix JSON (a proxy's HTML page, say)."""

    passes = True


class ServerTrouble(HomeserverError):
    """A 5xx answer."""

    passes = True

    def __init__(self, status: int, errcode: str, message: str) -> None:
        super().__init__(f"{status} {errcode} {message}".strip())
        self.status = status
        self.errcode = errcode


class Limited(HomeserverError):
    """``M_LIMIT_EXCEEDED``: wait ``seconds`` before trying again."""

    passes = True

    def __init__(self, seconds: float) -> None:
        super().__init__(f"rate limited for {seconds:.1f} s")
        self.seconds = seconds


class Refused(HomeserverError):
    """A 4xx answer: the request will not succeed as it is."""

    def __init__(self, status: int, errcode: str, message: str) -> None:
        super().__init__(f"{errcode}: {message}")
        self.status = status
        self.errcode = errcode
        self.message = message


class TokenRefused(Refused):
    """The homeserver does not know us (any more): an administrator has to act; nothing is lost meanwhile."""

    passes = True


class NotThere(Refused):
    """``M_NOT_FOUND``."""


class Forbidden(Refused):
    """``M_FORBIDDEN``."""


class RoomInUse(Refused):
    """``M_ROOM_IN_USE``: the alias is taken."""


BY_CODE: dict[str, type[Refused]] = {
    "M_UNKNOWN_TOKEN": TokenRefused,
    "M_MISSING_TOKEN": TokenRefused,
    # The bot's device or account is gone: nothing is wrong with what it wanted to do.
    "M_UNKNOWN_DEVICE": TokenRefused,
    "M_USER_DEACTIVATED": TokenRefused,
    "M_NOT_FOUND": NotThere,
    "M_FORBIDDEN": Forbidden,
    "M_ROOM_IN_USE": RoomInUse,
}
