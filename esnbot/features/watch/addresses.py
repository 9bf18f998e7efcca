"""Addresses as people give them, as they are shown, and as they are compared. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

LONGEST: Final = 1_000
_TRACKING: Final = re.compile(
    r"(utm|mtm|pk|piwik|matomo|at|stm|hsa|oly|vero|wt|ns)_[\w.-]*|_hs(enc|mi)|__s|_ga|_gl|__twitter_impression"
    r"|[a-z]{0,3}clid|msclkid|gclsrc|gad_source|[wg]braid|igsh(id)?|mc_[ce]id|mkt_tok|xtor|xtref|cmpid|ito|wickedid|s_cid"
    r"|guccounter|guce_\w+|spm|trk|trkinfo|ref_(src|url)|feature|sr_share|fb_(action|source|ref)\w*|wpisrc",
    re.IGNORECASE,
)
_TOLD_BY: Final = re.compile(r"(ref|source|from|src|via|medium)", re.IGNORECASE)
_TELLING: Final = re.compile(r"(rss|feed|atom|newsletter|email|twitter|facebook|linkedin)[\w-]*", re.IGNORECASE)
_TRACKING_END: Final = re.compile(r"(xtor|utm_|mtm_|at_|ens_id|rss)[\w=&.-]*", re.IGNORECASE)
_FRONT: Final = re.compile(r"/(index|default)\.(html?|php|aspx?|jsp)$", re.IGNORECASE)
_HOST: Final = re.compile(r"[\w.-]+\.[a-z]{2,}(:\d{1,5})?(/\S*)?", re.IGNORECASE)


class NoAddress(ValueError):
    """It is no address that can be asked for; ``has_password`` tells those that would be."""

    def __init__(self, *, has_password: bool = False) -> None:
        super().__init__("no address")
        self.has_password = has_password


def given(text: str) -> str:
    """An address as somebody wrote or pasted it, ready to be asked for. Raises ``NoAddress``."""
    text = text.strip().strip("<>").strip()
    pasted = re.fullmatch(r"\[[^\]]*\]\(<?([^)>\s]+)>?\)", text)
    text = pasted[1] if pasted else text
    text = re.sub(r"^feed:(//)?(?=https?:)", "", text, flags=re.IGNORECASE)
    text = re.sub(r"^feed://", "https://", text, flags=re.IGNORECASE)
    if "://" not in text and _HOST.fullmatch(text):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NoAddress from None
    if parts.scheme.lower() not in ("http", "https") or not host or len(text) > LONGEST or re.search(r"\s", text):
        raise NoAddress
    if parts.username or parts.password:
        raise NoAddress(has_password=True)
    place = host if port is None else f"{host}:{port}"
    if ":" in host:
        place = f"[{host}]" if port is None else f"[{host}]:{port}"
    return urlunsplit((parts.scheme.lower(), place, parts.path or "/", parts.query, ""))


def host_of(url: str) -> str:
    """The host of an address as one says it."""
    try:
        return (urlsplit(url).hostname or url).removeprefix("www.")
    except ValueError:
        return url


def shown(link: str) -> str:
    """A link without what only tells its owners where its readers come from."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return link
    kept = [one for one in parts.query.split("&") if one and not _tracks(*_pair(one))]
    end = "" if _TRACKING_END.fullmatch(parts.fragment) else parts.fragment
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "&".join(kept), end))


def alike(link: str) -> str:
    """What is the same for all links to one text: how it is reached, counted and written plays no part. '' for none."""
    if not link:
        return ""
    try:
        parts = urlsplit(link)
        host, port = (parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        return link
    for front in ("www.", "m.", "amp."):
        host = host.removeprefix(front)
    path = quote(unquote(parts.path), safe="/:@!$&'()*+,;=~-._")
    path = re.sub(r"/{2,}", "/", _FRONT.sub("/", path)).rstrip("/")
    path = path.removesuffix("/amp")
    query = sorted(
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _tracks(name, value)
    )
    query = [(name, value) for name, value in query if name.lower() not in ("amp", "outputtype")]
    # Some sites have all of their texts behind one address.
    end = f"#{parts.fragment}" if parts.fragment.startswith(("!", "/")) else ""
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    return f"{place}{path}{'?' + urlencode(query) if query else ''}{end}"


def _pair(one: str) -> tuple[str, str]:
    name, _, value = one.partition("=")
    return unquote(name), unquote(value)


def _tracks(name: str, value: str) -> bool:
    if _TRACKING.fullmatch(name):
        return True
    return bool(_TOLD_BY.fullmatch(name) and _TELLING.fullmatch(value))
