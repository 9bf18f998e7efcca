"""Groups made in chat.

Public: the domain events ``GROUP_BORN``, ``OWNER_GONE`` and ``MERGED``; ``Reception``, which finds the group that
somebody means, with what it finds (``Found``) and why not (``Refusal``).
"""

from esnbot.features.group.desk import Found, Reception, Refusal, owned_sentence
from esnbot.features.group.events import GROUP_BORN, MERGED, OWNER_GONE

__all__ = ["GROUP_BORN", "MERGED", "OWNER_GONE", "Found", "Reception", "Refusal", "owned_sentence"]
