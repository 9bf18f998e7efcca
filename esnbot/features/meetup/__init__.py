"""Meet-ups, on site and remotely.

Public: the domain events ``MEETUP_SET``, ``MEETUP_CANCELLED`` and ``MEETUP_HELD``.
"""

from esnbot.features.meetup.events import MEETUP_CANCELLED, MEETUP_HELD, MEETUP_SET

__all__ = ["MEETUP_CANCELLED", "MEETUP_HELD", "MEETUP_SET"]
