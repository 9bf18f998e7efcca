"""What is said about the tempo."""

from __future__ import annotations

from typing import Final

from esnbot.features.tempo.model import RoomTempo
from esnbot.speech import Markdown, Voice, code, later

_THINGS: Final = {
    # Prompts have no number that anybody would know.
    "prompt": later("a prompt"),
    "calendar": later("entry {ref}"),
    "meetup": later("meet-up {ref}"),
    "watch": later("find {ref} from outside"),
}


def what(voice: Voice, of: str, ref: str) -> Markdown:
    """What is, or was, posted: 'a prompt', 'entry 12'."""
    if of not in _THINGS:
        return Markdown(f"{voice.plain(of)} {code(ref)}")
    # What of it, an occurrence, is told by the date beside it.
    return voice.say(_THINGS[of], ref=Markdown(ref.partition(":")[0]))


def bounds(voice: Voice, tempo: RoomTempo) -> list[Markdown]:
    """What a room bears, a line each."""
    stated = tempo.bounds
    lines: list[Markdown] = []
    if stated.posts_a_week == 0:
        lines.append(voice.say("nothing that nobody asked for"))
    elif stated.posts_a_week is not None:
        lines.append(voice.plural("one post in seven days", "{n} posts in seven days", stated.posts_a_week))
    if stated.promotional_a_week == 0:
        lines.append(voice.say("nothing promotional"))
    elif stated.promotional_a_week is not None:
        lines.append(
            voice.plural(
                "one promotional post in seven days", "{n} promotional posts in seven days", stated.promotional_a_week
            )
        )
    if stated.least_gap:
        lines.append(voice.say("at least {gap} between two posts", gap=stated.least_gap))
    quiet = stated.quiet_hours
    if quiet is not None and quiet.begin != quiet.end:
        lines.append(
            voice.say("nothing from {begin} to {end}", begin=voice.time(quiet.begin), end=voice.time(quiet.end))
        )
    if stated.weekends is not True:
        lines.append(
            voice.say("nothing at weekends")
            if stated.weekends is False
            else voice.say("at weekends, only what was given such a date")
        )
    if not stated.holidays:
        lines.append(voice.say("nothing on public holidays"))
    lines.append(voice.say("nothing while people are talking"))
    return lines
