"""What a community can set about its watch."""

from __future__ import annotations

from datetime import time, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from esnbot.features.watch.addresses import NoAddress, given
from esnbot.features.watch.model import LONGEST_WORDS, MOST_WORDS, Filter
from esnbot.settings.values import Duration, Key, Network, TimeOfDay, unexpected

_NEVER: Final = tuple(ip_network(one) for one in ("127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10"))


def _address(text: str) -> str:
    try:
        return given(text)
    except NoAddress as error:
        if error.has_password:
            raise unexpected("an address without a password in it") from None
        raise unexpected("an address such as 'https://example.org/feed.xml'") from None


def _words(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _asked(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if any(network.version == one.version and network.overlaps(one) for one in _NEVER):
        raise unexpected("a network of the company; the machine itself and link-local addresses are never asked")
    return network


Words = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=LONGEST_WORDS)]],
    BeforeValidator(_words),
    Field(max_length=MOST_WORDS),
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class WordSettings(_Section):
    """Which of what sources bring is taken."""

    take: Words = []
    """Words or phrases of which one has to stand in it, whatever their accents and endings; none: all is taken."""
    leave: Words = []
    """Words or phrases that must not stand in it."""

    @property
    def filter(self) -> Filter:
        """The same for the model."""
        return Filter(tuple(self.take), tuple(self.leave))


class SourceSettings(WordSettings):
    """One outside source."""

    url: Annotated[str, AfterValidator(_address)]
    """Where its feed is, or a web page that names it."""
    line: Key | None = None
    """The editorial line that it is for."""
    name: Annotated[str, Field(max_length=80)] = ""
    """What it is called; by itself, as it calls itself."""
    language: Annotated[str, Field(max_length=20)] = ""
    """The language of its texts, such as `fr`, where it does not say so itself."""


class WatchSettings(_Section):
    """``features.watch`` of the configuration."""

    sources: tuple[SourceSettings, ...] = ()
    """Outside sources: feeds (RSS, Atom, JSON Feed) by address, each for a line."""
    lines: dict[Key, WordSettings] = {}
    """Words to take and to leave for all sources of a line."""
    at: TimeOfDay = time(9, 0)
    """When what is new is shown in the animators' room, once on each working day."""
    most: int = Field(default=8, ge=1, le=30)
    """Finds that are shown at a time."""
    of_one_source: int = Field(default=3, ge=1, le=30)
    """Finds of one source that are shown at a time."""
    first: int = Field(default=3, ge=0, le=20)
    """Of a new source so many of those finds are shown that stood there already."""
    later: tuple[Duration, ...] = (timedelta(days=1), timedelta(days=7))
    """After how long what was put off comes back: the first time, the second time …, and always the last."""
    keep: Duration = timedelta(days=14)
    """What nobody has decided about after this time is set aside."""
    every: Duration = timedelta(hours=1)
    """How often a feed is asked that does not say how often it changes; never more often than every 15 minutes."""
    most_sources: int = Field(default=200, ge=1, le=2_000)
    """Sources in all."""
    inside: tuple[Annotated[Network, AfterValidator(_asked)], ...] = ()
    """Networks of the company whose feeds may be asked; no other internal address ever is."""

    @model_validator(mode="after")
    def _fits(self) -> WatchSettings:
        if self.every < timedelta(minutes=15):
            raise unexpected("'every' of at least '15 minutes'")
        if not self.later or any(one < timedelta(hours=1) for one in self.later):
            raise unexpected("'later' with times of at least '1 hour' each")
        return self

    def filter_of(self, line: str) -> Filter:
        """The words of a line."""
        found: Any = self.lines.get(line)
        return found.filter if found is not None else Filter()
