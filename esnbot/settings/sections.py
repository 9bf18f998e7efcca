"""The shape of the YAML that people write. What each key means stands in its description: editors and docs show it."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from esnbot.community.group import History, Joining, Kind, Posting
from esnbot.settings.mistakes import nearest
from esnbot.settings.values import (
    Alias,
    Country,
    Day,
    Duration,
    ExistingRoom,
    HttpUrl,
    Key,
    Language,
    Listen,
    Network,
    ServerName,
    ServerPattern,
    TimeOfDay,
    User,
    Weekday,
    WeekdayName,
    Zone,
    chosen,
    unexpected,
)

KIND_SYNONYMS = {
    "projet": "project",
    "loisir": "hobby",
    "loisirs": "hobby",
    "métier": "practice",
    "trade": "practice",
    "question": "help",
    "aide": "help",
    "entraide": "help",
    "lounge": "informal",
    "détente": "informal",
    "événement": "event",
    "meetup": "event",
    "annonces": "announcements",
    "news": "announcements",
    "animateurs": "animators",
}
KindName = Annotated[Kind, chosen(Kind, KIND_SYNONYMS)]
PostingName = Annotated[Posting, chosen(Posting, {"all": "everyone", "tous": "everyone", "members": "everyone"})]
JoiningName = Annotated[
    Joining, chosen(Joining, {"open": "public", "restricted": "space", "private": "invite", "closed": "invite"})
]
HistoryName = Annotated[History, chosen(History, {"world": "world_readable", "public": "world_readable"})]
Text = Annotated[str, Field(max_length=40_000)]
Name = Annotated[str, Field(min_length=1, max_length=120)]


class Section(BaseModel):
    """A mapping in the file: unknown keys are mistakes, and a key without a value counts as not written."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if value is not None or key not in known}

    @property
    def stated(self) -> frozenset[str]:
        """The keys that the file states."""
        return frozenset(self.model_fields_set)


class QuietHoursSection(Section):
    """Local time in which the bot says nothing unasked."""

    begin: TimeOfDay
    """First minute, local time."""
    end: TimeOfDay
    """First minute after it; before `begin` when it crosses midnight."""


class BoundsSection(Section):
    """What is borne of posts that nobody asked for (prompts, entries, meet-ups); what is not given is inherited."""

    least_gap: Duration | None = None
    """Between two posts that nobody asked for; no prompt when the last one is younger than this."""
    posts_a_week: Annotated[int, Field(ge=0, le=200)] | None = None
    """Posts that nobody asked for in any seven days in a row, at most."""
    promotional_a_week: Annotated[int, Field(ge=0, le=200)] | None = None
    """Those of them that promote something, at most."""
    weekends: bool | None = None
    """Whether something is posted at weekends; when nobody says: only what was given such a date."""
    holidays: bool | None = None
    """Whether something is posted on public holidays of the country; not when nobody says."""
    quiet_hours: QuietHoursSection | None = None
    """Instead of the community's; begin and end alike for none."""


class TempoSection(BoundsSection):
    """When discussion prompts appear, and what is borne of all that is posted unasked."""

    weekdays: list[WeekdayName] = []
    """Days of the week on which prompts appear; no prompts when not given."""
    at: TimeOfDay | None = None
    """Local time of day of the prompts, and of what is planned without a time."""

    @model_validator(mode="after")
    def _whole(self) -> TempoSection:
        if self.weekdays and self.at is None:
            raise unexpected("'at' beside the weekdays, the time of day of the prompts: at: \"10:00\"")
        if self.at is not None and not self.weekdays:
            raise unexpected("'weekdays' beside 'at', the days of the prompts: weekdays: [monday]")
        return self

    @property
    def numbers(self) -> tuple[int, ...]:
        """The weekdays, 0 is Monday."""
        return tuple(sorted({Weekday(day).number for day in self.weekdays}))


def _without_prompts(value: object) -> object:
    if isinstance(value, dict) and {"weekdays", "at"} & value.keys():
        raise unexpected("bounds alone: days and hour of prompts stand in the tempo of groups, or of their template")
    return value


class AudienceSection(Section):
    """A part of the extended community, and its perimeter: who belongs to it, declared in advance."""

    name: Name
    """What people call it."""
    homeservers: list[ServerPattern] = []
    """Everybody on these homeservers; `own` is this one, `*` stands for any text."""
    people: list[User] = []
    """These persons."""
    directory_groups: list[Name] = []
    """Members of these groups of the company's directory."""
    by_invitation: bool = False
    """Also persons whom a sponsor or an animator invites by name."""
    external: bool = False
    """People from outside the company: rooms with them say so."""
    sponsor: User | None = None
    """Who answers for them inside the company."""
    until: Day | None = None
    """The last day on which they belong here."""


