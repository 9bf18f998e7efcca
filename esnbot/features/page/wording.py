"""What is said about pages in chats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from esnbot.commands.people import name_of
from esnbot.community.group import Place
from esnbot.engine.feature import Context
from esnbot.features import text
from esnbot.features.page.differences import How, Line, counted, differences, in_lines
from esnbot.features.page.keeping import Saved, What
from esnbot.features.page.shelf import Page
from esnbot.features.text import Merged
from esnbot.speech import (
    Markdown,
    Voice,
    beginning,
    bold,
    bullets,
    code,
    details,
    escape,
    later,
    link,
    mention,
    paragraphs,
)
from esnbot.store import bindings

SHOWN: Final = 8_000
"""Characters of a text that are shown in a chat."""
SHOWN_OF_A_CONFLICT: Final = 1_200
MOST_CONFLICTS: Final = 5
MOST_LINES: Final = 40
CHAT_IS_OPEN: Final = later(
    "This group is encrypted, and the chat between the two of us is not. Write in the group itself, or open an "
    "encrypted chat with me."
)
BEGIN_THERE: Final = later(
    "This group is encrypted, so a page begins there: write `!esn page write` with its name in the group, and its text "
    "below."
)
NO_PLACE: Final = later("This group is not there any more.")


def invitation(voice: Voice, found: Page | None, name: str, place: Place) -> Markdown:
    """How to write a long text."""
    head = (
        voice.say("**Write {name}**, a new page of {place}.", name=voice.quote(name), place=voice.quote(place.name))
        if found is None
        else voice.say(
            "**Edit {name}**, a page of {place}.", name=voice.quote(found.title), place=voice.quote(place.name)
        )
    )
    how = voice.say(
        "Send me the whole text, in one message or in several. Then write `done`: I show you the page, and nothing is "
        "saved before you say so. `cancel` ends it.",
    )
    example = code(f"[[{voice.say('Name')}]]")
    marks = voice.say("Markdown works, and so do links to other pages, like {link}.", link=example)
    return paragraphs(head, how, marks)


def source(voice: Voice, words: str) -> Markdown:
    """The Markdown of a page, to be copied."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", words)), default=0))
    block = Markdown(f"{fence}\n{words}\n{fence}")
    return paragraphs(voice.say("This is how it stands now, to copy and change:"), block)


def preview(voice: Voice, name: str, words: str, before: str | None, show: text.Show) -> Markdown:
    """The page as it would be, with its links as ``show`` has them, and what saves it."""
    added, removed = counted(differences(before, words)) if before is not None else (0, 0)
    changed = (
        voice.say("Words added: {added}. Words removed: {removed}.", added=added, removed=removed)
        if before is not None
        else None
    )
    shown = Markdown(show(beginning(words, SHOWN)))
    how = voice.say(
        "React with {yes} or write `yes` to save it. Whatever else you write comes below it, and {no} puts it away.",
        yes=Markdown("✅"),
        no=Markdown("❌"),
    )
    return paragraphs(bold(name), details(voice.say("The page as it would be"), shown), changed, how)


def conflict(voice: Voice, name: str, merged: Merged, other: Markdown | None) -> Markdown:
    """Both versions where they cannot be put together, with what they began from."""
    head = (
        voice.say("**Not saved yet:** {person} changed the same passage of {name} meanwhile.", person=other, name=name)
        if other is not None
        else voice.say("**Not saved yet:** somebody changed the same passage of {name} meanwhile.", name=name)
    )
    how = [
        voice.say("{sign} `both`: both passages, one below the other", sign=Markdown("1️⃣")),
        voice.say("{sign} `mine`: your passage (theirs stays in the history)", sign=Markdown("2️⃣")),
        voice.say("{sign} `theirs`: their passage (all else that you changed is saved)", sign=Markdown("3️⃣")),
    ]
    kept = voice.say("Until you decide, what you wrote is kept for you; `page draft` shows this again.")
    return paragraphs(head, *_passages(voice, merged), voice.say("What is to stand there?"), bullets(how), kept)


def _passages(voice: Voice, merged: Merged) -> list[Markdown]:
    """What both changed, three ways."""
    shown: list[Markdown] = []
    for piece in merged.conflicts[:MOST_CONFLICTS]:
        shown += [
            voice.say("**Before:**"),
            _quoted(voice, piece.base),
            voice.say("**Theirs:**"),
            _quoted(voice, piece.first),
            voice.say("**Yours:**"),
            _quoted(voice, piece.second),
        ]
    return shown


