"""What a file says becomes the community: nested spaces flat, short names whole, defaults inherited, places kept."""

from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, ConfigDict

from esnbot.community.group import History, Joining, Kind, Posting
from esnbot.community.model import Occasion, TemplateText
from esnbot.community.reach import bounds_of
from esnbot.community.tempo import Bounds, QuietHours, Tempo
from tests.settings.writing import read, write

TREE = """
    quiet_hours: {begin: "19:00", end: 8h00}
    country: FR
    roles: {animators: ["@camille"], administrators: ["@root:elsewhere.example"]}
    spaces:
      lake:
        name: The Lake
        audiences: [staff]
        joining: public
        language: en
        groups:
          photo:
            name: Photo club
            kind: hobby
            owners: ["@alex"]
            retention: 2 years
            tempo: {weekdays: [friday, monday], at: 9:30, least_gap: 3 days}
            also_in: [shore]
          backstage: {name: Backstage, kind: animators}
        spaces:
          shore: {name: The Shore}
    groups:
      lounge: {name: Lounge, space: shore, posting: everyone, history: joined}
      open: {name: Open to all, joining: public, history: world_readable}
"""


def test_nested_spaces_become_flat_with_their_parents(tmp_path: Path) -> None:
    community = read(write(tmp_path, TREE)).community

    assert {key: space.parent for key, space in community.spaces.items()} == {"lake": None, "shore": "lake"}
    assert {key: group.parent for key, group in community.groups.items()} == {
        "photo": "lake",
        "backstage": "lake",
        "lounge": "shore",
        "open": None,
    }


def test_every_key_arrives_as_what_it_means(tmp_path: Path) -> None:
    community = read(write(tmp_path, TREE)).community
    photo = community.groups["photo"]

    assert community.zone == ZoneInfo("Europe/Paris")
    assert community.quiet_hours == QuietHours(time(19, 0), time(8, 0))
    assert photo.kind is Kind.hobby
    assert photo.retention == timedelta(days=730)
    assert photo.tempo == Tempo((0, 4), time(9, 30), timedelta(days=3))
    assert photo.also_in == ("shore",)
    assert community.groups["lounge"].history is History.joined
    assert community.groups["lounge"].posting is Posting.everyone


def test_short_user_ids_are_of_this_homeserver(tmp_path: Path) -> None:
    community = read(write(tmp_path, TREE)).community

    assert community.roles.animators == {"@camille:localhost"}
    assert community.roles.administrators == {"@root:elsewhere.example"}
    assert community.groups["photo"].owners == {"@alex:localhost"}
    assert community.audiences["staff"].perimeter.homeservers == ("localhost",)


def test_audiences_and_language_are_inherited_from_the_space_around(tmp_path: Path) -> None:
    community = read(write(tmp_path, TREE)).community

    assert community.groups["lounge"].audiences == ("staff",)
    assert community.groups["lounge"].language == "en"
    assert community.groups["open"].audiences == ()


def test_how_people_come_in_follows_from_where_a_place_stands(tmp_path: Path) -> None:
    community = read(write(tmp_path, TREE)).community

    assert community.groups["photo"].joining is Joining.space
    assert community.groups["backstage"].joining is Joining.invite
    assert community.spaces["lake"].joining is Joining.public


def test_the_animators_room_and_the_home_space_are_found_when_nothing_is_said(tmp_path: Path) -> None:
    community = read(write(tmp_path, TREE)).community

    assert community.animators_room == "backstage"
    assert community.home == "lake"


def test_what_the_file_states_is_kept_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, TREE)

    settings = read(path)
    photo = settings.community.groups["photo"]

    assert photo.stated == {"name", "kind", "owners", "retention", "tempo", "also_in"}
    line = path.read_text().splitlines().index("        kind: hobby") + 1
    assert str(settings.sources["photo.kind"]) == f"{path}:{line}:9"
    assert str(photo.source) == f"{path}:{line - 2}:7"
    assert str(settings.sources["audiences.staff"]).startswith(f"{path}:6:")


