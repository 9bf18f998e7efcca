"""How the bot speaks: sentences from catalogues, dates and numbers, Markdown as safe HTML with plain text beside it.

`Speech` hands out a `Voice` for each language; a voice says a sentence by its English id and returns `Markdown`;
`render` makes a `Message` of it. `later` marks a sentence where the language is not known yet.
"""

from esnbot.speech.cutting import beginning, cut, first_line, in_a_line
from esnbot.speech.errors import CatalogueError, MissingPlaceholder, SpeechError, UnknownLanguage
from esnbot.speech.folding import fold, tidy, unaccented
from esnbot.speech.later import Later, Quoted, later, later_plural
from esnbot.speech.markup import (
    Markdown,
    bold,
    bullets,
    clean,
    code,
    details,
    escape,
    link,
    mention,
    numbered,
    paragraphs,
    room_link,
    table,
)
from esnbot.speech.moments import (
    MomentError,
    MomentPassed,
    NotAMoment,
    NotASpan,
    WrongWeekday,
    at_wall_clock,
    parse_moment,
    parse_span,
)
from esnbot.speech.render import Message, render, sanitise
from esnbot.speech.speech import Speech
from esnbot.speech.voice import Voice

__all__ = [
    "CatalogueError",
    "Later",
    "Markdown",
    "Message",
    "MissingPlaceholder",
    "MomentError",
    "MomentPassed",
    "NotAMoment",
    "NotASpan",
    "Quoted",
    "Speech",
    "SpeechError",
    "UnknownLanguage",
    "Voice",
    "WrongWeekday",
    "at_wall_clock",
    "beginning",
    "bold",
    "bullets",
    "clean",
    "code",
    "cut",
    "details",
    "escape",
    "first_line",
    "fold",
    "in_a_line",
    "later",
    "later_plural",
    "link",
    "mention",
    "numbered",
    "paragraphs",
    "parse_moment",
    "parse_span",
    "render",
    "room_link",
    "sanitise",
    "table",
    "tidy",
    "unaccented",
]
