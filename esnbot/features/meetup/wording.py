"""What people read of a meet-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from esnbot.features.meetup.model import HERE, NOT_ANY_MORE, ON_SITE, REMOTE, Entry, Standing, Way
from esnbot.features.meetup.records import CANCELLED, HELD, Meetup
from esnbot.speech import Markdown, Voice, bold, bullets, link, paragraphs

BETWEEN: Final = " · "


@dataclass(frozen=True, slots=True)
class Words:
    """What people wrote about a meet-up."""

    title: str
    place: str = ""
    video: str = ""

    def dump(self) -> dict[str, str]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many take part, as everybody in the room sees it."""

    site: int = 0
    remote: int = 0
    waiting: int = 0
    here: int = 0

    def dump(self) -> list[int]:
        """As JSON values."""
        return [self.site, self.remote, self.waiting, self.here]


def when(voice: Voice, meetup: Meetup, zone: ZoneInfo) -> Markdown:
    """Date, time and how long."""
    return voice.say(
        "{moment}, {duration}",
        moment=voice.moment(meetup.starts, zone),
        duration=voice.duration(timedelta(minutes=meetup.minutes)),
    )


def where(voice: Voice, words: Words) -> list[Markdown]:
    """Place and video link, a line each."""
    lines = []
    if words.place:
        lines.append(Markdown(f"📍 {voice.plain(words.place)}"))
    if words.video:
        lines.append(Markdown(f"🎥 {link(words.video, words.video)}"))
    return lines


def card(
    voice: Voice, meetup: Meetup, words: Words, counts: Counts, by: Markdown | None, zone: ZoneInfo, again: bool
) -> str:
    """The post in the room, by which people register."""
    head = Markdown(f"{bold(words.title)}{BETWEEN}{voice.say('meet-up {number}', number=Markdown(str(meetup.id)))}")
    lines = [Markdown(f"📅 {when(voice, meetup, zone)}"), *where(voice, words)]
    if by is not None:
        lines.append(voice.say("Proposed by {person}.", person=by))
    if again:
        lines.append(voice.say("It comes again: one registers for each time."))
    if meetup.state == CANCELLED:
        return paragraphs(head, bold(voice.say("This meet-up is cancelled.")), Markdown("\n".join(lines)))
    if meetup.state == HELD:
        return paragraphs(head, voice.say("This meet-up has taken place."), Markdown("\n".join(lines)))
    return paragraphs(head, Markdown("\n".join(lines)), how(voice, meetup), counted(voice, meetup, counts))


def how(voice: Voice, meetup: Meetup) -> Markdown:
    """How one takes part."""
    site, remote = Markdown(ON_SITE), Markdown(REMOTE)
    no, here = Markdown(NOT_ANY_MORE), Markdown(HERE)
    if meetup.remote == 0:
        return voice.say(
            "React with {site} to come, {no} if you cannot after all, and {here} once you are there.",
            site=site,
            no=no,
            here=here,
        )
    if meetup.seats == 0:
        return voice.say(
            "React with {remote} to join, {no} if you cannot after all, and {here} once you are there.",
            remote=remote,
            no=no,
            here=here,
        )
    return voice.say(
        "React with {site} to come, {remote} to join remotely, {no} if you cannot after all, and {here} once you are "
        "there.",
        site=site,
        remote=remote,
        no=no,
        here=here,
    )


def counted(voice: Voice, meetup: Meetup, counts: Counts) -> Markdown:
    """How many take part, and how much room there is."""
    parts = []
    if meetup.seats != 0:
        parts.append(
            voice.say("On site: {count}", count=counts.site)
            if meetup.seats is None
            else voice.say("On site: {count} of {most}", count=counts.site, most=meetup.seats)
        )
    if meetup.remote != 0:
        parts.append(
            voice.say("Remote: {count}", count=counts.remote)
            if meetup.remote is None
            else voice.say("Remote: {count} of {most}", count=counts.remote, most=meetup.remote)
        )
    if counts.waiting:
        parts.append(voice.say("Waiting: {count}", count=counts.waiting))
    if counts.here:
        parts.append(voice.say("There already: {count}", count=counts.here))
    return Markdown(BETWEEN.join(parts))


def choosing(voice: Voice, meetup: Meetup, words: Words, by: Markdown | None, until: datetime, zone: ZoneInfo) -> str:
    """What stands before the poll on dates."""
    head = Markdown(f"{bold(words.title)}{BETWEEN}{voice.say('meet-up {number}', number=Markdown(str(meetup.id)))}")
    lines = [*where(voice, words)]
    if by is not None:
        lines.append(voice.say("Proposed by {person}.", person=by))
    return paragraphs(
        head,
        Markdown("\n".join(lines)) if lines else None,
        voice.say(
            "The date is not set yet: choose all that suit you in the poll, until {moment}. The date with the most "
            "votes is taken, and one can register then.",
            moment=voice.moment(until, zone),
        ),
    )


