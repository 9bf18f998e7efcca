"""Logs: one line an event, and never a secret in one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from esnbot.logs import Masker, masker, set_up_logs

SECRET = "Zk9-very-secret-value"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(format: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    set_up_logs(level, format, stream=stream)
    return stream


def test_a_log_event_is_one_json_line_with_its_fields() -> None:
    stream = lines("json")
    structlog.get_logger("esnbot.engine").info("delivered", kind="Say", attempts=2)
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert entry["message"] == "delivered"
    assert entry["kind"] == "Say"
    assert entry["attempts"] == 2
    assert entry["level"] == "info"
    assert entry["logger"] == "esnbot.engine"
    assert entry["timestamp"].endswith("Z")


def test_without_a_terminal_it_is_key_and_value() -> None:
    stream = lines("auto")
    structlog.get_logger("esnbot.engine").info("delivered", kind="Say")
    assert "level=info" in stream.getvalue()
    assert "event=delivered" in stream.getvalue()
    assert "kind=Say" in stream.getvalue()


def test_the_standard_librarys_loggers_come_out_the_same_way() -> None:
    stream = lines("json")
    logging.getLogger("esnbot.matrix").warning("limited for %s s", 3, extra={"room": "!a"})
    entry = json.loads(stream.getvalue())
    assert entry["message"] == "limited for 3 s"
    assert entry["room"] == "!a"


@pytest.mark.parametrize("format", ["json", "plain", "pretty"])
def test_an_exception_is_logged_whole_and_masked(format: str) -> None:
    stream = lines(format)
    try:
        raise RuntimeError("GET /sync?access_token=syt_abcdefghij failed")
    except RuntimeError:
        structlog.get_logger("esnbot").exception("request failed")
    assert "RuntimeError" in stream.getvalue()
    assert "syt_abcdefghij" not in stream.getvalue()
    assert "***" in stream.getvalue()
    if format != "pretty":
        assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"?access_token={SECRET}&user_id=@a:b",
        f'{{"as_token": "{SECRET}"}}',
        f"postgresql+asyncpg://esnbot:{SECRET}@localhost/esnbot",
        f"password={SECRET}",
        "token syt_ZXhhbXBsZQ_abcdefghijkl_0abcde",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    masked = Masker().text(text)
    assert SECRET not in masked
    assert "syt_" not in masked
    assert "***" in masked


def test_a_secret_that_was_learnt_is_masked_wherever_it_stands() -> None:
    learnt = Masker([SECRET])
    event = {"event": f"x{SECRET}y", "nested": {"list": [SECRET, {"deep": SECRET}]}, "error": ValueError(SECRET)}
    assert SECRET not in json.dumps(learnt(None, "info", event))


def test_a_key_that_names_a_secret_hides_its_value_whatever_it_is() -> None:
    assert Masker()(None, "info", {"hs_token": "short", "tokens": 3}) == {"hs_token": "***", "tokens": 3}


def test_ordinary_text_is_left_alone() -> None:
    text = "the token was refused; see https://matrix.example.org:8448/health and !room:server"
    assert Masker().text(text) == text


def test_quiet_leaves_warnings_only() -> None:
    stream = io.StringIO()
    set_up_logs(stream=stream, quiet=True)
    structlog.get_logger("esnbot").info("nothing of interest")
    structlog.get_logger("esnbot").warning("look here")
    assert "nothing" not in stream.getvalue()
    assert "look here" in stream.getvalue()


def test_the_processs_masker_is_the_one_that_logs_use() -> None:
    masker.learn("a-value-only-this-test-knows")
    stream = lines("plain")
    structlog.get_logger("esnbot").warning("found a-value-only-this-test-knows")
    assert "only-this-test" not in stream.getvalue()
