"""Finding groups, notes, pages and questions again, in what somebody may read.

Public: what other features put in and ask for (``put``, ``forget``, ``forget_place``, ``find``, ``similar``), and who
may read what (``readable_by`` a person, ``readable_in`` a room, by all who are there). When ``REBUILD`` happens, a
feature puts all of its own again. For those who compare words as the search does: ``tokens``, ``fold``,
``forms`` and ``is_stop``.
"""

from esnbot.features.search.events import REBUILD
from esnbot.features.search.index import find, forget, forget_place, put, similar
from esnbot.features.search.model import Document, Hit
from esnbot.features.search.readable import Readable, readable_by, readable_in
from esnbot.features.search.words import fold, forms, is_stop, tokens

__all__ = [
    "REBUILD",
    "Document",
    "Hit",
    "Readable",
    "find",
    "fold",
    "forget",
    "forget_place",
    "forms",
    "is_stop",
    "put",
    "readable_by",
    "readable_in",
    "similar",
    "tokens",
]
