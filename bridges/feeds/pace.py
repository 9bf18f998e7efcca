"""When a feed is asked again, which of its items are new, and when people are told that it fails. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from bridges.feeds.items import Item

SECOND: Final = 1_000
LONGEST: Final = timedelta(days=1)
"""However seldom a feed says that it changes, it is asked once a day."""
LONGEST_WAIT: Final = timedelta(days=3)
"""However long a server asks us to wait."""
LOST_AFTER: Final = timedelta(days=14)
"""A feed that failed for so long is asked once a week."""
WEEK: Final = timedelta(days=7)
SPREAD: Final = 0.1
"""The share by which feeds differ in how often they are asked, so that they do not all come at the same minute."""
TOLD_AFTER: Final = timedelta(days=1)
"""A feed that was fine before may fail for so long before anybody hears of it."""
TOLD_FAILURES: Final = 3


def spread(url: str) -> float:
    """A number from 0 to 1 that is a feed's own, always the same."""
    return int.from_bytes(sha256(url.encode()).digest()[:4]) / 2**32


def after_reading(url: str, every: timedelta, *told: float) -> int:
    """Milliseconds until a feed is asked again; ``told`` are the spans (seconds) that it and its server name."""
    seconds = min(max(every.total_seconds(), *told), max(LONGEST, every).total_seconds())
    return _spread(url, seconds)


def after_failing(url: str, every: timedelta, failures: int, span: timedelta, wait: float | None) -> int:
    """Milliseconds until a feed is tried again that failed so often, for so long, with what its server asks for."""
    longest = WEEK if span >= LOST_AFTER else max(LONGEST, every)
    seconds = min(every.total_seconds() * 2 ** min(failures - 1, 20), longest.total_seconds())
    if wait is not None:
        seconds = max(seconds, min(wait, LONGEST_WAIT.total_seconds()))
    return _spread(url, seconds)


def _spread(url: str, seconds: float) -> int:
    # Never earlier than asked for.
    return int(seconds * (1 + SPREAD * spread(url)) * SECOND)


def is_to_be_told(failures: int, span: timedelta, *, ever_fine: bool) -> bool:
    """Whether a feed has failed in a way that people should know: at once when it never worked, else after a while."""
    return not ever_fine or (failures >= TOLD_FAILURES and span >= TOLD_AFTER)


# --- which items are new -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marked:
    """An item with the digests by which it is known again: any of them is enough."""

    item: Item
    marks: tuple[str, ...]


def marked(items: Sequence[Item], site: str = "") -> list[Marked]:
    """The items of one reading, each once, with what tells them apart.

    An id or a link that several of them have tells nothing, nor does the link of the whole site. An id may change each
    time while the link stays, and the other way round.
    """
    once = list(dict.fromkeys(items))
    ids = Counter(one.guid for one in once)
    links = Counter(one.link for one in once)
    found: list[Marked] = []
    seen: set[str] = set()
    for one in once:
        marks = []
        if one.guid and ids[one.guid] == 1:
            marks.append(_mark("id", one.guid))
        if one.link and one.link != site and links[one.link] == 1:
            marks.append(_mark("link", one.link))
        if not marks:
            if not one.title and not one.summary:
                continue
            marks.append(_mark("words", f"{one.title}\n{one.summary}\n{one.link}"))
        if seen.isdisjoint(marks):
            found.append(Marked(one, tuple(marks)))
        seen.update(marks)
    return found


def _mark(kind: str, text: str) -> str:
    return sha256(f"{kind}\n{text}".encode()).hexdigest()[:32]


def news(all_of_them: Sequence[Marked], known: set[str]) -> list[Marked]:
    """What was not there before, the newest first; without dates, what stands first is the newest."""
    fresh = [(place, one) for place, one in enumerate(all_of_them) if known.isdisjoint(one.marks)]
    fresh.sort(key=lambda pair: (-(pair[1].item.published or 0), pair[0]))
    return [one for _, one in fresh]
