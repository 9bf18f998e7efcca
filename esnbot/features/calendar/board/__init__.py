"""The calendar on the board: months, weeks and lists, each entry, the queue of what is to be looked at, and files."""

from __future__ import annotations

from esnbot.features.calendar.board.entry import EntryPages
from esnbot.features.calendar.board.files import FilePages
from esnbot.features.calendar.board.month import MonthPages
from esnbot.features.calendar.keeping import Keeping
from esnbot.web.visit import BoardPage


def pages(keeping: Keeping) -> tuple[BoardPage, ...]:
    """Every page with its address."""
    return (*MonthPages(keeping).pages(), *FilePages(keeping).pages(), *EntryPages(keeping).pages())


__all__ = ["pages"]
