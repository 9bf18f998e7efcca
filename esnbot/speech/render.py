"""Markdown to what a Matrix message carries: safe HTML, and plain text that reads well where no HTML is shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape as escape_html

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from esnbot.speech.markup import clean
from esnbot.speech.plain import plain_text

LONGEST = 60_000
"""Characters; an event holds 65,536 bytes. Longer texts are not parsed, and shown as they are."""

# Matrix specification, client-server API, m.room.message msgtypes: the tags and attributes that clients show.
_TAGS = (
    "del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em s code hr br div table thead tbody tr th td "
    "caption pre span img details summary"
)
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),
    "a": {"href"},
    "ol": {"start"},
    "code": {"class"},
    "img": {"src", "alt", "title", "width", "height"},
    "span": {"data-mx-bg-color", "data-mx-color", "data-mx-spoiler"},
}
_SCHEMES = {"https", "http", "mailto", "matrix", "mxc"}
_DETAILS = re.compile(r"(:{3,}) details (.+)$")
_SINGLE_PARAGRAPH = re.compile(r"<p>((?:(?!</?p>).)*)</p>\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """One message in its two forms."""

    body: str
    html: str


def render(markdown: str) -> Message:
    """Markdown as a message. Raw HTML in it is shown as text; nothing that runs, loads or pings survives."""
    text = clean(markdown).strip()
    if len(text) > LONGEST:
        return Message(text, escape_html(text, quote=False).replace("\n", "<br>"))
    parser = _parser()
    tokens = parser.parse(text)
    html = sanitise(parser.renderer.render(tokens, parser.options, {})).strip()
    single = _SINGLE_PARAGRAPH.match(html)
    return Message(plain_text(tokens), single[1] if single else html)


def sanitise(html: str) -> str:
    """HTML with only what Matrix clients may show."""
    return nh3.clean(
        html,
        tags=set(_TAGS.split()),
        clean_content_tags={"script", "style", "mx-reply"},
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=_SCHEMES,
        link_rel=None,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Images come from the homeserver only; a class names a programming language only."""
    if tag == "img" and name == "src":
        return value if value.startswith("mxc://") else None
    if tag == "code" and name == "class":
        return value if re.fullmatch(r"language-[\w+#-]{1,30}", value) else None
    return value


@cache
def _parser() -> MarkdownIt:
    """CommonMark without raw HTML, with tables, strike-through and foldable details; a line break breaks the line."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 20})
    parser.enable(["table", "strikethrough"])
    parser.block.ruler.before("fence", "details", _details, {"alt": ["paragraph", "blockquote", "list"]})
    parser.add_render_rule("image", _image)
    return parser


def _image(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:  # the shape that add_render_rule asks for
    """An image of the homeserver as an image, any other as a link: clients do not load it, and neither should they."""
    token = tokens[index]
    source = str(token.attrs.get("src", ""))
    alt = escape_html(token.content or source)
    if source.startswith("mxc://"):
        return f'<img src="{escape_html(source)}" alt="{alt}">'
    return f'<a href="{escape_html(source)}">{alt}</a>'


def _details(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The block `::: details SUMMARY`, up to a line with the same colons or the end."""
    if state.is_code_block(start):
        return False
    opening = _DETAILS.match(_line(state, start))
    if opening is None:
        return False
    if silent:
        return True
    last = next((line for line in range(start + 1, end) if _line(state, line).rstrip() == opening[1]), end)
    state.push("details_open", "details", 1).block = True
    state.push("summary_open", "summary", 1)
    summary = state.push("inline", "", 0)
    summary.content, summary.children, summary.map = opening[2].strip(), [], [start, start + 1]
    state.push("summary_close", "summary", -1)
    outer_parent, outer_end = state.parentType, state.lineMax
    state.parentType, state.lineMax = "details", last
    state.md.block.tokenize(state, start + 1, last)
    state.parentType, state.lineMax = outer_parent, outer_end
    state.push("details_close", "details", -1).block = True
    state.line = min(last + 1, end)
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
