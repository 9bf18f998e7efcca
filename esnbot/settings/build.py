"""From the checked sections to the community: nested spaces become flat, short user ids whole, defaults inherited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group, History, Joining, Kind, Posting, Source, Space
from esnbot.community.model import Community, Prompt, Roles, Site, Template, standard_template
from esnbot.community.tempo import QuietHours
from esnbot.settings import templates as library
from esnbot.settings.document import Node
from esnbot.settings.mistakes import Mistake
from esnbot.settings.prompts_file import PromptSection, PromptsFile
from esnbot.settings.sections import (
    AudienceSection,
    CommunityFile,
    GroupSection,
    PlaceSection,
    SiteSection,
    SpaceSection,
)
from esnbot.settings.template_file import TemplateFile
from esnbot.settings.values import Month, Weekday, complete

OWN = "own"
"""In an audience's homeservers: this homeserver."""


@dataclass(slots=True)
class Written:
    """A space or group as it is written: its section, its node, and where it stands."""

    key: str
    section: PlaceSection
    node: Node
    path: str
    parent: str | None
    source: Source


@dataclass(slots=True)
class Builder:
    """What is gathered while the community is put together."""

    root: Node
    file: CommunityFile
    server: str
    mistakes: list[Mistake]
    sources: dict[str, Source] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)
    """Spaces and groups, parents before children where the file nests them."""

    def build(self, prompts: list[tuple[Node, PromptsFile]], templates: list[tuple[Node, TemplateFile]]) -> Community:
        """The community; places that are written twice are added to the mistakes."""
        file = self.file
        for one in self._walk():
            self._register(one)
        made = library.made(templates, self.sources, self.mistakes)
        order = list(self._parents_first())
        spaces: dict[str, Space] = {}
        groups: dict[str, Group] = {}
        for one in order:
            around = spaces.get(one.parent or "")
            if isinstance(one.section, GroupSection):
                groups[one.key] = self._group(one, one.section, around, made)
            else:
                spaces[one.key] = self._space(one, around)
        quiet = file.quiet_hours
        return Community(
            name=file.name,
            languages=tuple(dict.fromkeys(file.languages)),
            zone=file.time_zone,
            country=file.country,
            quiet_hours=QuietHours(quiet.begin, quiet.end) if quiet else None,
            audiences={key: self._audience(key, section) for key, section in file.audiences.items()},
            spaces=spaces,
            groups=groups,
            roles=Roles(self._users(file.roles.animators), self._users(file.roles.administrators)),
            prompts=tuple(self._prompts(prompts)),
            families={file.family: library.spoken(file.called) for _, file in prompts if file.family and file.called},
            templates=made,
            sites=self._sites("sites", file.sites),
            teams=self._sites("teams", file.teams),
            animators_room=file.animators_room or _only_animators_room(groups),
            home=file.home or next(iter(spaces), None),
        )

    def _walk(self) -> Iterator[Written]:
        for key, space in self.file.spaces.items():
            yield from self._walk_space(key, space, ("spaces", key), space.space)
        for key, group in self.file.groups.items():
            yield self._one(key, group, ("groups", key), group.space)

    def _walk_space(
        self, key: str, space: SpaceSection, path: tuple[str, ...], parent: str | None
    ) -> Iterator[Written]:
        yield self._one(key, space, path, parent)
        for below, group in space.groups.items():
            yield self._one(below, group, (*path, "groups", below), key)
        for below, nested in space.spaces.items():
            yield from self._walk_space(below, nested, (*path, "spaces", below), key)

    def _one(self, key: str, section: PlaceSection, path: tuple[str, ...], parent: str | None) -> Written:
        holder = self.root.get(*path[:-1])
        assert holder is not None
        assert holder.entries is not None
        source, node = holder.entries[key]
        return Written(key, section, node, ".".join(path), parent, source)

    def _register(self, one: Written) -> None:
        first = self.written.get(one.key)
        if first is not None:
            expected = f"a key of its own among all spaces and groups (the first stands at {first.source})"
            self.mistakes.append(Mistake(one.source, one.path, f"the key '{one.key}' a second time", expected))
            return
        self.written[one.key] = one
        self.sources[one.key] = one.source
        for key, (source, _) in (one.node.entries or {}).items():
            self.sources[f"{one.key}.{key}"] = source

    def _parents_first(self) -> Iterator[Written]:
        """Spaces may name a parent that is written later; those in a circle (a mistake found elsewhere) come last."""
        waiting = list(self.written.values())
        while waiting:
            blocked = {one.key for one in waiting}
            ready = [one for one in waiting if one.parent not in blocked] or waiting
            yield from ready
            done = {one.key for one in ready}
            waiting = [one for one in waiting if one.key not in done]

    def _common(self, one: Written, around: Space | None) -> dict[str, Any]:
        section = one.section
        audiences = section.audiences
        if audiences is None:
            audiences = list(around.audiences) if around is not None else []
        return {
            "key": one.key,
            "name": section.name,
            "topic": section.topic,
            "alias": section.alias,
            "avatar": self._avatar(one),
            "audiences": tuple(dict.fromkeys(audiences)),
            "joining": section.joining or _default_joining(one),
            "parent": one.parent,
            "language": section.language or (around.language if around is not None else None),
            "listed": section.listed,
            "adopt": section.adopt,
            "room_version": section.room_version,
            "federate": section.federate,
            "source": one.source,
            "stated": section.stated - {"groups", "spaces"},
        }

    def _space(self, one: Written, around: Space | None) -> Space:
        section = one.section
        common = self._common(one, around)
        if not isinstance(section, SpaceSection):
            return Space(**common)
        tempo = library.tempo(section.tempo) if section.tempo else None
        return Space(**common, open_to_additions=section.open_to_additions, tempo=tempo)

    def _group(
        self, one: Written, section: GroupSection, around: Space | None, templates: Mapping[str, Template]
    ) -> Group:
        named = templates.get(section.template) if section.template is not None else None
        kind = named.kind if named is not None and "kind" not in section.stated else section.kind
        template = named or standard_template(templates, kind) or Template(kind)
        common = self._common(one, around)
        if section.joining is None and template.joining is not None:
            common["joining"] = template.joining
        language = common["language"] or self.file.languages[0]
        charter = section.charter if section.charter is not None else template.charter.get(language, "")
        return Group(
            **common,
            kind=kind,
            posting=section.posting or template.posting or Posting.everyone,
            history=section.history or template.history or History.shared,
            guests=section.guests,
            encrypted=section.encrypted if "encrypted" in section.stated else bool(template.encrypted),
            retention=section.retention or template.retention,
            charter=charter.strip(),
            owners=self._users(section.owners),
            tempo=library.tempo(section.tempo).over(template.tempo) if section.tempo else template.tempo,
            template=section.template or "",
            archived=section.archived,
            also_in=tuple(dict.fromkeys(section.also_in)),
            shown_in=tuple(dict.fromkeys(section.shown_in)),
        )

    def _avatar(self, one: Written) -> str | None:
        avatar = one.section.avatar
        node = one.node.get("avatar")
        if avatar is None or node is None or avatar.startswith("mxc://"):
            return avatar
        path = Path(node.source.path).parent / avatar
        if not path.is_file():
            expected = "an image file, relative to this file, or an 'mxc://' address"
            self.mistakes.append(Mistake(node.source, f"{one.path}.avatar", f"no file '{path}'", expected))
        return str(path)

    def _users(self, names: list[str]) -> frozenset[str]:
        return complete(names, self.server)

    def _audience(self, key: str, section: AudienceSection) -> Audience:
        self._note("audiences", key)
        perimeter = Perimeter(
            homeservers=tuple(self.server if name == OWN else name for name in section.homeservers),
            people=self._users(section.people),
            directory_groups=tuple(section.directory_groups),
            by_invitation=section.by_invitation,
        )
        sponsor = next(iter(self._users([section.sponsor])), None) if section.sponsor else None
        return Audience(key, section.name, perimeter, section.external, sponsor, section.until)

    def _sites(self, name: str, sections: Mapping[str, SiteSection]) -> dict[str, Site]:
        for key in sections:
            self._note(name, key)
        return {key: Site(key, section.name, self._users(section.people)) for key, section in sections.items()}

    def _note(self, *path: str) -> None:
        node = self.root.get(*path)
        if node is not None:
            self.sources[".".join(path)] = node.source

    def _prompts(self, documents: list[tuple[Node, PromptsFile]]) -> Iterator[Prompt]:
        seen: dict[str, Source] = {}
        for node, file in documents:
            entries = node.get("prompts")
            for key, one in file.prompts.items():
                source = entries.entries[key][0] if entries is not None and entries.entries else node.source
                if key in seen:
                    expected = f"each key once (the first stands at {seen[key]})"
                    self.mistakes.append(Mistake(source, f"prompts.{key}", f"the key '{key}' a second time", expected))
                    continue
                seen[key] = self.sources[f"prompts.{key}"] = source
                yield self._prompt(key, one, file)

    def _prompt(self, key: str, one: PromptSection, file: PromptsFile) -> Prompt:
        """A prompt with what its file says, where it says nothing itself."""
        kinds = file.kinds if one.kinds is None else one.kinds
        months = file.months if one.months is None else one.months
        weekdays = file.weekdays if one.weekdays is None else one.weekdays
        return Prompt(
            key,
            library.spoken(one.model_extra or {}),
            frozenset(kinds or ()),
            file.family,
            months=frozenset(Month(month).number for month in months or ()),
            weekdays=frozenset(Weekday(day).number for day in weekdays or ()),
            occasion=one.occasion or file.occasion,
        )


def _default_joining(one: Written) -> Joining:
    closed = isinstance(one.section, GroupSection) and one.section.kind is Kind.animators
    return Joining.invite if closed or one.parent is None else Joining.space


def _only_animators_room(groups: Mapping[str, Group]) -> str | None:
    rooms = [key for key, group in groups.items() if group.kind is Kind.animators]
    return rooms[0] if len(rooms) == 1 else None
