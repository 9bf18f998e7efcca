"""A public corpus of texts with what people ask for them: manual pages and a FAQ, in French and English, from Debian.

The packages (manpages-fr, GPL-3+; manpages and manpages-dev, free licences page by page; debian-faq, its own free
licence) are fetched when the benchmark runs, by name, with the machine's own apt; nothing of them is kept.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

PACKAGES = ("manpages", "manpages-dev", "manpages-fr", "manpages-fr-dev", "debian-faq", "debian-faq-fr")
_FONTS = re.compile(r"\\f(?:\[[^\]]*\]|\(..|.)|\\[&,/%|^]|\\\*\(..|\\s[+-]?\d")
_REQUEST = re.compile(r"^[.'].*$", re.MULTILINE)
_WORDY = re.compile(r"^\.(?:[BIR]{1,2}|SM|SB|IP|TP|PP|LP|SS)\s+(.*)$", re.MULTILINE)
_NAME = re.compile(r'^\.SH\s+"?(?:NAME|NOM)"?\s*\n(.*?)(?=^\.SH)', re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r'<h2[^>]*>(.*?)</h2>(.*?)(?=<h2|<div class="navfooter")', re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Entry:
    """A text, and what somebody might ask for it; the text does not have the question in it."""

    kind: str
    """'manual' or 'faq'."""
    language: str
    title: str
    text: str
    asked: str


def fetch(folder: Path) -> bool:
    """Download and unpack the packages; False where there is no apt or it does not reach them."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return False
    got = subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, capture_output=True, timeout=180, check=False)
    if got.returncode != 0:
        return False
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder / "root")], check=True, timeout=60)
    return True


def entries(folder: Path) -> list[Entry]:
    """All of them, in an order that is always the same."""
    share = folder / "root" / "usr" / "share"
    return [*_manuals(share / "man", "en"), *_manuals(share / "man" / "fr", "fr"), *_faq(share / "doc/debian/FAQ")]


def _manuals(folder: Path, language: str) -> Iterator[Entry]:
    for path in sorted(folder.glob("man[1-8]/*.gz")):
        if path.is_symlink():
            continue
        source = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        name = _NAME.search(source)
        if name is None:
            continue
        title, _, summary = _plain(name[1]).partition(" - ")
        text = _plain(source[name.end() :])
        if len(summary.split()) >= 3 and len(text) > 300:
            yield Entry("manual", language, title[:200], text, summary)


def _plain(source: str) -> str:
    text = _REQUEST.sub("", _WORDY.sub(r"\1", source))
    text = _FONTS.sub("", text).replace("\\-", "-").replace("\\(aq", "'").replace("\\(en", "-").replace("\\e", "\\")
    return " ".join(text.replace("\\~", " ").replace("\\ ", " ").split())


def _faq(folder: Path) -> Iterator[Entry]:
    for language, where in (("en", folder), ("fr", folder / "fr")):
        for path in sorted(where.glob(f"*.{language}.html")):
            for heading, body in _SECTION.findall(path.read_text(encoding="utf-8", errors="replace")):
                asked = re.sub(r"^[\d.\s]+", "", " ".join(unescape(_TAG.sub(" ", heading)).split()))
                text = " ".join(unescape(_TAG.sub(" ", body)).split())
                if asked.endswith("?") and len(text) > 120:
                    yield Entry("faq", language, "", text, asked)
