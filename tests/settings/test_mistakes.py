"""Every mistake says where it stands, what was found, what was expected and, where near, what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from esnbot.features.group.settings import GroupSettings
from tests.settings.writing import HEAD, mistakes, only, said, write

KINDS = "project, hobby, practice, help, informal, event, announcements, animators"


def test_a_mistake_reads_as_a_sentence(tmp_path: Path) -> None:
    text = """
        spaces:
          atelier:
            name: Atelier
            groups:
              photo: {name: Photo, kind: hoby}
    """

    found = mistakes(write(tmp_path, text))

    assert said(found, tmp_path) == [
        "community.yaml:12:34: spaces.atelier.groups.photo.kind: "
        f"found 'hoby', expected one of {KINDS}; did you mean 'hobby'?"
    ]


def test_all_mistakes_come_in_one_go_and_in_order(tmp_path: Path) -> None:
    text = """
        country: France
        spaces:
          lake:
            name: Lake
            audiences: [staf]
            colour: blue
            groups:
              photo: {kind: hoby, owners: [camille]}
              photo: {name: Again}
        animators_room: nowhere
    """

    found = mistakes(write(tmp_path, text))

    assert [(mistake.source.line, mistake.path) for mistake in found] == [
        (8, "country"),
        (12, "spaces.lake.audiences.0"),
        (13, "spaces.lake.colour"),
        (15, "spaces.lake.groups.photo"),
        (15, "spaces.lake.groups.photo.kind"),
        (15, "spaces.lake.groups.photo.owners.0"),
        (16, "spaces.lake.groups.photo"),
        (17, "animators_room"),
    ]


@pytest.mark.parametrize(
    ("text", "path", "meant"),
    [
        ("timezone: UTC", "timezone", "time_zone"),
        ("spces: {}", "spces", "spaces"),
        ("groups: {a: {name: A, description: x}}", "groups.a.description", "topic"),
        ("groups: {a: {name: A, onwers: []}}", "groups.a.onwers", "owners"),
        ("groups: {a: {name: A, kind: loisir}}", "groups.a.kind", "hobby"),
        ("groups: {a: {name: A, joining: restricted}}", "groups.a.joining", "space"),
        ("groups: {a: {name: A, posting: tous}}", "groups.a.posting", "everyone"),
        ("groups: {a: {name: A, history: world}}", "groups.a.history", "world_readable"),
        ("groups: {a: {name: A, language: fra}}", "groups.a.language", None),
        ("groups: {a: {name: A, language: de}}", "groups.a.language", None),
        ("groups: {Club Photo: {name: A}}", "groups.Club Photo", "club-photo"),
        ("groups: {a: {name: A, alias: '#lounge:x.example'}}", "groups.a.alias", "lounge"),
        ("groups: {a: {name: A, retention: 90}}", "groups.a.retention", "90 days"),
        ("groups: {a: {name: A, retention: 2 mois}}", "groups.a.retention", "2 months"),
        ("groups: {a: {name: A, tempo: {weekdays: [mardi], at: '9:00'}}}", "groups.a.tempo.weekdays.0", "tuesday"),
        ("groups: {a: {name: A, tempo: {weekdays: [monday], at: '25:00'}}}", "groups.a.tempo.at", None),
        ("groups: {a: {name: A, tempo: {weekdays: [monday]}}}", "groups.a.tempo", None),
        ("groups: {a: {name: A, tempo: {at: '9:00'}}}", "groups.a.tempo", None),
        ("groups: {a: {name: A, tempo: {post_a_week: 3}}}", "groups.a.tempo.post_a_week", "posts_a_week"),
        ("groups: {a: {name: A, tempo: {posts_a_week: -1}}}", "groups.a.tempo.posts_a_week", None),
        ("groups: {a: {name: A, tempo: {weekends: perhaps}}}", "groups.a.tempo.weekends", None),
        ("spaces: {a: {name: A, tempo: {weekdays: [monday]}}}", "spaces.a.tempo", None),
        ("groups: {a: {name: A, owners: ['alex@lake.example']}}", "groups.a.owners.0", "@alex:lake.example"),
        ("groups: {a: {name: A, audiences: [supliers]}}", "groups.a.audiences.0", "suppliers"),
        ("groups: {a: {name: A, space: lak}}\nspaces: {lake: {name: L}}", "groups.a.space", "lake"),
        ("groups: {a: {name: A, also_in: [lak]}}\nspaces: {lake: {name: L}}", "groups.a.also_in.0", "lake"),
        ("groups: {a: {name: A, shown_in: [lak]}}\nspaces: {lake: {name: L}}", "groups.a.shown_in.0", "lake"),
        ("groups: {photo: {name: A}}\nanimators_room: photos", "animators_room", "photo"),
        ("spaces: {lake: {name: A}}\nhome: laek", "home", "lake"),
        ("country: fr", "country", "FR"),
        ("country: Allemagne", "country", "DE"),
        ("country: DE-XY", "country", None),
        ("quiet_hours: {begin: night, end: '8:00'}", "quiet_hours.begin", None),
        ("web: {listen: 8090}", "web.listen", None),
        ("web: {url: board.lake.example}", "web.url", "https://board.lake.example"),
        ("groups: [a, b]", "groups", None),
        ("groups: {a: {name: A, owners: '@alex'}}", "groups.a.owners", None),
        ("groups: {a: {name: A, listed: maybe}}", "groups.a.listed", None),
        ("groups: {a: {name: true}}", "groups.a.name", None),
        ("groups: {a: {name: ''}}", "groups.a.name", None),
        ("groups: {a: {name: A, avatar: nothing.png}}", "groups.a.avatar", None),
        ("groups: {a: {name: A, adopt: lounge}}", "groups.a.adopt", None),
        ("prompts: [nowhere/*.yaml]", "prompts.0", None),
        ("include: [nowhere.yaml]", "include.0", None),
        ("database: postgres://db/esnbot", "database", "postgresql+asyncpg://…"),
        ("database: var/esnbot.db", "database", None),
    ],
)
def test_one_slip_is_one_mistake_at_its_place(tmp_path: Path, text: str, path: str, meant: str | None) -> None:
    mistake = only(mistakes(write(tmp_path, text)))

    assert mistake.path == path
    assert mistake.suggestion == meant
    assert mistake.source.line > HEAD.count("\n")


@pytest.mark.parametrize(
    ("before", "after", "path", "meant"),
    [
        ("time_zone: Europe/Paris", "time_zone: Paris", "time_zone", "Europe/Paris"),
        ("time_zone: Europe/Paris", "time_zone: Europe/Pari", "time_zone", "Europe/Paris"),
        ("languages: [fr, en]", "languages: [français]", "languages.0", "fr"),
        ("languages: [fr, en]", "languages: []", "languages", None),
        ("homeserver: embedded", "homeserver: embeded", "homeserver", "embedded"),
        ("[supplier.example]", "['https://supplier.example']", "audiences.suppliers.homeservers.0", "supplier.example"),
        ("homeservers: [supplier.example], ", "", "audiences.suppliers", None),
        ("external: true}", "until: summer}", "audiences.suppliers.until", None),
        ("external: true}", 'external: true, sponsor: "@x:far.example"}', "audiences.suppliers.sponsor", None),
    ],
)
def test_a_slip_in_the_head_is_one_mistake_too(
    tmp_path: Path, before: str, after: str, path: str, meant: str | None
) -> None:
    assert before in HEAD

    mistake = only(mistakes(write(tmp_path, "", head=HEAD.replace(before, after))))

    assert mistake.path == path
    assert mistake.suggestion == meant


def test_what_is_missing_is_said_with_its_meaning(tmp_path: Path) -> None:
    found = mistakes(write(tmp_path, "", head="languages: [en]\n"))

    assert [mistake.expected for mistake in found] == [
        "the key 'name' (the community's name)",
        "the key 'time_zone' (the time zone for everything that is due at a local time)",
        "the key 'homeserver' (`embedded`, or where the homeserver is)",
    ]


@pytest.mark.parametrize("key", ["as_token", "hs_token", "admin_token"])
def test_a_token_in_the_file_is_refused_and_never_repeated(tmp_path: Path, key: str) -> None:
    head = f"""\
