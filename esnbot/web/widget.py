"""The board as a widget of a room: what the room's state says, for clients that show pages beside rooms."""

from __future__ import annotations

from esnbot.provisioning.desired import Extra
from esnbot.provisioning.seen import WIDGET
from esnbot.speech import Voice
from esnbot.web.first_page import TITLE

STATE_KEY = "esnbot"
_QUERY = "lang=$org.matrix.msc2873.client_language&theme=$org.matrix.msc2873.client_theme"
"""What clients fill in. Nothing else is asked of them: the page needs to know nothing of who reads it, or where."""


def widget(url: str, bot: str, voice: Voice) -> Extra:
    """The state event; ``url`` is where people reach the board."""
    name = str(voice.say(TITLE))
    content = {
        "type": "m.custom",
        "url": f"{url}/widget?{_QUERY}",
        "name": name,
        "data": {"title": name},
        "id": STATE_KEY,
        "creatorUserId": bot,
    }
    return Extra(WIDGET, STATE_KEY, content)
