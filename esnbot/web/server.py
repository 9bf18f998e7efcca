"""The listener: one address, closed in good time."""

from __future__ import annotations

import errno

from aiohttp import web


class ListenError(Exception):
    """The address cannot be listened on; the message says why and what to do."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


class WebServer:
    """An aiohttp application on one host and port; port 0 takes a free one."""

    def __init__(self, app: web.Application, host: str, port: int, setting: str = "web: listen:") -> None:
        """``setting`` is where people say the address, for errors."""
        self.host, self.port = host, port
        self._setting = setting
        # A homeserver keeps its connection open: waiting for it to let go would keep us from stopping.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.3, handle_signals=False)

    @property
    def url(self) -> str:
        """The base URL, with the port that was taken."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen; raises ``ListenError``."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise _explain(self.host, self.port, self._setting, error) from error
        if self.port == 0:
            self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Answer what is being answered (for a moment), then close."""
        await self._runner.cleanup()


def _explain(host: str, port: int, setting: str, error: OSError) -> ListenError:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return ListenError(
            f"The address {where} is in use by another program.",
            f"stop that program, or choose another port under '{setting}'.",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return ListenError(f"This user may not listen on {where}.", f"choose a port above 1023 under '{setting}'.")
    if error.errno == errno.EADDRNOTAVAIL:
        return ListenError(
            f"This machine has no address {host}.", f"use 127.0.0.1, or 0.0.0.0 for all addresses, under '{setting}'."
        )
    return ListenError(f"{where} cannot be listened on: {error.strerror or error}.", f"see '{setting}'.")
