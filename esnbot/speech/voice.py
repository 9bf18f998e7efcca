"""One language as the bot speaks it."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal
from babel.support import NullTranslations
from babel.units import format_unit

from esnbot.speech.errors import MissingPlaceholder
from esnbot.speech.later import Later, Quoted, later
from esnbot.speech.markup import Markdown, escape
from esnbot.speech.typography import NBSP

log = logging.getLogger(__name__)

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([a-z_][a-z0-9_]*)\}")
_ELIDED = re.compile(r"\b([Dd]|[Qq]u)e (\*{0,2})\Z")
# With what makes it bold or a link before it. An 'h' may be an aspirate one, which nobody can know of a name.
_BEGINS_WITH_A_VOWEL = re.compile(r"(?:\*\*|\[)*[aàâäæeéèêëiîïoôöœuùûü]", re.IGNORECASE)
# British English: this is software for Europe, with 24 hours and the day before the month.
_LOCALES = {"en": "en_GB"}
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def placeholders(text: str) -> frozenset[str]:
    """The names in `{braces}`."""
    return frozenset(match[1] for match in PLACEHOLDER.finditer(text) if match[1])


def _filled_in_french(text: str, value: Callable[[re.Match[str]], str]) -> str:
    """A sentence with its values, and 'd’Entraide' where it would say 'de Entraide'."""
    said, end = "", 0
    for match in PLACEHOLDER.finditer(text):
        said += text[end : match.start()]
        put = value(match)
        if match[1] and _BEGINS_WITH_A_VOWEL.match(put):
            said = _ELIDED.sub(r"\1’\2", said)
        said, end = said + put, match.end()
    return said + text[end:]


class Voice:
    """Says sentences, dates, numbers and lists in one language, as `Markdown`; plain values are escaped."""

    def __init__(self, language: str, translations: NullTranslations | None = None, *, strict: bool = False) -> None:
        self.language = language
        self._locale = Locale.parse(_LOCALES.get(language, language))
        self._translations = translations or NullTranslations()
        self._strict = strict

    def __repr__(self) -> str:
        return f"Voice({self.language!r})"

    def say(self, text: str | Later, /, **values: object) -> Markdown:
        """A sentence by its English id, with its `{placeholders}` filled in.

        Raises MissingPlaceholder in strict mode (tests); else a translation that cannot be filled gives way to English.
        """
        if isinstance(text, Later):
            return self._say_later(text, values)
        return self._fill(str(self._translations.ugettext(text)), text, values)

    def plural(self, one: str, many: str, n: int, /, **values: object) -> Markdown:
        """A sentence with a number in it, which is `{n}` unless the caller names it otherwise."""
        english = one if n == 1 else many
        return self._fill(str(self._translations.ungettext(one, many, n)), english, {"n": n, **values})

    def _say_later(self, text: Later, values: Mapping[str, object]) -> Markdown:
        everything = {**dict(text.values), **values}
        if text.many is not None:
            return self.plural(text.text, text.many, text.n, **everything)
        return self.say(text.text, **everything)

    def _fill(self, text: str, english: str, values: Mapping[str, object]) -> Markdown:
        missing = placeholders(text) - values.keys()
        if missing:
            if self._strict or placeholders(english) - values.keys():
                problem = f"no value for {', '.join(sorted(missing))} in {text!r}"
                if self._strict:
                    raise MissingPlaceholder(problem)
                log.error("speech: %s", problem)
            text = english

        def value(match: re.Match[str]) -> str:
            if not match[1]:
                return match[0][0]
            return self.plain(values[match[1]]) if match[1] in values else "…"

        if self.language == "fr":
            return Markdown(_filled_in_french(text, value))
        return Markdown(PLACEHOLDER.sub(value, text))

    def plain(self, value: object) -> Markdown:
        """Any value as Markdown in this language: numbers and spans set, sentences said, the rest escaped."""
        if isinstance(value, Later):
            return self.say(value)
        if isinstance(value, Quoted):
            return self.quote(str(value))
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return self.number(value)
        if isinstance(value, timedelta):
            return self.duration(value)
        return escape(value)

    def number(self, value: int | float | Decimal) -> Markdown:
        """A number with the language's separators."""
        return Markdown(format_decimal(value, locale=self._locale))

    def list(self, items: Iterable[object], *, either: bool = False) -> Markdown:
        """'a, b and c', or with `either` 'a, b or c'; '' for none."""
        return Markdown(format_list([*map(self.plain, items)], "or" if either else "standard", locale=self._locale))

    def quote(self, value: object) -> Markdown:
        """The value in quotation marks."""
        text = self.plain(value)
        return Markdown(f"«{NBSP}{text}{NBSP}»" if self.language == "fr" else f"“{text}”")

    def date(self, day: date, today: date | None = None, *, weekday: bool = True) -> Markdown:
        """'Tuesday 1 December 2026'; with `today`, near days are 'today' or 'tomorrow' and this year is not named."""
        near = {-1: later("yesterday"), 0: later("today"), 1: later("tomorrow")}
        if today is not None and (day - today).days in near:
            return self.say(near[(day - today).days])
        pattern = (
            ("EEEE " if weekday else "") + "d MMMM" + ("" if today is not None and today.year == day.year else " y")
        )
        text = format_date(day, pattern, locale=self._locale)
        if self.language == "fr":
            text = re.sub(r"(^|\s)1 ", r"\g<1>1er ", text, count=1)
        return Markdown(text)

    def time(self, at: time | datetime) -> Markdown:
        """'10:30', '10 h 30'."""
        if self.language != "fr":
            return Markdown(f"{at:%H:%M}")
        return Markdown(f"{at.hour}{NBSP}h" + (f"{NBSP}{at.minute:02}" if at.minute else ""))

    def moment(self, when: datetime, zone: tzinfo, now: datetime | None = None) -> Markdown:
        """A day and a time in the zone; with `now`, as one says it from there ('tomorrow at 10:00')."""
        local = when.astimezone(zone)
        today = now.astimezone(zone).date() if now is not None else None
        return self.say(later("{day} at {time}"), day=self.date(local.date(), today), time=self.time(local))

    def duration(self, span: timedelta) -> Markdown:
        """Its two greatest units: '1 hour and 30 minutes'."""
        left = max(0, round(span.total_seconds()))
        parts: list[str] = []
        for unit, seconds in _UNITS:
            count, left = divmod(left, seconds)
            if count or (unit == "second" and not parts):
                parts.append(format_unit(count, f"duration-{unit}", "long", locale=self._locale))
            elif parts:
                break
            if len(parts) == 2:
                break
        return self.list(map(Markdown, parts))

    def relative(self, when: datetime, now: datetime) -> Markdown:
        """'in 3 days', '2 hours ago'."""
        return Markdown(format_timedelta(when - now, add_direction=True, locale=self._locale))
