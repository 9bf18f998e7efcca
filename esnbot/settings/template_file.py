"""The shape of the files in which templates of groups are written."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from esnbot.settings.sections import (
    HistoryName,
    JoiningName,
    KindName,
    Name,
    PostingName,
    Section,
    TempoSection,
    Text,
)
from esnbot.settings.values import Duration, Key, Language

Topic = Annotated[str, Field(max_length=2_000)]
Sentence = Annotated[str, Field(min_length=1, max_length=300)]
Question = Annotated[str, Field(min_length=1, max_length=4_000)]
Tag = Annotated[str, Field(min_length=1, max_length=60)]
MOST_ROOMS = 8
MOST_TEXTS = 40


class TemplateRoomSection(Section):
    """One of the rooms of such a group."""

    name: dict[Language, Name] = Field(default={})
    """What it is called within the group, after the group's name; the first room goes by the group's name alone."""
    topic: dict[Language, Topic] = Field(default={})
    """What it is about; the topic of the group for the first room when not given."""
    posting: PostingName | None = None
    """Who may post in this room; as in the whole group when not given."""


class TemplateTextSection(Section):
    """A page or a note that such a group has from its first day."""

    title: dict[Language, Name]
    """Its title."""
    text: dict[Language, Text] = Field(default={})
    """What it says, in Markdown."""
    tags: list[Tag] = Field(default=[], max_length=20)
    """Words under which it is found."""


class TemplateFile(Section):
    """What a group starts with, each text language by language."""

    key: Key | None = None
    """What it is called in commands; the file's name, without `.yaml`, when not given."""
    kind: KindName
    """The kind of group. The template with the key of a kind is the standard one for groups of that kind."""
    name: dict[Language, Name] = Field(default={})
    """What people call it; they can say it in commands too."""
    summary: dict[Language, Sentence] = Field(default={})
    """What it is good for, in a sentence: people choose by it."""
    topic: dict[Language, Topic] = Field(default={})
    """A topic for groups made in chat."""
    welcome: dict[Language, Text] = Field(default={})
    """The first words in a new group, in Markdown."""
    charter: dict[Language, Text] = Field(default={})
    """The charter of groups that state none, in Markdown."""
    posting: PostingName | None = None
    """Who may post, unless the group says so itself."""
    joining: JoiningName | None = None
    """How people come in, unless the group says so itself."""
    history: HistoryName | None = None
    """Who reads what was said before, unless the group says so itself."""
    encrypted: bool | None = None
    """End-to-end encryption, unless the group says so itself; it can be switched on later, never off."""
    retention: Duration | None = None
    """Messages older than this are deleted by the homeserver, unless the group says so itself."""
    tempo: TempoSection | None = None
    """The tempo of groups that state none."""
    founders: Annotated[int, Field(ge=1, le=2)] | None = None
    """How many people it takes to make such a group in chat; `features.group.founders` when not given."""
    rooms: dict[Key, TemplateRoomSection] = Field(default={}, max_length=MOST_ROOMS)
    """The rooms of a group made in chat; several stand in a space made for the group. One plain room when not given."""
    pages: dict[Key, TemplateTextSection] = Field(default={}, max_length=MOST_TEXTS)
    """First pages of the wiki of a group made in chat."""
    notes: dict[Key, TemplateTextSection] = Field(default={}, max_length=MOST_TEXTS)
    """First notes of a group made in chat."""
    prompts: dict[Key, dict[Language, Question]] = Field(default={})
    """Questions of its own: they come before those of the prompt library."""
