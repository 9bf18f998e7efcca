"""What the shipped configuration says in rooms: its lines are lines there, so no sentence may be broken over two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parents[2]
FILES = sorted([*HERE.glob("config/**/*.yaml"), *HERE.glob("esnbot/demo/community/*.yaml")])
BROKEN = re.compile(r"[^\n]{60,}[^\s.!?:…)*]\n(?=[a-zà-ÿ])")


def texts(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        for value in found.values():
            yield from texts(value)
    elif isinstance(found, list):
        for value in found:
            yield from texts(value)
    elif isinstance(found, str):
        yield found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_sentence_breaks_in_the_middle(file: Path) -> None:
    for text in texts(yaml.safe_load(file.read_text("utf-8"))):
        assert not BROKEN.search(text), text
