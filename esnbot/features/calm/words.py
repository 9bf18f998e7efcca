"""The one door for private words that nobody asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec

from esnbot.engine import silence
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, Say
from esnbot.engine.feature import Context
from esnbot.features.calm import model, records
from esnbot.speech import Later, Markdown, Quoted, Voice
from esnbot.store import bindings

WHISPERED: Final = "org.esnbot.whispered"
"""Domain event: look whether something can be said to a person now. Content: person."""

Words = Later | Mapping[str, str]
"""A sentence to be said in the person's language, or Markdown by language."""


async def whisper(
    ctx: Context,
    person: str,
    feature: str,
    words: Words,
    *,
    about: str = "",
    useful: int = 0,
    lasts: timedelta | None = None,
    soon: bool = False,
    otherwise: Say | None = None,
) -> Sequence[Effect]:
    """Say something to a person in private that they did not ask for, within what they want to hear.

    ``about`` is a natural key: about one thing a person hears once from a feature; while that waits, newer words take
    its place. The more ``useful``, the earlier, then the newer; what found no room within ``lasts`` is left out.
    ``soon`` is for what follows from something that the person did a moment ago, such as coming in: it does not wait
    for the hour, and counts all the same. ``otherwise`` is said (with ``soon``) when the chat cannot be opened.

    Return what it returns with your own effects. The words stand in the database until they are said: never quote
    from an encrypted room.
    """
    wanted_not = await records.unwanted_by(ctx.conn, person)
    if feature in wanted_not or model.EVERYTHING in wanted_not:
        return []
    now = milliseconds(ctx.now)
    kept = dump(words)
    word = model.Word(
        feature=feature,
        about=about or f"{now}:{_digest(repr(kept))}",
        words=kept,
        otherwise=None if otherwise is None else msgspec.to_builtins(otherwise),
        useful=useful,
        soon=soon,
        made=now,
        until=None if lasts is None else now + int(lasts.total_seconds() * 1000),
    )
    return [look_at(person)] if await records.keep(ctx.conn, person, word) else []


def look_at(person: str, *, due: bool = False, key: str = "") -> Emit:
    """The event that makes calm look what can be said to a person; one after the other for each."""
    return Emit(
        key=key, type=WHISPERED, content={"person": person, "due": due}, room=f"calm:{name_without_name(person)}"
    )


def name_without_name(person: str) -> str:
    """Stands for a person in keys, which stay in the engine's books longer than what we know about people."""
    return _digest(person)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:20]


async def wants(conn: Any, person: str, feature: str) -> bool:
    """Whether a person takes private words of a feature: for what somebody else asks them through the bot."""
    unwanted = await records.unwanted_by(conn, person)
    return feature not in unwanted and model.EVERYTHING not in unwanted


async def is_silenced(conn: Any, place: str, feature: str) -> bool:
    """Whether a feature keeps quiet in a group: its natural key, or a room id.

    What is posted there all the same is dropped by the engine; ask before spending something that comes only once.
    """
    room_id = place if place.startswith("!") else await bindings.room_of(conn, place)
    return room_id is not None and await silence.is_silenced(conn, room_id, feature)


# --- words as JSON values -------------------------------------------------------------------------------------------


def dump(words: Words) -> Any:
    """Words as JSON values."""
    if isinstance(words, Later):
        return {"sentence": _dump(words)}
    return {"languages": {language: str(text) for language, text in words.items()}}


def load(kept: Any, voice: Voice, languages: Sequence[str]) -> Markdown:
    """Words in the language of a voice, else in the first of the community's languages that there is."""
    if "sentence" in kept:
        sentence = _load(kept["sentence"])
        return voice.say(sentence) if isinstance(sentence, Later) else Markdown(str(sentence))
    texts: dict[str, str] = kept["languages"]
    for language in (voice.language, *languages, *texts):
        if language in texts:
            return Markdown(texts[language])
    return Markdown("")


def _dump(value: object) -> Any:
    match value:
        case Later():
            values = [[name, _dump(one)] for name, one in value.values]
            return {"later": value.text, "many": value.many, "n": value.n, "values": values}
        case Quoted():
            return {"quoted": str(value)}
        case Markdown():
            return {"markdown": str(value)}
        case bool() | int() | float() | None:
            return value
        case _:
            return str(value)


def _load(kept: Any) -> object:
    if not isinstance(kept, dict):
        return kept
    if "later" in kept:
        values = tuple((name, _load(value)) for name, value in kept["values"])
        return Later(kept["later"], values, kept["many"], kept["n"])
    if "quoted" in kept:
        return Quoted(kept["quoted"])
    return Markdown(kept["markdown"])
