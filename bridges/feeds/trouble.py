"""Why a feed cannot be read, in words that stay the same."""

from __future__ import annotations

from enum import StrEnum


class Trouble(StrEnum):
    """What was in the way; the values are stored, and told to features."""

    unreachable = "unreachable"
    """No such name, no connection, or it broke off."""
    certificate = "certificate"
    """Nobody vouches for who it is."""
    slow = "slow"
    """It did not answer in time."""
    inside = "inside"
    """It leads to an address of an internal network, which is never asked."""
    redirects = "redirects"
    """It leads in circles, or nowhere."""
    large = "large"
    """It is larger than what is read."""
    refused = "refused"
    """It wants a password, or does not want us (401, 403 …)."""
    missing = "missing"
    """There is nothing at this address (404)."""
    gone = "gone"
    """There never will be again (410)."""
    busy = "busy"
    """It asks to be asked less (429, 503)."""
    server = "server"
    """It answers with an error of its own."""
    garbled = "garbled"
    """It cannot be unpacked."""
    page = "page"
    """It is a web page, and names no feed."""
    no_feed = "no_feed"
    """It is something else."""
    empty = "empty"
    """It is nothing at all."""
    heavy = "heavy"
    """Reading it takes more time or memory than a feed may."""


class Failed(Exception):
    """A feed could not be read. ``wait`` are the seconds that its server asks for, None when it does not say."""

    def __init__(self, trouble: Trouble, wait: float | None = None) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.wait = wait
