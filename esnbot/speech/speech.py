"""The languages of the community, with the catalogues that they speak from."""

import gettext
from collections.abc import Iterable
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import Translations

from esnbot.speech.errors import CatalogueError, UnknownLanguage
from esnbot.speech.voice import Voice

SOURCE = "en"
"""The language of the ids."""
_CORE = Path(__file__).parent / "locale"
_PACKAGE = Path(__file__).parent.parent


def core_catalogue(language: str) -> Path:
    """The catalogue of all packages that carry no `texts/` folder of their own."""
    return _CORE / language / "LC_MESSAGES" / "esnbot.po"


class Speech:
    """Hands out voices. `catalogues` are the `texts` folders of the features, each with one `LANGUAGE.po`."""

    def __init__(
        self,
        catalogues: Iterable[Path] = (),
        *,
        languages: tuple[str, ...] = ("fr", "en"),
        default: str = "fr",
        strict: bool = False,
    ) -> None:
        self.languages = languages
        self.default = default
        self._strict = strict
        # The packages of the core may carry their texts with them as features do.
        self._folders = tuple(dict.fromkeys([*sorted(_PACKAGE.glob("*/texts")), *map(Path, catalogues)]))
        self._voices: dict[str, Voice] = {}

    def known(self, language: str | None) -> str | None:
        """The community's language for a tag such as `fr-CA`, None when it has none."""
        tag = (language or "").replace("_", "-").partition("-")[0].lower()
        return tag if tag in self.languages else None

    def voice(self, language: str | None = None) -> Voice:
        """The voice of a language; None is the default. An unknown one raises in strict mode, else is English."""
        tag = self.default if language is None else self.known(language)
        if tag is None:
            if self._strict:
                raise UnknownLanguage(f"no language {language!r} here; there are {', '.join(self.languages)}")
            tag = SOURCE
        if tag not in self._voices:
            self._voices[tag] = Voice(tag, self._translations(tag), strict=self._strict)
        return self._voices[tag]

    def _translations(self, language: str) -> Translations | None:
        if language == SOURCE:
            return None
        paths = [core_catalogue(language), *(folder / f"{language}.po" for folder in self._folders)]
        merged = Translations()
        # The plural rule comes with the first catalogue that is read; `merge` takes the sentences only.
        for path in filter(Path.exists, paths):
            read = _read(path, language)
            merged = merged.merge(read) if merged.files else read
        return merged


@cache
def _compiled(path: Path, language: str) -> bytes:
    """The catalogue in gettext's binary form, in memory; fuzzy entries stay out."""
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language, abort_invalid=True)
    except (PoFileError, UnicodeDecodeError, ValueError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def _read(path: Path, language: str) -> Translations:
    buffer = BytesIO(_compiled(path, language))
    buffer.name = str(path)
    return Translations(buffer, domain=gettext.textdomain())
