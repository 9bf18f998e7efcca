"""Texts that are shown in part: on a line of a list, or their beginning with the whole elsewhere. Pure."""

from __future__ import annotations

from typing import Final

_FENCE: Final = "```"


def cut(text: str, most: int) -> str:
    """A text of at most ``most`` characters, cut between two words where it is longer, with … at its end."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    space = kept.rfind(" ")
    # A word that is half of the line or longer is cut itself: something of it must be seen.
    return kept[: space if space > most // 2 else most - 1].rstrip(" .,:;") + "…"


def in_a_line(text: str, most: int) -> str:
    """A text on one line of at most ``most`` characters; cut as ``cut`` does."""
    return cut(" ".join(text.split()), most)


def first_line(text: str, most: int) -> str:
    """The first line of a text that says something, of at most ``most`` characters; cut as ``cut`` does."""
    return in_a_line(text.strip().partition("\n")[0], most)


def beginning(markdown: str, most: int) -> str:
    """The first lines of Markdown, about ``most`` characters; where there is more, … follows, outside of any code."""
    if len(markdown) <= most:
        return markdown
    kept = markdown[:most]
    line, space = kept.rfind("\n"), kept.rfind(" ")
    kept = kept[: line if line > most // 2 else space if space > most // 2 else most].rstrip()
    return f"{kept}\n{_FENCE}\n\n…" if kept.count(_FENCE) % 2 else f"{kept} …"
