"""Dates, times and spans as people write them, in French and in English."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from dateutil.relativedelta import relativedelta

from esnbot.speech import moment_words as words
from esnbot.speech.errors import SpeechError
from esnbot.speech.folding import unaccented
from esnbot.speech.later import Later, Quoted, later

MORNING = time(9)
"""The time of a day that is named without one."""
EXAMPLES = {
    "fr": ("mardi prochain 10h", "demain à 9h30", "le 3 mars à 14h", "dans deux heures"),
    "en": ("next Tuesday 10am", "tomorrow at 9:30", "3 March at 2pm", "in two hours"),
}
_LONGEST = 100


class MomentError(SpeechError):
    """A text that is no usable date, time or span; `reason` says why, `examples` show what is understood."""

    def __init__(self, text: str, reason: Later, examples: tuple[str, ...]) -> None:
        super().__init__(f"{reason}: {text!r}")
        self.text = text
        self.reason = reason
        self.examples = examples


class NotAMoment(MomentError):
    """Nothing in it is understood as a date or time."""


class MomentPassed(MomentError):
    """It lies in the past."""


class WrongWeekday(MomentError):
    """It names a day of the week and a date that do not go together."""


class NotASpan(MomentError):
    """It is no length of time."""


@dataclass(frozen=True, slots=True)
class _Span:
    months: int = 0
    days: int = 0
    seconds: int = 0


def parse_moment(
    text: str, language: str, now: datetime, zone: tzinfo, *, past: bool = False, default: time = MORNING
) -> datetime:
    """The instant that a text names, seen from `now` in the zone; aware, in that zone.

    A weekday is the next such day, never today; a time alone is its next occurrence; a date without a year the next
    such date; a day without a time is at `default`. A local time that a clock change skips moves forward, one that
    it repeats is the first. Raises MomentError; with `past`, instants before now are accepted.
    """
    local = now.astimezone(zone)
    folded = _fold(text)
    found = _exact(text, zone) or (_understand(folded, text, language, local, zone, default) if folded else None)
    if found is None:
        raise NotAMoment(
            text, later("I cannot find a date or a time in {text}.", text=Quoted(text)), _examples(language)
        )
    if found < now and not past:
        raise MomentPassed(text, later("{text} is in the past.", text=Quoted(text)), _examples(language))
    return found


def parse_span(text: str, language: str) -> timedelta:
    """The length of time that a text names: '2h', '1h30', 'trois jours', '2 weeks'. Raises NotASpan."""
    folded = re.sub(r"^(pendant|durant|for)\s+", "", _fold(text))
    read = _span(folded)
    if read is None or read[1] or read[0].months:
        examples = ("30 minutes", "1h30", "3 jours" if language == "fr" else "3 days")
        raise NotASpan(text, later("I cannot find a length of time in {text}.", text=Quoted(text)), examples)
    return timedelta(days=read[0].days, seconds=read[0].seconds)


def at_wall_clock(day: date, at: time, zone: tzinfo) -> datetime:
    """A local time as an instant: one that the clock change skips moves forward, of two the first is meant."""
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC).astimezone(zone)


def _examples(language: str) -> tuple[str, ...]:
    return EXAMPLES.get(language, EXAMPLES["en"])


def _fold(text: str) -> str:
    """Lower case without accents, commas and doubled spaces; '' for what is too long to be a date."""
    if len(text) > _LONGEST:
        return ""
    return " ".join(re.sub(r"[,;!?]|\.$", " ", unaccented(text.replace("’", "'"))).split())


def _exact(text: str, zone: tzinfo) -> datetime | None:
    """ISO 8601 with a time; its own offset counts when it has one."""
    stripped = text.strip()
    if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", stripped):
        return None
    try:
        read = datetime.fromisoformat(stripped)
        return read.astimezone(zone) if read.tzinfo else at_wall_clock(read.date(), read.time(), zone)
    except (ValueError, OverflowError):
        return None


def _understand(folded: str, text: str, language: str, local: datetime, zone: tzinfo, default: time) -> datetime | None:
    if folded in ("maintenant", "now", "tout de suite"):
        return local
    relative = re.match(r"(?:dans|d'ici|in|within) (.+)$", folded)
    if relative:
        after = _after(relative[1], local, zone)
        if after is not None:
            return after
    rest, at, today = _split_time(folded)
    try:
        day = _day(rest, text, language, local.date())
        if day is None and rest == "" and at is not None:
            day = local.date()
            if at_wall_clock(day, at, zone) < local and not today:
                day += timedelta(days=1)
        return None if day is None else at_wall_clock(day, at or default, zone)
    except (ValueError, OverflowError):
        return None


def _after(text: str, local: datetime, zone: tzinfo) -> datetime | None:
    """'two hours', 'trois jours a 10h': seconds pass on the clock, days and months on the calendar."""
    read = _span(text)
    if read is None:
        return None
    span, rest = read
    try:
        day = local.date() + relativedelta(months=span.months, days=span.days)
        if rest:
            left, at, _ = _split_time(rest)
            return None if left or at is None or span.seconds else at_wall_clock(day, at, zone)
        start = at_wall_clock(day, local.time(), zone) if span.months or span.days else local
        return (start.astimezone(UTC) + timedelta(seconds=span.seconds)).astimezone(zone)
    except (ValueError, OverflowError):
        return None


_HALVES = (
    (r"(?:une? )?demi[- ]heure|half an hour", "30 min"),
    (r"(?:un )?quart d'heure|(?:a )?quarter of an hour", "15 min"),
    (r"trois quarts? d'heure|three quarters of an hour", "45 min"),
    (r"\b(?:une|1) (?:heure|h) et demie|an hour and a half|one and a half hours", "90 min"),
    (r"(\d+|[a-z-]+) heures et demie", r"\1 h 30"),
)
_PART = re.compile(r"(?:et |and )?(\d{1,6}|[a-z][a-z-]*)\s*([a-z]+)\b ?")


def _span(text: str) -> tuple[_Span, str] | None:
    """The span at the start of a text, and what follows it."""
    for pattern, said in _HALVES:
        text = re.sub(pattern, said, text)
    months = days = seconds = 0
    compact = re.match(r"(\d{1,3}) ?h(?:eures?)? ?(\d{2})(?: ?(?:min|mn|minutes?))?\b ?", text)
    position = 0
    if compact:
        seconds, position = int(compact[1]) * 3_600 + int(compact[2]) * 60, compact.end()
    while part := _PART.match(text, position):
        count = int(part[1]) if part[1].isdigit() else words.NUMBERS.get(part[1])
        unit = part[2]
        if count is None:
            break
        if unit in words.SECONDS:
            seconds += count * words.SECONDS[unit]
        elif unit in words.DAYS_LONG:
            days += count * words.DAYS_LONG[unit]
        elif unit in words.MONTHS_LONG:
            months += count * words.MONTHS_LONG[unit]
        else:
            break
        position = part.end()
    return (_Span(months, days, seconds), text[position:].strip()) if position else None


_NUMBER = "|".join(sorted((word for word in words.NUMBERS if word not in ("a", "an")), key=len, reverse=True))
_SPELT_HOUR = re.compile(rf"\b({_NUMBER})(?= (?:heures?|h|o'clock|am|pm)\b)")
_NOON = re.compile(r"\b(?:a |at |vers )?(midi|noon|midday|minuit|midnight)\b( et demie?| et quart)?(?!-)")
_PAST_HOUR = re.compile(rf"\b(?:at )?(half past|quarter past|quarter to) (\d{{1,2}}|{_NUMBER})\b ?(am|pm)?")
_TIME = re.compile(
    r"(?:\b(?:a|at|vers|around|des|from) |@ ?)?\b(\d{1,2})"
    r"(?: ?(?:h|heures?|hrs?)\b(?: ?(\d{2})\b(?: ?(?:mn|min|minutes?)\b)?)?( et demie?| et quart| moins le quart)?"
    r"|h(\d{2})\b|[:](\d{2})(?::\d{2})?(?: ?([ap])\.?m\b\.?)?|(?:\.(\d{2}))? ?([ap])\.?m\b\.?| o'clock\b)"
)
_BARE_HOUR = re.compile(r"\b(?:a|at) (\d{1,2})$")
_PART_NAMES = "|".join(sorted(words.DAY_PARTS, key=len, reverse=True))
_DAY_PART = re.compile(
    rf"\b(?:(ce|cet|cette|this) |(?:du|de l'|en|au|dans l'|dans la|in the|at|le|l') ?)?({_PART_NAMES})\b"
)


def _split_time(text: str) -> tuple[str, time | None, bool]:
    """What is left without the time, the time, and whether it is said to be today's ('ce soir')."""
    text = text.replace("tonight", "this evening")
    text = _SPELT_HOUR.sub(lambda match: str(words.NUMBERS[match[1]]), text)
    part = _DAY_PART.search(text)
    if part and text[: part.start()].rstrip().endswith("apres-"):
        part = None
    if part:
        text = text[: part.start()] + " " + text[part.end() :]
    text, at = _clock_time(text)
    if part and at and at.hour < 12 and words.DAY_PARTS[part[2]].hour >= 12:
        at = at.replace(hour=at.hour + 12)
    if part and at is None:
        at = words.DAY_PARTS[part[2]]
    return " ".join(text.split()), at, bool(part and part[1])


