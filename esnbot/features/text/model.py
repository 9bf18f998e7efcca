"""What a kept text is, and how it looks in a room. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from esnbot.community.person import UserID
from esnbot.features.text.showing import Show, as_written
from esnbot.speech import Markdown, Message, Voice, beginning, bold, details, mention, paragraphs, render

NOTE: Final = "note"
PAGE: Final = "page"
ENTRY: Final = "entry"
"""What animators prepare for the editorial calendar."""
ICONS: Final = {NOTE: "📌", PAGE: "📄", ENTRY: "🗓️"}
TEXT_CHANGED: Final = "org.esnbot.text_changed"
"""A text changed by what happened in its room; content: ``text`` (its id), ``kind``, ``place``, and ``what``:
``posted`` (the room has its root message), ``version_gone`` (somebody took a version away), ``gone`` (all of it)."""
STRUCTURE: Final = "org.esnbot.text"
"""The key in a message's content that says which text, and which version of it, the message is."""
SHOWN_WHOLE: Final = 1_500
"""Characters; longer texts are folded in the room."""
SHOWN_AT_LEAST: Final = 1_000
"""Characters of a text that is too long for a message which the message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wants to keep."""

    title: str
    words: str
    """Markdown."""
    author: UserID
    """'' for nobody: a template, or somebody who was forgotten."""
    tags: tuple[str, ...] = ()
    foot: str = ""
    """Markdown that stands below the words: where they come from, what they belong to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a text."""

    text: int
    number: int
    """1 is the first."""
    author: UserID
    moment: int
    """Milliseconds."""
    title: str
    words: str | None
    """None: taken away, or kept in an encrypted room alone."""
    tags: tuple[str, ...]
    foot: str
    event_id: str
    """'' until the room has it."""
    gone: bool = False
    """Taken away."""
    sealed: Any = None
    """Of an encrypted room: the message as it came, to be opened with the device."""

    @property
    def draft(self) -> Draft:
        """The version as somebody wrote it; without words where there are none."""
        return Draft(title=self.title, words=self.words or "", author=self.author, tags=self.tags, foot=self.foot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A kept text, as it stands."""

    id: int
    kind: str
    place: str
    """The key of the group or space in whose room it is."""
    language: str
    created: int
    """Milliseconds."""
    root: str
    """The event id of its message; '' until the room has it."""
    root_key: str
    """What the effect is called that posts its message, with the module before it."""
    gone: bool
    """Taken away, with all its versions."""
    sealed: bool
    """Its room is encrypted: its words are there alone."""
    current: Version


@dataclass(frozen=True, slots=True)
class Looks:
    """A version as its room gets it."""

    message: Message
    whole: str
    """The Markdown of a file with all of it, when the message shows the beginning only; else ''."""


def structure(kind: str, id: int, number: int, draft: Draft, *, words: str) -> dict[str, Any]:
    """What a message's content says of the text, so that an index can be made anew from the rooms."""
    said: dict[str, Any] = {"kind": kind, "id": id, "version": number, "title": draft.title, "author": draft.author}
    if draft.tags:
        said["tags"] = list(draft.tags)
    if draft.foot:
        said["foot"] = draft.foot
    if words:
        said["words"] = words
    return said


def looks(
    kind: str, draft: Draft, number: int, voice: Voice, author: str | None, *, whole: bool, show: Show = as_written
) -> Looks:
    """How a version is shown; ``author`` is the name that they go by, ``whole`` whether all of it fits.

    ``show`` makes what is read of what was written.
    """
    head = Markdown(f"{ICONS.get(kind, '')} {bold(draft.title)}".strip())
    words = Markdown(show(draft.words if whole else beginning(draft.words, SHOWN_AT_LEAST)))
    if len(draft.words) > SHOWN_WHOLE and whole:
        words = details(voice.say("Show all of it"), words)
    more = None if whole else voice.say("The whole text is in the file in the thread below.")
    return Looks(
        render(paragraphs(head, words, more, _byline(draft, number, voice, author), Markdown(draft.foot))),
        "" if whole else f"# {draft.title}\n\n{draft.words}\n",
    )


def _byline(draft: Draft, number: int, voice: Voice, author: str | None) -> Markdown | None:
    parts: list[object] = []
    if draft.author:
        person = mention(draft.author, author)
        said = voice.say("By {person}", person=person)
        parts.append(said if number == 1 else voice.say("Edited by {person}", person=person))
    parts += [f"#{tag}" for tag in draft.tags]
    return Markdown(" · ".join(str(voice.plain(part)) for part in parts)) if parts else None