def test_a_parent_may_be_written_after_its_child(tmp_path: Path) -> None:
    text = """
        spaces:
          shore: {name: Shore, space: lake}
          lake: {name: Lake, audiences: [staff]}
    """

    spaces = read(write(tmp_path, text)).community.spaces

    assert list(spaces) == ["lake", "shore"]
    assert spaces["shore"].audiences == ("staff",)


def test_files_are_included_and_their_paths_are_relative_to_themselves(tmp_path: Path) -> None:
    write(tmp_path, "groups: {lounge: {name: Lounge, space: lake, avatar: cup.png}}", "more/groups.yaml", head="")
    write(tmp_path, "prompts: [words/*.yaml]\ngroups: {desk: {name: Desk}}", "more/prompts.yaml", head="")
    write(tmp_path, "prompts: {hello: {fr: Bonjour, en: Hello}}", "more/words/some.yaml", head="")
    (tmp_path / "more" / "cup.png").write_bytes(b"image")

    community = read(write(tmp_path, "include: [more/*.yaml]\nspaces: {lake: {name: Lake}}")).community

    assert set(community.groups) == {"lounge", "desk"}
    assert community.groups["lounge"].avatar == str(tmp_path / "more" / "cup.png")
    assert [prompt.key for prompt in community.prompts] == ["hello"]


def test_a_template_gives_what_groups_of_its_kind_do_not_say(tmp_path: Path) -> None:
    template = """
        kind: hobby
        charter: {fr: Soyez curieux !, en: Be curious!}
        history: joined
        tempo: {weekdays: [monday], at: "10:00"}
    """
    write(tmp_path, template, "hobby.yaml", head="")
    text = """
        templates: [hobby.yaml]
        groups:
          photo: {name: Photo, kind: hobby}
          chess: {name: Chess, kind: hobby, charter: '', history: shared, language: en}
          go: {name: Go, kind: hobby, language: en}
    """

    groups = read(write(tmp_path, text)).community.groups

    assert groups["photo"].charter == "Soyez curieux\u00a0!"
    assert groups["photo"].history is History.joined
    assert groups["photo"].tempo == Tempo((0,), time(10, 0))
    assert groups["chess"].charter == ""
    assert groups["chess"].history is History.shared
    assert groups["go"].charter == "Be curious!"


def test_an_audience_has_its_perimeter_sponsor_and_last_day(tmp_path: Path) -> None:
    text = """
        groups: {lounge: {name: Lounge, audiences: [testers], joining: invite}}
    """
    head = """\
name: The Lake
languages: [fr]
time_zone: Europe/Paris
homeserver: embedded
audiences:
  testers: {name: Testers, people: ["@nour:else.example"], by_invitation: true, sponsor: "@alex", until: 2027-06-30}
"""

    testers = read(write(tmp_path, text, head=head)).community.audiences["testers"]

    assert testers.perimeter.contains("@nour:else.example")
    assert testers.perimeter.by_invitation
    assert testers.sponsor == "@alex:localhost"
    assert testers.until == date(2027, 6, 30)


def test_a_homeserver_of_ones_own_is_read_with_its_tokens(tmp_path: Path) -> None:
    (tmp_path / "as").write_text("as-secret\n")
    (tmp_path / "hs").write_text("hs-secret\n")
    head = """\
name: The Lake
languages: [en]
time_zone: UTC
homeserver:
  url: https://matrix.lake.example/
  server_name: lake.example
  as_token_file: as
  hs_token_file: hs
  appservice_listen: 0.0.0.0:29400
  bot: hostess
"""

    homeserver = read(write(tmp_path, "", head=head)).homeserver

    assert not homeserver.embedded
    assert homeserver.url == "https://matrix.lake.example"
    assert (homeserver.as_token, homeserver.hs_token, homeserver.admin_token) == ("as-secret", "hs-secret", None)
    assert homeserver.bot == "@hostess:lake.example"
    assert homeserver.appservice_url == "http://127.0.0.1:29400"
    assert "secret" not in repr(homeserver)


