"""What a note is made of: titles, tags, quotes, emoji."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from esnbot.community.group import Kind
from esnbot.features.note import model
from esnbot.features.note.model import Problem, Said, Unusable, Written
from esnbot.speech import render

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "title", "words", "tags"),
    [
        ("The printer code is 4711", "The printer code is 4711", "", ()),
        ("Printer\nThe code is 4711.", "Printer", "The code is 4711.", ()),
        ('"How we print" The code is 4711.', "How we print", "The code is 4711.", ()),
        ("« Imprimer »\nLe code est 4711.", "Imprimer", "Le code est 4711.", ()),
        ("Printer #Office\nThe code.\n\n#codes #paper", "Printer", "The code.", ("office", "codes", "paper")),
        ("Torque\n#frames\n\nSix newton metres.", "Torque", "Six newton metres.", ("frames",)),
        ("#office", "office", "", ("office",)),
        ("The #code of room #12", "The #code of room #12", "", ("code",)),
        ("See #café:example.org and https://x.org/#top", "See #café:example.org and https://x.org/#top", "", ()),
        ("Loops\n```\n#include <stdio.h>\n```", "Loops", "```\n#include <stdio.h>\n```", ()),
        ("Été\n#Été #ete #ÉTÉ", "Été", "", ("été",)),
        ("عنوان\nنص #وسم هنا", "عنوان", "نص #وسم هنا", ("وسم",)),
    ],
)
def test_a_note_is_a_title_a_text_and_tags(text: str, title: str, words: str, tags: tuple[str, ...]) -> None:
    assert model.written(text) == Written(title, words, tags)


def test_one_long_line_is_a_text_that_gets_a_title() -> None:
    line = "We order the drills from Martin because they come the next day and he takes them back without a word. " * 3
    found = model.written(line)
    assert found.words == line.strip()
    assert found.title.startswith("We order the drills from Martin")
    assert len(found.title) <= model.DERIVED_TITLE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("t" * 10_000 + "\nText", Problem.title),
        ("Title\n" + "x" * 40_000, Problem.text),
        ("Title\n" + " ".join(f"#tag{n}" for n in range(50)), Problem.tags),
        ("Title " + " ".join(f"#tag{n}" for n in range(50)) + "\nText", Problem.tags),
        ("Title #" + "a" * 300 + "\nText", Problem.tag),
        ("Title\n#" + "x" * 100, Problem.tag),
    ],
)
def test_what_is_too_much_is_refused(text: str, problem: Problem) -> None:
    with pytest.raises(Unusable) as raised:
        model.written(text)
    assert raised.value.problem is problem


def test_a_million_tags_take_no_time() -> None:
    assert len(model.tags_in("#a" * 1_000_000)) == 0
    assert len(model.tags_in(" ".join(f"#tag{n}" for n in range(200_000)))) == model.MOST_TAGS + 1


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("The hall is booked by phone. Ask for Rosa.", "The hall is booked by phone"),
        ("# How to\n\ntext", "How to"),
        ("> a quote\nand more", "a quote"),
        ("- [the form](https://example.org/form) is here", "the form is here"),
        ("**Careful**: it is hot", "Careful: it is hot"),
        ("🎉", "🎉"),
    ],
)
def test_a_title_is_made_of_the_first_words(text: str, title: str) -> None:
    assert model.title_of(text) == title


def test_a_thread_is_quoted_by_author_and_says_nothing_twice() -> None:
    said = [
        Said("$1", "@zoe:x", NOW, "Which drill?"),
        Said("$2", "@ali:x", NOW, "The blue one.\nIt is light."),
        Said("$3", "@ali:x", NOW, "The blue one.\nIt is light."),
        Said("$4", "@ali:x", NOW, "<b>And</b> cheap."),
    ]
    quoted = model.quotes(said, {"@zoe:x": "Zoé", "@ali:x": "Ali *the* man"})
    message = render(quoted)
    assert quoted.count("The blue one.") == 1
    assert message.html.count("<blockquote>") == 2
    assert "<strong>Zoé</strong>" in message.html
    assert "Ali *the* man" in message.html
    assert "<script" not in render(model.quotes([Said("$1", "@a:x", NOW, "<script>x</script>")], {})).html


def test_replies_are_kept_without_what_they_quote_and_files_by_their_name() -> None:
    reply = {
        "msgtype": "m.text",
        "body": "> <@zoe:x> Which?\n\nThe blue one.",
        "m.relates_to": {"m.in_reply_to": {"event_id": "$1"}},
    }
    assert model.text_of(reply) == "The blue one."
    assert model.text_of({"msgtype": "m.file", "body": "plan.pdf"}) == "📎 plan\\.pdf"
    assert model.text_of({"msgtype": "m.location", "body": "here"}) == ""
    assert model.text_of({"msgtype": "m.text", "body": 5}) == ""
    assert model.edited({"body": "a"}, {"m.new_content": {"body": "b"}})["body"] == "b"


@pytest.mark.parametrize(("text", "emoji"), [("🔖", "🔖"), (" 📌\ufe0f ", "📌"), ("👩‍🔬", "👩‍🔬")])
def test_an_emoji_is_chosen(text: str, emoji: str) -> None:
    assert model.proper_emoji(text) == emoji


@pytest.mark.parametrize("text", ["", "x", "✅", "✏️", "1️⃣", "keep", "🔖" * 50, "a🔖", "<b>"])
def test_what_is_no_emoji_or_a_button_is_not(text: str) -> None:
    assert model.proper_emoji(text) is None


def test_notes_grow_old_as_declared_for_their_kind_of_group() -> None:
    usual, by_kind = timedelta(days=180), {Kind.help: timedelta(days=30)}
    assert model.holds_for(Kind.help, usual, by_kind) == timedelta(days=30)
    assert model.holds_for(Kind.hobby, usual, by_kind) == usual
    assert model.is_old(NOW, NOW + usual, usual)
    assert not model.is_old(NOW, NOW + timedelta(days=179), usual)
