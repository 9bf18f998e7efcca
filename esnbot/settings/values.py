"""The kinds of value that settings share: durations, times of day, keys, languages … Features use them too.

Each is an ``Annotated`` type whose error says what was expected and, where near, what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, localedata
from pydantic import BeforeValidator, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from esnbot.settings.mistakes import nearest, one_of

E = TypeVar("E", bound=StrEnum)

EXPECTED: Final = "esnbot_expected"
"""The pydantic error type of all errors made here; its context has ``expected`` and ``suggestion``."""


def unexpected(expected: str, suggestion: str | None = None) -> PydanticCustomError:
    """The error for a value that is not what was expected."""
    return PydanticCustomError(EXPECTED, "expected {expected}", {"expected": expected, "suggestion": suggestion})


def _text(value: object, expected: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise unexpected(expected)
    return str(value).strip()


class _Chosen:
    """Schema and validator for a StrEnum with synonyms that are understood as slips, not accepted."""

    def __init__(self, choices: type[StrEnum], synonyms: Mapping[str, str]) -> None:
        self.choices = choices
        self.synonyms = synonyms

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": [choice.value for choice in self.choices]}

    def validate(self, value: Any) -> StrEnum:
        words = [choice.value for choice in self.choices]
        if isinstance(value, str) and value in words:
            return self.choices(value)
        scalar = value if isinstance(value, str) else ""
        raise unexpected(one_of(words), nearest(scalar, words, self.synonyms))


def chosen(choices: type[E], synonyms: Mapping[str, str] | None = None) -> Any:
    """Annotation for an enumeration: ``Annotated[Kind, chosen(Kind, {"hobbies": "hobby"})]``."""
    return _Chosen(choices, synonyms or {})


_UNITS: Final = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_DURATION: Final = re.compile(r"(\d{1,6})\s*([a-z]+?)s?")
_DURATION_TEXT: Final = "a duration such as '90 days', '2 hours' or '1 year'"


def duration(value: object) -> timedelta:
    """``90 days`` as a timedelta; a month has 30 days, a year 365."""
    if isinstance(value, timedelta):
        return value
    text = _text(value, _DURATION_TEXT).lower()
    match = _DURATION.fullmatch(text)
    if match is None:
        raise unexpected(_DURATION_TEXT, f"{text} days" if text.isdigit() else None)
    number, unit = match.groups()
    if unit not in _UNITS:
        near = nearest(unit, _UNITS, {"jour": "day", "heure": "hour", "semaine": "week", "moi": "month", "an": "year"})
        raise unexpected(_DURATION_TEXT, f"{number} {near}{'' if number == '1' else 's'}" if near else None)
    return int(number) * _UNITS[unit]


_TIME: Final = re.compile(r"([01]?\d|2[0-3])[:hH]([0-5]\d)?")
_TIME_TEXT: Final = "a time of day such as '09:30'"


def time_of_day(value: object) -> time:
    """``9:30``, ``09:30`` or ``9h30`` as a time."""
    if isinstance(value, time):
        return value
    match = _TIME.fullmatch(_text(value, _TIME_TEXT))
    if match is None:
        raise unexpected(_TIME_TEXT)
    return time(int(match[1]), int(match[2] or 0))


class Weekday(StrEnum):
    """Days of the week, in ISO order."""

    monday = "monday"
    tuesday = "tuesday"
    wednesday = "wednesday"
    thursday = "thursday"
    friday = "friday"
    saturday = "saturday"
    sunday = "sunday"

    @property
    def number(self) -> int:
        """0 is Monday."""
        return list(Weekday).index(self)


class Month(StrEnum):
    """Months of the year, in their order."""

    january = "january"
    february = "february"
    march = "march"
    april = "april"
    may = "may"
    june = "june"
    july = "july"
    august = "august"
    september = "september"
    october = "october"
    november = "november"
    december = "december"

    @property
    def number(self) -> int:
        """1 is January."""
        return list(Month).index(self) + 1


_FRENCH_MONTHS: Final = dict(
    zip(
        (
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ),
        list(Month),
        strict=True,
    )
)
_FRENCH_DAYS: Final = dict(
    zip(("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"), list(Weekday), strict=True)
)

KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_KEY_TEXT: Final = "a key of small letters, digits, '-' and '_', such as 'club-photo'"


def slug(text: str) -> str:
    """The nearest key to a text: small letters without accents, joined by dashes."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:63]


