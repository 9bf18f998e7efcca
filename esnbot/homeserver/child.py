"""Child processes that end when we do, also when we are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# Runs in the child before the program itself: become the user, ask the kernel for SIGKILL at the parent's death, look
# whether the parent died before the question, then become the program. A launcher instead of preexec_fn, which is not
# safe in a process with threads. Systems without prctl run the program all the same.
_LAUNCHER = """
import ctypes, os, pwd, signal, sys  # all of it before the user changes, who may not read the library
parent, user, program = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
if user:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
os.execv(program[0], program)
"""


def start_child(
    command: Sequence[str],
    *,
    output: IO[bytes] | int = subprocess.DEVNULL,
    working_dir: Path | None = None,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program (its path first) that dies with this process; call it from the main thread.

    The kernel watches the *thread* that starts the child: started from a worker thread, it would end with that.
    ``user`` needs root. The child has a session of its own, so that Ctrl-C reaches only us and we stop it in order.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), user or "", *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=working_dir,
        env=None if environment is None else dict(environment),
        start_new_session=True,
    )
