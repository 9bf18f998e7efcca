"""French typography: what it asks of a text, and how a text typed on an ordinary keyboard is made to follow it."""

import re

NBSP = "\u00a0"
_HELD = "\ue000"

# Code, addresses and placeholders are no prose: their signs stay as they are.
_NOT_PROSE = re.compile(r"`+[^`]*`+|https?://[^\s)>]+|\{[a-z_][a-z0-9_]*\}|(?<=\])\([^)\s]*\)")
_APOSTROPHE = re.compile(rf"(?<=\w)'(?=[\w{_HELD}*_«])")
_HIGH_SIGN = re.compile(rf"(?<=[\w{_HELD}*_»…)\]%])[ \u202f\u00a0]*([:;?!]+)(?=[\s*_»…]|$)")
_OPENING = re.compile(r"«[ \u202f\u00a0]*")
_CLOSING = re.compile(r"[ \u202f\u00a0]*»")


def french(text: str) -> str:
    """The text with ’ and …, and no-break spaces before : ; ? ! and inside « »; code and addresses stay untouched."""
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[0])
        return _HELD

    prose = _NOT_PROSE.sub(hold, text).replace("...", "…")
    prose = _APOSTROPHE.sub("’", prose)
    prose = _OPENING.sub("«" + NBSP, prose)
    prose = _CLOSING.sub(NBSP + "»", prose)
    prose = _HIGH_SIGN.sub(NBSP + r"\1", prose)
    spans = iter(held)
    return re.sub(_HELD, lambda _: next(spans), prose)
