"""Reads what strangers send in a process of its own: little memory, little time, no files, no secrets.

What makes a parser eat all memory or run for ever ends that process, and nothing else. It lives for one feed that has
changed, which is about a tenth of a second.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from typing import Final

import msgspec

from bridges.feeds.trouble import Failed, Trouble

MEMORY: Final = 600 * 1024 * 1024
"""Bytes of address space."""
SECONDS: Final = 15
"""Of computing, and twice that on the clock."""
LARGEST: Final = 4_000_000
"""Bytes of what it gives back."""


class Task(msgspec.Struct, frozen=True):
    """What stands before the bytes, on a line of its own."""

    url: str
    content_type: str = ""
    language: str = ""


class _Told(msgspec.Struct, frozen=True):
    trouble: str = ""
    feed: msgspec.Raw = msgspec.Raw(b"null")


async def read_apart(task: Task, body: bytes) -> bytes:
    """The feed (``reader.Feed`` as JSON) that a body is. Raises ``Failed``, ``heavy`` when it takes too much."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bridges.feeds.sandbox",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # Nothing of our surroundings, where secrets may be, but where the code is.
        env={name: os.environ[name] for name in ("PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ},
    )
    try:
        async with asyncio.timeout(2 * SECONDS):
            told, _ = await process.communicate(msgspec.json.encode(task) + b"\n" + body)
    except TimeoutError:
        raise Failed(Trouble.heavy) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or len(told) > LARGEST:
        raise Failed(Trouble.heavy)
    answer = msgspec.json.decode(told, type=_Told)
    if answer.trouble:
        raise Failed(Trouble(answer.trouble))
    return bytes(answer.feed)


def main() -> None:
    """The process: a task and a body come in, a feed goes out."""
    from bridges.feeds.reader import read

    given = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    head, _, body = given.partition(b"\n")
    task = msgspec.json.decode(head, type=Task)
    try:
        told = _Told(feed=msgspec.Raw(msgspec.json.encode(read(body, task.url, task.content_type, task.language))))
    except Failed as failed:
        told = _Told(trouble=failed.trouble.value)
    except (MemoryError, RecursionError):
        told = _Told(trouble=Trouble.heavy.value)
    # Whatever a parser raises on what no parser has seen before: it is no feed.
    except Exception:  # noqa: BLE001
        told = _Told(trouble=Trouble.no_feed.value)
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    main()