def key(value: object) -> str:
    """A natural key."""
    text = _text(value, _KEY_TEXT)
    if not KEY.fullmatch(text):
        raise unexpected(_KEY_TEXT, slug(text) or None)
    return text


@cache
def _languages() -> frozenset[str]:
    return frozenset(code for code in localedata.locale_identifiers() if "_" not in code)


@cache
def _language_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for locale in (Locale("en"), Locale("fr")):
        for code in _languages():
            if code in locale.languages:
                names.setdefault(locale.languages[code].casefold(), code)
    return names


_LANGUAGE_TEXT: Final = "a language code such as 'fr' or 'en'"


def language(value: object) -> str:
    """An ISO 639 code."""
    text = _text(value, _LANGUAGE_TEXT)
    if text in _languages():
        return text
    lowered = text.lower().replace("_", "-").partition("-")[0]
    near = lowered if lowered in _languages() else nearest(text, (), _language_names())
    raise unexpected(_LANGUAGE_TEXT, near)


_ZONE_TEXT: Final = "a time zone such as 'Europe/Paris'"


def zone(value: object) -> ZoneInfo:
    """An IANA time zone."""
    if isinstance(value, ZoneInfo):
        return value
    text = _text(value, _ZONE_TEXT)
    zones = available_timezones()
    if text not in zones:
        raise unexpected(_ZONE_TEXT, nearest(text, sorted(zones)))
    return ZoneInfo(text)


@cache
def _countries() -> dict[str, list[str]]:
    import holidays

    return holidays.list_supported_countries()


@cache
def _country_names() -> dict[str, str]:
    return {
        name.casefold(): code
        for locale in (Locale("en"), Locale("fr"))
        for code, name in locale.territories.items()
        if code in _countries()
    }


_COUNTRY_TEXT: Final = "a country whose public holidays are known, such as 'FR', or with its region 'DE-BY'"


def country(value: object) -> str:
    """An ISO 3166 code, with a subdivision after a dash."""
    text = _text(value, _COUNTRY_TEXT)
    code, dash, region = text.partition("-")
    regions = _countries().get(code)
    if regions is None:
        near = code.upper() if code.upper() in _countries() else None
        raise unexpected(_COUNTRY_TEXT, near or nearest(text, (), _country_names()) or None)
    if dash and region not in regions:
        near = nearest(region, regions)
        expected = (
            f"a region of {code}: {one_of(regions)}" if regions else f"'{code}' (its regions have no own holidays)"
        )
        raise unexpected(expected, f"{code}-{near}" if near else None)
    return text


_SERVER: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.*?-]+)(?::\d{1,5})?")
_SERVER_TEXT: Final = "a server name such as 'example.org' (no 'https://'), or 'own' for this homeserver"
_NAME_TEXT: Final = "a server name such as 'example.org' (what stands after the colon in user ids)"


def server_pattern(value: object) -> str:
    """A server name, ``*`` allowed."""
    return _server(value, _SERVER_TEXT)


def server_name(value: object) -> str:
    """A server name."""
    text = _server(value, _NAME_TEXT)
    if "*" in text or "?" in text:
        raise unexpected(_NAME_TEXT)
    return text


def _server(value: object, expected: str) -> str:
    text = _text(value, expected)
    if not _SERVER.fullmatch(text):
        bare = re.sub(r"^[a-z]+://", "", text).partition("/")[0]
        raise unexpected(expected, bare if bare != text and _SERVER.fullmatch(bare) else None)
    return text


_USER: Final = re.compile(r"@[^:\s]+(?::(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(?::\d{1,5})?)?")
_USER_TEXT: Final = "a user id such as '@camille:example.org', or '@camille' for this homeserver"


def user(value: object) -> str:
    """A user id, or its local part for a user of this homeserver (completed when the community is built)."""
    text = _text(value, _USER_TEXT)
    if not _USER.fullmatch(text) or len(text) > 255:
        bare = text.lstrip("@").strip()
        if re.fullmatch(r"[^\s:@]+@[\w.-]+", bare):
            local, _, host = bare.partition("@")
            raise unexpected(_USER_TEXT, f"@{local}:{host}")
        guess = f"@{bare}"
        raise unexpected(_USER_TEXT, guess if _USER.fullmatch(guess) else None)
    return text


_ALIAS: Final = re.compile(r"[a-z0-9][a-z0-9._=-]{0,120}")
_ALIAS_TEXT: Final = "the local part of a room alias, such as 'club-photo' (no '#', no server)"


