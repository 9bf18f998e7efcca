"""The embedded Synapse, run as a child process (it is AGPL: never imported)."""

from esnbot.homeserver.config import FederationListener, HomeserverConfig
from esnbot.homeserver.errors import (
    AccountRefused,
    HomeserverDied,
    HomeserverError,
    HomeserverNotReady,
    PortInUse,
    SynapseMissing,
)
from esnbot.homeserver.ports import free_port, is_free
from esnbot.homeserver.server import Account, EmbeddedHomeserver

__all__ = [
    "Account",
    "AccountRefused",
    "EmbeddedHomeserver",
    "FederationListener",
    "HomeserverConfig",
    "HomeserverDied",
    "HomeserverError",
    "HomeserverNotReady",
    "PortInUse",
    "SynapseMissing",
    "free_port",
    "is_free",
]
