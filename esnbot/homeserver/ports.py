"""Ports: which are free, and whether one is."""

from __future__ import annotations

import random
import socket

# Below the range from which systems take ports for outgoing connections, so that none of those takes ours meanwhile.
_LOWEST, _HIGHEST = 15_000, 32_000
_TRIES = 200


def is_free(port: int, address: str = "127.0.0.1") -> bool:
    """Whether a server could listen on this port now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(address: str = "127.0.0.1") -> int:
    """A port that was free a moment ago, chosen at random so that processes side by side seldom choose the same."""
    chooser = random.SystemRandom()
    for _ in range(_TRIES):
        port = chooser.randint(_LOWEST, _HIGHEST)
        if is_free(port, address):
            return port
    raise OSError(f"no free port found on {address} between {_LOWEST} and {_HIGHEST}")
