"""Child processes that end when we do, also when we are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# Runs in the child before the program itself: ask the kernel for SIGKILL at the parent's death, look whether the
# parent died before the question, then become the program. A launcher instead of preexec_fn, which is not safe in
# a process with threads. Systems without prctl run the program all the same.
_LAUNCHER = """
import os, sys
parent, program = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    import ctypes, signal
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
    as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=working_dir,
        env=None if environment is None else dict(environment),
        start_new_session=True,
        **as_user,
    )
