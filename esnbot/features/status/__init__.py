"""How the bot is doing, for animators, and the switch that makes it keep quiet.

Public: ``is_paused``, and the domain events ``PAUSED`` and ``RESUMED``.
"""

from esnbot.features.status.records import PAUSED, RESUMED, is_paused

__all__ = ["PAUSED", "RESUMED", "is_paused"]
