"""Where people work and with whom: what they say themselves counts before what is declared. Ranks nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from esnbot.commands.words import fold, near
from esnbot.community.model import Community, Site


class Belonging(StrEnum):
    """To what one can belong."""

    site = "site"
    team = "team"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Keys of the sites and teams of a person."""

    sites: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()


def declared(community: Community, kind: Belonging) -> Mapping[str, Site]:
    """The sites or the teams that there are."""
    return community.sites if kind is Belonging.site else community.teams


def whereabouts(community: Community, person: str, said: Iterable[tuple[str, str]]) -> Whereabouts:
    """The sites and teams of a person; ``said`` is (kind, key) of what they said themselves, if anything."""
    own = list(said)

    def keys(kind: Belonging) -> frozenset[str]:
        known = declared(community, kind)
        mine = frozenset(key for one, key in own if one == kind and (key in known or key == ""))
        if mine:
            return mine - {""}
        return frozenset(key for key, site in known.items() if person in site.people)

    return Whereabouts(keys(Belonging.site), keys(Belonging.team))


def find(known: Mapping[str, Site], text: str) -> str | None:
    """The key of the site or team that a text names, by key or by name."""
    wanted = fold(text)
    for key, site in known.items():
        if wanted in (fold(key), fold(site.name)):
            return key
    return None


def meant(known: Mapping[str, Site], text: str, most: int = 3) -> list[str]:
    """Names that somebody may have meant, nearest first."""
    return list(near(text, [site.name for site in known.values()], most))
