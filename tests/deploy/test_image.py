"""The Dockerfile's steps, run in a plain shell: COPY becomes cp, the container's folders stand in a temporary one."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("/opt/esnbot", "/build", "/config", "/data", "/keys")


@dataclass(frozen=True, slots=True)
class Step:
    word: str
    rest: str


def steps() -> list[Step]:
    lines = (ROOT / "Dockerfile").read_text()
    joined = re.sub(r"\\\n\s*", " ", "\n".join(line for line in lines.splitlines() if not line.startswith("#")))
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def words(word: str) -> list[str]:
    return [step.rest for step in steps() if step.word == word]


def test_it_runs_as_nobody_special_and_says_how_it_feels() -> None:
    assert words("USER")[-1] == "10001:10001"
    assert "/health" in words("HEALTHCHECK")[-1]
    assert steps()[-1] == Step("CMD", '["run", "--config", "/config/docker/community.yaml"]')


def test_what_it_copies_exists_and_is_sent_to_the_builder() -> None:
    allowed = [
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    for rest in words("COPY"):
        if rest.startswith("--from"):
            continue
        for source in shlex.split(rest)[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch.fnmatch(source, pattern) for pattern in allowed), f"{source} is not in .dockerignore"


@pytest.mark.timeout(300)
def test_its_steps_run_and_the_bot_in_it_works(tmp_path: Path) -> None:
    for folder in FOLDERS:
        (tmp_path / folder[1:]).mkdir(parents=True)
    where = tmp_path / "build"
    for step in steps():
        if step.word == "WORKDIR":
            where = Path(moved(step.rest, tmp_path))
        elif step.word == "COPY" and not step.rest.startswith("--from"):
            copy(step.rest, where, tmp_path)
        elif step.word == "RUN":
            shell(step.rest, where, tmp_path)
    installed = subprocess.run(
        [tmp_path / "opt/esnbot/bin/esnbot", "check", "--config", tmp_path / "config/community.yaml"],
        cwd=tmp_path / "data",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert installed.returncode == 0, installed.stderr
    found = subprocess.run(
        [tmp_path / "opt/esnbot/bin/python", "-c", COMPLETE],
        cwd=tmp_path / "data",
        capture_output=True,
        text=True,
        timeout=60,
    )
    for path in tracked_files():
        assert path in found.stdout.splitlines(), f"{path} is missing in the installed package"


COMPLETE = """
from pathlib import Path
import esnbot
root = Path(esnbot.__file__).parent.parent
assert "site-packages" in str(root), root
print(*(path.relative_to(root) for name in ("esnbot", "bridges") for path in (root / name).rglob("*")), sep="\\n")
"""


def tracked_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "esnbot", "bridges"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return [
        path for path in listed.stdout.splitlines() if not path.endswith((".md", ".pot")) and (ROOT / path).exists()
    ]


def moved(text: str, root: Path) -> str:
    return re.sub(rf"(?<![\w.])({'|'.join(map(re.escape, FOLDERS))})\b", lambda found: f"{root}{found[1]}", text)


def copy(rest: str, where: Path, root: Path) -> None:
    *sources, target = shlex.split(moved(rest, root))
    destination = where / target
    for source in sources:
        path = ROOT / source
        if path.is_dir():
            shutil.copytree(path, destination, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder = destination if target.endswith("/") or target == "." else destination.parent
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.name)


def shell(command: str, where: Path, root: Path) -> None:
    """Run one RUN step; 'python' is this Python, and only root can give files away."""
    tools = root / "tools"
    tools.mkdir(exist_ok=True)
    python = tools / "python"
    if not python.exists():
        python.symlink_to(Path(sys.base_prefix) / "bin" / "python3")
        if os.geteuid() != 0:
            (tools / "chown").symlink_to(shutil.which("true") or "/bin/true")
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment["PATH"] = f"{tools}:{environment['PATH']}"
    environment.update(package_source())
    done = subprocess.run(
        ["sh", "-euc", moved(command, root)],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"RUN {command}\n{done.stdout}\n{done.stderr}"


def package_source() -> dict[str, str]:
    """What tools/setup.sh does too: uv takes packages from where pip takes them, and trusts whom pip trusts."""
    asked = {
        "UV_DEFAULT_INDEX": os.environ.get("PIP_INDEX_URL") or pip_says("index-url"),
        "SSL_CERT_FILE": os.environ.get("PIP_CERT") or pip_says("cert"),
    }
    found = {name: value for name, value in asked.items() if value and name not in os.environ}
    if "SSL_CERT_FILE" not in found and Path("/etc/ssl/certs/ca-certificates.crt").exists():
        found["UV_SYSTEM_CERTS"] = "1"
    return found


def pip_says(key: str) -> str:
    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", f"global.{key}"], capture_output=True, text=True, timeout=60
    )
    return said.stdout.strip()