def test_the_environment_goes_before_files(tmp_path: Path) -> None:
    (tmp_path / "as").write_text("from-file")
    head = """\
name: The Lake
languages: [en]
time_zone: UTC
homeserver: {url: "https://lake.example", server_name: lake.example, as_token_file: as}
"""
    environment = {
        "ESNBOT_AS_TOKEN": "from-environment",
        "ESNBOT_HS_TOKEN": "other",
        "ESNBOT_ADMIN_TOKEN": "admin",
        "ESNBOT_DATABASE": "postgresql+asyncpg://esnbot:secret@db/esnbot",
    }

    settings = read(write(tmp_path, "", head=head), environment=environment)

    assert settings.homeserver.as_token == "from-environment"
    assert settings.homeserver.admin_token == "admin"
    assert settings.database == "postgresql+asyncpg://esnbot:secret@db/esnbot"
    assert ":secret@" not in repr(settings)


def test_the_database_url_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "database").write_text("postgresql+asyncpg://esnbot:secret@db/esnbot\n")

    settings = read(write(tmp_path, "database_file: database"))

    assert settings.database == "postgresql+asyncpg://esnbot:secret@db/esnbot"


class _Greeting(BaseModel):
    model_config = ConfigDict(extra="forbid")

    word: str = "hello"
    times: int = 1


def test_each_feature_gets_its_section_or_its_defaults(tmp_path: Path) -> None:
    settings = read(
        write(tmp_path, "features: {greeting: {times: 2}}"), features={"greeting": _Greeting, "other": _Greeting}
    )

    assert settings.features["greeting"] == _Greeting(times=2)
    assert settings.features["other"] == _Greeting()


def test_a_key_without_a_value_counts_as_not_written(tmp_path: Path) -> None:
    settings = read(write(tmp_path, "groups: {lounge: {name: Lounge, topic: , kind: }}\nspaces:\nfeatures:\n"))

    assert settings.community.groups["lounge"].kind is Kind.informal
    assert settings.community.spaces == {}


