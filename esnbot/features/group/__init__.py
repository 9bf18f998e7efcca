"""Groups made in chat.

Public: ``KINDS``, what people call the kinds; the domain events ``GROUP_BORN``, ``OWNER_GONE`` and ``MERGED``, and
``GROUP_WISHED`` with ``GROUP_GRANTED``, by which other features have a group made; ``Reception``, which finds the group
that somebody means, with what it finds (``Found``) and why not (``Refusal``); ``described``, which says whom a group is
for; and, for groups of several rooms, ``groups_of``, ``further``, ``head_of``, ``want`` and ``archive``.
"""

from esnbot.features.group.changing import described
from esnbot.features.group.desk import Found, Reception, Refusal, owned_sentence
from esnbot.features.group.events import GROUP_BORN, GROUP_GRANTED, GROUP_WISHED, MERGED, OWNER_GONE
from esnbot.features.group.families import archive, further, groups_of, head_of, want
from esnbot.features.group.model import KINDS

__all__ = [
    "GROUP_BORN",
    "GROUP_GRANTED",
    "GROUP_WISHED",
    "KINDS",
    "MERGED",
    "OWNER_GONE",
    "Found",
    "Reception",
    "Refusal",
    "archive",
    "described",
    "further",
    "groups_of",
    "head_of",
    "owned_sentence",
    "want",
]
