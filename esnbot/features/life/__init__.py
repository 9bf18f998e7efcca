"""What becomes of groups: who looks after them when nobody does, and what is asked when nobody speaks there.

Public: ``last_heard`` (when people last wrote in which groups) and ``liveliness`` (the same in words).
"""

from esnbot.features.life.model import liveliness
from esnbot.features.life.records import last_heard

__all__ = ["last_heard", "liveliness"]
