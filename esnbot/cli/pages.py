"""`esnbot export --group` and `esnbot import`: notes and pages of a group as Markdown files, out and in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.app import Application
from esnbot.cli.common import DEFAULT_CONFIG, ConfigOption, Failure, console, load_settings
from esnbot.cli.people import with_application
from esnbot.community.group import Place
from esnbot.engine import effects_in
from esnbot.engine.clock import milliseconds
from esnbot.engine.feature import Context
from esnbot.features.page import shelf
from esnbot.features.page.archive import BadArchive, Leaf, packed, together, unpacked
from esnbot.features.page.carrying import Brought, NoGit, bring, changes, repository, standing
from esnbot.features.page.feature import NOUN
from esnbot.features.page.handlers import NAME
from esnbot.features.page.keeping import Keeper, Refused
from esnbot.features.page.settings import PageSettings
from esnbot.provisioning import wanted
from esnbot.speech import Later, Speech, render

MOST: Final = 5_000
"""Files of a folder that are read."""


GroupOption = Annotated[str, typer.Option("--group", help="The key of a group or space.")]


def export_group(group: str, form: str, to: Path | None, config: Path) -> None:
    """Write the notes and pages of a group into a zip, or into a new git repository with a commit a version."""
    settings = load_settings(config)
    target = to or Path(f"{group}.zip" if form == "zip" else group)
    if target.exists():
        raise Failure(f"'{target}' is there already.", "name another place with --to.")

    async def work(app: Application) -> int:
        async with app.database.read() as conn:
            place = await _place(conn, group)
            if await shelf.is_sealed(conn, place):
                raise Failure(f"The group '{group}' is encrypted: its notes and pages are in its room alone.")
            every = await changes(conn, place)
        leaves = standing(every)
        if form == "zip":
            target.write_bytes(packed(leaves))
        else:
            target.mkdir(parents=True)
            try:
                await repository(every, target)
            except NoGit:
                target.rmdir()
                raise Failure("There is no git on this machine.", "use --format zip.") from None
        return len(leaves)

    count = with_application(settings, work)
    console().print(f"Written: {count} notes and pages of '{group}', to {target}.", markup=False)


def import_pages(
    source: Annotated[Path, typer.Argument(help="A zip of Markdown files, a folder of them, or one of them.")],
    group: GroupOption,
    config: ConfigOption = DEFAULT_CONFIG,
    replace: Annotated[bool, typer.Option("--replace", help="Give pages of the same name a new version.")] = False,
) -> None:
    """Bring Markdown files into a group's notes and pages. Either all of them are taken or none."""
    settings = load_settings(config)
    try:
        leaves = _leaves(source)
    except BadArchive as error:
        raise Failure(_sentence(error.sentence)) from error

    async def work(app: Application) -> Brought:
        section = app.settings.features[NOUN]
        if not isinstance(section, PageSettings):
            raise TypeError("the settings of pages are of another kind")
        keeper = Keeper(settings.community, section, app.speech, NAME)

        async def job(conn: AsyncConnection) -> Brought:
            place = await _place(conn, group)
            if await shelf.is_sealed(conn, place):
                raise Failure(f"The group '{group}' is encrypted: its notes and pages are written in its room alone.")
            context = Context(conn=conn, now=app.clock.now(), bot=app.client.user)
            done = await bring(context, keeper, place, leaves, by="", replace=replace)
            cause = f"import:{secrets.token_hex(8)}"
            await effects_in.put(conn, NAME, cause, done.effects, milliseconds(app.clock.now()))
            return done

        try:
            return await app.database.write(job)
        except Refused as refusal:
            raise Failure(_sentence(refusal.sentence)) from refusal

    done = with_application(settings, work)
    console().print(
        f"Pages begun: {done.created}, with a new version: {done.changed}, the same: {done.unchanged}; "
        f"notes: {done.notes}.{' The bot posts them when it runs.' if done.effects else ''}",
        markup=False,
    )


async def _place(conn: AsyncConnection, key: str) -> Place:
    place = await wanted.get(conn, key)
    if place is None:
        raise Failure(f"There is no group or space with the key '{key}'.", "the keys are in the configuration.")
    return place


def _leaves(source: Path) -> Sequence[Leaf]:
    if source.is_dir():
        files = [path for path in sorted(source.rglob("*.md")) if path.is_file() and not path.is_symlink()]
        if len(files) > MOST:
            raise Failure(f"There are {len(files)} files in '{source}', and at most {MOST} are taken.")
        return together((path.relative_to(source).as_posix(), path.read_bytes()) for path in files)
    data = source.read_bytes()
    return unpacked(data) if source.suffix.lower() != ".md" else together([(source.name, data)])


def _sentence(sentence: Later) -> str:
    """The command line speaks English."""
    speech = Speech(languages=("en",), default="en")
    return render(speech.voice("en").say(sentence)).body
