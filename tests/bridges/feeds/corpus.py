"""Feeds as the world writes them: each with a fault that was seen out there, and what can be read all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

URL: Final = "https://site.example/blog/feed"


@dataclass(frozen=True)
class Case:
    """One broken feed."""

    body: bytes
    titles: tuple[str, ...] = ()
    """Of the items that are read."""
    trouble: str = ""
    """Instead of them."""
    type: str = "application/xml"
    links: tuple[str, ...] = ()
    published: tuple[int | None, ...] = field(default=())
    """Seconds."""


def _rss(items: str, head: str = "", before: str = "<?xml version='1.0' encoding='utf-8'?>") -> str:
    return f"{before}<rss version='2.0'><channel><title>Fil</title>{head}{items}</channel></rss>"


def _item(title: str, more: str = "") -> str:
    return f"<item><title>{title}</title>{more}</item>"


def _dates(*texts: str) -> bytes:
    return _rss("".join(_item(str(n), f"<pubDate>{text}</pubDate>") for n, text in enumerate(texts))).encode()


def _laughs(n: int) -> str:
    inner = f"&lol{n - 1};" if n > 1 else "&lol;"
    return f'<!ENTITY lol{n} "{inner * 10}">'


_LAUGHS: Final = (
    '<?xml version="1.0"?>\n<!DOCTYPE lolz [\n<!ENTITY lol "lol">\n'
    + "\n".join(_laughs(n) for n in range(1, 11))
    + "\n]>\n<rss version='2.0'><channel><title>x</title><item><title>&lol10;</title></item></channel></rss>"
)
_ONE_LINE: Final = _LAUGHS.replace("\n", "")
_QUADRATIC: Final = (
    f'<!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]><rss version="2.0"><channel><title>x</title>'
    f"<item><title>{'&a;' * 50_000}</title></item></channel></rss>"
)
_EXTERNAL: Final = (
    "<?xml version='1.0'?>\n<!DOCTYPE r [\n<!ENTITY secret SYSTEM 'file:///etc/passwd'>\n"
    "<!ENTITY % more SYSTEM 'http://127.0.0.1:1/x.dtd'>\n%more;\n]>\n"
    "<rss version='2.0'><channel><title>x</title><item><title>a &secret; b</title></item></channel></rss>"
)
MARCH: Final = 1_772_532_000
"""3 March 2026, 10:00 UTC."""

CASES: Final[Mapping[str, Case]] = {
    # --- what it is written in ---
    "declared UTF-8, written in Latin-1": Case(_rss(_item("Été à vélo")).encode("latin-1"), ("Été à vélo",)),
    "declared Latin-1, written in UTF-8 by its header": Case(
        _rss(_item("Été"), before="<?xml version='1.0' encoding='iso-8859-1'?>").encode(),
        ("Été",),
        type="application/rss+xml; charset=utf-8",
    ),
    "Windows' quotation marks in what is declared Latin-1": Case(
        _rss(_item("L’été"), before="<?xml version='1.0' encoding='windows-1252'?>").encode("cp1252"), ("L’été",)
    ),
    "an encoding that nobody knows": Case(
        _rss(_item("Été"), before="<?xml version='1.0' encoding='utf-eight'?>").encode(), ("Été",)
    ),
    "UTF-16 with a mark": Case(
        _rss(_item("Été"), before="<?xml version='1.0' encoding='utf-16'?>").encode("utf-16"), ("Été",)
    ),
    "a mark of UTF-8, and blank lines before the declaration": Case(
        b"\xef\xbb\xbf\n\n  " + _rss(_item("Été")).encode(), ("Été",)
    ),
    "sent as plain text": Case(_rss(_item("Été")).encode(), ("Été",), type="text/plain"),
    "sent as a web page": Case(_rss(_item("Été")).encode(), ("Été",), type="text/html; charset=utf-8"),
    "bytes that are no letters in the middle": Case(
        _rss(_item("Un")).encode().replace(b"Un", b"Un \xff\xfe deux"), ("Un ÿþ deux",)
    ),
    "emoji as halves of a pair": Case(_rss(_item("Vélo &#55357;&#56960;")).encode(), ("Vélo 🚀",)),
    # --- how it is built ---
    "entities that only HTML has": Case(
        _rss(_item("&Eacute;t&eacute; &nbsp;&hellip; &euro;5")).encode(), ("Été … €5",)
    ),
    "a bare ampersand": Case(_rss(_item("Questions & réponses <3")).encode(), ("Questions & réponses <3",)),
    "escaped twice": Case(_rss(_item("Q &amp;amp; R &amp;#233;t&amp;eacute;")).encode(), ("Q & R été",)),
    "markup in a title": Case(
        _rss(_item("&lt;b&gt;Gras&lt;/b&gt; &lt;script&gt;alert(1)&lt;/script&gt;et net")).encode(), ("Gras et net",)
    ),
    "CDATA in CDATA": Case(
        _rss(_item("<![CDATA[Un <![CDATA[deux]]>", "<link>https://site.example/1</link>")).encode(), ("Un deux",)
    ),
    "control characters": Case(_rss(_item("Un\x08 deux\x0b trois\x00")).encode(), ("Un deux trois",)),
    "cut off in the middle": Case(
        _rss(_item("Un") + _item("Deux")).encode().replace(b"</channel></rss>", b"<item><title>Tro"), ("Un", "Deux", "")
    ),
    "a tag that is never closed": Case(
        b"<rss version='2.0'><channel><title>x</title><item><title>Un</title><item><title>Deux</title></channel></rss>",
        ("Un", "Deux"),
    ),
    "no declaration, no version": Case(
        b"<rss><channel><title>x</title><item><title>Un</title></item></channel></rss>", ("Un",)
    ),
    "a prefix that is declared nowhere": Case(_rss(_item("Un", "<media:thumb url='x'/>")).encode(), ("Un",)),
    "words before the feed": Case(
        b"Warning: mysql_connect() in /var/www/db.php on line 3\n" + _rss(_item("Un")).encode(), ("Un",)
    ),
    "words after the feed": Case(_rss(_item("Un")).encode() + b"<!-- 0.3 s --><script>x()</script>", ("Un",)),
    "two feeds in one": Case(_rss(_item("Un")).encode() + _rss(_item("Deux")).encode(), ("Un", "Deux")),
    "tags in capitals": Case(
        b"<RSS version='2.0'><CHANNEL><TITLE>x</TITLE><ITEM><TITLE>Un</TITLE></ITEM></CHANNEL></RSS>", ("Un",)
    ),
    "items outside the channel (RSS 1.0)": Case(
        b"<?xml version='1.0'?><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'"
        b" xmlns='http://purl.org/rss/1.0/'><channel rdf:about='x'><title>x</title></channel>"
        b"<item rdf:about='https://site.example/1'><title>Un</title><link>https://site.example/1</link></item></rdf:RDF>",
        ("Un",),
        links=("https://site.example/1",),
    ),
    "RSS 0.91 with Netscape's document type": Case(
        b'<?xml version="1.0"?>\n<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN"'
        b' "http://my.netscape.com/publish/formats/rss-0.91.dtd">\n'
        b"<rss version='0.91'><channel><title>x</title><item><title>Un</title></item></channel></rss>",
        ("Un",),
    ),
    "Atom with XHTML and relative links": Case(
        b"<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://site.example/blog/'><title>x</title><entry>"
        b"<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>Un <em>deux</em></div></title>"
        b"<link rel='self' href='x.atom'/><link rel='alternate' href='posts/1'/><id>tag:1</id></entry></feed>",
        ("Un deux",),
        links=("https://site.example/blog/posts/1",),
    ),
    "Atom 0.3": Case(
        b"<feed version='0.3' xmlns='http://purl.org/atom/ns#'><title>x</title><entry><title>Un</title>"
        b"<issued>2026-03-03T10:00:00Z</issued><link rel='alternate' type='text/html' href='https://site.example/1'/>"
        b"</entry></feed>",
        ("Un",),
        links=("https://site.example/1",),
        published=(MARCH,),
    ),
    # --- links and ids ---
    "relative links": Case(
        _rss(
            _item("Un", "<link>/posts/1</link>")
            + _item("Deux", "<link>posts/2</link>")
            + _item("Trois", "<link>//other.example/3</link>")
        ).encode(),
        ("Un", "Deux", "Trois"),
        links=("https://site.example/posts/1", "https://site.example/blog/posts/2", "https://other.example/3"),
    ),
    "links in CDATA with blanks and lines": Case(
        _rss(_item("Un", "<link><![CDATA[\n  https://site.example/1  \n]]></link>")).encode(),
        ("Un",),
        links=("https://site.example/1",),
    ),
    "an id where the link should be": Case(
        _rss(_item("Un", "<guid>https://site.example/1</guid>")).encode(), ("Un",), links=("https://site.example/1",)
    ),
    "links that do harm": Case(
        _rss(
            _item("Un", "<link>javascript:alert(1)</link>")
            + _item("Deux", "<link>file:///etc/passwd</link>")
            + _item("Trois", "<link>https://zoe:x@site.example/</link>")
        ).encode(),
        ("Un", "Deux", "Trois"),
        links=("", "", ""),
    ),
    "neither ids nor links": Case(_rss(_item("Un") + _item("Deux")).encode(), ("Un", "Deux"), links=("", "")),
    "one id for all": Case(
        _rss("".join(_item(one, f"<guid>0</guid><link>/{one}</link>") for one in ("a", "b"))).encode(), ("a", "b")
    ),
    "everything twice": Case(_rss(_item("Un", "<guid>1</guid>") * 2).encode(), ("Un", "Un")),
    "no titles": Case(_rss("<item><description>Un texte</description></item>").encode(), ("",)),
    # --- dates ---
    "dates in all the ways that mean one instant": Case(
        _dates(
            "Tue, 03 Mar 2026 10:00:00 GMT",
            "Tue, 3 Mar 2026 10:00:00 +0000",
            "Tue, 03 Mar 2026 11:00:00 +01:00",
            "Tue, 3 Mar 26 05:00 EST",
            "03 Mar 2026 10:00 Z",
            "Tuesday, 03 March 2026 10:00:00 UTC",
            "Tue Mar 03 10:00:00 2026",
            "2026-03-03T10:00:00Z",
            "2026-03-03T11:00:00+01:00",
            "2026-03-03T10:00:00.000Z",
            "2026-03-03 10:00:00",
            "2026/03/03 10:00:00",
            "20260303T100000Z",
            "2026-03-03T1000Z",
            "1772532000",
            "1772532000000",
            "mardi 3 mars 2026 10:00",
            "mar., 03 mars 2026 11:00:00 +0100",
            "3 mars 2026 à 10h00",
            "03/03/2026 10:00",
            "March 3, 2026 10:00 AM",
            "Di, 03 Mrz 2026 10:00:00 GMT",
            "Tue, 03 Mar 2026 10:00:00 GMT (Greenwich)",
            "  Tue,  03  Mar  2026   10:00:00   GMT ",
        ),
        tuple(str(number) for number in range(24)),
        published=(MARCH,) * 24,
    ),
    "dates that are none": Case(
        _dates("", "yesterday", "0000-00-00 00:00:00", "Tue, 99 Foo 2026", "1", "9999-99-99", "0001-01-01T00:00:00Z"),
        tuple(str(number) for number in range(7)),
        published=(None,) * 7,
    ),
    # --- what is no feed ---
    "nothing": Case(b"", trouble="empty"),
    "blanks": Case(b"\xef\xbb\xbf \n\n", trouble="empty"),
    "a web page": Case(b"<!DOCTYPE html><html><body>Bonjour</body></html>", trouble="page", type="text/html"),
    "a page that says that something went wrong": Case(
        b"<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>", trouble="page"
    ),
    "a picture": Case(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, trouble="no_feed", type="image/png"),
    "other XML": Case(b"<?xml version='1.0'?><catalog><book>x</book></catalog>", trouble="no_feed"),
    "other JSON": Case(b'{"error": "not found"}', trouble="no_feed", type="application/json"),
    "JSON that nests for ever": Case(b'{"a":' * 100_000, trouble="no_feed", type="application/json"),
    "an empty channel": Case(_rss("").encode()),
    # --- JSON Feed ---
    "a JSON Feed with numbers for ids, and a mark before it": Case(
        b"\xef\xbb\xbf"
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": [{"id": 7, "title": "Un", "url": "/1",'
        b' "content_html": "<p>Un &amp; deux</p>", "date_published": "2026-03-03T10:00:00Z"}, "no item", {"id": []}]}',
        ("Un", ""),
        type="application/feed+json",
        links=("https://site.example/1", ""),
        published=(MARCH, None),
    ),
    # --- what would do harm ---
    "a billion laughs": Case(_LAUGHS.encode(), ("&lol10;",)),
    "a billion laughs on one line": Case(_ONE_LINE.encode()),
    "one large entity many times": Case(_QUADRATIC.encode()),
    "a file and an address as entities": Case(_EXTERNAL.encode()),
    "twenty thousand nested tags": Case(
        _rss("<item><title>" + "<b>" * 20_000 + "Un</title></item>").encode(),
    ),
    "a title of a megabyte": Case(_rss(_item("x " * 500_000)).encode(), ("x " * 148 + "x…",)),
}
