"""Who may be asked out there: what keeps strangers from making the bot connect to machines inside.

Whoever names an address (of a feed, of a homeserver) decides where the bot's machine connects to. So: no address inside
(loopback, private, link-local, metadata …), whatever it is wrapped in and whichever name leads there, and the very
address that was looked at is the one that is connected to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def literal(host: str) -> Address | None:
    """The address that a host is, when it is no name: such a one is never looked up, so look at it yourself."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def is_outside(address: Address) -> bool:
    """Whether an address is one of the public internet, whatever it is wrapped in."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None and not is_outside(inner):
            return False
        if address in _NAT64:
            return is_outside(IPv4Address(address.packed[-4:]))
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


_NAT64: Final = IPv6Network("64:ff9b::/96")


class Inside(OSError):
    """A name leads to an address that is not asked."""


class Resolver(AbstractResolver):
    """Looks names up, and gives only addresses that may be asked: those, and no others, are connected to."""

    def __init__(self, may_ask: Callable[[Address], bool]) -> None:
        self._may_ask = may_ask

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of a host; raises ``Inside`` when one of them is: such a name is not to be trusted."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        results: list[ResolveResult] = []
        for kind, _, proto, _, place in found:
            address = ip_address(str(place[0]).partition("%")[0])
            if not self._may_ask(address):
                raise Inside("the name leads to an address that is not asked")
            results.append(
                ResolveResult(
                    hostname=host, host=str(address), port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST
                )
            )
        return results

    async def close(self) -> None:
        """There is nothing to close."""