def _clock_time(text: str) -> tuple[str, time | None]:
    for pattern, read in ((_NOON, _noon), (_PAST_HOUR, _past_hour), (_TIME, _hour), (_BARE_HOUR, _bare_hour)):
        match = pattern.search(text)
        if match:
            at = read(match)
            if at is not None:
                return text[: match.start()] + " " + text[match.end() :], at
    return text, None


def _noon(match: re.Match[str]) -> time:
    minute = 30 if "demi" in (match[2] or "") else 15 if match[2] else 0
    return time(12 if match[1] in ("midi", "noon", "midday") else 0, minute)


def _past_hour(match: re.Match[str]) -> time | None:
    hour = int(match[2]) if match[2].isdigit() else words.NUMBERS[match[2]]
    minutes = {"half past": 30, "quarter past": 15, "quarter to": -15}[match[1]]
    return _time(hour, minutes, (match[3] or "")[:1])


def _hour(match: re.Match[str]) -> time | None:
    hour, minute = match[1], match[2] or match[4] or match[5] or match[7] or "0"
    extra = {" et demie": 30, " et demi": 30, " et quart": 15, " moins le quart": -15}.get(match[3] or "", 0)
    return _time(int(hour), int(minute) + extra, match[6] or match[8] or "")


def _bare_hour(match: re.Match[str]) -> time | None:
    return _time(int(match[1]), 0, "")