def _quoted(voice: Voice, words: str) -> Markdown:
    if not words.strip():
        return Markdown(f"> *{voice.say('nothing')}*")
    cut = words if len(words) <= SHOWN_OF_A_CONFLICT else words[:SHOWN_OF_A_CONFLICT] + " …"
    return Markdown("\n".join(f"> {line}" for line in cut.rstrip("\n").split("\n")))


async def told(ctx: Context, voice: Voice, saved: Saved, name: str) -> Markdown:
    """What became of a change, in a sentence."""
    shown = bold(voice.plain(name))
    match saved.what:
        case What.created:
            return voice.say("The page {name} is there. People can talk about it in its thread.", name=shown)
        case What.unchanged:
            return voice.say("The page {name} says just that already.", name=shown)
        case What.merged:
            place = found.place if (found := await text.get(ctx.conn, saved.page)) is not None else ""
            names = [await name_in(ctx, place, other) for other in saved.others]
            return voice.say(
                "Saved as version {number} of {name}, together with what {people} changed meanwhile: both stand.",
                number=saved.number,
                name=shown,
                people=voice.list([one for one in names if one is not None]) or voice.say("somebody"),
            )
        case _:
            return voice.say("Saved as version {number} of {name}.", number=saved.number, name=shown)


async def name_in(ctx: Context, place: str, user: str) -> Markdown | None:
    """A person as a pill, with the name that they go by there; None for nobody."""
    if not user:
        return None
    return mention(user, await name_of(ctx.conn, await bindings.room_of(ctx.conn, place) or "", user))


def changes(voice: Voice, before: str, after: str) -> Markdown:
    """What changed, short: added words bold between plus signs, removed ones struck through between minus signs."""
    found = differences(before, after)
    added, removed = counted(found)
    if not any(one.how is not How.kept for one in found):
        return voice.say("Nothing changed.")
    lines = in_lines(found, around=1)
    shown = [_line(voice, line) for line in lines[:MOST_LINES]]
    more = Markdown("…") if len(lines) > MOST_LINES else None
    head = voice.say("Words added: {added}. Words removed: {removed}.", added=added, removed=removed)
    return paragraphs(head, Markdown("\n".join(f"> {line}" if line else ">" for line in shown)), more)


def _line(voice: Voice, line: Line) -> Markdown:
    if line.skipped:
        return Markdown(f"*{voice.plural('one line without changes', '{n} lines without changes', line.skipped)}*")
    marks: Mapping[How, tuple[str, str]] = {How.added: ("**[+", "+]**"), How.removed: ("~~[-", "-]~~")}
    parts: list[str] = []
    for stretch in line.stretches:
        opening, closing = marks.get(stretch.how, ("", ""))
        words = stretch.text.strip() if opening else stretch.text
        if not words:
            continue
        before = " " if parts and (stretch.text[:1].isspace() or not opening) and not parts[-1].endswith(" ") else ""
        spaced = escape(words) if opening else Markdown(" ".join(escape(word) for word in words.split(" ")))
        parts.append(f"{before if opening else ''}{opening}{spaced}{closing}")
    return Markdown("".join(parts)[:2_000])


def page_link(found: Page, room_id: str, server: str) -> Markdown:
    """A page's name, as a link to its message in the room once that is known."""
    if not found.text.root:
        return bold(found.title)
    return link(found.title, f"https://matrix.to/#/{room_id}/{found.text.root}?via={server}")


def contradicted(voice: Voice, name: str, merged: Merged, other: Markdown | None, number: int) -> Markdown:
    """Both versions, after a command that named a version which is not the last any more."""
    head = (
        voice.say("**Not saved:** {person} changed the same passage of {name} meanwhile.", person=other, name=name)
        if other is not None
        else voice.say("**Not saved:** somebody changed the same passage of {name} meanwhile.", name=name)
    )
    how = voice.say(
        "Your text is still in your message. Put both together, and write it again with `--version {number}`.",
        number=number,
    )
    return paragraphs(head, *_passages(voice, merged), how)


def no_page(voice: Voice) -> Markdown:
    """There is nothing yet."""
    return voice.say('There is no page here yet. `!esn page write "Name"` with a text below begins one.')
