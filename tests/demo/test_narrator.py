"""The narrator: lines that can be read, and a list of what was expected."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from esnbot.demo.narrator import LONGEST, Narrator, shortened
from esnbot.testing.clock import ManualClock


def narrator() -> tuple[Narrator, io.StringIO]:
    out = io.StringIO()
    clock = ManualClock(datetime(2024, 4, 29, 6, 46, tzinfo=UTC))
    return Narrator(clock, ZoneInfo("Europe/Paris"), out), out


async def so() -> None:
    return None


async def not_so() -> None:
    raise AssertionError("it was raining")


async def false() -> bool:
    return False


def test_a_line_says_when_where_who_and_what() -> None:
    tell, out = narrator()
    tell.says("Alex", "La machine à café", "Bonjour\nà tous !")
    assert out.getvalue() == "  Mon 08:46  La machine à café    Alex: Bonjour à tous !\n"


def test_a_chapter_names_the_day() -> None:
    tell, out = narrator()
    tell.chapter("people come in")
    assert out.getvalue() == "\nMonday 29 April  people come in\n"


async def test_what_was_met_and_what_was_not_is_kept_and_summed_up() -> None:
    tell, out = narrator()
    assert await tell.expect("the sun shines", so())
    assert not await tell.expect("it is dry", not_so())
    assert not await tell.expect("it is warm", false())
    tell.summary()
    assert [one.what for one in tell.failed] == ["it is dry", "it is warm"]
    assert "✓ the sun shines" in out.getvalue()
    assert "✗ it is dry (it was raining)" in out.getvalue()
    assert "1 of 3 expectations were met." in out.getvalue()
    assert "not met: it is warm: it was not so" in out.getvalue()


def test_a_long_text_is_cut_at_a_sign() -> None:
    assert shortened("a " * 200).endswith("…")
    assert len(shortened("a " * 200)) <= LONGEST
    assert shortened("short") == "short"


def test_links_are_told_without_their_addresses() -> None:
    assert shortened("**Club** (https://matrix.to/#/#club:127.0.0.2:81) est prêt") == "**Club** est prêt"


def test_brackets_in_what_people_say_are_no_markup() -> None:
    tell, out = narrator()
    tell.says("Alex", "Entraide", "regardez [bold]ceci[/bold]")
    assert "[bold]ceci[/bold]" in out.getvalue()
