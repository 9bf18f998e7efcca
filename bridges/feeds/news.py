"""What enters by the inbox: a new item of a feed, and a change in how a feed is doing."""

from __future__ import annotations

from typing import Final

FEED_ITEM: Final = "org.esnbot.feed_item"
"""An item that was not in the feed before, once. Content: ``feed`` (the address under which it is followed), ``title``,
``link`` and ``guid`` (each '' for none), ``summary`` (plain words), ``author``, ``language``, ``published`` (ms or
None), ``old`` (it stood there already when the feed was first read)."""

FEED_STATE: Final = "org.esnbot.feed_state"
"""How a feed is doing has changed. Content: ``feed``, ``what`` (one of the ``What`` below), ``trouble`` ('' or one of
``bridges.feeds.trouble.Trouble``), ``title`` (the feed's own), ``items`` (how many it has)."""

FOUND: Final = "found"
"""It was read for the first time."""
FAILING: Final = "failing"
"""It cannot be read: at the first look, or for a while now."""
BACK: Final = "back"
"""It can be read again, after ``FAILING`` was told."""
GONE: Final = "gone"
"""Its server says that it is gone for good: it is not asked any more."""

QUEUE: Final = "feeds"
"""Of the inbox: what comes from feeds is handled in order."""
