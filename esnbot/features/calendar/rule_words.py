"""Rules as people say them, in English and French: 'every Monday', 'le dernier jeudi du mois', '10 times'. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from esnbot.features.calendar import recurrence
from esnbot.features.calendar.recurrence import BadRule
from esnbot.speech import Later, Markdown, MomentError, Quoted, Voice, code, later, parse_moment

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAYS: Final = {
    word: day
    for words in (
        "monday tuesday wednesday thursday friday saturday sunday",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
    )
    for word, day in zip(words.split(), _DAYS, strict=True)
}
_ORDINALS: Final = {
    **dict.fromkeys(("first", "1st", "premier", "1er"), 1),
    **dict.fromkeys(("second", "2nd", "deuxieme", "2e", "2eme"), 2),
    **dict.fromkeys(("third", "3rd", "troisieme", "3e", "3eme"), 3),
    **dict.fromkeys(("fourth", "4th", "quatrieme", "4e", "4eme"), 4),
    **dict.fromkeys(("last", "dernier"), -1),
}
_NUMBERS: Final = {
    word: number
    for words in ("two three four five six seven eight nine ten", "deux trois quatre cinq six sept huit neuf dix")
    for number, word in enumerate(words.split(), start=2)
}
_UNITS: Final = {
    **dict.fromkeys(("day", "days", "jour", "jours"), "DAILY"),
    **dict.fromkeys(("week", "weeks", "semaine", "semaines"), "WEEKLY"),
    **dict.fromkeys(("month", "months", "mois"), "MONTHLY"),
    **dict.fromkeys(("year", "years", "an", "ans", "annee", "annees"), "YEARLY"),
}
_WHOLE: Final = {
    **dict.fromkeys(("daily", "quotidien", "quotidiennement"), "FREQ=DAILY"),
    **dict.fromkeys(("weekly", "hebdomadaire"), "FREQ=WEEKLY"),
    **dict.fromkeys(("monthly", "mensuel", "mensuellement"), "FREQ=MONTHLY"),
    **dict.fromkeys(("yearly", "annually", "annuel", "annuellement"), "FREQ=YEARLY"),
    **dict.fromkeys(("fortnightly", "every fortnight"), "FREQ=WEEKLY;INTERVAL=2"),
    **dict.fromkeys(
        (
            "every weekday",
            "every working day",
            "weekdays",
            "en semaine",
            "chaque jour ouvre",
            "tous les jours ouvres",
            "chaque jour de semaine",
        ),
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    ),
}
_DAY: Final = "|".join(_WEEKDAYS)
_DAYS_LIST: Final = rf"(?P<days>(?:{_DAY})s?(?:(?:,| and| et)? (?:(?:on|every|le|les|chaque) )?(?:{_DAY})s?)*)"
_ORDINAL: Final = "|".join(sorted(_ORDINALS, key=len, reverse=True))
_UNIT: Final = "|".join(sorted(_UNITS, key=len, reverse=True))
_NUMBER: Final = rf"(?P<number>\d{{1,4}}|{'|'.join(_NUMBERS)})"
_EACH: Final = r"(?:every|each|chaque|tous les|toutes les)"
_OF_MONTH: Final = r"(?:of (?:the|each|every) month|in the month|du mois|de chaque mois|every month|chaque mois)"
_FORMS: Final = tuple(
    re.compile(pattern + "$")
    for pattern in (
        rf"(?:{_EACH} |the |le |on the )?(?P<nth>{_ORDINAL}) (?P<day>{_DAY}|day|jour)(?: {_OF_MONTH})?",
        rf"(?:(?:on )?the |le |{_EACH} (?:month|mois) (?:(?:on )?the |le )?)(?P<date>\d{{1,2}})(?:st|nd|rd|th|er)?"
        rf"(?: {_OF_MONTH})?",
        rf"{_EACH} (?:{_NUMBER} |(?P<other>other |second |2nd ))?(?P<unit>{_UNIT})(?:,? (?:on |le |les ){_DAYS_LIST})?",
        rf"(?:une?|1) (?P<half>{_UNIT}) sur deux(?:,? (?:le |les ){_DAYS_LIST})?",
        rf"(?:{_EACH} |les |on )?{_DAYS_LIST}",
    )
)
_COUNT: Final = re.compile(r"(?:^|,? )(?:for )?(?P<count>\d{1,4}) (?:times|fois)$")
_UNTIL: Final = re.compile(r",? (?:until|till|jusqu'au|jusqu'a|jusque) (?:the |le )?(?P<day>.+)$")


def read(text: str, language: str, now: datetime, zone: ZoneInfo) -> str:
    """The rule that somebody says, as ``recurrence.proper`` gives it. Raises ``BadRule``."""
    if "FREQ" in text.upper():
        return recurrence.proper(text, zone)
    said = _fold(text)
    ends = ""
    if (counted := _COUNT.search(said)) is not None:
        ends, said = f";COUNT={int(counted['count'])}", said[: counted.start()]
    elif (limited := _UNTIL.search(said)) is not None:
        ends, said = f";UNTIL={_last_day(limited['day'], language, now, zone)}", said[: limited.start()]
    rule = _WHOLE.get(said) or _rule(said)
    if rule is None:
        raise BadRule(
            later(
                "I do not understand {text} as a rule. Say for example “every Monday”, “last Thursday of the month” or "
                "“every 2 weeks until 30 June”.",
                text=Quoted(text[:100]),
            )
        )
    return recurrence.proper(rule + ends, zone)


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text[: recurrence.LONGEST].replace("’", "'")).lower()
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())


def _last_day(text: str, language: str, now: datetime, zone: ZoneInfo) -> str:
    try:
        return parse_moment(text, language, now, zone, past=True).strftime("%Y%m%d")
    except MomentError as error:
        raise BadRule(error.reason) from error


def _rule(said: str) -> str | None:
    for form in _FORMS:
        found = form.match(said)
        if found is not None:
            return _from(found.groupdict())
    return None


def _from(found: dict[str, str | None]) -> str | None:
    if nth := found.get("nth"):
        day = found["day"] or ""
        if day in _WEEKDAYS:
            return f"FREQ=MONTHLY;BYDAY={_ORDINALS[nth]}{_WEEKDAYS[day]}"
        return f"FREQ=MONTHLY;BYMONTHDAY={_ORDINALS[nth]}"
    if date := found.get("date"):
        return f"FREQ=MONTHLY;BYMONTHDAY={int(date)}"
    days = _days(found.get("days") or "")
    unit = found.get("unit") or found.get("half")
    if unit is None:
        return f"FREQ=WEEKLY;BYDAY={days}"
    number = found.get("number") or ""
    interval = 2 if found.get("other") or found.get("half") else _NUMBERS.get(number) or int(number or 1)
    frequency = _UNITS[unit]
    if days and frequency != "WEEKLY":
        return None
    every = f";INTERVAL={interval}" if interval != 1 else ""
    return f"FREQ={frequency}{every}" + (f";BYDAY={days}" if days else "")


def _days(text: str) -> str:
    found = [_WEEKDAYS[word] for word in re.findall(rf"({_DAY})s?\b", text)]
    return ",".join(sorted(set(found), key=_DAYS.index))


# --- and back -----------------------------------------------------------------------------------------------------

_NAMES: Final = {
    "MO": later("Monday"),
    "TU": later("Tuesday"),
    "WE": later("Wednesday"),
    "TH": later("Thursday"),
    "FR": later("Friday"),
    "SA": later("Saturday"),
    "SU": later("Sunday"),
}
_NTH: Final = {
    "1": later("on the first {day} of the month"),
    "2": later("on the second {day} of the month"),
    "3": later("on the third {day} of the month"),
    "4": later("on the fourth {day} of the month"),
    "-1": later("on the last {day} of the month"),
}
_ONCE: Final = {
    "DAILY": later("every day"),
    "WEEKLY": later("every week"),
    "MONTHLY": later("every month"),
    "YEARLY": later("every year"),
}
_SEVERAL: Final = {
    "DAILY": later("every {n} days"),
    "WEEKLY": later("every {n} weeks"),
    "MONTHLY": later("every {n} months"),
    "YEARLY": later("every {n} years"),
}


def told(voice: Voice, rule: str) -> Markdown:
    """A rule as one says it; one that words do not say well, as it is written."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    base = {key: value for key, value in parts.items() if key not in ("UNTIL", "COUNT", "WKST")}
    frequency, interval = base.pop("FREQ"), int(base.pop("INTERVAL", "1"))
    days, dates = base.pop("BYDAY", ""), base.pop("BYMONTHDAY", "")
    every = _ONCE[frequency] if interval == 1 else _SEVERAL[frequency]
    said = voice.say(every, n=interval) if interval != 1 else voice.say(every)
    if base or (days and dates):
        return code(rule)
    if days:
        shown = _days_told(voice, frequency, interval, days, said)
        if shown is None:
            return code(rule)
        said = shown
    if dates == "-1" and frequency == "MONTHLY" and interval == 1:
        said = voice.say("on the last day of the month")
    elif dates:
        if frequency != "MONTHLY" or interval != 1 or not dates.isdigit():
            return code(rule)
        said = voice.say("on day {n} of each month", n=int(dates))
    return _ended(voice, rule, said)


def _days_told(voice: Voice, frequency: str, interval: int, days: str, every: Markdown) -> Markdown | None:
    if frequency == "WEEKLY" and all(day in _NAMES for day in days.split(",")):
        if days == "MO,TU,WE,TH,FR" and interval == 1:
            return voice.say("every weekday")
        names = voice.list([voice.say(_NAMES[day]) for day in days.split(",")])
        if interval == 1:
            return voice.say("every {days}", days=names)
        return voice.say("{every}, on {days}", every=every, days=names)
    nth = re.fullmatch(r"([+-]?\d)([A-Z]{2})", days)
    if nth is None or frequency != "MONTHLY" or interval != 1 or nth[1].lstrip("+") not in _NTH:
        return None
    day: Later = _NAMES[nth[2]]
    return voice.say(_NTH[nth[1].lstrip("+")], day=voice.say(day))


def _ended(voice: Voice, rule: str, said: Markdown) -> Markdown:
    last, times = recurrence.until_day(rule), recurrence.count(rule)
    if last is not None:
        return voice.say("{every} until {day}", every=said, day=voice.date(last, weekday=False))
    if times is not None:
        return voice.plural("{every}, once", "{every}, {n} times", times, every=said)
    return said
