"""What `esnbot init` writes and prints: a first community, and the homeserver's part of the agreement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECRETS: Final = "secrets"
REGISTRATION: Final = "registration.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What somebody wants to begin with."""

    name: str
    languages: tuple[str, ...]
    time_zone: str
    country: str | None
    animator: str
    database: str
    embedded: bool
    url: str = ""
    server_name: str = ""
    bot: str = "esnbot"
    listen: str = "127.0.0.1:29331"
    appservice_url: str = ""
    library: bool = True
    """Whether the prompts and templates that come with esnbot stand beside the file."""


_WORDS: Final = {
    "fr": {
        "staff": "Salariés",
        "home_topic": "La maison commune : tout le monde y a sa place et sa voix.",
        "lounge": "La machine à café",
        "lounge_topic": "On passe, on dit bonjour, on reste cinq minutes.",
        "help": "Entraide",
        "help_topic": "Une question, un doute ? Demandez, quelqu'un sait.",
        "news": "Annonces",
        "news_topic": "Ce que chacun doit savoir. On annonce ici, et on en parle en fil.",
        "animators": "Animation",
        "animators_topic": "Le salon des animatrices et animateurs, où le robot rend compte.",
    },
    "en": {
        "staff": "Staff",
        "home_topic": "The house we share: everybody has a place and a voice in it.",
        "lounge": "Around the coffee machine",
        "lounge_topic": "Drop by, say hello, stay for five minutes.",
        "help": "Help",
        "help_topic": "A question, a doubt? Ask, somebody knows.",
        "news": "News",
        "news_topic": "What everybody should know. Announced here, and talked about in threads.",
        "animators": "Animators",
        "animators_topic": "The room of the animators, where the bot reports.",
    },
}


def quoted(text: str) -> str:
    """A text as YAML takes it whatever is in it."""
    return json.dumps(text, ensure_ascii=False)


def community_yaml(wishes: Wishes) -> str:
    """The text of the configuration."""
    say = {key: quoted(text) for key, text in _WORDS.get(wishes.languages[0], _WORDS["en"]).items()}
    country = f"country: {wishes.country}" if wishes.country else "# country: FR        # for public holidays"
    library = "prompts: [prompts/*.yaml]\ntemplates: [templates/*.yaml]"
    if not wishes.library:
        library = (
            "# prompts: [prompts/*.yaml]       # questions that start conversations\n# templates: [templates/*.yaml]"
        )
    lounge_tempo = (
        '        tempo: {weekdays: [monday, thursday], at: "08:45", least_gap: 2 days}\n' if wishes.library else ""
    )
    return f"""\
# The community, declared. 'esnbot check' names every mistake; 'esnbot plan' shows what would change, 'esnbot apply'
# makes it so. docs/configuration.md explains every key. Secrets never stand here.

name: {quoted(wishes.name)}
languages: [{", ".join(wishes.languages)}]
time_zone: {wishes.time_zone}
{country}
quiet_hours: {{begin: "19:00", end: "08:00"}}

{_homeserver(wishes)}
database: {wishes.database}

{library}

audiences:
  staff:
    name: {say["staff"]}
    homeservers: [own]        # everybody with an account on this homeserver

roles:
  animators: [{quoted(wishes.animator)}]
  administrators: [{quoted(wishes.animator)}]

spaces:
  home:
    name: {quoted(wishes.name)}
    topic: {say["home_topic"]}
    audiences: [staff]
    joining: public           # whoever has an account here comes in by themselves; the audience keeps others out

    groups:
      lounge:
        name: {say["lounge"]}
        topic: {say["lounge_topic"]}
        kind: informal
{lounge_tempo}
      help:
        name: {say["help"]}
        topic: {say["help_topic"]}
        kind: help

      news:
        name: {say["news"]}
        topic: {say["news_topic"]}
        kind: announcements

      animators:
        name: {say["animators"]}
        topic: {say["animators_topic"]}
        kind: animators
        owners: [{quoted(wishes.animator)}]

animators_room: animators
home: home
"""


def _homeserver(wishes: Wishes) -> str:
    if wishes.embedded:
        return "# A Synapse of its own under var/, to try things out.\nhomeserver: embedded"
    reached = f"\n  appservice_url: {wishes.appservice_url}" if wishes.appservice_url else ""
    return f"""\
homeserver:
  url: {wishes.url}
  server_name: {wishes.server_name}
  as_token_file: {SECRETS}/as_token
  hs_token_file: {SECRETS}/hs_token
  registration: {SECRETS}/{REGISTRATION}
  appservice_id: {wishes.bot}
  bot: {wishes.bot}
  appservice_listen: {wishes.listen}{reached}"""


def snippet(registration: Path, files: Sequence[str] = ()) -> str:
    """What goes into the homeserver's own configuration (Synapse: homeserver.yaml)."""
    listed = "".join(f"  - {one}\n" for one in (*files, str(registration)))
    return f"""\
# The bot. The homeserver has to be able to read this file: it holds the two tokens.
app_service_config_files:
{listed}
# So that the bot may show groups in the room directory ('listed: true').
room_list_publication_rules:
  - user_id: "*"
    alias: "*"
    room_id: "*"
    action: allow

# So that old messages are deleted where a group says 'retention: ...'.
retention:
  enabled: true
"""
