"""Commands without a prefix, where it is clear to whom they are said: in reply to the bot, or in a command's thread."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import records, trail
from esnbot.commands.addressing import Addressed, mentions, replied_to, thread_of, whole
from esnbot.commands.grammar import split
from esnbot.commands.registry import Registry
from esnbot.engine.event import Event


def may_follow(event: Event, bot: str, registry: Registry) -> bool:
    """A cheap look: a reply, or a mention of the bot in a thread, whose first words are a command."""
    follows = replied_to(event) or (thread_of(event) and mentions(event, bot))
    return bool(follows) and registry.is_surely(split(whole(event).line))


async def followed(conn: AsyncConnection, event: Event, bot: str, registry: Registry) -> Addressed | None:
    """What such a message says to the bot; None for what people say to one another."""
    if not may_follow(event, bot, registry):
        return None
    target, root = replied_to(event), thread_of(event)
    if target and await records.posted_as(conn, target) is not None:
        return replace(whole(event), prefixed=True)
    if root and mentions(event, bot) and await trail.find(conn, root) is not None:
        return replace(whole(event), prefixed=True)
    return None
