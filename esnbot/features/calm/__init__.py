"""People's attention is the scarcest thing here: one budget for all private words, and groups that silence features.

Public: ``whisper`` (the only way to say something to a person in private that they did not ask for),
``wants`` (whether somebody takes such words) and ``is_silenced``.
"""

from esnbot.features.calm.words import WHISPERED, is_silenced, wants, whisper

__all__ = ["WHISPERED", "is_silenced", "wants", "whisper"]
