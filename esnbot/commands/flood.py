"""A flood of commands by one person is slowed, not obeyed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

_MOST = 10_000


class Verdict(Enum):
    """What to do with a command."""

    obey = "obey"
    warn = "warn"
    """Say once, kindly, that it is too much."""
    ignore = "ignore"


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: datetime
    warned: bool = False


@dataclass(slots=True)
class Flood:
    """A token bucket for each person, in memory: a restart forgives everybody."""

    burst: int = 20
    """Commands at once."""
    seconds: float = 3.0
    """Until the next one is possible after that."""
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def take(self, user: str, at: datetime) -> Verdict:
        """Count one command; after the kind word there is silence until the bucket is half full again."""
        bucket = self._buckets.get(user)
        if bucket is None:
            if len(self._buckets) >= _MOST:
                self._forget(at)
            bucket = self._buckets[user] = _Bucket(self.burst, at)
        bucket.tokens = self._level(bucket, at)
        bucket.filled = max(bucket.filled, at)
        if bucket.warned and bucket.tokens < self.burst / 2:
            return Verdict.ignore
        bucket.warned = False
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return Verdict.obey
        bucket.warned = True
        return Verdict.warn

    def _level(self, bucket: _Bucket, at: datetime) -> float:
        passed = max(0.0, (at - bucket.filled).total_seconds())
        return min(float(self.burst), bucket.tokens + passed / self.seconds)

    def _forget(self, at: datetime) -> None:
        """Those whose bucket is full; if that is nobody, everybody."""
        kept = {user: bucket for user, bucket in self._buckets.items() if self._level(bucket, at) < self.burst}
        self._buckets = kept if len(kept) < _MOST else {}
