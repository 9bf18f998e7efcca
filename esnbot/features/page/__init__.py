"""Pages: what a group knows, written together, with links, history, and no word lost when two write at once.

Public: ``compared`` and ``in_lines``, what changed from one text to another; the domain event ``NOTE_BROUGHT`` says
that a note came in with an import of files. Others meet pages through search, and through the kept texts that they are
(``esnbot.features.text``).
"""

from typing import Final

from esnbot.features.page.differences import differences as compared
from esnbot.features.page.differences import in_lines

NOTE_BROUGHT: Final = "org.esnbot.note_brought"
"""A note came in with an import; content: ``place`` (key), ``title``, ``words``, ``tags``, ``by``."""

__all__ = ["NOTE_BROUGHT", "compared", "in_lines"]