class PlaceSection(Section):
    """What spaces and groups have in common."""

    name: Name
    """The room's name."""
    topic: Annotated[str, Field(max_length=2_000)] = ""
    """What it is about, in one or two sentences."""
    alias: Alias | None = None
    """Local part of the room alias; the key when not given."""
    avatar: str | None = None
    """An image file (relative to this file), or an `mxc://` address."""
    audiences: list[str] | None = None
    """Who it is for; those of the space around it when not given."""
    joining: JoiningName | None = None
    """How people come in: `space` (members of the space around it), `public`, `knock` or `invite`."""
    language: Language | None = None
    """The language that the bot speaks here to those who have not chosen one."""
    listed: bool = False
    """Shown in the homeserver's public room directory."""
    adopt: ExistingRoom | None = None
    """Take over this existing room instead of making one."""
    room_version: Annotated[str, Field(pattern=r"^[0-9a-z.-]{1,32}$")] | None = None
    """The Matrix room version; the homeserver's default when not given."""
    federate: bool | None = None
    """False: people of other homeservers can never come in. Cannot be changed later."""


class GroupSection(PlaceSection):
    """A room for people."""

    kind: KindName = Kind.informal
    """What it is for; as its template says when not given."""
    template: Key | None = None
    """The template that it begins with; the standard one of its kind when not given."""
    posting: PostingName | None = None
    """Who may post; everyone, unless this or the template of its kind says otherwise."""
    history: HistoryName | None = None
    """Who reads what was said before: `shared` (the default: members, all of it), `joined` (from when they joined) …"""
    guests: bool = False
    """Whether Matrix guests may come in."""
    encrypted: bool = False
    """End-to-end encryption; it can be switched on later, never off."""
    retention: Duration | None = None
    """Messages older than this are deleted by the homeserver."""
    charter: Text | None = None
    """The group's few rules, in Markdown: posted and pinned. `''` for none."""
    owners: list[User] = []
    """Who owns it."""
    tempo: TempoSection | None = None
    """When discussion prompts appear (none when neither this nor its template says so), and what is borne of posts."""
    archived: bool = False
    """Read-only, and out of its space."""
    also_in: list[str] = []
    """Further spaces that list it, and whose members may come in as those of the space around it."""
    shown_in: list[str] = []
    """Further spaces that list it, and let nobody in by that."""


class NestedGroupSection(GroupSection):
    """A group that is written outside the spaces."""

    space: str | None = None
    """The key of the space it stands in."""


class SpaceSection(PlaceSection):
    """A space; spaces nest."""

    open_to_additions: bool = False
    """Its members may add groups to it, which only the group's owners and animators take out again."""
    tempo: Annotated[BoundsSection, BeforeValidator(_without_prompts)] | None = None
    """What its groups bear of posts that nobody asked for, as far as they state nothing themselves."""
    groups: dict[Key, GroupSection] = {}
    """The groups that stand in it."""
    spaces: dict[Key, SpaceSection] = {}
    """The spaces that stand in it."""


class TopSpaceSection(SpaceSection):
    """A space that is written at the top level."""

    space: str | None = None
    """The key of the space it stands in, when that is written elsewhere."""


class RolesSection(Section):
    """Functions in the whole community."""

    animators: list[User] = []
    """They set the tempo, look after the calendar and keep order lightly."""
    administrators: list[User] = []
    """They run the software."""


class SiteSection(Section):
    """A place of work, or a team."""

    name: Name
    """What people call it."""
    people: list[User] = []
    """Who works there; people can also say so themselves."""


class WebSection(Section):
    """The board and `/health`, `/ready`, `/metrics`."""

    listen: Listen = ("127.0.0.1", 8090)
    """Where it listens."""
    url: HttpUrl | None = None
    """How people reach it, when a reverse proxy stands before it."""
    widget: bool | None = None
    """Whether rooms show the board as a widget; when not given: if `url` is https (clients block anything else)."""
    widget_in: list[KindName] = [Kind.animators, Kind.help]
    """The kinds of group whose rooms show it."""
    clients: list[HttpUrl] = ["https://app.element.io"]
    """Web clients that may show it, by their address; Element Desktop always may."""
    stay: Duration = timedelta(days=14)
    """How long one stays signed in."""
    proxies: list[Network] = [ip_network("127.0.0.1"), ip_network("::1")]
    """Reverse proxies that are believed when they say for whom they ask (`X-Forwarded-For`)."""
    inside: list[Network] = []
    """Networks of the company in which homeservers of the audiences stand; the board asks no other internal address."""


class CourtesySection(Section):
    """Small signs by which people know that the bot has seen them."""

    receipts: bool = True
    """Read receipts on what is said to the bot."""
    typing: bool = True
    """The bot is seen typing while an answer takes a moment."""


class CommandsSection(Section):
    """How people come to know what they can ask the bot."""

    publish: bool = False
    """Put the commands into the groups' rooms, for clients that complete them (MSC4391, a draft)."""


