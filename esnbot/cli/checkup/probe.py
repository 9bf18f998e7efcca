"""Single requests to an address that may turn out to be anything, with troubles told apart and put into words."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

TIMEOUT = aiohttp.ClientTimeout(total=20, connect=8)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    json: dict[str, Any] | None
    text: str
    """The beginning of the body."""
    location: str = ""
    """Where a redirect leads."""

    @property
    def errcode(self) -> str:
        """Matrix's code of an error, '' when there is none."""
        return str(self.json.get("errcode", "")) if self.json else ""

    @property
    def error(self) -> str:
        """Matrix's words for an error."""
        return str(self.json.get("error", "")) if self.json else ""

    @property
    def is_html(self) -> bool:
        """Whether a web page came back."""
        return "html" in self.headers.get("Content-Type", "") or self.text.lstrip()[:15].lower().startswith(
            ("<!doctype", "<html")
        )


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing came back, and what to do."""

    kind: str
    what: str
    todo: str


@dataclass(slots=True)
class Probe:
    """Requests to one homeserver. Use ``async with Probe(url) as probe``."""

    url: str
    token: str = field(default="", repr=False)
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = None,
        query: Mapping[str, str] | None = None,
        content: Any = None,
    ) -> Answer | Trouble:
        """One request; ``token`` None takes the probe's own, '' none. Redirects are told, not followed."""
        assert self._session is not None
        secret = self.token if token is None else token
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        try:
            async with self._session.request(
                method, self.url + path, params=query, json=content, headers=headers, allow_redirects=False
            ) as response:
                raw = await response.content.read(1_000_000)
                return Answer(
                    response.status,
                    dict(response.headers),
                    _object(raw),
                    raw[:2_000].decode("utf-8", "replace"),
                    response.headers.get("Location", ""),
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return explain(self.url, error)


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def explain(url: str, error: BaseException) -> Trouble:
    """Why an address gave no answer, in words."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate(url, error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        host = error.host
        return Trouble(
            "dns", f"The host name '{host}' is not known.", "Check the spelling of 'url', and the DNS record."
        )
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Trouble(
            "tls",
            f"What listens at {url} does not speak TLS.",
            "Use 'http://' in 'url' if that is meant (on one machine or a private network), or the port with TLS.",
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return Trouble(
            "refused",
            f"Nothing listens at {url} ({(error.strerror or 'no connection').lower()}).",
            "Start the homeserver, or correct host and port in 'url'; a firewall may stand between, too.",
        )
    if isinstance(error, TimeoutError):
        return Trouble(
            "timeout",
            f"{url} does not answer in time.",
            "See whether the homeserver is overloaded, and whether a firewall drops what is sent to it.",
        )
    if isinstance(error, aiohttp.InvalidURL | ValueError) and not isinstance(error, aiohttp.ClientResponseError):
        return Trouble("url", f"'{url}' is no address.", "Write 'url' like 'https://matrix.example.org'.")
    return Trouble(
        "no-http",
        f"What listens at {url} does not answer in HTTP.",
        "Check the port in 'url'; if it is a TLS port, 'url' begins with 'https://'.",
    )


def _certificate(url: str, error: aiohttp.ClientConnectorCertificateError) -> Trouble:
    reason = str(getattr(error.certificate_error, "verify_message", "")) or str(error.certificate_error)
    todo = "Have a certificate made that clients accept (Let's Encrypt, or your company's authority)."
    if "self-signed" in reason or "unable to get local issuer" in reason:
        todo += " For an authority of your own, set SSL_CERT_FILE to its certificate where esnbot runs."
    if "expired" in reason:
        todo = "Renew the certificate."
    if "Hostname mismatch" in reason or "IP address mismatch" in reason:
        todo = "Use the name that the certificate is for in 'url', or have one made for this name."
    return Trouble("certificate", f"The certificate of {url} is not accepted: {reason.rstrip('.')}.", todo)
