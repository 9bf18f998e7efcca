"""Texts that people keep: messages of the bot in the group's own room, with an index of them here.

A kept text is one root message, and each later version an edit of it: no noise, and the history stands in the room.
People talk about it in the thread under the root message. What kinds of texts there are (notes, pages) and who may
what is up to the features that keep them.

Public: ``keep``, ``revise``, ``withdraw`` give effects; ``get``, ``some``, ``of_place``, ``versions``, ``opened``
read, ``lock`` keeps others from changing one, and ``came_with`` names the groups that became part of one and keep
texts; ``shows`` says how the words of a kind of text read in their room; ``merge`` puts together what two people made
of one text, and ``lines_of``, ``tokens_of``, ``same`` are what it compares by. The domain event ``TEXT_CHANGED`` says
what changed in a room.
"""

from esnbot.features.text.heirs import came_with
from esnbot.features.text.keeping import TooLong, keep, revise, thread, withdraw
from esnbot.features.text.merging import Merged, Piece, merge
from esnbot.features.text.model import ENTRY, NOTE, PAGE, TEXT_CHANGED, Draft, Text, Version
from esnbot.features.text.reading import opened
from esnbot.features.text.records import get, lock, of_place, some, versions
from esnbot.features.text.sequences import lines_of, same, tokens_of
from esnbot.features.text.showing import Show, shows

__all__ = [
    "ENTRY",
    "NOTE",
    "PAGE",
    "TEXT_CHANGED",
    "Draft",
    "Merged",
    "Piece",
    "Show",
    "Text",
    "TooLong",
    "Version",
    "came_with",
    "get",
    "keep",
    "lines_of",
    "lock",
    "merge",
    "of_place",
    "opened",
    "revise",
    "same",
    "shows",
    "some",
    "thread",
    "tokens_of",
    "versions",
    "withdraw",
]
