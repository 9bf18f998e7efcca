"""What people read of notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from esnbot.features.note import model, records
from esnbot.features.note.model import Problem
from esnbot.features.note.records import Note
from esnbot.features.text import Draft, Version
from esnbot.speech import Later, Markdown, Voice, beginning, bold, bullets, details, escape, later, link, paragraphs

BETWEEN: Final = " · "
SHOWN_WHOLE: Final = 1_500
"""Characters of a note that an answer shows as they are; a longer one is folded."""
SHOWN_AT_LEAST: Final = 6_000
"""Of one that is longer than this, the answer shows the beginning, and where the whole stands."""


def permalink(room_id: str, event: str, server: str) -> str:
    """The address of a message."""
    return f"https://matrix.to/#/{room_id}/{event}?via={server}"


def foot(voice: Voice, id: int, way: str, room_id: str, source: str | None, server: str) -> Markdown:
    """What stands below a note in its room: its number, and where it comes from."""
    parts: list[Markdown] = [voice.say("Note {number}", number=Markdown(str(id)))]
    if source and way == records.THREAD:
        parts.append(link(voice.say("from this thread"), permalink(room_id, source, server)))
    elif source:
        parts.append(link(voice.say("from this message"), permalink(room_id, source, server)))
    return Markdown(BETWEEN.join(parts))


def unusable(voice: Voice, problem: Problem) -> Markdown:
    """Why something cannot be a note, and what to do."""
    match problem:
        case Problem.title:
            return voice.say(
                "A title has {most} characters at most. Keep the first line short, and put the text on the lines "
                "below it.",
                most=model.LONGEST_TITLE,
            )
        case Problem.text:
            return voice.say(
                "A note has {most} characters at most. Make two of it, or write a page.", most=model.LONGEST_TEXT
            )
        case Problem.tags:
            return voice.say("A note has {most} tags at most. Keep those that help to find it.", most=model.MOST_TAGS)
        case Problem.tag:
            return voice.say("A tag has {most} characters at most.", most=model.LONGEST_TAG)
        case Problem.empty:
            return voice.say("A note needs a title: write it on the first line.")


def too_long(voice: Voice) -> Markdown:
    """A note that an encrypted room cannot take."""
    return voice.say("This is too long for a note in an encrypted room. Make two of it.")


def unknown(voice: Voice, id: int, *, is_direct: bool) -> Markdown:
    """What is said of a note that is not there, and of one that one may not read: the same."""
    number = Markdown(str(id))
    if is_direct:
        return voice.say("I do not know any note {number}.", number=number)
    return voice.say(
        "I do not know any note {number} here. Notes of other groups, as far as you may read them, I show you in a "
        "direct chat.",
        number=number,
    )


def kept(voice: Voice, id: int, title: str, url: str) -> Markdown:
    """That something is a note now."""
    number = Markdown(str(id))
    name = link(title, url) if url else bold(title)
    return voice.say("Kept as note {number}: {title}", number=number, title=name)


def whole(voice: Voice, draft: Draft, url: str) -> Markdown:
    """The words of a note, short enough to read in a room."""
    if not draft.words:
        return Markdown("")
    more = len(draft.words) > SHOWN_AT_LEAST
    shown = Markdown(beginning(draft.words, SHOWN_AT_LEAST))
    if len(draft.words) > SHOWN_WHOLE:
        shown = details(voice.say("Show all of it") if not more else voice.say("Show the beginning"), shown)
    if not more:
        return shown
    rest = link(voice.say("Read all of it"), url) if url else voice.say("All of it is in the room of its group.")
    return paragraphs(shown, rest)


def byline(voice: Voice, version: Version, tags: Sequence[str], author: Markdown | None, zone: ZoneInfo) -> Markdown:
    """Who wrote it, when, and its tags."""
    day = voice.date(_day(version.moment, zone), weekday=False)
    first = version.number == 1
    if author is None:
        said = day
    elif first:
        said = voice.say("By {person}, {date}", person=author, date=day)
    else:
        said = voice.say("Edited by {person}, {date}", person=author, date=day)
    parts = [said]
    if not first:
        parts.append(voice.say("version {number}", number=version.number))
    parts += [escape(f"#{tag}") for tag in tags]
    return Markdown(BETWEEN.join(parts))


def _day(moment: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone).date()


def standing(voice: Voice, note: Note, zone: ZoneInfo) -> Markdown | None:
    """Whether it was found to hold, or to need a look."""
    if note.doubted is not None:
        day = voice.date(_day(note.doubted, zone), weekday=False)
        return voice.say("⚠️ **Needs a look**: a reader found so on {date}.", date=day)
    if note.checked is not None:
        return voice.say("✅ Checked on {date}.", date=voice.date(_day(note.checked, zone), weekday=False))
    return None


def question(voice: Voice, age: timedelta) -> Markdown:
    """What a reader of an old note is asked."""
    return voice.say(
        "This note is {age} old. Does it still hold? React with {holds} if it does, with {look} if it needs a look.",
        age=voice.duration(timedelta(days=max(1, age.days))),
        holds=Markdown(model.HOLDS),
        look=Markdown(model.PENCIL),
    )


def both_stand(voice: Voice, people: Sequence[Markdown]) -> Markdown:
    """Who wrote at the same time, and that nothing is lost."""
    return voice.say(
        "{people} changed this note at the same time. Both changes stand together; the history shows each.",
        people=voice.list(people),
    )


def thanks(voice: Voice, id: int, *, holds: bool) -> Markdown:
    """The answer to the answer."""
    number = Markdown(str(id))
    if holds:
        return voice.say("Thank you: note {number} counts as checked today.", number=number)
    return voice.say(
        "Thank you: note {number} is shown as needing a look. `!esn note edit {number}` puts it right.", number=number
    )


def needs_look(id: int, title: str) -> Later:
    """The private word to the author of a note."""
    number = Markdown(str(id))
    if not title:
        return later(
            "A reader finds that your note {number} needs a look. `!esn note edit {number}` changes it; if it holds "
            "as it is, `!esn note holds {number}` says so.",
            number=number,
        )
    return later(
        "A reader finds that your note {number}, {title}, needs a look. `!esn note edit {number}` changes it; if it "
        "holds as it is, `!esn note holds {number}` says so.",
        number=number,
        title=bold(title),
    )


def line(voice: Voice, id: int, title: str, url: str, tags: Iterable[str], more: Iterable[Markdown] = ()) -> Markdown:
    """A note in a list."""
    name = title or voice.say("a note of an encrypted room")
    shown = link(name, url) if url else bold(name)
    parts = [Markdown(f"**{id}** {shown}"), *more, *(escape(f"#{tag}") for tag in tags)]
    return Markdown(BETWEEN.join(parts))


def see_also(voice: Voice, lines: Sequence[Markdown]) -> Markdown | None:
    """Notes beside one."""
    return paragraphs(voice.say("**See also**"), bullets(lines)) if lines else None


def cut_short(voice: Voice) -> Markdown:
    """What stands below the quotes of a thread that is longer than a note can be."""
    return voice.say("The thread goes on.")


def history(voice: Voice, versions: Sequence[Version], names: dict[str, Markdown], zone: ZoneInfo) -> Markdown:
    """The versions of a note, newest first."""
    lines = []
    for version in reversed(versions):
        day = voice.date(_day(version.moment, zone), weekday=False)
        parts = [Markdown(f"**{version.number}**"), day]
        if version.author:
            parts.append(names.get(version.author, escape(version.author)))
        if version.gone:
            parts.append(voice.say("taken away"))
        elif version.title:
            parts.append(escape(version.title))
        lines.append(Markdown(BETWEEN.join(parts)))
    return bullets(lines)


def emoji(voice: Voice, own: str | None, usual: str) -> Markdown:
    """Which emoji keeps a message for somebody."""
    current = usual if own is None else own
    if not current:
        return voice.say("No reaction of yours keeps messages. `!esn note emoji 📌` chooses one that does.")
    return voice.say(
        "React to a message with {emoji}, and I keep it as a note. `!esn note emoji` followed by another one changes "
        "that, `!esn note emoji off` turns it off.",
        emoji=Markdown(current),
    )
