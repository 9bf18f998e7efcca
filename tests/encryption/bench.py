"""What tests of encryption share: the bot at work with a feature that repeats what begins with 'say'."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from esnbot.app import Application, application
from esnbot.community.clock import Clock
from esnbot.settings import Settings
from tests.app.bench import echo, with_features


@asynccontextmanager
async def at_work(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Application]:
    """The bot, up, with a feature that repeats what begins with 'say'."""
    settings, found = with_features(settings, echo())
    async with application(settings, found, clock) as app:
        await app.start()
        await asyncio.wait_for(app.until_ready(), 30)
        yield app
