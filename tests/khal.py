"""A real calendar program that reads what we write: khal, as a process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

FORMAT: Final = "{start-time} {title} @ {location} [{status}]"


class Khal:
    """khal with a calendar of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("khal", path=str(Path(sys.executable).parent))
        assert program is not None
        self._program, self._config = program, folder / "config"
        self._config.write_text(
            f"[calendars]\n[[mine]]\npath = {folder / 'mine'}\n[locale]\nlocal_timezone = Europe/Paris\n"
            "default_timezone = Europe/Paris\ntimeformat = %H:%M\ndateformat = %d.%m.\nlongdateformat = %Y-%m-%d\n"
            "datetimeformat = %d.%m. %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n"
            f"[sqlite]\npath = {folder / 'khal.db'}\n"
        )
        (folder / "mine").mkdir()
        self._file = folder / "feed.ics"

    def _run(self, *arguments: str) -> str:
        command = [self._program, "-c", str(self._config), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def take(self, calendar: str) -> None:
        """Import a file of a feed."""
        self._file.write_text(calendar, encoding="utf-8")
        self._run("import", "--batch", str(self._file))

    def listed(self, day: str, span: str = "1d") -> str:
        """What it shows from a day (ISO) on."""
        return self._run("list", "--format", FORMAT, day, span)
