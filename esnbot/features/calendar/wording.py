"""What people read of the calendar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from esnbot.features.calendar import model, records, rule_words
from esnbot.features.calendar.model import Change, Entry, State, What
from esnbot.speech import Later, Markdown, Voice, bold, bullets, escape, later, link, paragraphs

BETWEEN: Final = " · "

STATES: Final = {
    State.idea: later("idea"),
    State.draft: later("draft"),
    State.review: later("waits for somebody to look at it"),
    State.scheduled: later("scheduled"),
    State.published: later("published"),
    State.recapped: later("published, with a recap"),
    State.cancelled: later("cancelled"),
    State.withdrawn: later("withdrawn"),
}
_FAILED: Final = {
    records.NO_ROOM: later("{place}: the group is archived, or I am not in its room."),
    records.SILENCED: later("{place}: the group has silenced the calendar."),
    records.OUTSIDE: later("{place}: people read there for whom it is not meant."),
}


def number(id: int) -> Markdown:
    """The number of an entry, as people write it."""
    return Markdown(str(id))


def name(id: int, title: str) -> Markdown:
    """An entry in a sentence: its number and its title."""
    return Markdown(f"**{id} {escape(title)}**") if title else Markdown(f"**{id}**")


def post(voice: Voice, title: str, words: str, url: str, credit: str) -> Markdown:
    """An entry as its readers see it."""
    source = None
    if url:
        source = voice.say("Source: {source}", source=link(credit or url, url))
    elif credit:
        source = voice.say("Source: {source}", source=credit)
    return paragraphs(bold(title), Markdown(words.strip()), source)


def struck(voice: Voice, title: str, words: str) -> Markdown:
    """An entry that is over."""
    head = Markdown(f"~~{bold(title)}~~")
    return paragraphs(head, voice.say("*This is over.*"), Markdown(words.strip()))


def recap(voice: Voice, title: str, words: str) -> Markdown:
    """What came of an entry, in its thread."""
    return paragraphs(voice.say("**What came of it: {title}**", title=escape(title)), Markdown(words.strip()))


def foot(voice: Voice, id: int) -> Markdown:
    """What stands below a draft in the animators' room."""
    return voice.say(
        "Entry {number} of the calendar · `!esn calendar show {number}` says how it stands", number=number(id)
    )


# --- one entry ----------------------------------------------------------------------------------------------------


def when(voice: Voice, entry: Entry, zone: ZoneInfo, now: datetime, due: datetime | None) -> Markdown:
    """When an entry comes, in a few words."""
    first = entry.first
    if first is None:
        return voice.say("when there is room for it") if entry.state is State.scheduled else voice.say("no date yet")
    shown = due or first.replace(tzinfo=zone)
    told = voice.moment(shown, zone, now)
    if entry.rule:
        told = voice.say("{moment}, {rule}", moment=told, rule=rule_words.told(voice, entry.rule))
    if entry.zone:
        told = voice.say("{moment} (time of {zone})", moment=told, zone=escape(entry.zone))
    return told


def standing(voice: Voice, state: State, told: Markdown, places: Sequence[str]) -> Markdown:
    """How an entry stands, in one line."""
    parts = [voice.say(STATES[state]), told]
    parts.append(voice.list([bold(place) for place in places]) if places else voice.say("no place yet"))
    return Markdown(BETWEEN.join(parts))


def facts(
    voice: Voice,
    entry: Entry,
    zone: ZoneInfo,
    line: str,
    author: Markdown | None,
    reviewer: Markdown | None,
    languages: Iterable[str],
    files: int,
) -> list[Markdown]:
    """What else is so of an entry, a line each."""
    spoken = list(languages)
    said = [
        voice.say("Written by {person}", person=author) if author else None,
        voice.say("Looked at by {person}", person=reviewer) if reviewer else None,
        voice.say("Line: {line}", line=escape(line)) if line else None,
        voice.say("Languages: {languages}", languages=voice.list([escape(one) for one in spoken])) if spoken else None,
        voice.say("For: {audiences}", audiences=voice.list([escape(one) for one in entry.audience]))
        if entry.audience
        else None,
        voice.plural("With one file", "With {n} files", files) if files else None,
        voice.say("Not before {moment}", moment=_at(voice, entry.embargo, zone)) if entry.embargo else None,
        voice.say("Over on {moment}", moment=_at(voice, entry.expires_at, zone)) if entry.expires_at else None,
        voice.say("I ask before I post it") if entry.ask else None,
        voice.say("It calls everybody in the room") if entry.rouse else None,
        voice.say("Not on {days}", days=voice.list([_day(voice, day) for day in entry.excepts[:5]]))
        if entry.excepts
        else None,
    ]
    return [one for one in said if one is not None]


