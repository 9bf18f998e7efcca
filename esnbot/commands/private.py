"""Answers that are for one person alone, wherever they asked."""

from __future__ import annotations

from esnbot.commands.command import Call, bare
from esnbot.engine.effects import Effect, Say, direct
from esnbot.speech import Later, later, render

CLOSED: Later = later("I cannot write to you in private: open a chat with me, and ask there.")


def privately(call: Call, markdown: str, told: str) -> list[Effect]:
    """An answer in the person's direct chat; where they asked in a room, ``told`` says there that it is on its way."""
    if call.is_direct:
        return [call.answer(markdown)]
    message = render(bare(markdown))
    closed = call.answer(call.voice.say(CLOSED))
    return [
        call.answer(told),
        Say(room=direct(call.person.user), body=message.body, html=message.html, otherwise=closed),
    ]
