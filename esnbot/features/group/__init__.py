"""Groups made in chat.

Public: the domain events ``GROUP_BORN``, ``OWNER_GONE`` and ``MERGED``.
"""

from esnbot.features.group.events import GROUP_BORN, MERGED, OWNER_GONE

__all__ = ["GROUP_BORN", "MERGED", "OWNER_GONE"]
