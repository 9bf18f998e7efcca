"""One language as the bot speaks it."""

import logging
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from esnbot.speech import (
    CatalogueError,
    Markdown,
    MissingPlaceholder,
    Speech,
    UnknownLanguage,
    Voice,
    bold,
    later,
    later_plural,
    render,
)

HEAD = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
)
NB = "\u00a0"
PARIS = ZoneInfo("Europe/Paris")


def catalogue(folder: Path, **texts: str) -> Path:
    """A `texts` folder with a French catalogue of these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fr.po").write_text(HEAD + "\n".join(texts.values()), encoding="utf-8")
    return folder


@pytest.fixture
def speech(tmp_path: Path) -> Speech:
    """A community with a few sentences of two features."""
    one = catalogue(
        tmp_path / "one",
        made='msgid "The group {name} is made"\nmsgstr "Le groupe {name} est créé"\n',
        people='msgid "{n} person"\nmsgid_plural "{n} people"\nmsgstr[0] "{n} personne"\nmsgstr[1] "{n} personnes"\n',
    )
    two = catalogue(
        tmp_path / "two",
        broken='msgid "Hello {name}"\nmsgstr "Bonjour {nom}"\n',
        unsure='#, fuzzy\nmsgid "Good night"\nmsgstr "Bonjour"\n',
        whose='msgid "Owners of {group} want {other}"\nmsgstr "Propriétaires de **{group}**, que {other} attend"\n',
        brace='msgid "{{literal}} {x}"\nmsgstr "{{littéral}} {x}"\n',
    )
    return Speech([one, two])


def test_a_sentence_is_said_in_each_language(speech: Speech) -> None:
    assert speech.voice("fr").say("The group {name} is made", name="Photo") == "Le groupe Photo est créé"
    assert speech.voice("en").say("The group {name} is made", name="Photo") == "The group Photo is made"


def test_a_value_is_shown_literally_unless_it_is_markdown_already(speech: Speech) -> None:
    voice = speech.voice("en")
    assert render(voice.say("Hello {name}", name="**<b>**")).body == "Hello **<b>**"
    assert render(voice.say("Hello {name}", name=bold("Zoé"))).html == "Hello <strong>Zoé</strong>"
    assert render(voice.say("Hello {name}", name="{other}")).body == "Hello {other}"


@pytest.mark.parametrize(
    ("group", "other", "said"),
    [
        ("Entraide", "Alex", "Propriétaires d’**Entraide**, qu’Alex attend"),
        ("Club photo", "Zoé", "Propriétaires de **Club photo**, que Zoé attend"),
        ("État civil", bold("Élise"), "Propriétaires d’**État civil**, qu’**Élise** attend"),
        ("Handball", Markdown("[Æon](<https://x.example>)"), "Propriétaires de **Handball**, qu’[Æon]("),
    ],
)
def test_french_elides_before_names_that_begin_with_a_vowel(speech: Speech, group: str, other: str, said: str) -> None:
    assert speech.voice("fr").say("Owners of {group} want {other}", group=group, other=other).startswith(said)
    assert "of Entraide" in speech.voice("en").say("Owners of {group} want {other}", group="Entraide", other=other)


def test_the_plural_follows_the_language(speech: Speech) -> None:
    say = [
        (voice.plural("{n} person", "{n} people", n)) for voice in map(speech.voice, ("fr", "en")) for n in (0, 1, 2)
    ]
    assert say == ["0 personne", "1 personne", "2 personnes", "0 people", "1 person", "2 people"]


def test_a_sentence_without_translation_is_said_in_english(speech: Speech) -> None:
    assert speech.voice("fr").say("Never translated {x}", x=1) == "Never translated 1"
    assert speech.voice("fr").say("Good night") == "Good night"


def test_double_braces_are_braces(speech: Speech) -> None:
    assert speech.voice("fr").say("{{literal}} {x}", x=1) == "{littéral} 1"


def test_a_translation_that_cannot_be_filled_gives_way_to_english(speech: Speech) -> None:
    assert speech.voice("fr").say("Hello {name}", name="Zoé") == "Hello Zoé"


def test_a_forgotten_value_is_an_error_in_tests_and_a_gap_with_a_line_in_the_log_at_run_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(MissingPlaceholder):
        Speech(strict=True).voice("en").say("Hello {name}")
    with caplog.at_level(logging.ERROR):
        assert Speech().voice("en").say("Hello {name}") == "Hello …"
    assert "name" in caplog.text


def test_an_unknown_language_is_an_error_in_tests_and_english_at_run_time() -> None:
    with pytest.raises(UnknownLanguage):
        Speech(strict=True).voice("tlh")
    assert Speech().voice("tlh").language == "en"


def test_the_default_language_is_the_communitys() -> None:
    assert Speech(default="en").voice().language == "en"
    assert Speech().voice(None).language == "fr"
    assert Speech().voice("fr-CA").language == "fr"


def test_a_sentence_can_be_kept_until_the_language_is_known(speech: Speech) -> None:
    kept = later("The group {name} is made", name="a*b")
    counted = later_plural("{n} person", "{n} people", 2)
    assert speech.voice("fr").say(kept) == r"Le groupe a\*b est créé"
    assert speech.voice("fr").say("{what}, {who}", what=kept, who=counted) == r"Le groupe a\*b est créé, 2 personnes"
    assert str(kept) == "The group {name} is made"


def test_the_core_speaks_french_without_any_feature() -> None:
    when = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    assert Speech().voice("fr").moment(when, PARIS) == f"mardi 1er décembre 2026 à 10{NB}h{NB}30"
    assert Speech().voice("en").moment(when, PARIS) == "Tuesday 1 December 2026 at 10:30"


def test_a_near_moment_is_said_as_seen_from_now() -> None:
    now = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # already December in Paris
    voice = Speech().voice("fr")
    assert voice.moment(now + timedelta(hours=9), PARIS, now) == f"aujourd’hui à 9{NB}h{NB}30"
    assert voice.moment(now + timedelta(days=1, hours=9), PARIS, now) == f"demain à 9{NB}h{NB}30"
    assert voice.moment(now + timedelta(days=2, minutes=30), PARIS, now) == f"jeudi 3 décembre à 1{NB}h"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", ["1er janvier 2027", "14\u00a0h", "1\u202f234,5", "a, b et c", "a ou b", "«\u00a0x\u00a0»"]),
        ("en", ["1 January 2027", "14:00", "1,234.5", "a, b and c", "a or b", "“x”"]),
    ],
)
def test_dates_times_numbers_lists_and_quotations_are_set_as_the_language_has_it(
    language: str, said: list[str]
) -> None:
    voice = Speech().voice(language)
    assert said == [
        voice.date(date(2027, 1, 1), weekday=False),
        voice.time(time(14)),
        voice.number(1234.5),
        voice.list("abc"),
        voice.list("ab", either=True),
        voice.quote("x"),
    ]


def test_a_list_of_nothing_is_empty() -> None:
    assert Speech().voice("fr").list([]) == ""


@pytest.mark.parametrize(
    ("minutes", "french", "english"),
    [
        (0, "0 seconde", "0 seconds"),
        (1, "1 minute", "1 minute"),
        (90, "1 heure et 30 minutes", "1 hour and 30 minutes"),
        (2_885, "2 jours", "2 days"),
        (1_500, "1 jour et 1 heure", "1 day and 1 hour"),
    ],
)
def test_a_duration_is_said_with_its_two_greatest_units(minutes: int, french: str, english: str) -> None:
    span = timedelta(minutes=minutes)
    assert Speech().voice("fr").duration(span).replace(NB, " ") == french
    assert Speech().voice("en").duration(span) == english


def test_the_distance_from_now_is_said_with_its_direction() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert Speech().voice("fr").relative(now + timedelta(days=3), now).replace(NB, " ") == "dans 3 jours"
    assert Speech().voice("en").relative(now - timedelta(hours=2), now) == "2 hours ago"


def test_spans_among_the_values_are_said() -> None:
    wait = later("Wait {span}", span=timedelta(hours=5))
    assert (Voice("fr").say(wait), Voice("en").say(wait)) == (f"Wait 5{NB}heures", "Wait 5 hours")


def test_numbers_among_the_values_are_set_as_the_language_has_it() -> None:
    assert Voice("fr").say("{a} {b} {c}", a=12345, b=True, c="1.5") == "12\u202f345 True 1\\.5"


def test_a_broken_catalogue_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "fr.po").write_text('msgid "x"\nmsgid "y"', encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"fr\.po"):
        Speech([folder]).voice("fr")


def test_a_feature_without_catalogue_is_no_trouble(tmp_path: Path) -> None:
    assert isinstance(Speech([tmp_path / "none"]).voice("fr").say("x"), Markdown)
