"""Markdown as a Matrix message: what gets through, what does not, and how it reads without HTML."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.speech import (
    Markdown,
    Message,
    bold,
    bullets,
    code,
    details,
    escape,
    link,
    mention,
    numbered,
    paragraphs,
    render,
    room_link,
    sanitise,
    table,
)


def test_one_paragraph_stands_without_its_tag() -> None:
    assert render("Hello **world**") == Message("Hello world", "Hello <strong>world</strong>")


def test_a_line_break_breaks_the_line_in_both_forms() -> None:
    message = render("one\ntwo")
    assert message.body == "one\ntwo"
    assert "<br>" in message.html


def test_the_plain_form_keeps_addresses_lists_headings_quotes_and_code() -> None:
    message = render(
        "# Title\n\n- a\n- b\n  - c\n\n3. x\n4. y\n\n> said\n\n[here](https://e.org/a) <https://e.org> `!esn help`\n\n"
        "```\nas it  stands\n```"
    )
    assert message.body == (
        "Title\n\n- a\n- b\n  - c\n\n3. x\n4. y\n\n> said\n\nhere (https://e.org/a) https://e.org `!esn help`\n\n"
        "as it  stands"
    )


def test_a_table_is_a_table_and_reads_row_by_row() -> None:
    message = render(table(["Group", "People"], [["a | b", 3], ["short"]]))
    assert "<td>a | b</td>" in message.html
    assert message.body.splitlines()[:2] == ["Group | People", "a | b | 3"]


def test_details_fold_their_content() -> None:
    inner = details("Inner", Markdown("- x"))
    message = render(paragraphs(bold("Answer"), details("More <b>", paragraphs(Markdown("- y"), inner)), "after"))
    assert message.html.count("<details>") == 2
    assert message.html.endswith("</details>\n<p>after</p>")
    assert "<summary>More &lt;b&gt;</summary>" in message.html
    assert "More <b>\n- y\n" in message.body


def test_details_that_are_never_closed_end_with_the_text() -> None:
    assert render("::: details A\nb").html == "<details>\n<summary>A</summary>\n<p>b</p>\n</details>"


def test_a_pill_is_a_link_whose_plain_form_is_the_name() -> None:
    message = render(mention("@zoe:example.org", "Zoé"))
    assert message == Message("Zoé", '<a href="https://matrix.to/#/@zoe:example.org">Zoé</a>')


def test_a_room_is_a_link_that_every_client_opens() -> None:
    message = render(room_link("!abc", "Photo", via=["one.org", "two.org"]))
    assert message.html == '<a href="https://matrix.to/#/!abc?via=one.org&amp;via=two.org">Photo</a>'
    assert message.body == "Photo (https://matrix.to/#/!abc?via=one.org&via=two.org)"


def test_lists_are_made_of_plain_values() -> None:
    assert render(bullets(["*a*", "b"])).body == "- *a*\n- b"
    assert render(numbered(["a", "b"])).body == "1. a\n2. b"


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<mx-reply>@boss:example.org said</mx-reply>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "![t](https://tracker.example/p.png)",
        "<iframe src='https://example.org'>",
        "[x]: javascript:alert(1)\n\n[x]",
        '<https://example.org/"onclick="x>',
        '[a](https://example.org "title\\" onmouseover=alert(1)")',
        '```html" onload="x\n```',
    ],
)
def test_nothing_that_runs_or_loads_gets_through(hostile: str) -> None:
    html = render(hostile).html
    tags = re.findall(r"<(/?\w+)([^>]*)>", html)
    assert {tag.strip("/") for tag, _ in tags} <= {"a", "p", "br", "code", "pre", "img"}
    for _, attributes in tags:
        assert re.fullmatch(r'(\s(href="(https?|mailto):[^"]*"|class="language-[\w-]+"))*', attributes), html


def test_an_image_of_the_homeserver_stays_an_image() -> None:
    assert render("![cat](mxc://example.org/abc)").html == '<img src="mxc://example.org/abc" alt="cat">'


def test_html_from_elsewhere_is_cleaned_to_what_matrix_allows() -> None:
    dirty = (
        '<mx-reply>x</mx-reply><b onclick="x">b</b><script>s</script><span data-mx-spoiler="">s</span><font>f</font>'
    )
    assert sanitise(dirty) == '<b>b</b><span data-mx-spoiler="">s</span>f'


@pytest.mark.parametrize(
    "text", ["@room look", "@ROOM", "look (@room)", "`@room`", "<@room>", "[@room](https://e.org)"]
)
def test_nobody_is_called_with_at_room(text: str) -> None:
    message = render(text)
    assert "@room" not in message.body.lower()
    assert "@room" not in message.html.lower()


def test_overrides_of_the_reading_direction_and_controls_are_taken_out() -> None:
    message = render("file\u202egnp.exe \u2066x\u2069 \x00\x1b[31m \ud800")
    assert message.body == "filegnp.exe x [31m"


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        ">",
        "*a ",
        "[a](",
        "- ",
        "*",
        "![[",
        "<a ",
        ":::: details x\n",
        "[a][b]",
        "~~a",
        "|a",
        "(\n",
        "_a*",
        "1. ",
        "`a``",
        *["&", "\\", "<!--", "a\n===\n", "    x\n", "```\n", "](", "\n\n", "> - 1. "],
    ],
)
def test_a_huge_or_deeply_nested_text_takes_no_time(unit: str) -> None:
    text = (unit * (60_000 // len(unit)))[:60_000]
    start = time.process_time()
    render(text)
    # Half a second is usual at most here; quadratic time would be minutes.
    assert time.process_time() - start < 10


def test_what_no_event_can_hold_is_shown_without_being_parsed() -> None:
    message = render("<b>**x** " * 20_000)
    assert message.html.startswith("&lt;b&gt;**x** ")


NAMES = [
    "<b>",
    "@room",
    "[x](y)",
    "*a*",
    "_b_",
    "`c`",
    "# d",
    "- e",
    "1. f",
    "> g",
    "a|b",
    "~~h~~",
    "&amp;",
    "\\i",
    "{name}",
]


@pytest.mark.parametrize("name", [*NAMES, "![x](mxc://a/b)", "::: details x", "http://e.org", "<https://e.org>", "a\\"])
def test_a_plain_value_is_shown_literally(name: str) -> None:
    for text in (escape(name), f"Group {escape(name)} made", bullets([name]), table([name], [[name]]), bold(name)):
        assert name in render(text).body.replace("\u2060", "")


@given(st.text(max_size=60))
def test_any_plain_value_comes_out_as_it_went_in_on_one_line(value: str) -> None:
    shown = render("a" + escape(value) + "z").body.replace("\u2060", "")
    kept = "".join(char for char in value if char.isprintable() or char.isspace())
    assert (
        "".join(char for char in shown if char.isprintable()).replace(" ", "") == "a" + re.sub(r"[\s]", "", kept) + "z"
    )
    assert "\n" not in shown


@given(st.text(max_size=60))
def test_any_text_survives_as_code_and_in_a_link(value: str) -> None:
    assert render(f"a {code(value)} z").html.count("<code>") <= 1
    html = render(link(value, "https://example.org/" + value)).html
    assert not html or html.startswith('<a href="https://example.org/')


@given(st.text(alphabet="[]()*_`~<>|#-+.!:&\\ \n1ab", max_size=200))
def test_any_markdown_gives_balanced_html(text: str) -> None:
    open_tags: list[str] = []
    for closing, tag in re.findall(r"<(/?)(\w+)[^>]*>", render(text).html):
        if tag in ("br", "hr", "img"):
            continue
        if closing:
            assert open_tags.pop() == tag
        else:
            open_tags.append(tag)
    assert open_tags == []
