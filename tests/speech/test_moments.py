"""Dates as people say them, in French and in English."""

import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.speech import MomentError, MomentPassed, NotAMoment, NotASpan, WrongWeekday, parse_moment, parse_span

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=PARIS)  # a Tuesday

PHRASES = [
    ("mardi prochain 10h", "2026-12-01 10:00"),
    ("demain 9h30", "2026-11-25 09:30"),
    ("lundi à midi", "2026-11-30 12:00"),
    ("dans deux heures", "2026-11-24 12:00"),
    ("le 3 mars à 14h", "2027-03-03 14:00"),
    ("le 3 mars à 14 h", "2027-03-03 14:00"),
    ("vendredi", "2026-11-27 09:00"),
    ("vendredi prochain", "2026-11-27 09:00"),
    ("lundi", "2026-11-30 09:00"),
    ("mardi", "2026-12-01 09:00"),
    ("sam 10h", "2026-11-28 10:00"),
    ("mardi en huit à 10h", "2026-12-08 10:00"),
    ("lundi de la semaine prochaine", "2026-11-30 09:00"),
    ("mercredi de la semaine prochaine à 15h", "2026-12-02 15:00"),
    ("la semaine prochaine", "2026-11-30 09:00"),
    ("pour vendredi 16h", "2026-11-27 16:00"),
    ("vendredi après-midi à 3h", "2026-11-27 15:00"),
    ("demain matin", "2026-11-25 09:00"),
    ("demain soir", "2026-11-25 18:00"),
    ("demain à 9", "2026-11-25 09:00"),
    ("ce soir", "2026-11-24 18:00"),
    ("ce soir à 20h", "2026-11-24 20:00"),
    ("cet après-midi", "2026-11-24 14:00"),
    ("8h du soir", "2026-11-24 20:00"),
    ("aujourd’hui à 18h", "2026-11-24 18:00"),
    ("aujourd'hui 18:00", "2026-11-24 18:00"),
    ("après-demain", "2026-11-26 09:00"),
    ("après-demain à midi et demi", "2026-11-26 12:30"),
    ("à midi", "2026-11-24 12:00"),
    ("minuit", "2026-11-25 00:00"),
    ("9h", "2026-11-25 09:00"),
    ("à 14 h 30", "2026-11-24 14:30"),
    ("dix heures et demie", "2026-11-24 10:30"),
    ("midi et quart", "2026-11-24 12:15"),
    ("dans une demi-heure", "2026-11-24 10:30"),
    ("dans un quart d'heure", "2026-11-24 10:15"),
    ("dans 1h30", "2026-11-24 11:30"),
    ("dans une heure et demie", "2026-11-24 11:30"),
    ("dans 90 min", "2026-11-24 11:30"),
    ("dans 3 jours", "2026-11-27 10:00"),
    ("dans 2 jours à 10h", "2026-11-26 10:00"),
    ("dans quinze jours", "2026-12-09 10:00"),
    ("dans un mois", "2026-12-24 10:00"),
    ("lundi 30 novembre à 18h", "2026-11-30 18:00"),
    ("Vendredi 27 novembre à neuf heures", "2026-11-27 09:00"),
    ("le premier mars à 8 heures", "2027-03-01 08:00"),
    ("1er mars 2027", "2027-03-01 09:00"),
    ("3 mars prochain", "2027-03-03 09:00"),
    ("12 déc. 18h", "2026-12-12 18:00"),
    ("le 14 juillet 2027 à 8 h 05", "2027-07-14 08:05"),
    ("29 février", "2028-02-29 09:00"),
    ("le 31", "2026-12-31 09:00"),
    ("le 3", "2026-12-03 09:00"),
    ("02/03 14h", "2027-03-02 14:00"),
    ("30/11/2026 8:00", "2026-11-30 08:00"),
    ("maintenant", "2026-11-24 10:00"),
    ("next tuesday 10am", "2026-12-01 10:00"),
    ("tomorrow 9am", "2026-11-25 09:00"),
    ("Tomorrow at 9", "2026-11-25 09:00"),
    ("in 2 hours", "2026-11-24 12:00"),
    ("in half an hour", "2026-11-24 10:30"),
    ("in 3 days at 9am", "2026-11-27 09:00"),
    ("in a week", "2026-12-01 10:00"),
    ("tonight at 8", "2026-11-24 20:00"),
    ("friday evening", "2026-11-27 18:00"),
    ("on friday at noon", "2026-11-27 12:00"),
    ("thu 5pm", "2026-11-26 17:00"),
    ("monday next week at 9", "2026-11-30 09:00"),
    ("the day after tomorrow 9:30", "2026-11-26 09:30"),
    ("half past nine tomorrow", "2026-11-25 09:30"),
    ("quarter to ten", "2026-11-25 09:45"),
    ("10 o'clock", "2026-11-24 10:00"),
    ("March 3rd, 2027 at 5 pm", "2027-03-03 17:00"),
    ("3 March 14:00", "2027-03-03 14:00"),
    ("Dec 12 6:30pm", "2026-12-12 18:30"),
    ("the 15th at 10am", "2026-12-15 10:00"),
    ("12 am", "2026-11-25 00:00"),
    ("2026-12-01 10:00", "2026-12-01 10:00"),
    ("2026-12-01T10:00", "2026-12-01 10:00"),
    ("2026-12-01T10:00Z", "2026-12-01 11:00"),
    ("2026-12-01", "2026-12-01 09:00"),
]


