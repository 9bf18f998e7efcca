"""Texts that people keep: messages of the bot in the group's own room, with an index of them here.

A kept text is one root message, and each later version an edit of it: no noise, and the history stands in the room.
People talk about it in the thread under the root message. What kinds of texts there are (notes, pages) and who may
what is up to the features that keep them.

Public: ``keep``, ``revise``, ``withdraw`` give effects; ``get``, ``some``, ``of_place``, ``versions``, ``opened``
read; the domain event ``TEXT_CHANGED`` says what changed in a room.
"""

from esnbot.features.text.keeping import TooLong, keep, revise, thread, withdraw
from esnbot.features.text.model import ENTRY, NOTE, PAGE, TEXT_CHANGED, Draft, Text, Version
from esnbot.features.text.reading import opened
from esnbot.features.text.records import get, of_place, some, versions

__all__ = [
    "ENTRY",
    "NOTE",
    "PAGE",
    "TEXT_CHANGED",
    "Draft",
    "Text",
    "TooLong",
    "Version",
    "get",
    "keep",
    "of_place",
    "opened",
    "revise",
    "some",
    "thread",
    "versions",
    "withdraw",
]
