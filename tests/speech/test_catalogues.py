"""The translations of the whole tree: complete, in step with the code, well set; and the tool that keeps them so."""

from pathlib import Path

import pytest

import esnbot
from esnbot.speech import catalogues
from esnbot.speech.catalogues import problems, unfit
from esnbot.speech.extract import misfilled, sentences
from esnbot.speech.typography import french

ROOT = Path(esnbot.__file__).parent


def test_every_sentence_of_the_software_is_translated_in_step_and_well_set() -> None:
    found = [str(problem) for problem in problems(ROOT)]
    assert found == [], "\n".join(["run `python -m esnbot.speech.catalogues`, then:", *found])


def test_the_catalogues_are_written_as_the_tool_writes_them() -> None:
    written = ((path, found) for path, found in catalogues.catalogues(ROOT).items() if path.exists())
    off = [path for path, found in written if path.read_bytes() != catalogues.updated(path, found, "fr")]
    assert off == [], "run `python -m esnbot.speech.catalogues`"


def feature(root: Path, source: str, catalogue: str = "") -> Path:
    """A feature folder with one file of code and its French catalogue."""
    texts = root / "feature" / "texts"
    texts.mkdir(parents=True)
    (root / "feature" / "handlers.py").write_text(source, encoding="utf-8")
    (texts / "fr.po").write_text(catalogue, encoding="utf-8")
    return texts / "fr.po"


def what(root: Path) -> list[str]:
    return [problem.what for problem in problems(root)]


def test_sentences_are_found_in_every_way_of_saying_them(tmp_path: Path) -> None:
    feature(
        tmp_path,
        'voice.say("a {x}", x=1)\nself.voice.say("b")\nspeech.voice("fr").plural("c", "d", 3)\nlater("e")\n_("f")\n'
        'later_plural("g", "h", n)\nvoice.say(kept)\nalice.say("not ours")\nvoice.say("i "\n  "j")\nspeech.later("k")\n'
        'reader_voice.say("l {y}", **values)\n',
    )
    found = {item.id for item in sentences(tmp_path / "feature" / "handlers.py")}
    assert found == {"a {x}", "b", ("c", "d"), "e", "f", ("g", "h"), "i j", "k", "l {y}"}


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ('voice.say("a {x}")', "no value for {x}"),
        ('voice.say("a", x=1)', "no place for x="),
        ('voice.say("a {x}", **values)', ""),
        ('voice.plural("{n} a", "{n} as", 3)', ""),
        ('later("a {x}")', ""),
        ('later("a {x}", y=1)', "no value for {x}, no place for y="),
    ],
)
def test_values_that_do_not_fit_the_sentence_are_seen_in_the_code(tmp_path: Path, call: str, complaint: str) -> None:
    feature(tmp_path, call)
    [sentence] = sentences(tmp_path / "feature" / "handlers.py")
    assert misfilled(sentence) == complaint


@pytest.mark.parametrize(
    ("catalogue", "complaint"),
    [
        ("", "missing"),
        ('msgid "Hello {name}"\nmsgstr ""\n', "not translated"),
        ('#, fuzzy\nmsgid "Hello {name}"\nmsgstr "Bonjour {name}"\n', "fuzzy"),
        ('msgid "Hello {name}"\nmsgstr "Bonjour {nom}"\n', "placeholders"),
        ('msgid "Hello {name}"\nmsgstr "Bonjour {name} !"\n', "typography"),
        ('msgid "Hello {name}"\nmsgstr "Bonjour {name}"\n\nmsgid "Gone"\nmsgstr "Parti"\n', "stale"),
    ],
)
def test_each_fault_of_a_catalogue_is_named(tmp_path: Path, catalogue: str, complaint: str) -> None:
    feature(tmp_path, 'voice.say("Hello {name}", name=x)', catalogue)
    [found] = what(tmp_path)
    assert found.startswith(complaint) or complaint in found


def test_one_sentence_is_not_said_in_two_ways(tmp_path: Path) -> None:
    feature(tmp_path / "a", 'voice.say("Hello")', 'msgid "Hello"\nmsgstr "Bonjour"\n')
    feature(tmp_path / "b", 'voice.say("Hello")', 'msgid "Hello"\nmsgstr "Salut"\n')
    assert "another way" in what(tmp_path)[0]


def test_updating_takes_in_what_is_new_keeps_what_is_translated_and_drops_what_is_gone(tmp_path: Path) -> None:
    path = feature(
        tmp_path,
        'voice.say("Kept!")\nvoice.say("New")\nvoice.plural("{n} a", "{n} as", 2)',
        'msgid "Kept!"\nmsgstr "L\'eau !"\n\nmsgid "Gone"\nmsgstr "Parti"\n',
    )
    [found] = catalogues.catalogues(tmp_path).values()
    path.write_bytes(catalogues.updated(path, found, "fr"))
    text = path.read_text(encoding="utf-8")
    assert 'msgstr "L’eau\u00a0!"' in text
    assert 'msgid "New"\nmsgstr ""' in text
    assert "Gone" not in text
    assert catalogues.updated(path, found, "fr").decode() == text


@pytest.mark.parametrize(
    ("string", "ids", "expected"),
    [
        ("Bonjour {name}", ("Hello {name}",), False),
        ("Bonjour", ("Hello {name}",), True),
        ("Une personne", ("{n} person", "{n} people"), False),
        ("Une personne de {b}", ("{n} person", "{n} people"), True),
        ("{n} ici", ("{n} in {room}", "{n} in {room}"), True),
    ],
)
def test_a_translation_has_the_placeholders_of_its_english(string: str, ids: tuple[str, ...], expected: bool) -> None:
    assert unfit(string, ids) is expected


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("L'heure d'arriver ?", "L’heure d’arriver\u00a0?"),
        ("Attention! Voici : a ; b", "Attention\u00a0! Voici\u00a0: a\u00a0; b"),
        ("«Bonjour» dit {name}...", "«\u00a0Bonjour\u00a0» dit {name}…"),
        ("« {name} »", "«\u00a0{name}\u00a0»"),
        ("Le groupe {name}: {link}", "Le groupe {name}\u00a0: {link}"),
        ("d'{name}", "d’{name}"),
        ("À 10:30, https://e.org:80/a?b=c!", "À 10:30, https://e.org:80/a?b=c!"),
        ("Écrivez `!esn aide: l'a ?`", "Écrivez `!esn aide: l'a ?`"),
        ("**Note :** oui", "**Note\u00a0:** oui"),
        ("**Note** : oui ?!", "**Note**\u00a0: oui\u00a0?!"),
        ("- a\n- b :\n", "- a\n- b\u00a0:\n"),
    ],
)
def test_french_typed_on_an_ordinary_keyboard_is_set_as_it_should_be(typed: str, meant: str) -> None:
    assert french(typed) == meant
    assert french(meant) == meant


LONGEST = 200
"""Characters, beyond which two sentences are better than one."""


def test_nothing_that_people_read_is_long_winded() -> None:
    every = [
        string
        for path in catalogues.catalogues()
        for message in catalogues.read(path, "fr")
        if message.id
        for texts in (message.id, message.string)
        for string in ((texts,) if isinstance(texts, str) else texts or ())
    ]
    assert len(every) > 100
    assert [line for string in every for line in string.splitlines() if len(line) > LONGEST] == []
