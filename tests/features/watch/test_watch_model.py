"""What is taken, what is the same, what is shown when: the rules of the watch."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from esnbot.features.watch import model
from esnbot.features.watch.addresses import NoAddress, alike, given, shown
from esnbot.features.watch.model import Filter, Press, Queued, State, batch, gist, listed, may, put_off, same

# --- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://example.org/feed.xml", "https://example.org/feed.xml"),
        ("<https://example.org/feed.xml>", "https://example.org/feed.xml"),
        ("[Le fil](https://example.org/feed)", "https://example.org/feed"),
        ("example.org", "https://example.org/"),
        ("blog.example.org:8080/rss?x=1", "https://blog.example.org:8080/rss?x=1"),
        ("feed://example.org/rss", "https://example.org/rss"),
        ("feed:https://example.org/rss", "https://example.org/rss"),
        ("HTTPS://Example.ORG/Feed#top", "https://example.org/Feed"),
        ("http://[2001:db8::1]/feed", "http://[2001:db8::1]/feed"),
    ],
)
def test_an_address_is_understood_as_people_paste_it(written: str, meant: str) -> None:
    assert given(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "le fil du vélo",
        "ftp://example.org/f",
        "file:///etc/passwd",
        "https://",
        "https://a b.org/",
        "javascript:alert(1)",
        "https://[::1",
        "https://example.org:99999/",
    ],
)
def test_what_is_no_address_is_none(text: str) -> None:
    with pytest.raises(NoAddress) as refused:
        given(text)
    assert not refused.value.has_password


def test_a_password_in_an_address_is_told_apart() -> None:
    with pytest.raises(NoAddress) as refused:
        given("https://zoe:secret@example.org/feed")
    assert refused.value.has_password


@pytest.mark.parametrize(
    "link",
    [
        "https://www.example.org/texte/42",
        "http://example.org/texte/42/",
        "https://example.org/texte/42?utm_source=rss&utm_medium=feed",
        "https://example.org/texte/42#xtor=RSS-1",
        "https://m.example.org//texte/42?fbclid=abc",
        "https://example.org:443/texte/42?source=rss",
        "https://example.org/texte/42/amp",
    ],
)
def test_links_to_one_text_are_alike_however_they_are_counted(link: str) -> None:
    assert alike(link) == "example.org/texte/42"


def test_links_to_two_texts_are_not_alike() -> None:
    links = ["https://example.org/?p=1", "https://example.org/?p=2", "https://example.org/a", "https://other.org/a",
             "https://example.org/A", "https://example.org/#!/a", "https://example.org/#!/b"]  # fmt: skip
    assert len({alike(link) for link in links}) == len(links)


def test_a_link_is_shown_without_what_tracks_its_readers_and_otherwise_as_it_is() -> None:
    assert shown("https://example.org/a?b=2&utm_source=rss&a=1#xtor=RSS-3") == "https://example.org/a?b=2&a=1"
    assert shown("https://example.org/a?b=%20x#chapter") == "https://example.org/a?b=%20x#chapter"


@for_all(st.text())
def test_no_link_is_too_odd_to_be_compared(text: str) -> None:
    assert isinstance(alike(f"https://example.org/{text}"), str)
    assert isinstance(shown(f"https://example.org/?{text}"), str)


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text", "fits"),
    [
        ("vélo", "Les VELOS électriques arrivent", True),
        ("velos électrique", "Le vélo électrique de demain", True),
        ("vélo cargo", "Un cargo et un vélo", False),
        ("soudure", "Souder l'aluminium: les soudures fines", True),
        ("battery", "New batteries for old bikes", True),
        ("électr*", "L'électrification des flottes", True),
        ("élan", "L'élan des élans", True),
        ("art", "Un article sur les artisans", False),
        ("l'énergie", "Que faire de l’énergie ?", True),
        ("IA", "L'IA à l'atelier", True),
        ("IA", "Un diamant", False),
    ],
)
def test_words_fit_whatever_their_accents_and_endings(words: str, text: str, fits: bool) -> None:
    assert Filter(take=(words,)).wants(text) is fits
    assert Filter(leave=(words,)).wants(text) is not fits


def test_one_word_to_take_is_enough_and_one_to_leave_is_too() -> None:
    both = Filter(take=("vélo", "train"), leave=("publicité",))
    assert both.wants("Un train de nuit")
    assert not both.wants("Un train de nuit (publicités)")
    assert not both.wants("Un bateau")
    assert Filter().wants("")


def test_words_are_listed_with_commas_each_once() -> None:
    assert listed('vélo cargo, "Vélo Cargo"; batterie,, ') == ("vélo cargo", "batterie")
    assert listed("électr*, électr") == ("électr*", "électr")
    with pytest.raises(ValueError):
        listed(",".join(f"mot{number}" for number in range(100)))


# --- what is the same --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Le vélo cargo se fait une place en ville", "Le vélo cargo se fait une place en ville | Le Quotidien", True),
        ("Une usine de batteries ouvre à Douai", "UNE USINE DE BATTERIES OUVRE À DOUAI - Le Fil", True),
        ("Factory opens for new batteries in Douai", "In Douai, a factory opens for new batteries", True),
        ("Podcast numéro 12 : souder l'aluminium", "Podcast numéro 13 : souder l'aluminium", False),
        ("La ville de Nantes ouvre trois pistes", "La ville de Lyon ferme deux tunnels", False),
        ("Communiqué de presse", "Communiqué de presse", False),
        ("", "", False),
    ],
)
def test_titles_mean_the_same_when_they_are_much_alike_and_say_enough(one: str, other: str, is_same: bool) -> None:
    assert (same(gist(one), [(7, gist(other))]) == 7) is is_same


# --- what is shown -----------------------------------------------------------------------------------------------


def test_a_source_that_brings_much_does_not_hide_one_that_brings_little() -> None:
    flood = [Queued(number, 1, number) for number in range(1, 101)]
    rare = [Queued(500, 2, 3), Queued(501, 3, 1)]
    assert batch([*flood, *rare], 4, 3) == [500, 501, 100, 99]
    assert batch([*flood, *rare], 30, 3) == [500, 501, 100, 99, 98]


def test_what_was_put_off_comes_first_when_its_time_has_come() -> None:
    assert batch([Queued(1, 1, 50), Queued(2, 1, 40, True), Queued(3, 2, 30, True)], 2, 3) == [3, 2]


@for_all(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 50), st.booleans()), max_size=60),
    st.integers(1, 12),
    st.integers(1, 5),
)
def test_never_too_many_never_one_twice_never_nothing_when_something_waits(
    told: list[tuple[int, int, bool]], most: int, of_one: int
) -> None:
    queue = [Queued(id, *one) for id, one in enumerate(told)]
    chosen = batch(queue, most, of_one)
    assert len(chosen) == len(set(chosen)) <= most
    assert bool(chosen) is bool(queue)
    assert batch(list(reversed(queue)), most, of_one) == chosen, "whatever order they come in"


def test_what_is_put_off_comes_back_after_a_day_and_from_then_on_after_a_week() -> None:
    spans = (timedelta(days=1), timedelta(days=7))
    assert [put_off(round, spans).days for round in (1, 2, 3, 9)] == [1, 7, 7, 7]


def test_a_draft_is_the_calendars_and_everything_else_can_be_changed() -> None:
    assert not any(may(press, State.picked) for press in Press)
    assert all(may(press, State.waiting) for press in Press)
    assert may(Press.take, State.away)
    assert may(Press.take, State.expired)
    assert not may(Press.away, State.away)
    assert model.pressed("🗑") is Press.away
    assert model.pressed("👍") is None
