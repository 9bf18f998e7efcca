"""What is built of the configuration before anything runs: features, all commands, and what rooms show besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import structlog

from esnbot.commands import module as commands
from esnbot.commands import publishing
from esnbot.commands.registry import Registry, RegistryError
from esnbot.community.clock import Clock
from esnbot.community.group import Group, Kind, Place
from esnbot.community.person import Role
from esnbot.discovery import Discovery, summary
from esnbot.features.contract import Feature, Kit
from esnbot.provisioning.desired import Extra, Extras
from esnbot.settings import Settings
from esnbot.speech import Speech
from esnbot.web.widget import widget

log = structlog.get_logger("esnbot.composed")


@dataclass(frozen=True, slots=True)
class Composed:
    """Features that fit together."""

    features: Mapping[str, Feature]
    broken: Mapping[str, str]
    """Features that do not, with a sentence on why."""
    registry: Registry
    """The features' commands."""

    def all_commands(self, settings: Settings, speech: Speech) -> Registry:
        """The features' commands with those that are always there, for whoever shows them."""
        return commands.complete(self.registry, settings.community, speech)


def compose(settings: Settings, found: Discovery, speech: Speech, clock: Clock) -> Composed:
    """Every feature that can be built and whose commands contradict nobody's; the others are named."""
    built: dict[str, Feature] = {}
    broken = dict(found.broken)
    for name, declaration in found.declarations.items():
        try:
            kit = Kit(
                community=settings.community,
                settings=settings.features[name],
                speech=speech,
                clock=clock,
                bot=settings.homeserver.bot,
                server=settings.homeserver.server_name,
                board=settings.web.url,
                declared=found.declarations,
            )
            built[name] = declaration.build(kit)
        # A feature may come from anybody and fail in any way; the others run without it.
        except Exception as error:
            log.debug("feature cannot be built", feature=name, exc_info=True)
            broken[name] = f"the feature '{name}' cannot be built: {summary(error)}"
    features, unfit = _fitting(built)
    broken |= {name: f"the feature '{name}' does not fit: {error}" for name, error in unfit.items()}
    for sentence in broken.values():
        log.error("feature left out", reason=sentence)
    return Composed(features, broken, _registry(features))


def _fitting(built: Mapping[str, Feature]) -> tuple[dict[str, Feature], dict[str, RegistryError]]:
    """The features that fit together, and why the others do not; one may add commands to another's noun."""
    features: dict[str, Feature] = {}
    left = dict(built)
    while left:
        unfit: dict[str, RegistryError] = {}
        for name, feature in left.items():
            try:
                _registry({**features, name: feature})
            except RegistryError as error:
                unfit[name] = error
            else:
                features[name] = feature
        if len(unfit) == len(left):
            return features, unfit
        left = {name: built[name] for name in unfit}
    return features, {}


def _registry(features: Mapping[str, Feature]) -> Registry:
    return Registry(
        [noun for feature in features.values() for noun in feature.nouns],
        [command for feature in features.values() for command in feature.commands],
    )


EVERYBODY = frozenset({Role.member, Role.partner, Role.owner})
OUTSIDE = frozenset({Role.partner})
LOOKING_AFTER = frozenset(Role)


def extras(settings: Settings, composed: Composed, speech: Speech) -> Extras:
    """What rooms show besides, as the configuration says: commands to complete, and the board as a widget."""
    bot, web = settings.homeserver.bot, settings.web
    registry = composed.all_commands(settings, speech)

    @cache
    def of(kind: Kind, language: str, external: bool) -> tuple[Extra, ...]:
        found: tuple[Extra, ...] = ()
        if settings.publish_commands:
            # Where others read along, what only our own people may ask for is not spelled out.
            roles = LOOKING_AFTER if kind is Kind.animators else OUTSIDE if external else EVERYBODY
            found += publishing.descriptions(registry, speech, bot, language, roles)
        if web.widget and kind in web.widget_in:
            found += (widget(web.url, bot, speech.voice(language)),)
        return found

    def extras_of(place: Place, language: str, external: bool) -> tuple[Extra, ...]:
        return of(place.kind, language, external) if isinstance(place, Group) else ()

    return extras_of