@pytest.mark.parametrize("path", sorted(Path("config/prompts").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_prompt_begins_with_a_bold_line_that_can_stand_alone(path: Path) -> None:
    community = read(Path("config/community.yaml")).community
    keys = [
        line.strip().rstrip(":") for line in path.read_text().splitlines() if line.startswith("  ") and line[2] != " "
    ]

    for prompt in community.prompts:
        if prompt.key in keys:
            for text in prompt.texts.values():
                first, _, rest = text.partition("\n")
                assert first.startswith("**")
                assert first.endswith("**")
                assert rest.strip()


def test_a_template_of_ones_own_has_rooms_pages_notes_and_questions(tmp_path: Path) -> None:
    template = """
        kind: practice
        summary: {fr: Pour apprendre., en: To learn.}
        joining: knock
        retention: 400 days
        founders: 2
        rooms:
          talk: {}
          results: {name: {fr: Résultats, en: Results}, posting: owners}
        pages:
          home: {title: {fr: Accueil, en: Home}, text: {fr: Bonjour !, en: Hello!}}
        notes:
          first: {title: {fr: Un, en: One}, tags: [start]}
        prompts:
          what: {fr: Quoi ?, en: What?}
    """
    write(tmp_path, template, "bench.yaml", head="")
    write(tmp_path, "kind: practice", "practice.yaml", head="")
    text = """
        templates: [bench.yaml, practice.yaml]
        groups:
          steel: {name: Steel, template: bench}
          wood: {name: Wood, kind: practice}
    """

    community = read(write(tmp_path, text)).community

    bench = community.templates["bench"]
    assert [(room.key, dict(room.name), room.posting) for room in bench.rooms] == [
        ("talk", {}, None),
        ("results", {"fr": "Résultats", "en": "Results"}, Posting.owners),
    ]
    assert bench.pages == (
        TemplateText("home", {"fr": "Accueil", "en": "Home"}, {"fr": "Bonjour\u00a0!", "en": "Hello!"}),
    )
    assert (bench.notes[0].tags, bench.founders) == (("start",), 2)
    assert [(one.key, one.template) for one in bench.prompts] == [("bench/what", "bench")]
    steel, wood = community.groups["steel"], community.groups["wood"]
    assert (steel.kind, steel.joining, steel.retention) == (Kind.practice, Joining.knock, timedelta(days=400))
    assert community.template_of(steel) is bench
    standard = community.template_of(wood)
    assert standard is not None
    assert standard.key == "practice"


def test_the_shipped_community_is_whole() -> None:
    community = read(Path("config/community.yaml")).community

    assert len(community.prompts) >= 90
    assert all(set(community.families[prompt.family]) == {"fr", "en"} for prompt in community.prompts)
    assert {month for prompt in community.prompts for month in prompt.months} == set(range(1, 13))
    assert {prompt.occasion for prompt in community.prompts} == {None, *Occasion}
    firsts = [text.partition("\n")[0] for prompt in community.prompts for text in prompt.texts.values()]
    assert len(firsts) == len(set(firsts))
    assert all(set(prompt.texts) == {"fr", "en"} for prompt in community.prompts)
    assert set(Kind) <= set(community.templates)
    assert all((template := community.standard(kind)) and template.key == kind for kind in Kind)
    assert 3 <= len(community.spaces) <= 4
    assert len(community.groups) >= 10
    assert community.animators_room in community.groups
    covered = {kind for prompt in community.prompts for kind in prompt.kinds}
    assert {group.kind for group in community.groups.values() if group.tempo} <= covered


def test_a_tempo_is_inherited_key_by_key_from_the_template_and_the_spaces_around(tmp_path: Path) -> None:
    template = """
        kind: hobby
        tempo: {weekdays: [monday], at: "10:00", least_gap: 5 days, promotional_a_week: 1}
    """
    write(tmp_path, template, "hobby.yaml", head="")
    text = """
        country: FR
        quiet_hours: {begin: "19:00", end: "08:00"}
        templates: [hobby.yaml]
        spaces:
          lake:
            name: Lake
            tempo: {posts_a_week: 5, weekends: false, quiet_hours: {begin: "18:00", end: "09:00"}}
            spaces:
              shore:
                name: Shore
                tempo: {posts_a_week: 3, least_gap: 4 hours}
                groups:
                  photo: {name: Photo, kind: hobby}
                  chess: {name: Chess, kind: hobby, tempo: {weekdays: [friday], at: "9:30", holidays: true}}
        groups:
          desk: {name: Desk, tempo: {quiet_hours: {begin: "0:00", end: "0:00"}}}
    """

    community = read(write(tmp_path, text)).community

    photo, chess, desk = (community.groups[key] for key in ("photo", "chess", "desk"))
    around = QuietHours(time(18), time(9))
    assert bounds_of(photo, community.spaces, community) == Bounds(
        posts_a_week=3,
        promotional_a_week=1,
        least_gap=timedelta(days=5),
        weekends=False,
        quiet_hours=around,
        at=time(10),
    )
    assert chess.tempo == Tempo((4,), time(9, 30), promotional_a_week=1, holidays=True)
    assert bounds_of(chess, community.spaces, community) == Bounds(
        posts_a_week=3,
        promotional_a_week=1,
        least_gap=timedelta(hours=4),
        weekends=False,
        holidays=True,
        quiet_hours=around,
        at=time(9, 30),
    )
    assert bounds_of(desk, community.spaces, community).quiet_hours == QuietHours(time(0), time(0))
    assert community.spaces["lake"].stated == {"name", "tempo"}
