"""A real Chromium for tests: one process for a session of tests, and for each test windows that know of nothing."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from esnbot.testing.board import OpenBoard
from esnbot.web.guard import Cookies

NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
STARTED_WITHIN: Final = 60.0
MISSING: Final = (
    "There is no Chromium on this machine, and tests of the board need one. On Debian, as root: tools/chromium.sh"
)
PHONE: Final = ViewportSize(width=360, height=740)
DESK: Final = ViewportSize(width=1280, height=860)
_OPTIONS: Final = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    # It works neither for root nor in most containers; what is opened here are our own pages.
    "--no-sandbox",
    "--no-default-browser-check",
    "--password-store=basic",
)


def find_chromium() -> str | None:
    """The path of the machine's Chromium, None when it has none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """The process. ``endpoint`` is where it is steered; end it with ``stop``."""

    def __init__(self, program: str) -> None:
        self._folder = tempfile.mkdtemp(prefix="esnbot-chromium-")
        self._process = subprocess.Popen(
            [program, *_OPTIONS, f"--user-data-dir={self._folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.endpoint = self._wait()

    def _wait(self) -> str:
        told = Path(self._folder) / "DevToolsActivePort"
        deadline = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            lines = told.read_text().splitlines() if told.exists() else []
            if len(lines) >= 2:
                return f"http://127.0.0.1:{lines[0]}"
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"Chromium did not start within {STARTED_WITHIN:.0f} s")

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)


@dataclass(slots=True)
class Tab:
    """A page of a browser of its own, with what went wrong on it and what it asked of others."""

    board: OpenBoard
    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)
    """Errors and warnings of the console, and exceptions of scripts."""
    foreign: list[str] = field(default_factory=list)
    """Addresses outside the board that were asked for."""

    async def open(self, path: str) -> None:
        """Go to a page of the board."""
        await self.page.goto(self.board.url + path)

    async def text(self) -> str:
        """What can be read on it."""
        return await self.page.inner_text("body")

    async def is_too_wide(self) -> bool:
        """Whether one has to scroll sideways."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))

    def check(self) -> None:
        """Fail when something went wrong on it, or left the board."""
        assert not self.errors, self.errors
        assert not self.foreign, self.foreign


class Windows:
    """Opens tabs for one test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def tab(self, board: OpenBoard, user: str = "", *, size: ViewportSize = DESK, **options: Any) -> Tab:
        """A tab in a browser of its own, signed in as ``user`` when one is named.

        ``options`` are Playwright's for a context: ``locale``, ``color_scheme``, ``java_script_enabled`` …
        """
        context = await self._browser.new_context(viewport=size, **{"locale": "en-GB", **options})
        self._contexts.append(context)
        if user:
            cookies = Cookies(secure=False)
            token = await board.sign_in(user)
            await context.add_cookies([{"name": cookies.session, "value": token, "url": board.url, "httpOnly": True}])
        tab = Tab(board, context, await context.new_page())
        origin = urlsplit(board.url).netloc

        def asked(url: str) -> None:
            if urlsplit(url).scheme not in ("data", "blob", "about") and urlsplit(url).netloc != origin:
                tab.foreign.append(url)

        tab.page.on("request", lambda request: asked(request.url))
        tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
        tab.page.on("console", lambda said: tab.errors.append(said.text) if said.type in ("error", "warning") else None)
        return tab

    async def close(self) -> None:
        """Close every tab."""
        for context in self._contexts:
            await context.close()


@asynccontextmanager
async def windows(chromium: Chromium) -> AsyncIterator[Windows]:
    """Windows of a running Chromium, closed at the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium.endpoint)
        found = Windows(browser)
        try:
            yield found
        finally:
            await found.close()
            await browser.close()
