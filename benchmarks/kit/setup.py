"""What a bot's program is told, in one environment variable."""

from __future__ import annotations

import os
from typing import Final, Literal

import msgspec

VARIABLE: Final = "ESNBOT_BENCH_BOT"
WORD: Final = "interdit"
"""The word that redacting bots take out."""
PING: Final = "!ping "
PONG: Final = "pong "

Behaviour = Literal["nothing", "ping", "redact"]


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """Who the bot is, where its homeserver is, and what it does with messages."""

    homeserver: str
    server_name: str
    user: str
    port: int = 0
    """Where an application service listens."""
    counts_port: int = 0
    """Where it says how many messages it has handled; 0: on the same port."""
    as_token: str = "as-token"
    hs_token: str = "hs-token"
    service: str = ""
    """The service's id when the homeserver is to be pinged at the start."""
    password: str = ""
    """Of an account that logs in."""
    folder: str
    """For what the bot keeps."""
    behaviour: Behaviour = "nothing"
    features: bool = False
    """Whether everything else that the software can do runs too."""
    idle: bool = False
    """Accept only: nothing is handled."""
    core: int | None = None

    @property
    def counts(self) -> int:
        """Where it says how many messages it has handled."""
        return self.counts_port or self.port

    @property
    def localpart(self) -> str:
        """The user id without sigil and server."""
        return self.user[1:].partition(":")[0]

    def encode(self) -> str:
        """As the environment variable has it."""
        return msgspec.json.encode(self).decode()


def read() -> Setup:
    """What this program was told."""
    return msgspec.json.decode(os.environ[VARIABLE], type=Setup)
