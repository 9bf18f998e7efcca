"""Reading a configuration: files, sections, community, checks; all mistakes in one go."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel

from esnbot.community.group import Kind, Source
from esnbot.community.model import Community
from esnbot.engine.courtesy import Manners
from esnbot.settings.build import Builder
from esnbot.settings.checks import Checks
from esnbot.settings.document import DocumentError, Node
from esnbot.settings.files import Files, read_files
from esnbot.settings.homeserver import EMBEDDED_NAME, Homeserver, make_homeserver, read_secret
from esnbot.settings.mistakes import FitsCommunity, Mistake, SettingsError, Unfit, nearest, one_of
from esnbot.settings.prompts_file import PromptsFile
from esnbot.settings.sections import CommunityFile, HomeserverSection, WebSection
from esnbot.settings.template_file import TemplateFile
from esnbot.settings.validation import validate

SHORTEST_KEY: Final = 20
"""Characters of the key of the encrypted device's folder."""

F = TypeVar("F", PromptsFile, TemplateFile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Where the board listens, and how people reach it."""

    host: str
    port: int
    url: str
    widget: bool = False
    """Whether rooms show the board as a widget."""
    widget_in: frozenset[Kind] = frozenset()
    """The kinds of group whose rooms do."""
    clients: tuple[str, ...] = ()
    """Addresses of the web clients that may show it."""
    stay: timedelta = timedelta(days=14)
    """How long one stays signed in."""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Reverse proxies that are believed when they say for whom they ask."""
    inside: tuple[IPv4Network | IPv6Network, ...] = ()
    """Internal networks in which homeservers may be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A configuration without mistakes."""

    path: Path
    community: Community
    homeserver: Homeserver
    database: str = field(repr=False)
    web: Web
    encryption: Path | None = None
    """The folder of the bot's encrypted device; None: it has none."""
    encryption_key: str | None = field(default=None, repr=False)
    """The key that opens the folder; None: the one that is kept in it."""
    encrypted_chats: bool = True
    """Whether the direct chats that the bot opens are encrypted."""
    manners: Manners = field(default_factory=Manners)
    publish_commands: bool = False
    """Whether clients find the commands in the rooms' state."""
    features: Mapping[str, BaseModel] = field(default_factory=dict)
    """Each feature's section, or its defaults, by the feature's name."""
    secret_files: tuple[Path, ...] = ()
    """The files that secrets were read from."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Where things are written: ``photo`` (a space or group), ``photo.topic`` (a key it states), ``audiences.staff``,
    ``sites.lyon``, ``teams.it``, ``prompts.KEY``, ``templates.KIND``."""


def load(
    path: Path,
    features: Mapping[str, type[BaseModel]] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    secrets: bool = True,
) -> Settings:
    """Read a configuration; ``features`` are the schemas of the sections under ``features:`` (None: not looked at).

    Raises SettingsError with every mistake. ``environment`` stands for ``os.environ``. With
    ``secrets`` False, secrets are neither read nor missed: for checking where they are not at hand.
    """
    try:
        files = read_files(Path(path))
    except DocumentError as error:
        raise SettingsError([error.mistake]) from error
    given = os.environ if environment is None else environment
    settings = _settings(Path(path), files, features, given if secrets else None)
    if files.mistakes or settings is None:
        raise SettingsError(_in_order(files))
    return settings


_STAND_INS = {"name": "?", "languages": ["en"], "time_zone": "UTC", "homeserver": {"embedded": True}}


def _settings(
    path: Path, files: Files, schemas: Mapping[str, type[BaseModel]] | None, environment: Mapping[str, str] | None
) -> Settings | None:
    root, mistakes = files.root, files.mistakes
    file = validate(CommunityFile, root, mistakes, stand_ins=_STAND_INS)
    prompts = _documents(PromptsFile, files.prompts, mistakes)
    templates = _documents(TemplateFile, files.templates, mistakes)
    if file is None:
        return None
    node = root.get("homeserver") or root
    homeserver = make_homeserver(
        file.homeserver if node is not root else HomeserverSection(embedded=True),
        node,
        mistakes,
        Path(node.source.path).parent,
        environment,
    )
    builder = Builder(root, file, homeserver.server_name or EMBEDDED_NAME, mistakes)
    community = builder.build(prompts, templates)
    Checks(community, builder).run()
    database = _database(file, root, mistakes, environment)
    return Settings(
        path=path,
        community=community,
        homeserver=homeserver,
        database=database,
        encryption=_encryption(file, database),
        encryption_key=_encryption_key(file, root, mistakes, environment),
        encrypted_chats=file.encryption.direct_chats,
        web=_web(file.web),
        manners=Manners(receipts=file.courtesy.receipts, typing=file.courtesy.typing),
        publish_commands=file.commands.publish,
        features=_features(root, schemas, community, mistakes),
        secret_files=_secret_files(file, root),
        sources=builder.sources,
    )


def _documents(model: type[F], nodes: list[Node], mistakes: list[Mistake]) -> list[tuple[Node, F]]:
    read = ((node, validate(model, node, mistakes)) for node in nodes)
    return [(node, document) for node, document in read if document is not None]


def _features(
    root: Node, schemas: Mapping[str, type[BaseModel]] | None, community: Community, mistakes: list[Mistake]
) -> dict[str, BaseModel]:
    if schemas is None:
        return {}
    section = root.get("features")
    for name, (source, _) in ((section.entries or {}) if section is not None else {}).items():
        if name not in schemas:
            expected = f"a feature: {one_of(schemas)}"
            found = f"the unknown feature '{name}'"
            mistakes.append(Mistake(source, f"features.{name}", found, expected, nearest(name, schemas)))
    read: dict[str, BaseModel] = {}
    for name, schema in schemas.items():
        node = section.get(name) if section is not None else None
        if node is None or (node.entries is None and node.items is None and node.value is None):
            node = Node(root.source, entries={})
        settings = validate(schema, node, mistakes, ("features", name))
        if settings is not None:
            read[name] = settings
        if isinstance(settings, FitsCommunity):
            mistakes += (_unfit(node, name, one) for one in settings.mistakes(community))
    return read


def _unfit(node: Node, feature: str, one: Unfit) -> Mistake:
    at = node.get(*one.path) or node
    path = ".".join(["features", feature, *map(str, one.path)])
    expected = f"{one.expected}: {one_of(one.choices)}" if one.choices else one.expected
    meant = nearest(one.path[-1] if at.value is None else at.value, one.choices)
    return Mistake(at.source, path, f"{one.found}", expected, meant)


def _web(section: WebSection) -> Web:
    host, port = section.listen
    shown_host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    url = (section.url or f"http://{shown_host}:{port}").rstrip("/")
    widget = url.startswith("https://") if section.widget is None else section.widget
    return Web(
        host=host,
        port=port,
        url=url,
        widget=widget,
        widget_in=frozenset(section.widget_in),
        clients=tuple(section.clients),
        stay=section.stay,
        proxies=tuple(section.proxies),
        inside=tuple(section.inside),
    )


def _encryption(file: CommunityFile, database: str) -> Path:
    if file.encryption.store is not None:
        return Path(file.encryption.store)
    found = re.match(r"sqlite\+aiosqlite:///([^?]+)", database)
    return (Path(found[1]).parent if found else Path("var")) / "encryption"


def _encryption_key(
    file: CommunityFile, root: Node, mistakes: list[Mistake], environment: Mapping[str, str] | None
) -> str | None:
    """The key of the folder, None where none is given. A short one would not protect it."""
    if environment is None:
        return None
    node = root.get("encryption", "key_file") or root
    key, name = environment.get("ESNBOT_ENCRYPTION_KEY", "").strip(), "ESNBOT_ENCRYPTION_KEY"
    if not key and file.encryption.key_file is not None:
        name = "encryption.key_file"
        key = read_secret(Path(node.source.path).parent / file.encryption.key_file, name, node, mistakes)
        if not key:
            return None
    if key and len(key) < SHORTEST_KEY:
        expected = f"at least {SHORTEST_KEY} characters, made by chance ('openssl rand -base64 32')"
        mistakes.append(Mistake(node.source, name, f"a key of {len(key)} characters", expected))
    return key or None


def _database(file: CommunityFile, root: Node, mistakes: list[Mistake], environment: Mapping[str, str] | None) -> str:
    url, key, node = file.database, "database", root.get("database") or root
    if environment is not None and (value := environment.get("ESNBOT_DATABASE", "").strip()):
        url, key = value, "ESNBOT_DATABASE"
    elif file.database_file is not None:
        key, node = "database_file", root.get("database_file") or root
        if "database" in file.stated:
            mistakes.append(Mistake(node.source, key, "'database' and 'database_file'", "one of the two"))
        if environment is None:
            return ""
        url = read_secret(Path(node.source.path).parent / file.database_file, key, node, mistakes)
        if not url:
            return ""
    elif re.match(r"[^:]+://[^/@]*:[^/@]+@", url):
        expected = "a URL without it; the whole URL goes into 'database_file: PATH' or ESNBOT_DATABASE"
        mistakes.append(Mistake(node.source, key, "a password in the file", expected))
    elif not re.match(r"(sqlite\+aiosqlite|postgresql\+asyncpg)://", url):
        scheme = url.partition("://")[0]
        known = {"sqlite": "sqlite+aiosqlite", "postgres": "postgresql+asyncpg", "postgresql": "postgresql+asyncpg"}
        expected = "'sqlite+aiosqlite:///PATH' or 'postgresql+asyncpg://USER@HOST/NAME'"
        near = known.get(scheme.partition("+")[0])
        found = f"a database URL that begins with '{scheme}:'" if "://" in url else "no database URL"
        mistakes.append(Mistake(node.source, key, found, expected, f"{near}://…" if near else None))
    return url


def _secret_files(file: CommunityFile, root: Node) -> tuple[Path, ...]:
    """Those that are named and there; the environment may have gone before them."""
    section = file.homeserver
    names = ("as_token_file", "hs_token_file", "admin_token_file")
    named = [
        *((("homeserver", name), getattr(section, name)) for name in names),
        (("database_file",), file.database_file),
        (("encryption", "key_file"), file.encryption.key_file),
    ]
    found = [(root.get(*path), value) for path, value in named if value]
    return tuple(Path(node.source.path).parent / value for node, value in found if node is not None)


def _in_order(files: Files) -> list[Mistake]:
    """By file (the first file first), line and column; the same mistake seen twice only once."""
    order = {name: rank for rank, name in enumerate(dict.fromkeys(mistake.source.path for mistake in files.mistakes))}
    order[files.root.source.path] = -1
    unique = dict.fromkeys(files.mistakes)
    return sorted(unique, key=lambda one: (order[one.source.path], one.source.line, one.source.column))
