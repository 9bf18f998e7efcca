"""What provisioning refuses, as types with a sentence for the person."""

from __future__ import annotations

from esnbot.community.group import Source
from esnbot.provisioning.reasons import Reason, Why


class ProvisioningError(Exception):
    """Base of provisioning's errors; the message is one clear sentence."""


class Owned(ProvisioningError):
    """A key belongs to the file: a change in chat is refused, naming file and line."""

    def __init__(self, key: str, what: str, source: Source | None) -> None:
        place = f" in {source}" if source is not None else " in the configuration"
        super().__init__(f"'{what}' of '{key}' is declared{place}: change it there")
        self.key = key
        self.what = what
        self.source = source


class UnknownPlace(ProvisioningError):
    """There is no space or group of that key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no space or group '{key}'")
        self.key = key


class CannotMake(ProvisioningError):
    """A room cannot be made, taken over or changed as declared; a person has to act."""

    def __init__(self, text: str, why: Why = Why.other, **values: str) -> None:
        super().__init__(text)
        self.reason = Reason(text, why, values)


class Superseded(ProvisioningError):
    """What a pass was about to make is not wanted so any more: the next pass does what is wanted now."""


class Busy(ProvisioningError):
    """Another process works on the rooms, and does not answer."""
