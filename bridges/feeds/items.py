"""What a feed is once it is read: plain values, which travel from the process that reads to the one that keeps."""

from __future__ import annotations

import msgspec


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a feed, in plain words."""

    title: str = ""
    link: str = ""
    """Absolute, http or https; '' for none."""
    guid: str = ""
    """What its feed calls it; '' for nothing."""
    summary: str = ""
    author: str = ""
    published: int | None = None
    """Milliseconds; None when it does not say, or not in a way that anybody could read."""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed that was read."""

    title: str = ""
    site: str = ""
    """The page that it belongs to."""
    language: str = ""
    wait: int = 0
    """Seconds after which it says that it may be asked again; 0 when it does not say."""
    items: tuple[Item, ...] = ()
    """In the order in which they stand there."""
    alternates: tuple[str, ...] = ()
    """Of a web page: the feeds that it names. Then there are no items."""