def _time(hour: int, minute: int, half: str) -> time | None:
    """A time of the day; `half` is 'a', 'p' or ''."""
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if not 0 <= hour <= 24 or minute > 59:
        return None
    total = hour * 60 + minute
    return time(total // 60 % 24, total % 60) if total >= 0 else None


_WEEKDAY = "|".join(sorted(words.WEEKDAYS, key=len, reverse=True))
_NEXT = r"(?:prochaine?|qui vient|suivant|next|coming)"
_WEEK_NEXT = r"(?:(?:de |d')?(?:la )?semaine prochaine|(?:of )?next week)"
_ON_WEEKDAY = re.compile(
    rf"(?:le |ce |on |this |(next|coming) |(last) )*({_WEEKDAY})\b"
    rf"(?: (?:{_NEXT}|(en huit|week)|(en quinze)|({_WEEK_NEXT})|(dernier|passe)))?"
)
_NUMERIC = re.compile(r"(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}|\d{2}))?")
_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_DAY_ALONE = re.compile(r"(?:le|the) (\d{1,2})(?:er|st|nd|rd|th)?")


def _day(rest: str, text: str, language: str, today: date) -> date | None:
    """The day that the text names without its time."""
    rest = re.sub(r"^(?:on the|on|the day|pour|for|des) (?=.)", lambda m: "day " if m[0] == "the day " else "", rest)
    rest = re.sub(r"\s+(?:a|at|vers|@|-)$|^(?:a|at|vers|@) ", "", rest).strip()
    if rest in words.DAYS:
        return today + timedelta(days=words.DAYS[rest])
    if rest in words.NEXT_WEEK:
        return today + timedelta(days=7 - today.weekday())
    if rest in words.NEXT_MONTH:
        return today.replace(day=1) + relativedelta(months=1)
    weekday = re.match(rf"(?:(?:le|on|ce|this) )*({_WEEKDAY})\b ?(?:le |the )?(?=\d|[a-z]+ \d)", rest)
    if weekday:
        day = _date(rest[weekday.end() :], language, today)
        if day is not None and day.weekday() != words.WEEKDAYS[weekday[1]]:
            reason = later("In {text}, the day of the week and the date do not match.", text=Quoted(text))
            raise WrongWeekday(text, reason, _examples(language))
        return day
    if named := _ON_WEEKDAY.fullmatch(rest):
        return _weekday(named, today)
    return _date(rest, language, today)


def _weekday(match: re.Match[str], today: date) -> date:
    number = words.WEEKDAYS[match[3]]
    if match[6]:
        return today + timedelta(days=7 - today.weekday() + number)
    if match[2] or match[7]:
        return today - timedelta(days=(today.weekday() - number - 1) % 7 + 1)
    weeks = 1 if match[4] else 2 if match[5] else 0
    return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1 + 7 * weeks)


