"""What can go wrong with the embedded homeserver, in words for the person who started it."""

from __future__ import annotations


class HomeserverError(Exception):
    """The embedded homeserver cannot do what was asked; the message is one clear sentence."""

    hint = ""
    """What to do about it, where the sentence itself does not say."""


class SynapseMissing(HomeserverError):
    """Synapse is not installed in this environment."""

    def __init__(self) -> None:
        super().__init__(
            "Synapse is not installed here; install esnbot with its extra: pip install 'esnbot[embedded]'."
        )


class PortInUse(HomeserverError):
    """Another program listens where the homeserver should."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__(
            f"Port {port} on {address} is in use by another program; "
            "stop that program, or give the homeserver another port."
        )
        self.address = address
        self.port = port


class HomeserverDied(HomeserverError):
    """The process ended although nobody asked it to; ``log_tail`` is what it said last."""

    def __init__(self, exit_code: int, log_tail: str) -> None:
        said = f" It said last:\n{log_tail}" if log_tail else ""
        super().__init__(f"The embedded homeserver ended by itself with exit code {exit_code}.{said}")
        self.exit_code = exit_code
        self.log_tail = log_tail


class HomeserverNotReady(HomeserverError):
    """The process runs but did not answer in time."""

    def __init__(self, seconds: float, log_tail: str) -> None:
        said = f" It said last:\n{log_tail}" if log_tail else ""
        super().__init__(f"The embedded homeserver did not answer within {seconds:.0f} seconds.{said}")
        self.log_tail = log_tail


class AccountRefused(HomeserverError):
    """The homeserver would not make the account or log it in."""

    def __init__(self, user: str, status: int, reason: str) -> None:
        super().__init__(f"The homeserver refused the account {user} (HTTP {status}): {reason}")
        self.status = status
