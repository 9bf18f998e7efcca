"""Features are found through entry points, and a broken one stops no other."""

from __future__ import annotations

from importlib.metadata import EntryPoint

from pydantic import BaseModel

from esnbot.discovery import discover
from esnbot.engine.feature import Module
from esnbot.features.contract import ENTRY_POINTS, Declaration, Feature, Kit


def build(_kit: Kit[BaseModel]) -> Feature:
    return Feature(Module("sample"))


sample = Declaration(name="sample", summary="A sample.", settings=BaseModel, build=build)
namesake = Declaration(name="sample", summary="Another.", settings=BaseModel, build=build)
nothing = "not a declaration"


def point(name: str, attribute: str, module: str = __name__) -> EntryPoint:
    return EntryPoint(name, f"{module}:{attribute}", ENTRY_POINTS)


def test_a_feature_is_found_by_its_entry_point() -> None:
    found = discover([point("sample", "sample")])
    assert found.declarations == {"sample": sample}
    assert found.schemas == {"sample": BaseModel}
    assert found.broken == {}


def test_a_feature_that_cannot_be_imported_is_named_and_the_others_are_there() -> None:
    found = discover([point("lost", "feature", "no.such.module"), point("sample", "sample")])
    assert list(found.declarations) == ["sample"]
    assert "the feature 'lost'" in found.broken["lost"]
    assert "no.such.module" in found.broken["lost"]


def test_what_is_no_declaration_is_named() -> None:
    found = discover([point("odd", "nothing")])
    assert "is no Declaration" in found.broken["odd"]


def test_two_features_of_one_name_are_not_mixed_up() -> None:
    found = discover([point("a", "sample"), point("b", "namesake")])
    assert found.declarations == {"sample": sample}
    assert "taken by another" in found.broken["b"]


def test_every_feature_of_this_software_can_be_loaded() -> None:
    assert discover().broken == {}
