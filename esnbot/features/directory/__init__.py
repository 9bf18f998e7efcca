"""Finding groups and people: by kind, subject, audience, how lively, language; and whom one may ask about what.

Public: ``stated_by`` and ``take_back`` on what a person said that they can be asked about.
"""

from esnbot.features.directory.records import stated_by, take_back

__all__ = ["stated_by", "take_back"]
