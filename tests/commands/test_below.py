"""A text below a command: whatever stands in it, it is none of the command's values."""

from __future__ import annotations

import pytest

from esnbot.commands.addressing import LONGEST, below
from esnbot.commands.grammar import split
from esnbot.engine.event import Event


def cut(line: str, body: str = "") -> tuple[list[str], str, str]:
    event = Event(
        event_id="$e", room_id="!r", type="m.room.message", sender="@a:b", ts=0, content={"body": body or line}
    )
    words, head, text = below(line, split(line), event)
    return [word.text for word in words], head, text


@pytest.mark.parametrize(
    ("line", "words", "text"),
    [
        ("add Title", ["add", "Title"], ""),
        ("add Title\n\nA text.\n\nAnother.", ["add", "Title"], "A text.\n\nAnother."),
        ('add "A\nB" line=x\n--no "option', ["add", "A\nB", "line=x"], '--no "option'),
        ("add\ntext", ["add"], "text"),
        ("add l'eau\n'x'", ["add", "l'eau"], "'x'"),
        ('add "never closed\ntext', ["add", '"never', "closed"], "text"),
    ],
)
def test_what_is_below_is_a_text_of_its_own(line: str, words: list[str], text: str) -> None:
    found, head, rest = cut(line)
    assert (found, rest) == (words, text)
    assert head + line[len(head) :] == line


def test_a_text_that_is_longer_than_what_commands_look_at_is_there_whole() -> None:
    body = "!esn add Title\n" + "word " * LONGEST
    _, _, text = cut(body[5:LONGEST], body)
    assert text == ("word " * LONGEST).strip()
