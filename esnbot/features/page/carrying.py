"""A group's notes and pages, carried out into files and in again."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Place
from esnbot.engine.effects import Effect, Emit
from esnbot.engine.feature import Context
from esnbot.features import text
from esnbot.features.page import NOTE_BROUGHT, records, shelf
from esnbot.features.page.archive import Change, Leaf, fast_import
from esnbot.features.page.keeping import Keeper, Refused
from esnbot.features.page.names import fold
from esnbot.features.text import NOTE, PAGE, Text, Version
from esnbot.speech import Quoted, later

_SHOWN: Final = 5


class NoGit(Exception):
    """There is no git on this machine."""


# --- out ---------------------------------------------------------------------------------------------------------


async def changes(conn: AsyncConnection, place: Place) -> list[Change]:
    """All versions of all notes and pages of a place that have words; of encrypted groups there are none."""
    found: list[Change] = []
    stands = {stand.id: stand for stand in await records.of_place(conn, place.key, hidden=True)}
    pages = [one for one in await text.of_place(conn, place.key, PAGE) if one.id in stands]
    titles = {one.id: one.current.title for one in pages}
    for one in [*pages, *await text.of_place(conn, place.key, NOTE)]:
        stand = stands.get(one.id)
        if one.sealed or (stand is not None and stand.hidden):
            continue
        names = await records.names_of(conn, one.id) - {fold(one.current.title)} if stand is not None else set[str]()
        parent = titles.get(stand.parent, "") if stand is not None else ""
        found += _versions(one, await text.versions(conn, one.id), parent, tuple(sorted(names)))
    return found


def _versions(one: Text, versions: Sequence[Version], parent: str, names: tuple[str, ...]) -> list[Change]:
    found: list[Change] = []
    authors: dict[str, None] = {}
    for version in versions:
        if version.words is None:
            continue
        authors |= {version.author: None} if version.author else {}
        leaf = Leaf(
            kind=one.kind,
            title=version.title,
            words=version.words,
            tags=version.tags,
            parent=parent,
            names=names,
            authors=tuple(authors),
            created=one.created,
            changed=version.moment,
            language=one.language,
        )
        found.append(Change(of=one.id, leaf=leaf, author=version.author, moment=version.moment, number=version.number))
    return found


def standing(every: Sequence[Change]) -> list[Leaf]:
    """The leaves as they stand."""
    latest = {change.of: change.leaf for change in sorted(every, key=lambda one: one.number)}
    return [latest[of] for of in sorted(latest)]


async def repository(every: Sequence[Change], folder: Path) -> None:
    """Make a git repository, with a commit a version, in an empty folder. Raises ``NoGit``."""
    await _git(folder, "init", "--quiet", "--initial-branch=main", ".")
    await _git(folder, "fast-import", "--quiet", data=await asyncio.to_thread(fast_import, every))
    if every:
        await _git(folder, "reset", "--quiet", "--hard", "main")


async def bundle(every: Sequence[Change]) -> bytes:
    """The same as one file, which ``git clone`` takes. Raises ``NoGit``."""
    with tempfile.TemporaryDirectory(prefix="esnbot-") as name:
        folder = Path(name)
        await repository(every, folder)
        return await _git(folder, "bundle", "create", "--quiet", "-", "main", "HEAD")


async def _git(folder: Path, *arguments: str, data: bytes = b"") -> bytes:
    git = which("git")
    if git is None:
        raise NoGit
    # Nothing of this machine's own settings: neither hooks nor signatures.
    settings = {"PATH": str(Path(git).parent), "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
    process = await asyncio.create_subprocess_exec(
        git,
        *arguments,
        cwd=folder,
        env=settings,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(data)
    if process.returncode:
        raise OSError(f"git {arguments[0]} failed: {errors.decode(errors='replace').strip()[:500]}")
    return output


# --- in ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import did."""

    created: int
    changed: int
    unchanged: int
    notes: int
    effects: list[Effect]


async def bring(
    ctx: Context, keeper: Keeper, place: Place, leaves: Sequence[Leaf], *, by: str, replace: bool
) -> Brought:
    """Make pages of files. With ``replace``, pages that say something else get a new version; else nothing is done.

    Raises ``Refused``; whoever calls undoes what was done until then.
    """
    pages = [leaf for leaf in leaves if leaf.kind == PAGE]
    existing: dict[str, shelf.Page] = {}
    for leaf in pages:
        found = await shelf.named(ctx, place, leaf.title, hidden=True)
        if found is not None and fold(found.title) == fold(leaf.title):
            existing[fold(leaf.title)] = found
    other = [leaf.title for leaf in pages if (one := existing.get(fold(leaf.title))) and one.words != leaf.words]
    if other and not replace:
        voice = await keeper.voice(ctx, place)
        raise Refused(
            later(
                "These pages are there already and say something else: {names}. Nothing was taken. Let them get a new "
                "version, or rename them.",
                names=voice.list([Quoted(name) for name in other[:_SHOWN]]),
            )
        )
    effects: list[Effect] = []
    created = changed = 0
    ids: dict[str, int] = {name: page.id for name, page in existing.items()}
    for leaf in _parents_first(pages):
        name, parent = fold(leaf.title), ids.get(fold(leaf.parent), 0) if leaf.parent else 0
        page = existing.get(name)
        if page is None:
            saved = await keeper.create(
                ctx, place, by=by, name=leaf.title, words=leaf.words, parent=parent, tags=leaf.tags
            )
            ids[name], created = saved.page, created + 1
            await _earlier_names(ctx.conn, place, saved.page, leaf)
        else:
            saved = await keeper.save(ctx, page.id, by=by, base=page.number, words=leaf.words)
            changed += saved.number != page.number
        effects += saved.effects
    known = {(one.current.title, one.current.words) for one in await text.of_place(ctx.conn, place.key, NOTE)}
    notes = [leaf for leaf in leaves if leaf.kind == NOTE and (leaf.title, leaf.words) not in known]
    effects += [
        Emit(
            type=NOTE_BROUGHT,
            content={"place": place.key, "title": one.title, "words": one.words, "tags": list(one.tags), "by": by},
        )
        for one in notes
    ]
    return Brought(created, changed, len(pages) - created - changed, len(notes), effects)


def _parents_first(pages: Sequence[Leaf]) -> list[Leaf]:
    """Each page after the one above it, as far as that goes."""
    left = {fold(leaf.title): leaf for leaf in pages}
    ordered: list[Leaf] = []
    while left:
        ready = [name for name, leaf in left.items() if fold(leaf.parent) not in left or fold(leaf.parent) == name]
        for name in ready or list(left)[:1]:
            ordered.append(left.pop(name))
    return ordered


async def _earlier_names(conn: AsyncConnection, place: Place, id: int, leaf: Leaf) -> None:
    """Names that a page had elsewhere lead to it here too, where nothing else has them."""
    for name in leaf.names:
        if fold(name) and await records.named(conn, place.key, fold(name)) is None:
            await records.name(conn, id, place.key, fold(name))
    await records.name(conn, id, place.key, fold(leaf.title))