def alias(value: object) -> str:
    """The local part of a room alias."""
    text = _text(value, _ALIAS_TEXT)
    if not _ALIAS.fullmatch(text):
        raise unexpected(_ALIAS_TEXT, slug(text.lstrip("#").partition(":")[0]) or None)
    return text


_ADOPT_TEXT: Final = "the alias or id of an existing room: '#lounge:example.org' or '!abc…'"


def existing_room(value: object) -> str:
    """A room alias or a room id (room version 12 has ids without a server)."""
    text = _text(value, _ADOPT_TEXT)
    if not re.fullmatch(r"#[^:\s]+:\S+|![^\s]+", text):
        raise unexpected(_ADOPT_TEXT)
    return text


_URL_TEXT: Final = "an address such as 'https://matrix.example.org'"


def http_url(value: object) -> str:
    """An http(s) URL without a trailing slash."""
    text = _text(value, _URL_TEXT)
    if not re.fullmatch(r"https?://[^\s/@]+(/[^\s]*)?", text):
        raise unexpected(_URL_TEXT, f"https://{text}" if re.fullmatch(r"[\w.-]+\.\w+(:\d+)?/?", text) else None)
    return text.rstrip("/")


_LISTEN_TEXT: Final = "a host and a port, such as '127.0.0.1:29331'"


def host_and_port(value: object) -> tuple[str, int]:
    """``host:port`` as a pair."""
    if isinstance(value, tuple):
        return value
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})", _text(value, _LISTEN_TEXT))
    if match is None or int(match[2]) > 65535:
        raise unexpected(_LISTEN_TEXT)
    return match[1].strip("[]"), int(match[2])


_DATE_TEXT: Final = "a date such as '2027-06-30'"


def day(value: object) -> date:
    """An ISO date."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(_text(value, _DATE_TEXT))
    except ValueError:
        raise unexpected(_DATE_TEXT) from None


_NETWORK_TEXT: Final = "an address or a network, such as '10.20.0.0/16'"


def network(value: object) -> IPv4Network | IPv6Network:
    """A network, or a single address as one."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(_text(value, _NETWORK_TEXT), strict=False)
    except ValueError:
        raise unexpected(_NETWORK_TEXT) from None


def _typed(check: Callable[[object], Any], description: str, **schema: Any) -> tuple[BeforeValidator, WithJsonSchema]:
    return BeforeValidator(check), WithJsonSchema({"type": "string", "description": description, **schema})


_DAYS: Final = chosen(Weekday, {name: day.value for name, day in _FRENCH_DAYS.items()})
_MONTHS: Final = chosen(Month, {name: month.value for name, month in _FRENCH_MONTHS.items()})

Duration = Annotated[timedelta, *_typed(duration, _DURATION_TEXT, examples=["90 days", "1 year"])]
TimeOfDay = Annotated[time, *_typed(time_of_day, _TIME_TEXT, pattern=f"^{_TIME.pattern}$")]
WeekdayName = Annotated[Weekday, _DAYS]
MonthName = Annotated[Month, _MONTHS]
Key = Annotated[str, *_typed(key, _KEY_TEXT, pattern=f"^{KEY.pattern}$")]
Language = Annotated[str, *_typed(language, _LANGUAGE_TEXT)]
Zone = Annotated[ZoneInfo, *_typed(zone, _ZONE_TEXT)]
Country = Annotated[str, *_typed(country, _COUNTRY_TEXT)]
ServerPattern = Annotated[str, *_typed(server_pattern, _SERVER_TEXT)]
ServerName = Annotated[str, *_typed(server_name, _NAME_TEXT)]
User = Annotated[str, *_typed(user, _USER_TEXT)]
Alias = Annotated[str, *_typed(alias, _ALIAS_TEXT)]
ExistingRoom = Annotated[str, *_typed(existing_room, _ADOPT_TEXT)]
HttpUrl = Annotated[str, *_typed(http_url, _URL_TEXT)]
Listen = Annotated[tuple[str, int], *_typed(host_and_port, _LISTEN_TEXT)]
Network = Annotated[IPv4Network | IPv6Network, *_typed(network, _NETWORK_TEXT)]
Day = Annotated[date, *_typed(day, _DATE_TEXT)]


def complete(names: Iterable[str], server: str) -> frozenset[str]:
    """User ids from what people wrote: a bare ``@name`` is of this homeserver."""
    return frozenset(name if ":" in name else f"{name}:{server}" for name in names)
