"""`esnbot init`: a working configuration, a registration with fresh tokens, and what the homeserver has to be told."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

import esnbot
from esnbot.cli.common import DEFAULT_CONFIG, ConfigOption, Failure, load_settings
from esnbot.cli.starter import REGISTRATION, SECRETS, Wishes, community_yaml, snippet
from esnbot.homeserver.files import private_dir, write_private
from esnbot.matrix.registration import Registration
from esnbot.settings import values
from esnbot.settings.sections import Name

LIBRARY = ("prompts", "templates", "community.schema.json", "prompts.schema.json", "template.schema.json")
"""What comes with esnbot and stands beside a configuration."""


def option(help: str, *names: str) -> Any:
    """A flag without a default: what is not given is asked for on a terminal."""
    return typer.Option(*names, help=help, show_default=False)


def init(
    config: ConfigOption = DEFAULT_CONFIG,
    name: Annotated[str | None, option("The community's name.")] = None,
    language: Annotated[list[str] | None, option("A language (fr, en …); the first is the default.")] = None,
    time_zone: Annotated[str | None, option("Such as Europe/Paris.")] = None,
    country: Annotated[str | None, option("For public holidays: FR, or with a region DE-BY.")] = None,
    animator: Annotated[str | None, option("The first animator, such as @camille.")] = None,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="With a homeserver of its own, to try things out.")
    ] = False,
    url: Annotated[str | None, option("Your homeserver's address, such as https://matrix.example.org.")] = None,
    server_name: Annotated[str | None, option("What follows the ':' in its user ids.")] = None,
    bot: Annotated[str, typer.Option(help="The bot's local part.")] = "esnbot",
    listen: Annotated[str, typer.Option(help="Where the bot listens for the homeserver.")] = "127.0.0.1:29331",
    appservice_url: Annotated[str | None, option("How the homeserver reaches that, if it is elsewhere.")] = None,
    database: Annotated[str, typer.Option(help="The database URL.")] = "sqlite+aiosqlite:///var/esnbot.db",
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there; old tokens stop working.")] = False,
    only_print: Annotated[bool, typer.Option("--print", help="Only print what the homeserver has to be told.")] = False,
) -> None:
    """Write a configuration to begin with, and the registration of the bot for your homeserver.

    Asks what is not given, when somebody is there to answer.
    """
    if only_print:
        _print_snippet(config)
        return
    ask = _Questions(sys.stdin.isatty() and sys.stdout.isatty())
    embedded = embedded or (url is None and not ask.yes("Do you have a homeserver already?", "--url or --embedded"))
    languages = language or ask.words("Languages, the default first", "--language", "fr en")
    wishes = Wishes(
        name=_right(Name, name or ask.text("The community's name", "--name", "Our community"), "--name"),
        languages=tuple(_right(values.Language, word, "--language") for word in languages),
        time_zone=str(
            _right(values.Zone, time_zone or ask.text("Time zone", "--time-zone", "Europe/Paris"), "--time-zone")
        ),
        country=_right(values.Country, country, "--country") if country else None,
        animator=_right(
            values.User, animator or ask.text("The first animator", "--animator", "@camille"), "--animator"
        ),
        database=database,
        embedded=embedded,
        url="" if embedded else _right(values.HttpUrl, url or ask.text("Its address", "--url", ""), "--url"),
        server_name=""
        if embedded
        else _right(
            values.ServerName, server_name or ask.text("Its server name", "--server-name", ""), "--server-name"
        ),
        bot=bot,
        listen=listen,
        appservice_url=_right(values.HttpUrl, appservice_url, "--appservice-url") if appservice_url else "",
        library=set(languages) <= {"fr", "en"} and (_library() / "prompts").is_dir(),
    )
    _right(values.Listen, listen, "--listen")
    written = write(config, wishes, force=force)
    load_settings(config)
    _report(config, wishes, written)


def write(config: Path, wishes: Wishes, *, force: bool = False) -> list[Path]:
    """Write all files and return them; refuses to touch what is there unless told."""
    folder = config.parent
    secrets = folder / SECRETS
    targets = [config]
    if not wishes.embedded:
        targets += [secrets / "as_token", secrets / "hs_token", secrets / REGISTRATION]
    there = [str(path) for path in targets if path.exists()]
    if there and not force:
        raise Failure(
            f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} there already; nothing was written.",
            "choose another place with --config, or overwrite with --force (then the homeserver needs the new tokens).",
        )
    folder.mkdir(parents=True, exist_ok=True)
    if not wishes.embedded:
        host_and_port = wishes.listen.replace("0.0.0.0", "127.0.0.1")
        registration = Registration.new(
            server_name=wishes.server_name,
            url=wishes.appservice_url or f"http://{host_and_port}",
            bot_localpart=wishes.bot,
        )
        private_dir(secrets)
        write_private(secrets / ".gitignore", "*\n")
        write_private(secrets / "as_token", f"{registration.as_token}\n")
        write_private(secrets / "hs_token", f"{registration.hs_token}\n")
        registration.write(secrets / REGISTRATION)
    if wishes.library:
        _copy_library(folder)
    config.write_text(community_yaml(wishes), encoding="utf-8")
    return targets


def _library() -> Path:
    return Path(next(iter(esnbot.__path__))).parent / "config"


def _copy_library(folder: Path) -> None:
    """Put prompts, templates and schemas beside the configuration, where there are none yet."""
    source = _library()
    for name in LIBRARY:
        target = folder / name
        if target.exists() or not (source / name).exists():
            continue
        if (source / name).is_dir():
            shutil.copytree(source / name, target)
        else:
            shutil.copyfile(source / name, target)


def _right(kind: Any, value: str, flag: str) -> Any:
    """The value as its kind; a Failure that names the flag."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        context = detail.get("ctx", {})
        expected = context.get("expected", detail["msg"])
        suggestion = context.get("suggestion")
        hint = f"did you mean '{suggestion}'?" if suggestion else f"'esnbot init --help' explains {flag}."
        raise Failure(f"{flag}: '{value}' is not {expected}.", hint) from error


