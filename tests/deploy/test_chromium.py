"""Tests of the board need a Chromium: what is said where there is none, to root and to others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEST = """
def test_in_a_browser(chromium):
    pass

def test_elsewhere():
    pass
"""


def machine(folder: Path, *, user: int) -> Path:
    """A folder of programs: no browser, no apt-get."""
    bin = folder / "bin"
    bin.mkdir()
    for name in ("bash", "env"):
        found = shutil.which(name)
        assert found is not None
        (bin / name).symlink_to(found)
    (bin / "id").write_text(f"#!{shutil.which('bash')}\necho {user}\n")
    (bin / "id").chmod(0o755)
    return bin


@pytest.mark.parametrize(
    ("user", "said"), [(1000, "install Debian's package 'chromium' as root"), (0, "no apt-get to install it with")]
)
def test_the_script_says_what_to_do(tmp_path: Path, user: int, said: str) -> None:
    path = str(machine(tmp_path, user=user))
    done = subprocess.run(
        [str(ROOT / "tools/chromium.sh")], env={"PATH": path}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert said in done.stderr


def test_the_script_finds_what_is_there(tmp_path: Path) -> None:
    bin = machine(tmp_path, user=1000)
    (bin / "chromium").symlink_to("/bin/true")
    done = subprocess.run(
        [str(ROOT / "tools/chromium.sh")], env={"PATH": str(bin)}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(bin / "chromium"))


@pytest.mark.parametrize(
    ("user", "outcome", "said"),
    [(0, "1 error", "as root: tools/chromium.sh"), (1000, "1 deselected", "left out: 1 test")],
)
def test_tests_fail_for_root_and_are_left_out_aloud_for_others(
    tmp_path: Path, user: int, outcome: str, said: str
) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "conftest.py").write_text(
        f'import os\nos.getuid = lambda: {user}\npytest_plugins = ["esnbot.testing.plugin"]\n'
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\nmarkers = soak\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={**os.environ, "PATH": str(machine(tmp_path, user=user))},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert outcome in done.stdout, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert said in done.stdout
