"""The web board: whether its address keeps people's sessions safe, and whether widgets can sign people in."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from esnbot.cli.checkup.finding import Findings
from esnbot.cli.checkup.probe import Answer, Probe
from esnbot.settings import Settings

USERINFO: Final = "/_matrix/federation/v1/openid/userinfo"


def address(settings: Settings, findings: Findings) -> None:
    """Whether what people type and see there can be read on the way."""
    url = settings.web.url
    parts = urlsplit(url)
    if parts.scheme == "https":
        findings.ok("board", f"People reach the board at {url}.")
    elif _is_this_machine(parts.hostname or ""):
        findings.note(
            "board",
            f"The board is for this machine alone: {url}.",
            "Links that the bot sends lead nowhere for others.",
            "Put a reverse proxy with TLS before it, and say its address as 'web: url:' (docs/web.md).",
        )
    else:
        findings.warning(
            "board",
            f"People reach the board without TLS, at {url}.",
            "Whoever sits in between can take over the sessions of those who are signed in.",
            "Put a reverse proxy with TLS before it, and begin 'web: url:' with https.",
        )


async def widgets(settings: Settings, probe: Probe, findings: Findings) -> None:
    """Whether the homeserver says whose an OpenID token is; that one nobody has is refused in a way that shows it."""
    if not settings.web.widget:
        return
    answer = await probe.ask(USERINFO, token="", query={"access_token": "esnbot-doctor"})
    code = (answer.json or {}).get("errcode") if isinstance(answer, Answer) else None
    if code == "M_UNKNOWN_TOKEN":
        findings.ok("widgets", "The homeserver checks the tokens by which widgets sign people in.")
        return
    findings.warning(
        "widgets",
        f"The homeserver does not check OpenID tokens at {probe.url}.",
        "Its people cannot sign in to the board inside a widget; links work.",
        "Add 'openid' to the resources of the homeserver's listener for clients, and restart it.",
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