@pytest.mark.parametrize(("phrase", "expected"), PHRASES)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_phrase_means_the_same_instant_whichever_language_its_author_has_chosen(
    phrase: str, expected: str, language: str
) -> None:
    found = parse_moment(phrase, language, NOW, PARIS)
    assert f"{found:%Y-%m-%d %H:%M}" == expected
    assert found.tzinfo is PARIS


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "chat",
            "ok",
            "10",
            "25:00",
            "demain 25h",
            "31/02",
            "le 32",
            "bonjour à tous",
            "project 3 alpha",
            "13 am",
        ],
        *["dans 99999999 ans", "le club photo 3", "2026-13-01", "je ne sais pas", "demain hier", "x" * 5_000, "dans"],
    ],
)
def test_what_is_no_date_is_refused_with_examples(text: str) -> None:
    with pytest.raises(NotAMoment) as refusal:
        parse_moment(text, "fr", NOW, PARIS)
    assert "demain à 9h30" in refusal.value.examples


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_example_shown_in_a_refusal_is_understood(language: str) -> None:
    with pytest.raises(NotAMoment) as refusal:
        parse_moment("?", language, NOW, PARIS)
    for example in refusal.value.examples:
        assert parse_moment(example, language, NOW, PARIS) > NOW


@pytest.mark.parametrize("text", ["hier", "yesterday 10am", "2026-11-24 09:59", "24 novembre 8h", "last monday"])
def test_the_past_is_refused_unless_it_is_asked_for(text: str) -> None:
    with pytest.raises(MomentPassed):
        parse_moment(text, "fr", NOW, PARIS)
    assert parse_moment(text, "fr", NOW, PARIS, past=True) < NOW


def test_a_weekday_that_is_not_that_dates_is_pointed_out() -> None:
    with pytest.raises(WrongWeekday):
        parse_moment("mardi 27 novembre", "fr", NOW, PARIS)


def test_a_time_that_the_clock_change_skips_moves_forward() -> None:
    before = datetime(2027, 3, 27, 10, 0, tzinfo=PARIS)
    assert parse_moment("demain 2h30", "fr", before, PARIS) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert parse_moment("demain 2h30", "fr", before, PARIS).hour == 3


def test_a_time_that_the_clock_change_repeats_is_the_first_of_the_two() -> None:
    before = datetime(2026, 10, 24, 10, 0, tzinfo=PARIS)
    # In UTC, since two zones compare such a time as unequal to anything (PEP 495).
    assert parse_moment("demain 2h30", "fr", before, PARIS).astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_hours_pass_on_the_clock_and_days_on_the_calendar_across_a_clock_change() -> None:
    evening = datetime(2027, 3, 27, 20, 0, tzinfo=PARIS)
    assert parse_moment("dans 24 heures", "fr", evening, PARIS).hour == 21
    assert parse_moment("dans un jour", "fr", evening, PARIS).hour == 20


def test_the_zone_decides_which_day_it_is() -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert parse_moment("demain 9h", "fr", late, PARIS).date().isoformat() == "2026-11-26"
    assert parse_moment("demain 9h", "fr", late, ZoneInfo("America/Montreal")).date().isoformat() == "2026-11-25"


@given(st.text(max_size=120))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with suppress(MomentError):
        assert parse_moment(text, "fr", NOW, PARIS, past=True).tzinfo is not None


WORDS = "lundi demain midi dans le à 10h 3 mars heures en huit next at 9 am 12/13 soir 31 et demie une jours 2h"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=7))
def test_no_heap_of_date_words_does_more_than_be_refused(heap: list[str]) -> None:
    with suppress(MomentError):
        assert parse_moment(" ".join(heap), "fr", NOW, PARIS) >= NOW


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        *[
            ("2h", 120),
            ("1h30", 90),
            ("1 h 30", 90),
            ("30 minutes", 30),
            ("une heure et demie", 90),
            ("2 weeks", 20_160),
        ],
        *[("trois jours", 4_320), ("half an hour", 30), ("1 jour et 2 heures", 1_560), ("for 2 days", 2_880)],
    ],
)
def test_a_span_is_read_in_both_languages(text: str, minutes: int) -> None:
    assert parse_span(text, "en") == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "90", "longtemps", "3 mois", "2h de plus"])
def test_what_is_no_span_is_refused_with_examples(text: str) -> None:
    with pytest.raises(NotASpan) as refusal:
        parse_span(text, "fr")
    for example in refusal.value.examples:
        assert parse_span(example, "fr")


def test_the_slow_library_is_imported_only_when_a_month_has_a_name() -> None:
    program = (
        "import sys; from datetime import datetime, UTC; from esnbot.speech import parse_moment\n"
        "now = datetime(2026, 11, 24, tzinfo=UTC)\n"
        "parse_moment('mardi prochain 10h', 'fr', now, UTC); assert 'dateparser' not in sys.modules\n"
        "parse_moment('3 mars', 'fr', now, UTC); assert 'dateparser' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