def _at(voice: Voice, ms: int, zone: ZoneInfo) -> Markdown:
    return voice.moment(datetime.fromtimestamp(ms / 1000, zone), zone)


def _day(voice: Voice, day: str) -> Markdown:
    return voice.date(datetime.fromisoformat(day).date(), weekday=False)


# --- history ------------------------------------------------------------------------------------------------------

_DONE: Final = {
    What.added: later("written down"),
    What.worded: later("reworded"),
    What.moved: later("moved"),
    What.changed: later("changed"),
    What.submitted: later("given to somebody to look at"),
    What.approved: later("approved"),
    What.returned: later("sent back with changes asked for"),
    What.attached: later("a file attached"),
    What.cancelled: later("cancelled"),
    What.withdrawn: later("withdrawn"),
    What.recapped: later("a recap given"),
    What.undone: later("the change before it undone"),
    What.published: later("posted"),
    What.missed: later("not posted"),
    What.declined: later("not posted, for want of a yes"),
    What.expired: later("over"),
}


def history(voice: Voice, changes: Sequence[Change], names: Mapping[str, Markdown], zone: ZoneInfo) -> Markdown:
    """What was done to an entry, newest first."""
    lines = []
    for change in reversed(changes):
        told = voice.say(_DONE[change.what])
        if change.what is What.moved and "at" in change.after:
            told = voice.say(
                "moved from {before} to {after}",
                before=_local(voice, str(change.before.get("at", "")), zone),
                after=_local(voice, str(change.after["at"]), zone),
            )
        parts = [voice.moment(datetime.fromtimestamp(change.at / 1000, zone), zone), told]
        if change.by:
            parts.append(names.get(change.by, escape(change.by)))
        if change.undone:
            parts.append(voice.say("undone"))
        lines.append(Markdown(BETWEEN.join(parts)))
    return bullets(lines)


def _local(voice: Voice, at: str, zone: ZoneInfo) -> Markdown:
    first = model.local(at)
    return voice.say("no date") if first is None else voice.moment(first.replace(tzinfo=zone), zone)


def before(voice: Voice, change: Change, person: Markdown, zone: ZoneInfo, ago: Markdown) -> Markdown:
    """What somebody else did to an entry a moment ago: whoever changes it next is to know."""
    undo = Markdown(str(change.entry))
    if change.what is What.moved and "at" in change.after:
        return voice.say(
            "{person} had moved it from {before} to {after} {ago}; `!esn calendar undo {number}` gives that back.",
            person=person,
            before=_local(voice, str(change.before.get("at", "")), zone),
            after=_local(voice, str(change.after["at"]), zone),
            ago=ago,
            number=undo,
        )
    return voice.say(
        "{person} had changed it {ago} ({what}); `!esn calendar undo {number}` gives that back.",
        person=person,
        ago=ago,
        what=voice.say(_DONE[change.what]),
        number=undo,
    )


# --- in the animators' room ---------------------------------------------------------------------------------------


def ask(voice: Voice, title: Markdown, places: Sequence[str], at: Markdown) -> Markdown:
    """The question before something is posted."""
    return voice.say(
        "Shall I post {title} in {places}, {moment}? ✅ says yes, 🚫 says no. Without a yes I do not post it.",
        title=title,
        places=voice.list([bold(place) for place in places]),
        moment=at,
    )


def review(
    voice: Voice, title: Markdown, told: Markdown, author: Markdown | None, reviewer: Markdown | None
) -> Markdown:
    """The question to whoever looks at an entry."""
    whom = voice.say("{person}, would you look at it?", person=reviewer) if reviewer else None
    whose = voice.say("It is by {person}.", person=author) if author else None
    how = voice.say("✅ approves it, ✏️ sends it back for changes. The text stands above, and can be talked about.")
    first = voice.say("{title} waits for somebody to look at it.", title=title)
    return paragraphs(Markdown(" ".join(part for part in (first, whose, whom) if part)), told, how)