def named(meetup: Meetup, words: Words, server: str) -> Markdown:
    """A meet-up in a list or a private word: its title, as a link to its post."""
    if meetup.card is None:
        return bold(words.title)
    return bold(link(words.title, f"https://matrix.to/#/{meetup.room_id}/{meetup.card}?via={server}"))


def standing(voice: Voice, entry: Entry | None, place: int, zone: ZoneInfo) -> Markdown | None:
    """What somebody has of a meet-up; ``place`` is theirs on the waiting list."""
    if entry is None:
        return None
    if entry.standing is Standing.waiting:
        return voice.say("You are number {place} on the waiting list.", place=place)
    if entry.standing is Standing.offered and entry.until is not None:
        return voice.say("A place is held for you until {moment}.", moment=voice.moment(entry.until, zone))
    return (
        voice.say("You are on the list, on site.")
        if entry.way is Way.site
        else voice.say("You are on the list, remotely.")
    )


def details(voice: Voice, meetup: Meetup, words: Words, entry: Entry, zone: ZoneInfo) -> Markdown:
    """What somebody who takes part needs to know: when, and where for them."""
    mine = Words("", words.place, words.video if entry.way is Way.remote or not words.place else "")
    if entry.way is Way.remote and words.video:
        mine = Words("", "", words.video)
    return Markdown("\n".join([Markdown(f"📅 {when(voice, meetup, zone)}"), *where(voice, mine)]))


def offer(voice: Voice, meetup: Meetup, name: Markdown, entry: Entry, zone: ZoneInfo, yes: str, no: str) -> str:
    """The private word to somebody for whom there is a place."""
    until = voice.moment(entry.until, zone) if entry.until is not None else Markdown("")
    return paragraphs(
        voice.say("**A place has become free**: {meetup}", meetup=name),
        Markdown(f"📅 {when(voice, meetup, zone)}"),
        voice.say(
            "I hold it for you until {moment}. React with {yes} to take it, or with {no} to leave it to the next.",
            moment=until,
            yes=Markdown(yes),
            no=Markdown(no),
        ),
    )


def changed(
    voice: Voice, meetup: Meetup, words: Words, name: Markdown, what: Sequence[str], entry: Entry, zone: ZoneInfo
) -> str:
    """The private word to somebody whom a change concerns."""
    lines: list[Any] = []
    if "start" in what:
        lines.append(voice.say("New time: {when}", when=when(voice, meetup, zone)))
    if "place" in what and entry.way is Way.site:
        lines.append(
            voice.say("New place: {place}", place=words.place)
            if words.place
            else voice.say("The place is open for now.")
        )
    if "video" in what and entry.way is Way.remote:
        lines.append(
            voice.say("New video link: {link}", link=link(words.video, words.video))
            if words.video
            else voice.say("There is no video link for now.")
        )
    again = voice.say("If it does not suit you any more, react with {no} there.", no=Markdown(NOT_ANY_MORE))
    return paragraphs(voice.say("**Something has changed**: {meetup}", meetup=name), bullets(lines), again)


def cancelled(voice: Voice, meetup: Meetup, name: Markdown, zone: ZoneInfo) -> str:
    """The private word to everybody who was registered."""
    return paragraphs(
        voice.say("**Cancelled**: {meetup}", meetup=name),
        voice.say("It was to be on {moment}.", moment=voice.moment(meetup.starts, zone)),
    )


def soon(lead: Markdown, meetups: Sequence[tuple[Markdown, Markdown]]) -> str:
    """A reminder: what it is about, and each meet-up with its details."""
    return paragraphs(bold(lead), *(paragraphs_of(name, more) for name, more in meetups))


def paragraphs_of(name: Markdown, more: Markdown) -> Markdown:
    """A meet-up and its details, as one block."""
    return Markdown(f"{name}\n{more}")


def after(voice: Voice, yes: str, people: int) -> str:
    """The question in the thread once it is over."""
    return paragraphs(
        voice.say("**How was it?** Photos, and what is worth keeping, go into this thread."),
        voice.say("`!esn meetup recap` and a few lines here make a recap of it."),
        voice.say(
            "**Shall we make a group of this?** React with {yes}: with {count} of you, I make one and invite you.",
            yes=Markdown(yes),
            count=people,
        ),
    )