def _date(text: str, language: str, today: date) -> date | None:
    """A calendar date; without a year the next such one, today included."""
    text = re.sub(r"\b(?:prochaine?|next)\b", "", re.sub(r"\bpremier\b", "1", text)).strip()
    if iso := _ISO.fullmatch(text):
        return date(int(iso[1]), int(iso[2]), int(iso[3]))
    text_day = re.sub(r"^(?:le|the) ", "", text)
    if numeric := _NUMERIC.fullmatch(text_day):
        year = int(numeric[3]) if numeric[3] else None
        if year is not None and year < 100:
            year += 2000
        return _in_year(int(numeric[1]), int(numeric[2]), year, today)
    if alone := _DAY_ALONE.fullmatch(text):
        number = int(alone[1])
        months = (today.replace(day=1) + relativedelta(months=ahead) for ahead in range(12))
        days = (month + relativedelta(day=number) for month in months)
        return next((day for day in days if day.day == number and day >= today), None)
    if re.search(r"\d", text_day) and re.search(r"[a-z]{3}", text_day):
        return _library_date(text_day, language, today)
    return None


def _in_year(day: int, month: int, year: int | None, today: date) -> date | None:
    if year is not None:
        return date(year, month, day)
    for ahead in range(9):  # 29 February is up to eight years away
        try:
            found = date(today.year + ahead, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    return None


def _library_date(text: str, language: str, today: date) -> date | None:
    """A date with the name of its month, in whichever order; dateparser is slow to import, so it waits until needed."""
    from dateparser.date import DateDataParser

    languages = list(dict.fromkeys([language if language in ("fr", "en") else "en", "fr", "en"]))
    parser = DateDataParser(
        languages=languages,
        settings={
            "RELATIVE_BASE": datetime(2024, 1, 1),  # a leap year, so that 29 February is a date
            "DATE_ORDER": "DMY",
            "REQUIRE_PARTS": ["day", "month"],
            "PARSERS": ["absolute-time"],
            "RETURN_AS_TIMEZONE_AWARE": False,
        },
    )
    found = parser.get_date_data(text)["date_obj"]
    if found is None:
        return None
    year = re.search(r"\b\d{4}\b", text)
    return _in_year(found.day, found.month, int(year[0]) if year else None, today)
