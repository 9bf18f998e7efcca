"""Which messages speak to the bot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.commands.addressing import LONGEST, addressed, in_full, may_address
from esnbot.engine.event import Event
from tests.commands.kit import BOT, ZOE

PILL = f'<a href="https://matrix.to/#/{BOT}">Le robot</a>'


def a_message(body: Any, **content: Any) -> Event:
    """A text that somebody wrote."""
    content = {"msgtype": "m.text", "body": body, **content}
    return Event(event_id="$1", room_id="!r", type="m.room.message", sender=ZOE, ts=0, content=content)


def line(body: str, **content: Any) -> str | None:
    """What is said to the bot, None when it is not."""
    said = addressed(a_message(body, **content), BOT, ("Animateur",))
    return None if said is None else said.line


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("!esn help", "help"),
        ("!RSE aide", "aide"),
        ("  !esn\nhelp", "help"),
        ("!esn", ""),
        ("!esnhelp", None),
        ("say !esn help", None),
        ("help", None),
        ("Animateur: help", "help"),
        ("animateur, help", "help"),
        ("Animateur help", "help"),
        ("Animateurs help", None),
        (f"{BOT} help", "help"),
        (f"{BOT}: help", "help"),
        ("@esnbot: help", "help"),
        ("thanks Animateur", None),
        (f"[Le robot](https://matrix.to/#/{BOT}): help", "help"),
    ],
)
def test_the_bot_is_spoken_to_by_prefix_or_by_its_name_at_the_start(body: str, expected: str | None) -> None:
    assert line(body) == expected


def test_a_pill_at_the_start_counts_whatever_its_text_is() -> None:
    assert line("Le robot: help", formatted_body=f"{PILL}: help") == "help"
    assert line("Le robot: help", formatted_body=f"<p>{PILL}: help</p>") == "help"
    assert line("thanks Le robot", formatted_body=f"thanks {PILL}") is None


def test_a_mention_that_a_reply_brings_along_is_no_command() -> None:
    assert line("thanks!", **{"m.mentions": {"user_ids": [BOT]}}) is None


def test_the_quotation_of_what_it_replies_to_is_left_out() -> None:
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": "$0"}}}
    assert line("> <@ali:example.org> !esn group create X\n\n!esn help", **reply) == "help"
    assert line("> !esn help") is None


def test_a_pill_stands_for_its_id() -> None:
    ali = '<a href="https://matrix.to/#/@ali:example.org">Ali Ben</a>'
    said = line("!esn group invite Ali Ben please", formatted_body=f"!esn group invite {ali} please")
    assert said == "group invite @ali:example.org please"
    assert line("!esn group invite [Ali Ben](https://matrix.to/#/@ali:example.org)") == "group invite @ali:example.org"
    room = '<a href="https://matrix.to/#/%23photo%3Aexample.org?via=x">Photo</a>'
    assert line("!esn group join Photo", formatted_body=f"!esn group join {room}") == "group join #photo:example.org"


@pytest.mark.parametrize(
    "content",
    [
        {"msgtype": "m.notice"},
        {"msgtype": "m.image"},
        {"body": 3},
        {"body": None},
        {"msgtype": ["m.text"]},
    ],
)
def test_notices_and_what_is_no_text_are_not_looked_at(content: dict[str, Any]) -> None:
    assert not may_address(a_message("!esn help", **content) if "body" not in content else a_message(**content))


def test_the_french_prefix_shows_the_language() -> None:
    said = addressed(a_message("!rse aide"), BOT, ())
    assert said is not None
    assert said.language == "fr"


JUNK = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda x: st.lists(x, max_size=3))


@given(
    st.dictionaries(
        st.sampled_from(["body", "formatted_body", "msgtype", "m.relates_to", "m.mentions"]), JUNK, max_size=5
    ),
)
def test_no_content_is_too_strange_to_be_looked_at(content: dict[str, Any]) -> None:
    event = Event(event_id="$1", room_id="!r", type="m.room.message", sender=ZOE, ts=0, content=content)
    may_address(event)
    addressed(event, BOT, ("Animateur",))


@given(st.text(alphabet='<a href="matrix.to/#@esnbot:exmpl.g">/ \n!esn', max_size=200))
def test_no_formatted_body_takes_long_or_crashes(text: str) -> None:
    addressed(a_message(text, formatted_body=text * 50), BOT, ("Animateur",))


@pytest.mark.parametrize("gap", [" ", "\n\n", ""])
def test_the_text_of_a_long_command_has_its_last_word(gap: str) -> None:
    head = "!esn page write Long "
    text = "a" * (LONGEST - len(head) - len(gap)) + gap + "b" * 500 + " end\u0000.\n"
    for event in (
        a_message(head + text),
        a_message("* …", **{"m.new_content": {"body": head + text}, "m.relates_to": edits("$0")}),
    ):
        known = (head + text)[:LONGEST].strip().removeprefix(head)
        assert in_full(event, BOT, known) == text.replace("\u0000", "").rstrip()
    assert in_full(a_message("!esn page write Short x"), BOT, "x") == "x"
    assert in_full(a_message(head + text), BOT, None) == ""


def edits(event_id: str) -> dict[str, str]:
    return {"rel_type": "m.replace", "event_id": event_id}
