"""Notes and pages of a place as files, on the board: to take away, and to bring in."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from aiohttp import web

from esnbot.features.page import carrying
from esnbot.features.page.acts import BROUGHT
from esnbot.features.page.archive import BadArchive, Leaf, file_name, packed, read, unpacked
from esnbot.features.page.indexing import address
from esnbot.features.page.visiting import Here, Visiting, plain
from esnbot.speech import Later, later
from esnbot.web.board import html
from esnbot.web.visit import BoardPage, Visit

MOST_FILES: Final = 200
LARGEST: Final = 3_000_000
"""Characters of all files together; larger ones are for the command line, where nobody waits for a page."""
_TOO_MUCH: Final = later(
    "This is more text than a browser brings in at once. An administrator can do it with `esnbot import`."
)
_NO_GIT: Final = later("There is no git on the machine of the bot. Take the zip.")


class Porter(Visiting):
    """Files out and in."""

    def pages(self, place: str) -> tuple[BoardPage, ...]:
        """What the board shows, below the address of a place."""
        return (
            BoardPage(f"{place}/-/files", self.files),
            BoardPage(f"{place}/-/files", self.bring, "POST"),
            BoardPage(f"{place}/-/export", self.export),
        )

    async def files(self, visit: Visit) -> web.StreamResponse:
        """What one can take away and bring."""
        async with visit.read() as conn:
            here = await self.place(visit, conn)
        return self._show(visit, here)

    def _show(self, visit: Visit, here: Here, *, mistake: Later | str = "", done: str = "") -> web.Response:
        return visit.show(
            "page/files.html",
            plain(visit.voice.say("Files of {place}", place=here.place.name)),
            here=here,
            export=address(here.place.key, action="-/export"),
            action=address(here.place.key, action="-/files"),
            back=address(here.place.key),
            mistake=html(visit.voice.say(mistake) if isinstance(mistake, Later) else mistake) if mistake else "",
            done=html(done) if done else "",
            most=MOST_FILES,
        )

    async def export(self, visit: Visit) -> web.StreamResponse:
        """A zip of Markdown files, or a bundle that ``git clone`` takes."""
        async with visit.read() as conn:
            here = await self.place(visit, conn)
            every = await carrying.changes(conn, here.place)
        name = file_name(here.place.name)
        if visit.request.query.get("format") == "git":
            try:
                return _file(f"{name}.bundle", await carrying.bundle(every), "application/octet-stream")
            except carrying.NoGit:
                return self._show(visit, here, mistake=_NO_GIT)
        return _file(f"{name}.zip", await asyncio.to_thread(packed, carrying.standing(every)), "application/zip")

    async def bring(self, visit: Visit) -> web.StreamResponse:
        """Pages of a zip, or of a Markdown file."""
        async with visit.read() as conn:
            here = await self.place(visit, conn)
        found = (await visit.request.post()).get("file")
        if not isinstance(found, web.FileField) or not found.filename:
            return self._show(
                visit, here, mistake=later("Choose a file first: a zip of Markdown files, or one of them.")
            )
        try:
            leaves = await asyncio.to_thread(_leaves, found.filename, found.file.read())
        except BadArchive as error:
            return self._show(visit, here, mistake=error.sentence)
        if sum(len(leaf.words) for leaf in leaves) > LARGEST:
            return self._show(visit, here, mistake=_TOO_MUCH)
        form = await visit.form()
        done = await self.act(
            visit,
            here.place.key,
            "bring",
            leaves=[msgspec.to_builtins(leaf) for leaf in leaves],
            replace=form.get("replace") == "yes",
        )
        if done.get("what") != BROUGHT:
            return self._show(visit, here, mistake=str(done.get("why", "")))
        said = visit.voice.say(
            "Pages begun: {created}. Pages with a new version: {changed}. Pages that said the same: {unchanged}. "
            "Notes: {notes}.",
            **{name: done.get(name, 0) for name in ("created", "changed", "unchanged", "notes")},
        )
        return self._show(visit, here, done=said)


def _leaves(name: str, data: bytes) -> list[Leaf]:
    return (
        [read(name.replace("\\", "/").rpartition("/")[2], data)]
        if name.lower().endswith(".md")
        else unpacked(data, MOST_FILES)
    )


def _file(name: str, data: bytes, kind: str) -> web.Response:
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "-")
    headers = {"Content-Disposition": f'attachment; filename="{ascii_name}"'}
    return web.Response(body=data, content_type=kind, headers=headers)
