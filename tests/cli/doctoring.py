"""Builders for set-ups that the doctor looks at."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from esnbot.cli.checkup.finding import Finding, Findings, State
from esnbot.cli.doctor import examine
from esnbot.discovery import Discovery
from esnbot.engine.clock import SystemClock
from esnbot.matrix.registration import Registration


@dataclass(frozen=True)
class SetUp:
    """A configuration for a homeserver of one's own, right until a test breaks it."""

    folder: Path
    url: str
    service: Registration
    keys: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the homeserver's section that replace the right ones; None takes one out."""
    registration: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the registration file that replace the right ones."""
    top: Mapping[str, Any] = field(default_factory=dict)

    def but(self, **keys: Any) -> SetUp:
        """The same with other keys in the homeserver's section."""
        return replace(self, keys={**self.keys, **keys})

    def with_registration(self, **keys: Any) -> SetUp:
        """The same with another registration file."""
        return replace(self, registration={**self.registration, **keys})

    def with_top(self, **keys: Any) -> SetUp:
        """The same with other keys at the top level."""
        return replace(self, top={**self.top, **keys})

    def write(self) -> Path:
        """Write all files."""
        for name, token in (("as_token", self.service.as_token), ("hs_token", self.service.hs_token)):
            self._private(name, token)
        self._private("registration.yaml", yaml.safe_dump({**self.service.document(), **self.registration}))
        host, _, port = self.service.url.removeprefix("http://").rpartition(":")
        section = {
            "url": self.url,
            "server_name": self.service.server_name,
            "as_token_file": "as_token",
            "hs_token_file": "hs_token",
            "registration": "registration.yaml",
            "appservice_id": self.service.id,
            "appservice_listen": f"{host}:{port}",
            "bot": self.service.bot_localpart,
            **self.keys,
        }
        content = {
            "name": "The Lake",
            "languages": ["en"],
            "time_zone": "UTC",
            "homeserver": {key: value for key, value in section.items() if value is not None},
            "database": f"sqlite+aiosqlite:///{self.folder / 'esnbot.db'}",
            **self.top,
        }
        path = self.folder / "community.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def _private(self, name: str, text: str) -> None:
        path = self.folder / name
        if not path.exists():
            path.write_text(text)
            path.chmod(0o600)

    async def findings(self, clock: Any = None) -> Findings:
        """What the doctor finds."""
        return await look(self.write(), clock)


async def look(config: Path, clock: Any = None) -> Findings:
    """What the doctor finds about a configuration, with an environment of its own and no features."""
    return await examine(config, clock or SystemClock(), environment={}, found=Discovery())


def trouble(findings: Findings) -> list[Finding]:
    """What is not well."""
    return [finding for finding in findings.all if finding.state in (State.failed, State.warning)]


def only(findings: Findings) -> Finding:
    """The one thing that is not well; it says what, why and what to do."""
    found = trouble(findings)
    assert len(found) == 1, [f"{finding.check}: {finding.what}" for finding in found]
    assert found[0].what
    assert found[0].why
    assert found[0].todo
    return found[0]


class FixedClock:
    """A clock that stands."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        """Where it stands."""
        return self.instant

    async def wait_until(self, instant: datetime) -> None:
        """Nobody waits for it here."""
        raise AssertionError(instant)


def at(year: int) -> FixedClock:
    """A clock at the beginning of a year."""
    return FixedClock(datetime(year, 1, 1, tzinfo=UTC))


@contextlib.contextmanager
def a_listener() -> Iterator[int]:
    """A program that holds a port and says nothing."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]
