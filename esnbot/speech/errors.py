"""What can go wrong in speaking."""


class SpeechError(Exception):
    """Base of the errors of this package."""


class UnknownLanguage(SpeechError):
    """A language that the community does not speak."""


class MissingPlaceholder(SpeechError):
    """A sentence has a placeholder for which no value was given."""


class CatalogueError(SpeechError):
    """A catalogue that cannot be read; the message names the file."""
