"""How the bot is doing, for animators, and the switch that makes it keep quiet.

Public: ``is_paused``, ``coming`` (what is due, told in the status), and the domain events ``PAUSED`` and ``RESUMED``.
"""

from esnbot.features.status.records import PAUSED, RESUMED, coming, is_paused

__all__ = ["PAUSED", "RESUMED", "coming", "is_paused"]
