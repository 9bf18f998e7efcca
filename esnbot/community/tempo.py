"""The tempo: how often the network speaks by itself, and when it keeps quiet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of local time in which nothing unasked is posted; it may cross midnight."""

    begin: time
    end: time

    def covers(self, local: time) -> bool:
        """Whether a local wall-clock time lies in it (begin included, end not)."""
        if self.begin <= self.end:
            return self.begin <= local < self.end
        return local >= self.begin or local < self.end


@dataclass(frozen=True, slots=True)
class Tempo:
    """When prompts are due: local weekdays (0 is Monday) and a local time of day."""

    weekdays: tuple[int, ...]
    at: time
    least_gap: timedelta = timedelta(0)
