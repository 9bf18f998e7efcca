"""What only shows when the parts are seen together: references to nothing, circles, promises that cannot be kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group, History, Joining, Kind, Place, Posting, Source
from esnbot.community.model import Community
from esnbot.community.person import server_of
from esnbot.community.reach import bounds_of
from esnbot.settings.build import Builder, Written
from esnbot.settings.document import Node
from esnbot.settings.mistakes import Mistake, nearest, one_of
from esnbot.settings.sections import GroupSection, PlaceSection
from esnbot.settings.templates import texts_of

_SATURDAY = 5
_LEAST_VERSION = {Joining.knock: 7, Joining.space: 8}
"""The first room version with a way of joining."""


@dataclass(slots=True)
class Checks:
    """Looks at a built community and adds what is wrong to the mistakes of its builder."""

    community: Community
    builder: Builder

    def run(self) -> None:
        """All checks."""
        self._references()
        self._circles()
        self._audiences()
        self._languages()
        self._aliases()
        self._templates()
        for one in self.builder.written.values():
            place = self.community.place(one.key)
            if place is not None:
                self._place(one, place)
                self._bounds(one, place)
            if isinstance(place, Group):
                self._group(one, place)

    def _add(self, at: Written | None, key: str, found: str, expected: str, suggestion: str | None = None) -> None:
        node = at.node if at is not None else self.builder.root
        below = node.get(*(int(step) if step.isdigit() else step for step in key.split(".")))
        source = below.source if below is not None else at.source if at is not None else node.source
        path = f"{at.path}.{key}" if at is not None else key
        self.builder.mistakes.append(Mistake(source, path, found, expected, suggestion))

    def _declared(self, *path: str) -> list[str]:
        """Keys as they are written, also of entries that have mistakes of their own."""
        node = self.builder.root.get(*path)
        return node.keys() if node is not None else []

    def _spaces(self) -> list[str]:
        return list(_space_keys(self.builder.root))

    def _groups(self) -> list[str]:
        return list(_group_keys(self.builder.root))

    def _refer(self, at: Written | None, key: str, word: str | None, choices: list[str], what: str) -> None:
        if word is not None and word not in choices:
            expected = f"a declared {what}: {one_of(choices)}"
            self._add(at, key, f"the unknown {what} '{word}'", expected, nearest(word, choices))

    def _references(self) -> None:
        audiences, spaces, groups = self._declared("audiences"), self._spaces(), self._groups()
        file = self.builder.file
        self._refer(None, "animators_room", file.animators_room, groups, "group")
        self._refer(None, "home", file.home, spaces, "space")
        for one in self.builder.written.values():
            section = one.section
            for index, word in enumerate(section.audiences or ()):
                self._refer(one, f"audiences.{index}", word, audiences, "audience")
            self._refer(one, "space", getattr(section, "space", None), spaces, "space")
            if isinstance(section, GroupSection):
                self._refer(one, "template", section.template, list(self.community.templates), "template")
            for index, word in enumerate(section.also_in if isinstance(section, GroupSection) else ()):
                self._refer(one, f"also_in.{index}", word, spaces, "space")
                if word == one.parent:
                    self._add(
                        one, f"also_in.{index}", f"the space '{word}' that it stands in already", "further spaces"
                    )
            for index, word in enumerate(section.shown_in if isinstance(section, GroupSection) else ()):
                self._refer(one, f"shown_in.{index}", word, spaces, "space")

    def _circles(self) -> None:
        spaces = self.community.spaces
        reported: set[str] = set()
        for key in spaces:
            way = [key]
            while (parent := spaces[way[-1]].parent) in spaces and parent not in way:
                way.append(str(parent))
            if spaces[way[-1]].parent == key and not reported & set(way):
                reported |= set(way)
                circle = " in ".join(f"'{step}'" for step in [*way, key])
                self._add(self.builder.written[key], "space", f"a space inside itself ({circle})", "a tree of spaces")

    def _audiences(self) -> None:
        for key, audience in self.community.audiences.items():
            node = self.builder.root.get("audiences", key)
            if audience.perimeter.is_empty and node is not None and node.keys():
                expected = "who belongs to it: 'homeservers', 'people', 'directory_groups' or 'by_invitation: true'"
                faulty = any(known.path.startswith(f"audiences.{key}.") for known in self.builder.mistakes)
                if not faulty:
                    self._add(None, f"audiences.{key}", "an audience without a perimeter", expected)
            if audience.sponsor is not None and server_of(audience.sponsor) != self.builder.server:
                found = f"a sponsor from outside ('{audience.sponsor}')"
                self._add(
                    None, f"audiences.{key}.sponsor", found, f"somebody of this homeserver (':{self.builder.server}')"
                )
        room = self.community.groups.get(self.community.animators_room or "")
        if room is not None:
            self._internal(self.builder.written[room.key], room)

    def _internal(self, one: Written, room: Group) -> None:
        outside = [key for key in room.audiences if key in self.community.audiences and self._audience(key).external]
        if outside:
            self._add(
                one, "audiences", f"the external audience '{outside[0]}' in the animators' room", "own people only"
            )

    def _audience(self, key: str) -> Audience:
        return self.community.audiences[key]

    def _languages(self) -> None:
        languages = self.community.languages
        if self.builder.root.get("languages") is None:
            return
        for one in self.builder.written.values():
            word = one.section.language
            if word is not None and word not in languages:
                expected = f"a language of the community: {one_of(languages)}"
                self._add(one, "language", f"the language '{word}'", expected, nearest(word, languages))
        for prompt in self.community.prompts:
            self._all_languages(f"prompts.{prompt.key}", prompt.texts, "the prompt")
        for key, template in self.community.templates.items():
            for name, texts, what in texts_of(template):
                if texts:
                    self._all_languages(f"templates.{key}", texts, what, f"templates.{key}.{name}")

    def _all_languages(self, key: str, texts: Iterable[str], what: str, path: str | None = None) -> None:
        lacking = [language for language in self.community.languages if language not in texts]
        if lacking:
            source = self.builder.sources.get(key, Source("", 1))
            words = one_of(self.community.languages).replace("one of ", "")
            found = f"{what} without {' and '.join(lacking)}"
            self.builder.mistakes.append(
                Mistake(source, path or key, found, f"every language of the community ({words})")
            )

    def _templates(self) -> None:
        for key, template in self.community.templates.items():
            source = self.builder.sources[f"templates.{key}"]
            for room in template.rooms[1:]:
                if not any(room.name.values()):
                    found, expected = "a further room without a name", "a 'name' in every language"
                    path = f"templates.{key}.rooms.{room.key}"
                    self.builder.mistakes.append(Mistake(source, path, found, expected))

    def _aliases(self) -> None:
        seen: dict[str, Written] = {}
        adopted: dict[str, Written] = {}
        for one in self.builder.written.values():
            alias = one.section.alias or one.key
            first = seen.setdefault(alias, one)
            if first is not one:
                expected = f"an alias of its own ('{first.key}' at {first.source} has it)"
                self._add(one, "alias", f"the alias '{alias}' a second time", expected)
            room = one.section.adopt
            if room is not None and adopted.setdefault(room, one) is not one:
                expected = f"a room of its own ('{adopted[room].key}' adopts it)"
                self._add(one, "adopt", f"the room '{room}' a second time", expected)

    def _place(self, one: Written, place: Place) -> None:
        section = one.section
        if section.joining is Joining.space and one.parent is None:
            expected = "'public', 'knock' or 'invite', or a space around it"
            self._add(one, "joining", "'space' without a space around it", expected)
        around = self.community.spaces.get(place.parent or "")
        if around is not None and around.audiences and set(around.audiences) <= set(self.community.audiences):
            self._inside(one, place, section, around)
        if place.federate is False:
            self._unreachable(one, place)
        if place.room_version is not None and place.room_version.isdigit():
            least = _LEAST_VERSION.get(place.joining, 1)
            if int(place.room_version) < least:
                found = f"version {place.room_version} with 'joining: {place.joining}'"
                self._add(one, "room_version", found, f"version {least} or newer", "12")

    def _inside(self, one: Written, place: Place, section: PlaceSection, around: Place) -> None:
        known = self.community.audiences
        if not place.audiences:
            self._add(one, "audiences", "nobody in particular", f"audiences of the space '{around.key}' around it")
        for index, key in enumerate(section.audiences or ()):
            if key in known and key not in around.audiences:
                kind = "external audience" if known[key].external else "audience"
                space = (
                    "internal space" if not any(known[a].external for a in around.audiences if a in known) else "space"
                )
                found = f"the {kind} '{key}' in the {space} '{around.key}', which is not for it"
                expected = f"{one_of(around.audiences)}, or '{key}' among the audiences of '{around.key}' too"
                self._add(one, f"audiences.{index}", found, expected)

    def _unreachable(self, one: Written, place: Place) -> None:
        for key in place.audiences:
            perimeter = self._audience(key).perimeter if key in self.community.audiences else None
            servers = perimeter.homeservers if perimeter is not None else ()
            far = [server for server in servers if server != self.builder.server]
            far += [
                user for user in sorted(perimeter.people if perimeter else ()) if server_of(user) != self.builder.server
            ]
            if far:
                found = f"'federate: false' for the audience '{key}', which has '{far[0]}'"
                self._add(one, "federate", found, "'federate: true', or an audience of this homeserver only")
                return

    def _group(self, one: Written, group: Group) -> None:
        open_to_all = {
            "joining": group.joining is Joining.public,
            "history": group.history is History.world,
            "guests": group.guests,
            "listed": group.listed,
        }
        if group.encrypted:
            why = next((key for key, is_so in open_to_all.items() if is_so), None)
            if why is not None:
                found = f"'encrypted: true' in a group that anybody can read ('{why}')"
                self._add(one, "encrypted", found, "one of the two: what is open to all is not secret")
        if group.audiences:
            named = ", ".join(group.audiences)
            if group.history is History.world:
                found = f"'world_readable' in a group for {named} only"
                self._add(one, "history", found, "one of shared, joined, invited", "shared")
            if group.guests:
                self._add(one, "guests", f"guests in a group for {named} only", "'guests: false'")
        self._owners(one, group)
        self._tempo(one, group)
        if group.posting is Posting.owners and not group.owners:
            self._add(one, "posting", "'owners' in a group without owners", "'owners: [...]', or another 'posting'")
        if group.kind is Kind.animators and group.joining is Joining.public:
            self._add(one, "joining", "'public' for an animators' room", "'invite'")

    def _owners(self, one: Written, group: Group) -> None:
        """Owners have to be inside the perimeter, or they would be shown out of their own group."""
        audiences = [self.community.audiences.get(key) for key in group.audiences]
        known = [audience.perimeter for audience in audiences if audience is not None]
        # Who is in the directory or was invited is not known here.
        if not known or len(known) < len(audiences) or any(_is_open_ended(perimeter) for perimeter in known):
            return
        for owner in sorted(group.owners):
            if not any(perimeter.contains(owner) for perimeter in known):
                expected = f"somebody of {' or '.join(group.audiences)}"
                self._add(one, "owners", f"the owner '{owner}', who is in none of its audiences", expected)

    def _tempo(self, one: Written, group: Group) -> None:
        if group.tempo is None or not group.tempo.weekdays or "tempo" not in one.section.stated:
            return
        bounds = bounds_of(group, self.community.spaces, self.community)
        quiet = bounds.quiet_hours
        if quiet is not None and quiet.covers(group.tempo.at):
            expected = f"a time outside of them ({quiet.begin:%H:%M} to {quiet.end:%H:%M})"
            self._add(one, "tempo.at", f"{group.tempo.at:%H:%M}, which lies in the quiet hours", expected)
        template = self.community.template_of(group)
        prompts = (*self.community.prompts, *(template.prompts if template is not None else ()))
        if prompts and not any(not prompt.kinds or group.kind in prompt.kinds for prompt in prompts):
            expected = "prompts with that kind among their 'kinds', or none at all"
            self._add(one, "tempo", f"a tempo for kind '{group.kind}', which no prompt suits", expected)

    def _bounds(self, one: Written, place: Place) -> None:
        """What nobody could keep to."""
        tempo = place.tempo
        if tempo is None or "tempo" not in one.section.stated:
            return
        bounds = bounds_of(place, self.community.spaces, self.community)
        posts, promotional = bounds.posts_a_week, tempo.promotional_a_week
        if posts is not None and promotional is not None and promotional > posts:
            expected = f"at most {posts}, as there are no more posts a week"
            self._add(one, "tempo.promotional_a_week", f"{promotional} promotional posts a week", expected)
        if tempo.weekdays and all(day >= _SATURDAY for day in tempo.weekdays) and bounds.weekends is False:
            expected = "another day, or 'weekends: true' here"
            self._add(one, "tempo.weekdays", "prompts at weekends only, where nothing is posted at weekends", expected)
        if tempo.holidays is not None and self.community.country is None:
            expected = "the 'country' at the top of the file, by which they are known"
            self._add(one, "tempo.holidays", "public holidays of no country", expected)


def _is_open_ended(perimeter: Perimeter) -> bool:
    return bool(perimeter.directory_groups) or perimeter.by_invitation


def _space_keys(node: Node) -> Iterable[str]:
    spaces = node.get("spaces")
    for key, (_, space) in ((spaces.entries or {}) if spaces is not None else {}).items():
        yield key
        yield from _space_keys(space)


def _group_keys(node: Node) -> Iterable[str]:
    groups = node.get("groups")
    yield from groups.keys() if groups is not None else ()
    spaces = node.get("spaces")
    for _, space in ((spaces.entries or {}) if spaces is not None else {}).values():
        yield from _group_keys(space)