class _Questions:
    """Asks on a terminal; elsewhere takes the default, or says which flag is missing."""

    def __init__(self, there: bool) -> None:
        self.there = there

    def text(self, question: str, flag: str, default: str) -> str:
        """One answer."""
        if self.there:
            answer: str = typer.prompt(question, default=default or None)
            return answer
        if not default:
            raise Failure(
                f"{flag} is missing.", f"give it, or run 'esnbot init' on a terminal to be asked ({question})."
            )
        return default

    def words(self, question: str, flag: str, default: str) -> list[str]:
        """Several words."""
        return self.text(question, flag, default).replace(",", " ").split()

    def yes(self, question: str, flag: str) -> bool:
        """Yes or no."""
        if self.there:
            return typer.confirm(question, default=True)
        raise Failure(f"{flag} is missing.", "say which homeserver it is for, or run 'esnbot init' on a terminal.")


def _print_snippet(config: Path) -> None:
    settings = load_settings(config)
    if settings.homeserver.embedded:
        raise Failure("The embedded homeserver needs to be told nothing.", "'esnbot run' does all of it.")
    registration = settings.homeserver.registration
    if registration is None:
        raise Failure(
            "The configuration does not say where the registration file is.", "set 'homeserver: registration:'."
        )
    sys.stdout.write(snippet(registration.resolve()))


def say(text: str) -> None:
    """One line for whoever ran the command."""
    sys.stdout.write(f"{text}\n")


def _report(config: Path, wishes: Wishes, written: list[Path]) -> None:
    for path in written:
        say(f"wrote {path}")
    at = "" if config == DEFAULT_CONFIG else f" --config {config}"
    if wishes.embedded:
        say(f"\nNext: esnbot run{at}")
        return
    say("\nPut this into the homeserver's configuration (Synapse: homeserver.yaml) and restart it:\n")
    say(snippet((config.parent / SECRETS / REGISTRATION).resolve()))
    say("The homeserver may run as another user or on another machine: let it read a copy of the registration file.")
    say(f"Then: esnbot doctor{at}   (is everything in place?)")
    say(f"      esnbot plan{at}     (what would be made?)")
    say(f"      esnbot apply{at}    (make it)")
    say(f"      esnbot run{at}      (and let it live)")
