"""Starting the programs that are measured, and measuring them from outside."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.kit.setup import VARIABLE, Setup
from esnbot.homeserver.child import start_child

ROOT = Path(__file__).resolve().parents[2]
READY = "ready"
"""The line that a program prints when it can be used."""


class ProgramFailed(Exception):
    """A program ended before it was ready, or did not get ready."""


def _as_usual() -> dict[str, str]:
    """This process's environment, with compiled modules kept as everywhere: otherwise each start compiles them."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Program:
    """A program with its output; it dies with this process."""

    def __init__(self, command: list[str], folder: Path, name: str, environment: dict[str, str]) -> None:
        self.output = folder / f"{name}.out"
        with self.output.open("ab") as output:
            self._start = output.tell()
            self.started = time.monotonic()
            self._process: subprocess.Popen[bytes] = start_child(
                [sys.executable, *command],
                output=output,
                working_dir=ROOT,
                environment=_as_usual() | environment,
            )
        self._measured = psutil.Process(self._process.pid)

    @classmethod
    async def start(
        cls,
        command: list[str],
        folder: Path,
        name: str,
        *,
        environment: dict[str, str] | None = None,
        timeout: float = 60.0,
        ready: str = READY,
    ) -> Program:
        """Start it and return when it printed its ready line; raises ``ProgramFailed``."""
        program = cls(command, folder, name, environment or {})
        while time.monotonic() - program.started < timeout:
            if ready in program.said():
                return program
            if program._process.poll() is not None:
                break
            await asyncio.sleep(0.005)
        program.kill()
        raise ProgramFailed(f"{name} did not get ready: {program.said()[-2000:]}")

    def said(self) -> str:
        """What it printed so far."""
        with self.output.open("rb") as file:
            file.seek(self._start)
            return file.read().decode(errors="replace")

    @property
    def cpu(self) -> float:
        """Seconds of CPU that it used, all threads, in user and system mode."""
        times = self._measured.cpu_times()
        return float(times.user + times.system)

    @property
    def memory(self) -> float:
        """Megabytes (10^6) of resident memory."""
        return float(self._measured.memory_info().rss / 1e6)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    async def stop(self, timeout: float = 10.0) -> None:
        """Ask it to end; kill it when it does not."""
        if self._process.poll() is None:
            self._process.terminate()
            async with asyncio.timeout(timeout + 1):
                until = time.monotonic() + timeout
                while self._process.poll() is None and time.monotonic() < until:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        self.kill()


async def start_bot(kind: str, setup: Setup, *, timeout: float = 60.0) -> Program:
    """One of ``benchmarks.bots``, ready."""
    folder = Path(setup.folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Apart, so that a small bot need not import all that the application does.
    module = "application" if setup.features else kind
    command = ["-m", f"benchmarks.bots.{module}"]
    return await Program.start(command, folder, kind, environment={VARIABLE: setup.encode()}, timeout=timeout)
