"""The editorial calendar: what animators want to say, where and when; said once, corrected, withdrawn.

Public: the domain events ``ENTRY_WANTED`` (others put a draft into the calendar) and ``ENTRY_PUBLISHED``.
"""

from esnbot.features.calendar.events import ENTRY_PUBLISHED, ENTRY_WANTED

__all__ = ["ENTRY_PUBLISHED", "ENTRY_WANTED"]
