"""The model: who belongs to which audience, when it is quiet, what a user id looks like."""

from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group, Source, Space
from esnbot.community.model import Community
from esnbot.community.person import is_user_id, server_of
from esnbot.community.tempo import QuietHours

TODAY = date(2026, 11, 24)


def an_audience(key: str = "staff", until: date | None = None, **perimeter: object) -> Audience:
    return Audience(key, key.title(), Perimeter(**perimeter), until=until)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("user", "inside"),
    [
        ("@alex:lake.example", True),
        ("@alex:shop.lake.example", False),
        ("@nour:forge.supplier.example", True),
        ("@nour:supplier.example", False),
        ("@friend:elsewhere.example", True),
        ("@stranger:elsewhere.example", False),
        ("nobody", False),
    ],
)
def test_a_perimeter_is_homeservers_and_persons(user: str, inside: bool) -> None:
    perimeter = Perimeter(
        homeservers=("lake.example", "*.supplier.example"), people=frozenset({"@friend:elsewhere.example"})
    )

    assert perimeter.contains(user) is inside


def test_a_perimeter_without_anything_is_empty() -> None:
    assert Perimeter().is_empty
    assert not Perimeter(by_invitation=True).is_empty
    assert not Perimeter(directory_groups=("workshop",)).is_empty


@pytest.mark.parametrize(("until", "inside"), [(None, True), (TODAY, True), (date(2026, 11, 23), False)])
def test_an_audience_ends_after_its_last_day(until: date | None, inside: bool) -> None:
    assert an_audience(until=until, homeservers=("lake.example",)).includes("@alex:lake.example", TODAY) is inside


def test_a_person_can_belong_to_several_audiences() -> None:
    community = Community(
        name="The Lake",
        languages=("fr", "en"),
        zone=ZoneInfo("Europe/Paris"),
        audiences={
            "staff": an_audience("staff", homeservers=("lake.example",)),
            "testers": an_audience("testers", people=frozenset({"@alex:lake.example"})),
            "past": an_audience("past", until=date(2020, 1, 1), homeservers=("lake.example",)),
        },
    )

    assert community.audiences_of("@alex:lake.example", TODAY) == {"staff", "testers"}


def test_spaces_and_groups_are_found_by_their_key() -> None:
    community = Community(
        name="The Lake",
        languages=("fr",),
        zone=ZoneInfo("UTC"),
        spaces={"lake": Space(key="lake", name="Lake")},
        groups={"photo": Group(key="photo", name="Photo", parent="lake")},
    )

    assert community.place("lake") == community.spaces["lake"]
    assert community.place("photo") == community.groups["photo"]
    assert community.place("none") is None
    assert community.default_language == "fr"


@pytest.mark.parametrize(
    ("begin", "end", "quiet", "awake"),
    [
        ("19:00", "08:00", ("19:00", "23:59", "00:00", "07:59"), ("08:00", "18:59")),
        ("12:00", "14:00", ("12:00", "13:59"), ("11:59", "14:00")),
    ],
)
def test_quiet_hours_may_cross_midnight(begin: str, end: str, quiet: tuple[str, ...], awake: tuple[str, ...]) -> None:
    hours = QuietHours(time.fromisoformat(begin), time.fromisoformat(end))

    assert all(hours.covers(time.fromisoformat(one)) for one in quiet)
    assert not any(hours.covers(time.fromisoformat(one)) for one in awake)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("@alex:lake.example", True),
        ("@alex:127.0.0.2:8448", True),
        ("@:lake.example", False),
        ("@alex", False),
        ("@alex:", False),
        ("alex:lake.example", False),
        (f"@{'a' * 300}:lake.example", False),
    ],
)
def test_a_user_id_has_a_local_part_and_a_server(text: str, is_one: bool) -> None:
    assert is_user_id(text) is is_one


def test_a_server_name_may_have_a_port() -> None:
    assert server_of("@alex:127.0.0.2:8448") == "127.0.0.2:8448"


def test_a_place_in_a_file_reads_as_editors_take_it() -> None:
    assert str(Source("config/community.yaml", 12, 3)) == "config/community.yaml:12:3"