def unanswered(voice: Voice, id: int, title: Markdown, *, goes_on: bool) -> Markdown:
    """Nobody said yes."""
    said = voice.say("I did not post {title}: nobody said yes.", title=title)
    if goes_on:
        return said
    return Markdown(f"{said} {again(voice, id)}")


def again(voice: Voice, id: int) -> Markdown:
    """How an entry that did not come is planned anew."""
    return voice.say("It is a draft again; `!esn calendar move {number} on …` plans it anew.", number=number(id))


def failed(voice: Voice, title: Markdown, places: Sequence[tuple[str, str]]) -> Markdown:
    """Where an entry could not be posted, and why."""
    lines = [voice.say(_FAILED[state], place=bold(place)) for place, state in places]
    return paragraphs(voice.say("I could not post {title} everywhere:", title=title), bullets(lines))


def held(voice: Voice, title: Markdown, places: Sequence[str], why: Markdown, at: Markdown) -> Markdown:
    """An entry waits."""
    return voice.say(
        "{title} waits in {places}: {why} I try again {moment}.",
        title=title,
        places=voice.list([bold(place) for place in places]),
        why=_sentence(why),
        moment=at,
    )


def gave_up(voice: Voice, id: int, title: Markdown, places: Sequence[str], why: Markdown, *, recurs: bool) -> Markdown:
    """An entry waited too long."""
    said = voice.say(
        "I did not post {title} in {places}: {why} It would have waited too long.",
        title=title,
        places=voice.list([bold(place) for place in places]),
        why=_sentence(why),
    )
    return said if recurs else Markdown(f"{said} {again(voice, id)}")


def missed(
    voice: Voice, id: int, title: Markdown, first: Markdown, last: Markdown, count: int, why: Markdown, *, recurs: bool
) -> Markdown:
    """What was not posted while nobody could."""
    if count == 1:
        said = voice.say("I did not post {title}, due {moment}. {why}", title=title, moment=first, why=_sentence(why))
    else:
        said = voice.say(
            "I left out {title} {count} times, from {first} to {last}. {why}",
            title=title,
            count=count,
            first=first,
            last=last,
            why=_sentence(why),
        )
    return said if recurs else Markdown(f"{said} {again(voice, id)}")


def _sentence(text: Markdown) -> Markdown:
    shown = text.strip()
    return Markdown(shown if not shown or shown[-1] in ".!?…" else f"{shown}.")


def not_yours(voice: Voice) -> Markdown:
    """Whoever wrote an entry does not approve it, where somebody else is to look at it."""
    return voice.say("Here somebody else looks at an entry: ask another animator for the ✅.")


def approved(voice: Voice, id: int, title: Markdown, *, ready: bool, complete: bool) -> Markdown:
    """What follows from a yes."""
    if ready:
        return voice.say("{title} is approved and scheduled.", title=title)
    if complete:
        return voice.say(
            "{title} is approved, but its date has passed: `!esn calendar move {number} on …` plans it anew.",
            title=title,
            number=number(id),
        )
    return voice.say(
        "{title} is approved. It still needs a date and a place: `!esn calendar move {number} on … in #…`.",
        title=title,
        number=number(id),
    )


def left(voice: Voice, person: Markdown, entries: Sequence[Markdown]) -> Markdown:
    """Whoever was to look at entries is not there any more."""
    return voice.say(
        "{person} has left, and was to look at {entries}. Any of you can do it now: ✅ or `!esn calendar approve`.",
        person=person,
        entries=voice.list(entries),
    )


UNUSABLE: Final[Mapping[str, Later]] = {
    "title": later("An entry needs a title of {most} characters at most. Put the text on the lines below it."),
    "words": later("A text has {most} characters at most. Write a page, and let the entry link to it."),
    "long": later("This is too long for one message. Shorten it, or write a page and let the entry link to it."),
    "sealed": later("This is too long for an encrypted room. Shorten it, or write a page and link to it."),
}
