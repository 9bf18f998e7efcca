"""From the files of templates to templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from esnbot.community.group import Source
from esnbot.community.model import Prompt, Template, TemplateRoom, TemplateText
from esnbot.community.tempo import QuietHours, Tempo
from esnbot.settings.document import Node
from esnbot.settings.mistakes import Mistake
from esnbot.settings.sections import BoundsSection, TempoSection
from esnbot.settings.template_file import TemplateFile, TemplateTextSection
from esnbot.settings.values import KEY
from esnbot.speech.typography import french

Texts = tuple[str, Mapping[str, str], str]
"""A name for texts (``rooms.decisions.name``), the texts by language, and what people call them."""


def made(
    documents: Sequence[tuple[Node, TemplateFile]], sources: dict[str, Source], mistakes: list[Mistake]
) -> dict[str, Template]:
    """Templates by key, in the order of the files; keys that are written twice are added to the mistakes."""
    found: dict[str, Template] = {}
    for node, file in documents:
        key = file.key or Path(node.source.path).stem
        if not KEY.fullmatch(key):
            expected = "a 'key:' of lower-case letters, digits and dashes, as the file's name is none"
            mistakes.append(Mistake(node.source, "key", f"a template called '{key}'", expected))
            continue
        if key in found:
            expected = f"a key of its own (the first stands at {sources[f'templates.{key}']})"
            mistakes.append(Mistake(node.source, "key", f"a second template called '{key}'", expected))
            continue
        sources[f"templates.{key}"] = node.source
        found[key] = _template(key, file)
    return found


def _template(key: str, file: TemplateFile) -> Template:
    return Template(
        key=key,
        kind=file.kind,
        name=spoken(file.name),
        summary=spoken(file.summary),
        topic=spoken(file.topic),
        welcome=spoken(file.welcome),
        charter=spoken(file.charter),
        posting=file.posting,
        history=file.history,
        tempo=tempo(file.tempo) if file.tempo else None,
        joining=file.joining,
        encrypted=file.encrypted,
        retention=file.retention,
        founders=file.founders,
        rooms=tuple(
            TemplateRoom(name, spoken(one.name), spoken(one.topic), one.posting) for name, one in file.rooms.items()
        ),
        pages=_texts(file.pages),
        notes=_texts(file.notes),
        prompts=tuple(Prompt(f"{key}/{name}", spoken(texts), template=key) for name, texts in file.prompts.items()),
    )


def _texts(sections: Mapping[str, TemplateTextSection]) -> tuple[TemplateText, ...]:
    return tuple(
        TemplateText(key, spoken(one.title), spoken(one.text), tuple(dict.fromkeys(one.tags)))
        for key, one in sections.items()
    )


def spoken(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts as they are said: trimmed, and French with its own signs and spaces whatever the keyboard had."""
    trimmed = {language: text.strip() for language, text in texts.items()}
    return {language: french(text) if language == "fr" else text for language, text in trimmed.items()}


def tempo(section: BoundsSection) -> Tempo:
    """The tempo, with what is not written in it unstated."""
    quiet = section.quiet_hours
    bounds = Tempo(
        least_gap=section.least_gap,
        posts_a_week=section.posts_a_week,
        promotional_a_week=section.promotional_a_week,
        weekends=section.weekends,
        holidays=section.holidays,
        quiet_hours=QuietHours(quiet.begin, quiet.end) if quiet is not None else None,
    )
    if not isinstance(section, TempoSection) or section.at is None:
        return bounds
    return replace(bounds, weekdays=section.numbers, at=section.at)


def texts_of(template: Template) -> Iterable[Texts]:
    """All that a template says to people; what is not given in any language is left out."""
    for name in ("name", "summary", "topic", "welcome", "charter"):
        yield name, getattr(template, name), f"the template's '{name}'"
    for room in template.rooms:
        yield f"rooms.{room.key}.name", room.name, f"the name of the room '{room.key}'"
        yield f"rooms.{room.key}.topic", room.topic, f"the topic of the room '{room.key}'"
    for what, texts in (("page", template.pages), ("note", template.notes)):
        for one in texts:
            yield f"{what}s.{one.key}.title", one.title, f"the title of the {what} '{one.key}'"
            yield f"{what}s.{one.key}.text", one.text, f"the text of the {what} '{one.key}'"
    for prompt in template.prompts:
        yield f"prompts.{prompt.key.partition('/')[2]}", prompt.texts, "the prompt"