name: The Lake
languages: [en]
time_zone: UTC
homeserver: {{url: "https://lake.example", server_name: lake.example, {key}: s3cr3t}}
"""

    found = mistakes(write(tmp_path, "", head=head), environment={"ESNBOT_AS_TOKEN": "a", "ESNBOT_HS_TOKEN": "b"})

    mistake = only(found)
    assert f"'{key}_file: PATH' or ESNBOT_{key.upper()}" in mistake.expected
    assert "s3cr3t" not in str(mistake)


@pytest.mark.parametrize("url", ["postgresql+asyncpg://esnbot:s3cr3t@db/esnbot", "postgres://u:s3cr3t@h/d"])
def test_a_database_password_in_the_file_is_refused_and_never_repeated(tmp_path: Path, url: str) -> None:
    mistake = only(mistakes(write(tmp_path, f"database: {url}")))

    assert "database_file" in mistake.expected
    assert "s3cr3t" not in str(mistake)


def test_a_homeserver_needs_its_address_name_and_tokens(tmp_path: Path) -> None:
    head = "name: The Lake\nlanguages: [en]\ntime_zone: UTC\nhomeserver: {bot: hostess}\n"

    found = mistakes(write(tmp_path, "", head=head))

    assert [mistake.path for mistake in found] == [
        "homeserver.url",
        "homeserver.server_name",
        "homeserver.as_token_file",
        "homeserver.hs_token_file",
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [(None, "no file"), ("", "an empty file"), ("two words", "which is no token"), ("same", "the same token twice")],
)
def test_a_token_file_that_does_not_serve_is_named(tmp_path: Path, content: str | None, found: str) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    head = """\
name: The Lake
languages: [en]
time_zone: UTC
homeserver: {url: "https://lake.example", server_name: lake.example, as_token_file: token}
"""

    mistake = only(mistakes(write(tmp_path, "", head=head), environment={"ESNBOT_HS_TOKEN": "same"}))

    assert found in mistake.found


def test_embedded_and_an_address_exclude_each_other(tmp_path: Path) -> None:
    head = HEAD.replace("homeserver: embedded", 'homeserver: {embedded: true, url: "https://lake.example"}')

    assert only(mistakes(write(tmp_path, "", head=head))).path == "homeserver.url"


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        (
            "spaces: {a: {name: A, space: b}, b: {name: B, space: a}}",
            "spaces.a.space",
            "a space inside itself ('a' in 'b' in 'a')",
        ),
        ("spaces: {a: {name: A, space: a}}", "spaces.a.space", "a space inside itself ('a' in 'a')"),
        (
            "spaces: {a: {name: A, groups: {x: {name: X}}}}\ngroups: {x: {name: X}}",
            "groups.x",
            "the key 'x' a second time",
        ),
        ("spaces: {a: {name: A, spaces: {a: {name: B}}}}", "spaces.a.spaces.a", "the key 'a' a second time"),
        ("groups: {x: {name: X, alias: z}, y: {name: Y, alias: z}}", "groups.y.alias", "the alias 'z' a second time"),
        ("groups: {x: {name: X}, y: {name: Y, alias: x}}", "groups.y.alias", "the alias 'x' a second time"),
        (
            "groups: {x: {name: X, adopt: '!r'}, y: {name: Y, adopt: '!r'}}",
            "groups.y.adopt",
            "the room '!r' a second time",
        ),
        ("spaces: {a: {name: A, joining: space}}", "spaces.a.joining", "'space' without a space around it"),
        (
            "groups: {x: {name: X, encrypted: true, joining: public}}",
            "groups.x.encrypted",
            "'encrypted: true' in a group that anybody can read ('joining')",
        ),
        (
            "groups: {x: {name: X, encrypted: true, listed: true}}",
            "groups.x.encrypted",
            "'encrypted: true' in a group that anybody can read ('listed')",
        ),
        (
            "groups: {x: {name: X, audiences: [staff], history: world_readable}}",
            "groups.x.history",
            "'world_readable' in a group for staff only",
        ),
        (
            "groups: {x: {name: X, audiences: [staff], guests: true}}",
            "groups.x.guests",
            "guests in a group for staff only",
        ),
        ("groups: {x: {name: X, posting: owners}}", "groups.x.posting", "'owners' in a group without owners"),
        (
            "spaces: {a: {name: A, audiences: [staff], groups: {x: {name: X, audiences: [staff, suppliers]}}}}",
            "spaces.a.groups.x.audiences.1",
            "the external audience 'suppliers' in the internal space 'a', which is not for it",
        ),
        (
            "spaces: {a: {name: A, audiences: [staff], groups: {x: {name: X, audiences: []}}}}",
            "spaces.a.groups.x.audiences",
            "nobody in particular",
        ),
        (
            "groups: {x: {name: X, kind: animators, audiences: [staff, suppliers]}}",
            "groups.x.audiences",
            "the external audience 'suppliers' in the animators' room",
        ),
        (
            "groups: {x: {name: X, kind: animators, joining: public}}",
            "groups.x.joining",
            "'public' for an animators' room",
        ),
        (
            "groups: {x: {name: X, audiences: [suppliers], federate: false}}",
            "groups.x.federate",
            "'federate: false' for the audience 'suppliers', which has 'supplier.example'",
        ),
        (
            "groups: {x: {name: X, audiences: [suppliers], owners: ['@alex']}}",
            "groups.x.owners",
            "the owner '@alex:localhost', who is in none of its audiences",
        ),
        (
            "quiet_hours: {begin: '19:00', end: '8:00'}\n"
            "groups: {x: {name: X, tempo: {weekdays: [monday], at: '7:30'}}}",
            "groups.x.tempo.at",
            "07:30, which lies in the quiet hours",
        ),
        (
            "groups: {x: {name: X, tempo: {weekdays: [monday], at: '7:30', "
            "quiet_hours: {begin: '20:00', end: '9:00'}}}}",
            "groups.x.tempo.at",
            "07:30, which lies in the quiet hours",
        ),
        (
            "spaces: {a: {name: A, tempo: {posts_a_week: 2}, groups: {x: {name: X, tempo: {promotional_a_week: 3}}}}}",
            "spaces.a.groups.x.tempo.promotional_a_week",
            "3 promotional posts a week",
        ),
        (
            "spaces: {a: {name: A, tempo: {weekends: false}, groups: "
            "{x: {name: X, tempo: {weekdays: [sunday], at: '9:00'}}}}}",
            "spaces.a.groups.x.tempo.weekdays",
            "prompts at weekends only, where nothing is posted at weekends",
        ),
        ("groups: {x: {name: X, tempo: {holidays: true}}}", "groups.x.tempo.holidays", "public holidays of no country"),
        (
            "spaces: {a: {name: A, groups: {x: {name: X, room_version: 6}}}}",
            "spaces.a.groups.x.room_version",
            "version 6 with 'joining: space'",
        ),
        (
            "spaces: {a: {name: A, groups: {x: {name: X, also_in: [a]}}}}",
            "spaces.a.groups.x.also_in.0",
            "the space 'a' that it stands in already",
        ),
    ],
)
def test_promises_that_cannot_be_kept_are_mistakes(tmp_path: Path, text: str, path: str, found: str) -> None:
    mistake = only(mistakes(write(tmp_path, text)))

    assert (mistake.path, mistake.found) == (path, found)


def test_what_stands_in_two_files_is_named_with_both(tmp_path: Path) -> None:
    write(tmp_path, "name: Twice\ngroups: {lounge: {name: Lounge}}", "more.yaml", head="")

    found = mistakes(write(tmp_path, "include: [more.yaml]\ngroups: {lounge: {name: Lounge}}"))

    assert said(found, tmp_path) == [
        "more.yaml:1:1: name: found the key 'name' a second time, "
        "expected each key once (the first stands at community.yaml:1:1)",
        "more.yaml:2:10: groups.lounge: found the key 'lounge' a second time, "
        "expected each key once (the first stands at community.yaml:9:10)",
    ]


def test_a_broken_included_file_does_not_hide_the_other_mistakes(tmp_path: Path) -> None:
    write(tmp_path, "groups: [", "broken.yaml", head="")

    found = mistakes(write(tmp_path, "include: [broken.yaml]\ncountry: fr"))

    assert {Path(mistake.source.path).name for mistake in found} == {"community.yaml", "broken.yaml"}


def test_files_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    write(tmp_path, "include: [community.yaml, b.yaml]", "b.yaml", head="")

    assert mistakes(write(tmp_path, "include: [b.yaml]")) == []


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        ("prompts: {hello: {en: Hello}}", "prompts.hello", "the prompt without fr"),
        ("prompts: {hello: {en: Hello, fr: Bonjour, english: x}}", "prompts.hello.english", "the key 'english'"),
        ("kinds: [hoby]\nprompts: {hello: {en: Hello, fr: Bonjour}}", "kinds.0", "'hoby'"),
        ("prompts: {hello: {en: Hello, fr: Bonjour, month: may}}", "prompts.hello.month", "the key 'month'"),
        ("prompts: {hello: {en: Hello, fr: Bonjour, months: [mai]}}", "prompts.hello.months.0", "'mai'"),
        ("prompts: {hello: {en: Hello, fr: Bonjour}}\nweekdays: [5]", "weekdays.0", "'5'"),
        ("prompts: {hello: {en: Hello, fr: Bonjour, occasion: meting}}", "prompts.hello.occasion", "'meting'"),
        ("prompts: {hello: Bonjour}", "prompts.hello", "'Bonjour'"),
        ("kinds: [hobby]", "", "nothing"),
    ],
)
def test_mistakes_in_prompts_are_found_in_their_file(tmp_path: Path, text: str, path: str, found: str) -> None:
    write(tmp_path, text, "words.yaml", head="")

    mistake = only(mistakes(write(tmp_path, "prompts: [words.yaml]")))

    assert (mistake.path, mistake.found) == (path, found)
    assert mistake.source.path.endswith("words.yaml")


def test_a_tempo_that_no_prompt_suits_is_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, "kinds: [hobby]\nprompts: {hello: {en: Hello, fr: Bonjour}}", "words.yaml", head="")
    text = """
        prompts: [words.yaml]
        groups:
          photo: {name: Photo, kind: hobby, tempo: {weekdays: [monday], at: "9:00"}}
          lounge: {name: Lounge, kind: informal, tempo: {weekdays: [monday], at: "9:00"}}
    """

    mistake = only(mistakes(write(tmp_path, text)))

    assert (mistake.path, "kind 'informal'" in mistake.found) == ("groups.lounge.tempo", True)


def test_a_prompt_or_template_written_twice_is_named(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        write(tmp_path, "prompts: {hello: {en: Hello, fr: Bonjour}}", f"prompts/{name}", head="")
        write(tmp_path, "{kind: hobby, key: chess}", f"templates/{name}", head="")

    found = mistakes(write(tmp_path, "prompts: [prompts/*.yaml]\ntemplates: [templates/*.yaml]"))

    assert sorted(mistake.found for mistake in found) == [
        "a second template called 'chess'",
        "the key 'hello' a second time",
    ]


def test_a_template_that_cannot_be_used_is_explained(tmp_path: Path) -> None:
    write(tmp_path, "kind: hobby", "templates/Été.yaml", head="")
    lacking = """
        kind: project
        rooms: {talk: {}, more: {}}
        pages: {home: {title: {en: Home}}}
    """
    write(tmp_path, lacking, "templates/move.yaml", head="")
    groups = "templates: [templates/*.yaml]\ngroups: {lounge: {name: Lounge, template: moove}}"

    found = {mistake.path: mistake for mistake in mistakes(write(tmp_path, groups))}

    assert found["key"].found == "a template called 'Été'"
    assert found["templates.move.rooms.more"].found == "a further room without a name"
    assert found["templates.move.pages.home.title"].found == "the title of the page 'home' without fr"
    assert found["groups.lounge.template"].suggestion == "move"


def test_who_may_create_what_is_held_against_what_is_declared(tmp_path: Path) -> None:
    write(tmp_path, "kind: help", "templates/help.yaml", head="")
    text = """
        templates: [templates/*.yaml]
        features:
          group: {may_create: {supplier: {templates: [halp]}, suppliers: {templates: [help], a_week: 1}}}
    """

    found = {one.path: one for one in mistakes(write(tmp_path, text), {"group": GroupSettings})}

    assert found["features.group.may_create.supplier"].suggestion == "suppliers"
    assert found["features.group.may_create.supplier.templates.0"].suggestion == "help"
    assert len(found) == 2


class _Greeting(BaseModel):
    model_config = ConfigDict(extra="forbid")

    word: str = "hello"
    times: int = 1


@pytest.mark.parametrize(
    ("text", "path", "meant"),
    [
        ("features: {greting: {}}", "features.greting", "greeting"),
        ("features: {greeting: {tmes: 2}}", "features.greeting.tmes", "times"),
        ("features: {greeting: {times: often}}", "features.greeting.times", None),
        ("features: {greeting: [1]}", "features.greeting", None),
    ],
)
def test_mistakes_in_a_features_section_are_found_with_its_own_schema(
    tmp_path: Path, text: str, path: str, meant: str | None
) -> None:
    mistake = only(mistakes(write(tmp_path, text), features={"greeting": _Greeting}))

    assert (mistake.path, mistake.suggestion) == (path, meant)
