"""The board's frame, asked over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from prometheus_client.parser import text_string_to_metric_families

from esnbot.engine.engine import Backlog
from esnbot.engine.metrics import Metrics
from esnbot.speech import Speech
from esnbot.web import Figures, Gauges, ListenError, Page, Readiness, WebServer, make_app
from esnbot.web.board import Board


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def broken(_request: web.Request) -> web.Response:
    raise RuntimeError("the password is hunter2")


async def some_figures() -> Figures:
    return Figures(Backlog(inbox=3, outbox=2, scheduled=5, next_due_ms=None, letters=1), lag=1.5)


class Site:
    def __init__(self, server: WebServer, readiness: Readiness, metrics: Metrics, session: ClientSession) -> None:
        self.server, self.readiness, self.metrics, self.session = server, readiness, metrics, session

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(self.server.url + path, headers=named) as answer:
            return answer.status, await answer.text()

    def be_ready(self) -> None:
        for condition in self.readiness.waiting_for:
            self.readiness.mark(condition)


@pytest.fixture
async def board() -> AsyncIterator[Site]:
    readiness, metrics = Readiness(), Metrics()
    pages = [Page("/hello", hello), Page("/broken", broken)]
    shown = Board(Speech(strict=True), ("fr", "en"))
    app = make_app(shown, Gauges(metrics.registry, "1.2.3"), readiness, some_figures, pages)
    server = WebServer(app, "127.0.0.1", 0)
    await server.start()
    async with ClientSession() as session:
        yield Site(server, readiness, metrics, session)
    await server.stop()


async def test_health_says_alive_before_anything_else_is_ready(board: Site) -> None:
    assert await board.get("/health") == (200, '{"alive": true}')


async def test_ready_names_what_it_waits_for_until_there_is_nothing_left(board: Site) -> None:
    board.readiness.mark("migrated")
    status, body = await board.get("/ready")
    assert status == 503
    assert "homeserver" in body
    assert "caught_up" in body
    assert "migrated" not in body

    board.be_ready()

    assert await board.get("/ready") == (200, '{"ready": true, "waiting_for": []}')


async def test_readiness_is_lost_when_the_homeserver_is(board: Site) -> None:
    board.be_ready()
    board.readiness.mark("homeserver", met=False)
    assert (await board.get("/ready"))[0] == 503


async def test_metrics_are_prometheus_text_with_fresh_figures(board: Site) -> None:
    board.be_ready()
    board.metrics.accepted(7)
    board.metrics.delivered("Say", 0.1)

    status, text = await board.get("/metrics")

    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert status == 200
    assert samples["esnbot_events_accepted_total",] == 7
    assert samples["esnbot_effects_delivered_total", "Say"] == 1
    assert samples["esnbot_inbox_waiting",] == 3
    assert samples["esnbot_outbox_waiting",] == 2
    assert samples["esnbot_dead_letters_waiting",] == 1
    assert samples["esnbot_inbox_lag_seconds",] == 1.5
    assert samples["esnbot_ready",] == 1
    assert samples["esnbot_info", "1.2.3"] == 1
    assert all(name.startswith("esnbot") for name, *_ in samples)


async def test_metrics_do_not_ask_a_store_that_has_no_schema_yet(board: Site) -> None:
    status, text = await board.get("/metrics")
    assert status == 200
    assert "esnbot_inbox_waiting 0.0" in text


async def test_a_page_that_a_feature_declares_is_mounted(board: Site) -> None:
    assert await board.get("/hello") == (200, "hello")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en-GB,en;q=0.9", "There is nothing at this address."), ("fr", "Il n’y a rien à cette adresse.")],
)
async def test_an_unknown_address_is_answered_in_the_readers_language(
    board: Site, language: str, sentence: str
) -> None:
    status, page = await board.get("/nowhere", Accept="text/html", Accept_Language=language)
    assert status == 404
    assert sentence in page
    status, body = await board.get("/nowhere", Accept_Language=language)
    assert status == 404
    assert body.startswith('{"error"')


async def test_a_page_that_fails_gives_a_sentence_and_no_detail(board: Site) -> None:
    status, page = await board.get("/broken", Accept="text/html", Accept_Language="en")
    assert status == 500
    assert "Something went wrong here" in page
    assert "hunter2" not in page
    assert "Traceback" not in page


async def test_what_a_page_does_not_take_is_said_with_what_it_does_take(board: Site) -> None:
    async with board.session.post(board.server.url + "/health") as answer:
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]


async def test_answers_carry_headers_that_keep_browsers_careful(board: Site) -> None:
    async with board.session.get(board.server.url + "/health") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_port_in_use_is_one_clear_sentence(board: Site) -> None:
    second = WebServer(web.Application(), "127.0.0.1", board.server.port)
    with pytest.raises(ListenError, match=f"127.0.0.1:{board.server.port} is in use") as caught:
        await second.start()
    assert "web: listen:" in caught.value.hint
