"""Domain events of meet-ups. None of them says who comes, or what it is called."""

from __future__ import annotations

from typing import Final

MEETUP_SET: Final = "org.esnbot.meetup_set"
"""A meet-up has its date, first or anew; content: ``meetup`` (its number), ``key`` (of its group), ``room_id``,
``start`` (ms)."""
MEETUP_CANCELLED: Final = "org.esnbot.meetup_cancelled"
"""It does not take place; content: ``meetup``, ``key``, ``room_id``."""
MEETUP_HELD: Final = "org.esnbot.meetup_held"
"""It is over; content: ``meetup``, ``key``, ``room_id``, ``start`` (ms), ``people`` (how many had a place)."""

PROPOSED: Final = "org.esnbot.meetup_proposed"
"""Of this feature alone: a meet-up is written down and is to be posted; content: ``meetup``, ``answers``."""
LOOK: Final = "org.esnbot.meetup_look"
"""Of this feature alone: places or details changed in a command; content: ``meetup``."""
STOPPED: Final = "org.esnbot.meetup_stopped"
"""Of this feature alone: it was cancelled in a command; content: ``meetup``."""
RECAPPED: Final = "org.esnbot.meetup_recapped"
"""Of this feature alone: somebody wrote a recap; content: ``meetup``, ``by``, ``words`` (locked, if need be)."""

ENTRY_WANTED: Final = "org.esnbot.entry_wanted"
"""What the calendar takes drafts from."""
