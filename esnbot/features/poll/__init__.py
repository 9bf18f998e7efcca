"""Polls: for those whose client shows them, and as a text to react to for those whose client does not; one count.

Public: ``start`` with ``Question`` begins one for another feature, and the domain event ``CLOSED`` brings its result.
"""

from esnbot.features.poll.model import Unusable
from esnbot.features.poll.starting import CLOSED, Question, start

__all__ = ["CLOSED", "Question", "Unusable", "start"]
