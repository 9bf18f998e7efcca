"""Structured logs: one line an event, key=value or JSON for machines, coloured on a terminal; never a secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import IO, Any, Final

import structlog
from structlog.typing import EventDict, WrappedLogger

MASK: Final = "***"
LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("auto", "plain", "json", "pretty")

_SECRET_KEYS: Final = re.compile(r"(?i)(^|_)(token|password|secret|authorization|api_?key)$")
_SECRET_TEXT: Final = (
    # What stands after these words is masked whatever it is; the words stay, so that the line can be understood.
    re.compile(r"(?i)\b((?:access|as|hs|refresh|login)_token[\"']?\s*[=:]\s*[\"']?)([^\s\"'&,;}]+)"),
    re.compile(r"(?i)\b(password[\"']?\s*[=:]\s*[\"']?)([^\s\"'&,;}]+)"),
    re.compile(r"(?i)\b(bearer\s+)([A-Za-z0-9._~+/=-]{8,})"),
    # A password in a URL.
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]+:)([^\s/@]+)(?=@)"),
    # Synapse's access and refresh tokens, wherever they stand.
    re.compile(r"()\b(sy[trl]_[A-Za-z0-9_=-]{8,})"),
)
_NOISY: Final = ("mau", "nio", "aiosqlite", "asyncio", "aiohttp.access", "aiohttp.server", "alembic", "sqlalchemy")


class Masker:
    """A structlog processor that takes secrets out of every value: known ones, and what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Never print these values again (short ones are ignored: they would mask words)."""
        known = {*self._secrets, *(secret for secret in secrets if len(secret) >= 8)}
        # The longest first, so that a secret that contains another goes whole.
        self._secrets = tuple(sorted(known, key=len, reverse=True))

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: self._value(key, value) for key, value in event.items()}

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern in _SECRET_TEXT:
            text = pattern.sub(rf"\g<1>{MASK}", text)
        return text

    def _value(self, key: str, value: Any) -> Any:
        if _SECRET_KEYS.search(key) and value:
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(name): self._value(str(name), inner) for name, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value("", inner) for inner in value]
        if isinstance(value, int | float | bool) or value is None:
            return value
        return self.text(str(value))


masker: Final = Masker()
"""The process's masker; whoever reads a secret from a file tells it: ``masker.learn(token)``."""


def set_up_logs(
    level: str = "info", format: str = "auto", *, stream: IO[str] | None = None, quiet: bool = False
) -> None:
    """Send the logs of this process, structlog's and the standard library's, to one stream (standard error).

    ``auto`` is pretty on a terminal and key=value otherwise. ``quiet`` leaves warnings and errors only, for commands
    that have a display of their own.
    """
    out = stream if stream is not None else sys.stderr
    if format == "auto":
        format = "pretty" if out.isatty() else "plain"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                masker,
                *_renderers(format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING if quiet else logging.getLevelName(level.upper()))
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING if level != "debug" else logging.INFO)


def _renderers(format: str) -> list[Any]:
    if format == "json":
        return [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer(ensure_ascii=False)]
    if format == "pretty":
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [_one_line, structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "logger", "event"])]


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keys that logfmt can write; a traceback stays in its line, quoted, with its line ends escaped."""
    return {key.replace(" ", "_"): value for key, value in event.items()}
