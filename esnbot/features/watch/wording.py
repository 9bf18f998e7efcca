"""What is said about finds and sources, in one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bridges.feeds.following import Followed
from bridges.feeds.trouble import Trouble
from esnbot.features.watch.addresses import host_of
from esnbot.features.watch.model import SHOWN_AS
from esnbot.features.watch.records import Find, Source
from esnbot.speech import Later, Markdown, Voice, bold, bullets, code, details, escape, later, link, paragraphs

LONGEST_SUMMARY: Final = 280
MOST_LISTED: Final = 12
"""Sources that a list shows before it folds."""

WHY: Final[Mapping[Trouble, Later]] = {
    Trouble.unreachable: later("nobody answers at its address"),
    Trouble.certificate: later("its certificate is not in order"),
    Trouble.slow: later("it takes too long to answer"),
    Trouble.inside: later("its address leads into an internal network, which I do not ask"),
    Trouble.redirects: later("its address leads in circles"),
    Trouble.large: later("it is too large for me"),
    Trouble.refused: later("it does not let me in"),
    Trouble.missing: later("there is nothing at its address"),
    Trouble.gone: later("it has been closed for good, and I have stopped asking"),
    Trouble.busy: later("it asks me to come back later"),
    Trouble.server: later("its server has a problem"),
    Trouble.garbled: later("what it sends cannot be unpacked"),
    Trouble.page: later("it is a web page, and names no feed"),
    Trouble.no_feed: later("what it sends is no feed"),
    Trouble.empty: later("it sends nothing"),
    Trouble.heavy: later("it is too heavy for me to read"),
}


def why(voice: Voice, trouble: str) -> Markdown:
    """Why a feed cannot be read, as the end of a sentence."""
    try:
        return voice.say(WHY[Trouble(trouble)])
    except ValueError:
        return voice.say(WHY[Trouble.server])


def name_of(source: Source, health: Mapping[str, Followed]) -> str:
    """What a source is called: as people say, as it says itself, or by its host."""
    feed = health.get(source.url)
    return source.name or (feed.title if feed is not None else "") or host_of(source.url)


# --- finds -------------------------------------------------------------------------------------------------------


def head(voice: Voice, shown: int, left: int, troubles: Sequence[Markdown]) -> Markdown:
    """The one message of a day in the room itself; the finds stand in its thread."""
    lines: list[Markdown | None] = []
    if shown:
        lines += [
            voice.plural("**Watch: one find**", "**Watch: {n} finds**", shown),
            voice.say(
                "In the thread, {take} makes a draft of a find, {later} brings it back later, {away} puts it away.",
                take=SHOWN_AS["✅"],
                later=SHOWN_AS["⏰"],
                away=SHOWN_AS["🗑"],
            ),
        ]
    else:
        lines.append(
            voice.plural("**Watch: one source needs a look**", "**Watch: {n} sources need a look**", len(troubles))
        )
    if left:
        lines.append(
            voice.plural(
                "One more waits; `!esn watch more` shows it now.",
                "{n} more wait; `!esn watch more` shows the next ones now.",
                left,
            )
        )
    if troubles:
        lines += [voice.say("I cannot read these any more:") if shown else None, bullets(troubles)]
    return paragraphs(*lines)


def trouble_line(voice: Voice, name: str, trouble: str) -> Markdown:
    """One source that cannot be read."""
    return voice.say("{source}: {why}.", source=bold(name), why=why(voice, trouble))


def found(voice: Voice, one: Find, name: str, also: Sequence[str], zone: ZoneInfo, now: datetime) -> Markdown:
    """One find, with what one needs to decide about it."""
    told = [escape(name)]
    if one.line:
        told.append(code(one.line))
    if one.published is not None:
        # A date in the future is most often a mistake.
        when = min(_moment(one.published), now)
        told.append(voice.date(when.astimezone(zone).date(), now.astimezone(zone).date(), weekday=False))
    if also:
        told.append(voice.say("also in {sources}", sources=voice.list(also)))
    return paragraphs(bold(titled(one)), Markdown(" · ".join(told)), _cut(one.summary))


def titled(one: Find) -> Markdown:
    """The title of a find, leading to it."""
    title = one.title or _cut(one.summary, 90) or host_of(one.link)
    return link(title, one.link) if one.link else escape(title)


def picked(voice: Voice, one: Find, who: Markdown) -> Markdown:
    """What stands in the place of a find that is a draft now."""
    return voice.say("{button} {title}: {person} has made a draft of it.", button="✅", title=titled(one), person=who)


def put_off(voice: Voice, one: Find, day: Markdown) -> Markdown:
    """What stands in the place of a find that comes back."""
    return voice.say("{button} {title}: I bring it back {day}.", button="⏰", title=titled(one), day=day)


def put_away(voice: Voice, one: Find) -> Markdown:
    """What stands in the place of a find that nobody wants."""
    return voice.say("{button} {title}: put away.", button="🗑️", title=titled(one))


def _cut(text: str, longest: int = LONGEST_SUMMARY) -> str:
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    space = cut.rfind(" ")
    return cut[: space if space > longest // 2 else longest - 1].rstrip(" .,:;") + "…"


# --- sources -----------------------------------------------------------------------------------------------------


def first_look(voice: Voice, name: str, items: int) -> Markdown:
    """A new source was read."""
    return paragraphs(
        voice.say("**{source} can be read.** What is new comes into the animators' room.", source=name),
        voice.plural("It has one article at present.", "It has {n} articles at present.", items) if items else None,
    )


def first_failure(voice: Voice, source: Source, name: str, trouble: str, *, stays: bool) -> Markdown:
    """A new source was not."""
    return paragraphs(
        voice.say("**I cannot read {source}**: {why}.", source=name, why=why(voice, trouble)),
        voice.say(
            "I keep trying, and tell you nothing more about it. `!esn watch remove {number}` takes it out again.",
            number=source.id,
        )
        if stays
        else voice.say("`!esn watch remove {number}` takes it out again.", number=source.id),
    )


def state(voice: Voice, source: Source, feed: Followed | None, now: datetime) -> Markdown:
    """How a source is doing, in a few words."""
    if source.paused:
        return voice.say("paused")
    if feed is None or (feed.fine is None and not feed.trouble):
        return voice.say("not read yet")
    if feed.trouble and feed.failing is not None:
        span = max(now - _moment(feed.failing), timedelta(minutes=1))
        return voice.say("⚠️ {why} (for {span})", why=why(voice, feed.trouble), span=voice.duration(span))
    if feed.fresh is None:
        return voice.say("nothing new yet")
    return voice.say("something new {since}", since=voice.relative(min(_moment(feed.fresh), now), now))


def listing(voice: Voice, sources: Sequence[Source], feeds: Mapping[str, Followed], now: datetime) -> Markdown:
    """All sources, line by line."""
    parts: list[Markdown] = []
    for line in dict.fromkeys(one.line for one in sources):
        mine = [one for one in sources if one.line == line]
        title = voice.say("Line {line}", line=code(line)) if line else voice.say("Without a line")
        shown = bullets(_listed(voice, one, feeds, now) for one in mine)
        parts.append(
            paragraphs(bold(title), shown) if len(sources) <= MOST_LISTED else details(f"{title} ({len(mine)})", shown)
        )
    return paragraphs(
        voice.plural("**One source**", "**{n} sources**", len(sources)),
        *parts,
        voice.say("`!esn watch show` with a number tells more about one of them."),
    )


def _listed(voice: Voice, one: Source, feeds: Mapping[str, Followed], now: datetime) -> Markdown:
    return voice.say(
        "{number}: {source}, {state}",
        number=one.id,
        source=bold(name_of(one, feeds)),
        state=state(voice, one, feeds.get(one.url), now),
    )


def shown(
    voice: Voice, one: Source, feed: Followed | None, who: Markdown | None, waiting: int, zone: ZoneInfo, now: datetime
) -> Markdown:
    """All about one source."""
    feeds = {one.url: feed} if feed is not None else {}
    at = feed.at if feed is not None and feed.at != one.url else ""
    return paragraphs(
        bold(f"{one.id}: {name_of(one, feeds)}"),
        bullets(
            line
            for line in (
                voice.say("Address: {address}", address=code(one.url)),
                voice.say("It leads to {address}, and that is where I read it.", address=code(at)) if at else None,
                voice.say("Line: {line}", line=code(one.line)) if one.line else None,
                _words(voice, one),
                voice.say("State: {state}", state=state(voice, one, feed, now)),
                voice.say("Next look: {moment}", moment=voice.moment(_moment(max(feed.due, 0)), zone, now))
                if feed is not None and feed.followed and feed.due and not feed.is_gone
                else None,
                voice.say("Finds that wait: {n}", n=waiting),
                voice.say("It is declared in the community's file.") if one.origin == "file" else None,
                voice.say("Added by {person}", person=who) if who is not None else None,
            )
            if line is not None
        ),
    )


def _words(voice: Voice, one: Source) -> Markdown | None:
    parts = [
        voice.say("takes {words}", words=voice.list(map(code, one.take), either=True)) if one.take else None,
        voice.say("leaves {words}", words=voice.list(map(code, one.leave), either=True)) if one.leave else None,
    ]
    said = [part for part in parts if part is not None]
    return voice.say("Words: {words}", words=voice.list(said)) if said else None


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
