"""What keeps strangers out: cookies, tokens that tie a form to its browser, and where a request comes from."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from esnbot.speech import Later, later

CSRF_FIELD: Final = "csrf"
_PATH: Final = re.compile(r"/(?![/\\])[\w\-./~!$&'()*+,;=:@%]*(\?[\w\-./~!$&'()*+,;=:@%?]*)?", re.ASCII)
_LONGEST_PATH: Final = 500
_LONGEST_ADDRESS: Final = 100

STALE: Final = later("This form is from another time or another place. Please load the page again and repeat.")


class Refusal(web.HTTPException):
    """A refusal with a sentence of its own."""

    status_code = 403

    def __init__(self, sentence: Later, status: int = 403) -> None:
        self.status_code = status
        super().__init__(reason="Refused")
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Cookies:
    """Names and attributes of the board's cookies; behind https they cannot be set by anybody else."""

    secure: bool

    @property
    def session(self) -> str:
        """The cookie of those who are signed in."""
        return self._name("session")

    @property
    def framed(self) -> str:
        """The same inside a client's widget."""
        return self._name("widget")

    @property
    def browser(self) -> str:
        """The cookie that tells browsers apart before anybody is signed in."""
        return self._name("browser")

    def _name(self, name: str) -> str:
        return f"__Host-esnbot-{name}" if self.secure else f"esnbot-{name}"

    def put(self, response: web.StreamResponse, name: str, value: str, lasts: timedelta) -> None:
        """Set a cookie; in a widget of another site's client it belongs to that client's pages alone."""
        across = self.secure and name == self.framed
        parts = [
            f"{name}={value}",
            f"Max-Age={int(lasts.total_seconds())}",
            "Path=/",
            "HttpOnly",
            "SameSite=None; Partitioned" if across else "SameSite=Lax",
            *(("Secure",) if self.secure else ()),
        ]
        # By hand: Python's own cookies know 'Partitioned' only from 3.14 on.
        response.headers.add("Set-Cookie", "; ".join(parts))

    def drop(self, response: web.StreamResponse, name: str) -> None:
        """Take a cookie back."""
        self.put(response, name, "", timedelta(0))


def csrf_token(cookie: str) -> str:
    """The token of all forms of one browser: it follows from the cookie, which no other site can read."""
    return hmac.new(cookie.encode(), b"esnbot.web.csrf", hashlib.sha256).hexdigest()


def fits(cookie: str, token: str) -> bool:
    """Whether a form was made for this browser."""
    return bool(cookie) and hmac.compare_digest(csrf_token(cookie).encode(), token.encode(errors="replace"))


def is_from_here(request: web.Request, url: str, *, unsaid: bool = True) -> bool:
    """Whether a request that changes something was sent by a page of the board.

    Browsers say where a request comes from. Programs that do not (``unsaid`` is the answer for them) have no cookies of
    somebody else's to abuse, and need the form's token all the same.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return unsaid
    parts = urlsplit(url)
    return origin == f"{parts.scheme}://{parts.netloc}" or urlsplit(origin).netloc == request.host


def path_within(path: str) -> str:
    """The path, when it leads to a page of this board and nowhere else; '' otherwise."""
    if len(path) > _LONGEST_PATH or not _PATH.fullmatch(path):
        return ""
    decoded = path.lower()
    if any(part in decoded for part in ("%2f", "%5c", "%00", "%0a", "%0d")):
        return ""
    return "" if ".." in path.partition("?")[0].split("/") else path


def address_of(request: web.Request, proxies: Collection[IPv4Network | IPv6Network]) -> str:
    """The address that asks; what a proxy says is believed only where the proxy is known."""
    found = request.remote or ""
    if not _is_in(found, proxies):
        return found
    told = [part.strip() for line in request.headers.getall("X-Forwarded-For", ()) for part in line.split(",")]
    return next((address for address in reversed(told) if not _is_in(address, proxies)), found)[:_LONGEST_ADDRESS]


def neighbours(address: str) -> str:
    """What counts as one asker: an address, or of IPv6 the network that one subscriber has."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address


def _is_in(text: str, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)
