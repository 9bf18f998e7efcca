"""What `esnbot run` shows, with a terminal and without one."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console

from esnbot.cli.display import Display, Picture, Pulse, Room, lines
from esnbot.embedded import Seat

PICTURE = Picture(
    community="Cycles Ardoise",
    url="http://127.0.0.1:8008",
    server_name="localhost",
    bot="@esnbot:localhost",
    board="http://127.0.0.1:8090",
    accounts=(Seat("camille", "animator", "pw-one"), Seat("alex", "employee", "pw-two")),
    accounts_file="var/homeserver/accounts.json",
    rooms=(Room("Maison", "#maison:localhost", 0, True), Room("Café [1]", "#cafe:localhost", 1, False)),
    notices=("Port 8008 is in use by another program.",),
)
PULSE = Pulse(
    now=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
    ready=True,
    waiting_for=(),
    homeserver_error="",
    handled=12,
    delivered=3,
    inbox=0,
    outbox=1,
    letters=0,
    next_due=datetime(2026, 1, 6, 8, 45, tzinfo=UTC),
)


def test_lines_name_the_address_the_accounts_the_rooms_and_how_to_log_in() -> None:
    text = "\n".join(lines(PICTURE))
    assert "homeserver: http://127.0.0.1:8008 (user ids end in :localhost)" in text
    assert "  @camille:localhost  animator  password: pw-one" in text
    assert "  @alex:localhost     employee  password: pw-two" in text
    assert "    Café [1]  #cafe:localhost" in text
    assert "Edit (beside 'homeserver') > http://127.0.0.1:8008 > 'camille'" in text
    assert "note: Port 8008" in text


def test_with_a_homeserver_of_ones_own_there_are_no_accounts_to_show() -> None:
    text = "\n".join(lines(replace(PICTURE, accounts=())))
    assert "password" not in text
    assert "to log in" not in text


def test_without_a_terminal_there_are_plain_lines_and_no_live_picture() -> None:
    out = io.StringIO()
    display = Display(out)
    display.show(PICTURE)
    with display.living():
        display.refresh(PULSE)
        display.ready()
    assert out.getvalue().endswith("\nready\n")
    assert "\x1b" not in out.getvalue()
    assert "Café [1]" in out.getvalue()


def shown(pulse: Pulse) -> str:
    out = io.StringIO()
    display = Display(out)
    display.console = Console(file=out, force_terminal=True, width=100, color_system=None)
    display._picture = PICTURE
    with display.living():
        display.refresh(pulse)
    return out.getvalue()


def test_on_a_terminal_the_picture_moves() -> None:
    text = shown(PULSE)
    assert "Cycles Ardoise" in text
    assert "12 events, 0 waiting" in text
    assert "Tuesday 06 January, 08:45" in text


def test_trouble_is_named() -> None:
    assert "the homeserver is away: no answer" in shown(replace(PULSE, homeserver_error="no answer"))
    assert "waiting for: caught_up" in shown(replace(PULSE, ready=False, waiting_for=("caught_up",)))
    assert "2: see 'esnbot dead-letters list'" in shown(replace(PULSE, letters=2))
