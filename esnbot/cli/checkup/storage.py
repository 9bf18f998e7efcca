"""What stands on this machine: secrets that only their owner may read, and a database that can be written."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.cli.checkup.finding import Findings
from esnbot.discovery import Discovery
from esnbot.settings import Settings
from esnbot.store.bindings import all_bindings
from esnbot.store.database import Database, DatabaseError, explain
from esnbot.store.migrate import pending
from esnbot.stored import migrations

_WHY: Final = "It holds what was heard and what is due: without it the bot would forget or repeat."


def secrets_are_private(files: list[Path], findings: Findings) -> None:
    """Whether others on this machine can read the files with secrets."""
    open_to_others = [path for path in files if path.is_file() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)]
    for path in open_to_others:
        findings.warning(
            "secrets",
            f"Others on this machine can read '{path}'.",
            "Whoever has a token can speak as the bot.",
            f"chmod 600 '{path}' (files that a container mounts as secrets are another matter).",
        )
    if files and not open_to_others:
        findings.ok("secrets", "Files with secrets are readable by their owner only.")


async def database(settings: Settings, found: Discovery, findings: Findings) -> dict[str, str]:
    """Look at the database without changing it; returns which rooms stand behind which keys."""
    url = settings.database
    parsed = make_url(url)
    if parsed.drivername.startswith("sqlite") and parsed.database and not Path(parsed.database).exists():
        _new_file(Path(parsed.database), findings)
        return {}
    try:
        opened = await Database.open(url)
    except DatabaseError as error:
        findings.failed("database", str(error), _WHY, "Correct 'database' (or ESNBOT_DATABASE), then look again.")
        return {}
    try:
        await opened.write(_write_nothing)
        findings.ok("database", f"The database ({parsed.get_backend_name()}) can be read and written.")
        if await pending(opened, migrations(found)):
            what = "The database is not of this version yet."
            findings.note("schema", what, "", "'esnbot run' or 'esnbot apply' brings it up to date.")
            return {}
        findings.ok("schema", "The database is of this version.")
        async with opened.read() as connection:
            return await all_bindings(connection)
    except (DBAPIError, OSError, DatabaseError) as error:
        sentence = str(error) if isinstance(error, DatabaseError) else explain(url, error)
        findings.failed("database", sentence, _WHY, "Let the bot's user write there, then look again.")
        return {}
    finally:
        await opened.close()


async def _write_nothing(connection: AsyncConnection) -> None:
    """A write that leaves nothing behind."""
    await connection.execute(text("CREATE TABLE esnbot_doctor (one INTEGER)"))
    await connection.execute(text("DROP TABLE esnbot_doctor"))


def _new_file(path: Path, findings: Findings) -> None:
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        findings.ok("database", f"The database '{path}' is made at the first start.")
        return
    reason = "is no folder" if not above.is_dir() else "is not writable for this user"
    todo = "Let the bot's user write there, or name another place in 'database'."
    findings.failed("database", f"The database '{path}' cannot be made: '{above}' {reason}.", _WHY, todo)
