"""A sentence written down now and said later, when it is known in which language."""

from dataclasses import dataclass, field


class Quoted(str):
    """A plain value that is shown in the quotation marks of the language in which it is said."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Later:
    """A sentence by its English id with the values for its placeholders; `many` and `n` make it a plural one."""

    text: str
    values: tuple[tuple[str, object], ...] = ()
    many: str | None = None
    n: int = field(default=0)

    def __str__(self) -> str:
        """The English id, for logs: values may be private."""
        return self.text if self.many is None or self.n == 1 else self.many


def later(text: str, /, **values: object) -> Later:
    """Mark a sentence for translation and keep its values; a `Voice` says it."""
    return Later(text, tuple(values.items()))


def later_plural(one: str, many: str, n: int, /, **values: object) -> Later:
    """The same for a sentence with a number in it."""
    return Later(one, tuple(values.items()), many, n)
