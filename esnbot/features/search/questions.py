"""What is a question, among what people write in rooms. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from esnbot.community.group import Group, History, Joining, Kind
from esnbot.engine.event import Event
from esnbot.features.search import words

KINDS: Final = frozenset({Kind.help, Kind.practice, Kind.project})
"""Groups whose questions are worth finding again."""
LEAST_WORDS: Final = 4
LEAST_TELLING: Final = 2
"""So many of them say what it is about."""
LONGEST: Final = 2_000
"""Characters; what is longer is a text with a question in it."""
_OPENINGS: Final = re.compile(
    r"(?:bonjour|bonsoir|salut|hello|hi|hey|coucou)?[\s,!.:]*(?:"
    r"(?:comment|pourquoi|o[uù]|quand|combien|qui|quel(?:le)?s?|est[- ]ce qu|quelqu[’']un|qqn|savez[- ]vous|sais[- ]tu|"
    r"y a[- ]t[- ]il|peut[- ]on|peux[- ]tu|pouvez[- ]vous|une id[ée]e)\b"
    r"|(?:how|why|where|when|which|who|what|does|do|is|are|can|could|has|have|anyone|anybody|should)\b"
    r")",
    re.IGNORECASE,
)
_ENGLISH_ALONE: Final = re.compile(
    r"\s*(?:how (?:do|does|can|to|is|are|should)|does anyone|do you know|anyone (?:know|here)|who knows|what is the|"
    r"where (?:do|can|is|are)|why (?:does|do|is|are))\b",
    re.IGNORECASE,
)
_FRENCH_ALONE: Final = re.compile(
    r"\s*(?:comment (?:faire|fait|on|puis|peut)|est[- ]ce qu|quelqu[’']un (?:sait|saurait|a|aurait|conna)|qui sait|"
    r"savez[- ]vous|sais[- ]tu|o[uù] (?:trouver|est|sont|puis)|pourquoi)\b",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"^>.*(?:\n|$)", re.MULTILINE)
_ADDRESS: Final = re.compile(r"(?<!\w)(?:@[a-z0-9._=/+-]+:[\w.:-]+|https?://matrix\.to/#/(?:@|%40)\S+)", re.IGNORECASE)
_COMMAND: Final = re.compile(r"\s*[!/]\w")


def may_be(event: Event) -> bool:
    """A cheap look at an event: whether it may ask something, or correct what asked something."""
    if event.text("msgtype") != "m.text":
        return False
    relation = event.content.get("m.relates_to")
    if isinstance(relation, dict):
        return relation.get("rel_type") == "m.replace"
    body = event.text("body")
    return len(body) <= LONGEST and ("?" in body or _OPENINGS.match(body) is not None) and _COMMAND.match(body) is None


def original_of(event: Event) -> str:
    """The event that this one corrects; '' for none."""
    relation = event.content.get("m.relates_to")
    if not isinstance(relation, dict) or relation.get("rel_type") != "m.replace":
        return ""
    original = relation.get("event_id")
    return original if isinstance(original, str) else ""


def body_of(event: Event) -> str:
    """What is said, of a correction what it says now."""
    content: Mapping[str, Any] = event.content
    new = content.get("m.new_content")
    if original_of(event) and isinstance(new, dict):
        content = new
    body = content.get("body")
    return body if isinstance(body, str) and content.get("msgtype", "m.text") == "m.text" else ""


def mentioned(event: Event) -> frozenset[str]:
    """Those whom it mentions."""
    new = event.content.get("m.new_content")
    found: set[str] = set()
    for content in (event.content, new if isinstance(new, dict) else {}):
        mentions = content.get("m.mentions")
        users = mentions.get("user_ids") if isinstance(mentions, dict) else None
        found.update(user for user in users if isinstance(user, str)) if isinstance(users, list) else None
    return frozenset(found)


def question_in(body: str, names: Iterable[str] = ()) -> str:
    """The question that a message asks, without the names of people; '' when it asks none worth finding again."""
    text = _ADDRESS.sub(" ", _QUOTED.sub("", body[: LONGEST + 1]))
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<!\w)@?{re.escape(name)}(?!\w)", " ", text)
    text = " ".join(text.split()).lstrip(" ,:;–-")
    if not text or len(body) > LONGEST or _COMMAND.match(text) or not _asks(text):
        return ""
    found = list(words.tokens(text))
    if len(found) < LEAST_WORDS or sum(not words.is_stop(word) for word in found) < LEAST_TELLING:
        return ""
    return text


def _asks(text: str) -> bool:
    """Whether it ends with a question mark, has one after its opening, or opens as only questions do."""
    if text.rstrip(" !.…)»\"'🙏🙂😊").endswith("?"):
        return True
    if "? " in text and _OPENINGS.match(text):
        return True
    return bool(_ENGLISH_ALONE.match(text) or _FRENCH_ALONE.match(text))


def kept_in(group: Group) -> bool:
    """Whether questions of a group may be found again at all: it is open, not sealed, and of a kind that asks."""
    return (
        group.kind in KINDS
        and not group.encrypted
        and not group.archived
        and group.joining in (Joining.public, Joining.space)
        and group.history in (History.shared, History.world)
    )
