"""The machine that it runs on."""

from __future__ import annotations

import logging
import os
import platform

import psutil
import structlog


def describe() -> str:
    """Cores, memory, Python, and how busy the machine was before, in one line."""
    memory = psutil.virtual_memory().total / 2**30
    busy = psutil.getloadavg()[0]
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {system}, load {busy:.1f} before"


def cores() -> tuple[int | None, int | None]:
    """A core for the load and one for what is measured; None twice where processes cannot be tied to cores."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[-1]) if len(free) > 1 else (None, free[0])


def stay_on(core: int | None) -> None:
    """Tie this process, and threads and processes that it starts from now on, to one core."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def quiet() -> None:
    """Log only what went wrong."""
    logging.basicConfig(level=logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
