"""Pages: what a group knows, written together, with links, history, and no word lost when two write at once.

Public: ``differences`` and ``in_lines``, what changed from one text to another; search finds pages, and templates bring
first ones by the domain event of a group that is born.
"""

from esnbot.features.page.differences import differences, in_lines

__all__ = ["differences", "in_lines"]
