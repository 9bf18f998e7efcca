"""`python -m benchmarks [--quick] [NAME …]`: each benchmark in a process of its own, one after another."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks import table
from benchmarks.kit.machine import describe
from benchmarks.rows import Report, Result, Row

NAMES = (
    "acceptance",
    "handling",
    "latency",
    "lost_work",
    "provisioning",
    "start",
    "encrypted",
    "directory",
    "search",
    "planner",
)
ROOT = Path(__file__).resolve().parents[1]
LONGEST = {False: 900.0, True: 240.0}
"""Seconds that one benchmark may take, full and quick."""
LONGER = {"search": 2.5}
"""Those that may take longer, by a factor: a million documents are put into two databases first."""


def main() -> int:
    """Run, print, keep under var/; 1 when a benchmark could not be run (a goal that is missed is no error)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and size, with peers beside.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones (all by default): {', '.join(NAMES)}")
    parser.add_argument(
        "--quick", action="store_true", help="smaller counts: under three minutes in all on an idle machine"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}'; there are {', '.join(NAMES)}")
    progress, machine = Console(stderr=True), describe()
    results = []
    for name in chosen.names or NAMES:
        progress.print(f"[dim]{name} …[/dim]")
        results.append(_run(name, quick=chosen.quick))
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    report = Report(taken=taken, machine=machine, quick=chosen.quick, results=results)
    kept = ROOT / "var" / "bench.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    if chosen.json:
        sys.stdout.write(kept.read_text(encoding="utf-8") + "\n")
    else:
        console = Console()
        table.show(report, console if console.is_terminal else Console(width=160))
    return 1 if any(result.error for result in results) else 0


def _run(name: str, *, quick: bool) -> Result:
    started, longest = time.monotonic(), LONGEST[quick] * LONGER.get(name, 1)
    with tempfile.TemporaryDirectory(prefix="esnbot-bench-") as folder:
        out = Path(folder) / "rows.json"
        said = Path(folder) / "output"
        command = [sys.executable, "-m", "benchmarks.one", name, str(out), *(["--quick"] if quick else [])]
        with said.open("wb") as output:
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
            try:
                code = process.wait(longest)
            except subprocess.TimeoutExpired:
                code = -1
            finally:
                # Its own children die with it (esnbot.homeserver.child).
                process.kill()
                process.wait()
        seconds = time.monotonic() - started
        if code == 0 and out.exists():
            return Result(name, seconds, msgspec.json.decode(out.read_bytes(), type=list[Row]))
        tail = "\n".join(said.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        why = f"took more than {longest:.0f} s" if code == -1 else f"ended with code {code}"
        return Result(name, seconds, error=f"{why}\n{tail}".strip())


if __name__ == "__main__":
    sys.exit(main())
