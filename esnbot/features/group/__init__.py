"""Groups made in chat.

Public: the domain events ``OWNER_GONE`` and ``MERGED``.
"""

from esnbot.features.group.events import MERGED, OWNER_GONE

__all__ = ["MERGED", "OWNER_GONE"]
