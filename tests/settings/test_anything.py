"""Whatever stands in the file, the answer is settings or a list of mistakes, each with a place; never anything else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from esnbot.settings import SettingsError, load

ROOT = yaml.safe_load(
    """
name: The Lake
languages: [fr, en]
time_zone: Europe/Paris
country: FR
homeserver: embedded
quiet_hours: {begin: "19:00", end: "08:00"}
audiences:
  staff: {name: Staff, homeservers: [own]}
  others: {name: Others, people: ["@a:b.example"], external: true, sponsor: "@alex", until: "2030-01-01"}
roles: {animators: ["@camille"]}
sites: {here: {name: Here, people: ["@alex"]}}
spaces:
  lake:
    name: Lake
    audiences: [staff]
    joining: public
    groups:
      photo: {name: Photo, kind: hobby, owners: ["@alex"], tempo: {weekdays: [monday], at: "9:30"}, also_in: [shore]}
      backstage: {name: Backstage, kind: animators}
    spaces:
      shore: {name: Shore, groups: {sand: {name: Sand, retention: 2 years, history: joined}}}
groups: {lounge: {name: Lounge, space: shore}}
animators_room: backstage
home: lake
prompts: []
features: {}
"""
)

WORDS = ("lake", "photo", "staff", "own", "@alex", "embedded", "hobby", "space", "fr", "*", "a.b", "[key]", "\x1b[2J")
scalars: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**9),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(WORDS),
)
values: Any = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path in a document."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in below for place in places(inner, (*path, key)))]


def changed(path: tuple[Any, ...], value: Any, key: str | None) -> Any:
    """The document with another value at a path, or under another key."""
    document = copy.deepcopy(ROOT)
    if not path:
        return value
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    if key is not None and isinstance(holder, dict):
        holder[key] = holder.pop(path[-1])
    else:
        holder[path[-1]] = value
    return document


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_change_to_a_right_file_is_read_or_explained(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    path = data.draw(st.sampled_from(places(ROOT)))
    key = data.draw(st.none() | st.text(max_size=8) | st.sampled_from(["space", "lake", "name", "groups", "owner"]))
    file = tmp_path_factory.mktemp("any") / "community.yaml"
    file.write_text(yaml.safe_dump(changed(path, data.draw(values), key), allow_unicode=True), encoding="utf-8")

    try:
        read = load(file, {}, environment={})
    except SettingsError as error:
        for mistake in error.mistakes:
            sentence = str(mistake)
            assert sentence.startswith(f"{Path(mistake.source.path)}:")
            assert sentence.isprintable()
            assert mistake.found
            assert mistake.expected
    else:
        assert read.community.name