class EncryptionSection(Section):
    """The bot's encrypted device, with which it reads and writes encrypted rooms and direct chats."""

    store: Annotated[str, Field(min_length=1)] | None = None
    """The folder of its keys; `encryption` beside the SQLite database, else `var/encryption`, when not given."""
    key_file: str | None = None
    """File with the key that opens that folder (or ESNBOT_ENCRYPTION_KEY); without it, a key is made and kept there."""
    direct_chats: bool = True
    """Whether the direct chats that the bot opens are encrypted, where the person's clients can read them."""


class HomeserverSection(Section):
    """Where the homeserver is, and how the bot speaks to it. Secrets stand in files or the environment."""

    embedded: bool = False
    """True: esnbot starts a Synapse of its own under `data`. For trying things out, not for production."""
    data: Annotated[str, Field(min_length=1)] = "var/homeserver"
    """Embedded: the folder for everything that it writes, relative to the working directory."""
    listen: Listen = ("127.0.0.1", 8008)
    """Embedded: where Matrix clients reach it."""
    url: HttpUrl | None = None
    """The address of its client-server API."""
    server_name: ServerName | None = None
    """What stands after the colon in user ids."""
    as_token_file: str | None = None
    """File with the application service's token (or ESNBOT_AS_TOKEN)."""
    hs_token_file: str | None = None
    """File with the homeserver's token (or ESNBOT_HS_TOKEN)."""
    admin_token_file: str | None = None
    """File with a server administrator's access token (or ESNBOT_ADMIN_TOKEN); without it, joining means inviting."""
    registration: str | None = None
    """The registration file, for `esnbot doctor` to compare with what the homeserver has loaded."""
    appservice_id: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,60}$")] = "esnbot"
    """The `id` in the registration."""
    bot: Annotated[str, Field(pattern=r"^[a-z0-9._=/-]{1,60}$")] = "esnbot"
    """The bot's local part."""
    device: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")] = "ESNBOT"
    """The bot's device id."""
    appservice_listen: Listen = ("127.0.0.1", 29331)
    """Where the homeserver's transactions are received."""
    appservice_url: HttpUrl | None = None
    """How the homeserver reaches us (`url` of the registration); from `appservice_listen` when not given."""


def _embedded(value: object) -> object:
    if value == "embedded":
        return {"embedded": True}
    if isinstance(value, str | int | float | bool):
        expected = "'embedded', or a mapping with 'url', 'server_name' and where the tokens are"
        raise unexpected(expected, nearest(value, ["embedded"]))
    return value


class CommunityFile(Section):
    """The whole configuration."""

    name: Name
    """The community's name."""
    languages: list[Language] = Field(min_length=1)
    """Languages that are spoken; the first is the default."""
    time_zone: Zone
    """The time zone for everything that is due at a local time."""
    country: Country | None = None
    """For public holidays: 'FR', or with a region 'DE-BY'."""
    quiet_hours: QuietHoursSection | None = None
    """Local time in which the bot says nothing unasked."""
    homeserver: Annotated[HomeserverSection, BeforeValidator(_embedded)]
    """`embedded`, or where the homeserver is."""
    database: Annotated[str, Field(min_length=1)] = "sqlite+aiosqlite:///var/esnbot.db"
    """Database URL; a relative SQLite path starts at the working directory. ESNBOT_DATABASE goes before."""
    database_file: str | None = None
    """A file with the database URL, for URLs with a password."""
    encryption: EncryptionSection = EncryptionSection()
    """Where the keys for encrypted rooms are kept."""
    web: WebSection = WebSection()
    """Where the board listens."""
    courtesy: CourtesySection = CourtesySection()
    """Read receipts and typing."""
    commands: CommandsSection = CommandsSection()
    """How clients come to know the commands."""
    include: list[str] = []
    """Further files with any of these keys (`*` allowed), relative to this one."""
    prompts: list[str] = []
    """Files of the prompt library (`*` allowed), relative to this one."""
    templates: list[str] = []
    """Files with templates of groups (`*` allowed), relative to this one."""
    audiences: dict[Key, AudienceSection] = {}
    """Parts of the extended community, and who belongs to each."""
    roles: RolesSection = RolesSection()
    """Who has which function in the whole community."""
    sites: dict[Key, SiteSection] = {}
    """Places of work."""
    teams: dict[Key, SiteSection] = {}
    """Teams."""
    spaces: dict[Key, TopSpaceSection] = {}
    """Spaces and, in them, groups."""
    groups: dict[Key, NestedGroupSection] = {}
    """Groups that are written outside the spaces."""
    animators_room: str | None = None
    """The key of the animators' room; the only group of kind `animators` when not given."""
    home: str | None = None
    """The space for groups that are made in chat; the first space when not given."""
    features: dict[str, dict[str, Any]] = {}
    """Settings of features, by the feature's name."""
