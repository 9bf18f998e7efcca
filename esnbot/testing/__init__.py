"""The test kit: real servers, a clock that tests move, people who talk.

Fixtures are in ``esnbot.testing.plugin``. This module imports only what needs no test tools.
"""

from esnbot.testing.clock import START, ManualClock
from esnbot.testing.person import MatrixRefusal, Person, Seen
from esnbot.testing.stub import Reply, Request, Sent, StubHomeserver
from esnbot.testing.waiting import eventually

__all__ = [
    "START",
    "ManualClock",
    "MatrixRefusal",
    "Person",
    "Reply",
    "Request",
    "Seen",
    "Sent",
    "StubHomeserver",
    "eventually",
]
