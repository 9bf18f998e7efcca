"""Runs one benchmark and writes its rows; `python -m benchmarks` starts this as a process."""

from __future__ import annotations

import argparse
import asyncio
import importlib
from pathlib import Path

import msgspec

from benchmarks.kit.machine import quiet


def main() -> None:
    """`python -m benchmarks.one NAME FILE [--quick]`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    quiet()
    benchmark = importlib.import_module(f"benchmarks.{chosen.name}")
    rows = asyncio.run(benchmark.main(chosen.quick))
    chosen.out.write_bytes(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
