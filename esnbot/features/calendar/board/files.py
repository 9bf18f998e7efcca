"""The calendar as files, on the board: a table or YAML to take away, and to bring in as drafts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.calendar import records
from esnbot.features.calendar.board.showing import ROOT, Showing, html, plain, said
from esnbot.features.calendar.exchange import LARGEST, BadFile, Portable, read, to_csv, to_yaml
from esnbot.features.calendar.keeping import moment
from esnbot.features.calendar.model import Entry, State
from esnbot.speech import Later, later
from esnbot.web.visit import BoardPage, Visit

MOST: Final = 200
"""Entries that a browser brings in at once: somebody waits for the page."""
_FORMATS: Final = {"csv": "text/csv", "yaml": "application/yaml"}


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of an entry of a file."""

    title: str
    html: Markup
    failed: bool


class FilePages(Showing):
    """The pages."""

    def pages(self) -> tuple[BoardPage, ...]:
        """Every page with its address."""
        return (
            BoardPage(f"{ROOT}/files", self.show),
            BoardPage(f"{ROOT}/files", self.bring, "POST"),
            BoardPage(f"{ROOT}/calendar.{{format:csv|yaml}}", self.export),
        )

    async def show(self, visit: Visit) -> web.StreamResponse:
        """What one can take away and bring."""
        self.let_in(visit)
        return self._show(visit)

    def _show(self, visit: Visit, mistake: Later | None = None, brought: Sequence[Brought] = ()) -> web.Response:
        return visit.show(
            "calendar/files.html",
            plain(visit.voice.say("The calendar as a file")),
            mistake=html(visit.voice.say(mistake)) if mistake is not None else "",
            brought=brought,
            most=MOST,
            size=LARGEST // 1_000_000,
        )

    async def export(self, visit: Visit) -> web.StreamResponse:
        """All that is not over, and what was posted."""
        self.let_in(visit)
        kind = visit.request.match_info["format"]
        async with visit.read() as conn:
            entries = await records.standing(conn, list(State))
            found = [await self._portable(visit, conn, entry) for entry in entries]
        languages = self.community.languages
        text = to_csv(found, languages) if kind == "csv" else to_yaml(found)
        return web.Response(
            # Spreadsheets take a table for UTF-8 when it says so.
            body=("\ufeff" if kind == "csv" else "").encode() + text.encode(),
            content_type=_FORMATS[kind],
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="calendar.{kind}"'},
        )

    async def _portable(self, visit: Visit, conn: AsyncConnection, entry: Entry) -> Portable:
        titles, words = {}, {}
        for language in await records.texts(conn, entry.id):
            worded = await self.words(visit, conn, entry.id, language)
            if worded is not None and worded.language == language:
                titles[language], words[language] = worded.draft.title, worded.draft.words
        expires = _local(self, entry.expires_at)
        if entry.expires_after:
            expires = f"{round(timedelta(seconds=entry.expires_after).total_seconds() / 60)} minutes"
        return Portable(
            number=entry.id,
            titles=titles,
            words=words,
            state=str(entry.state),
            line=entry.line,
            groups=entry.targets,
            audience=entry.audience,
            at=entry.at.replace("T", " "),
            zone=entry.zone,
            rule=entry.rule,
            excepts=entry.excepts,
            embargo=_local(self, entry.embargo),
            expires=expires,
            ask=entry.ask,
            link=entry.link,
            credit=entry.credit,
        )

    async def bring(self, visit: Visit) -> web.StreamResponse:
        """Entries of a file, as drafts."""
        self.let_in(visit)
        given = (await visit.request.post()).get("file")
        if not isinstance(given, web.FileField) or not given.filename:
            return self._show(visit, later("Choose a file first: a table (CSV) or YAML."))
        try:
            found = await asyncio.to_thread(read, given.filename, given.file.read(LARGEST + 1))
        except BadFile as error:
            return self._show(visit, error.sentence)
        if len(found) > MOST:
            return self._show(visit, later("These are more than {most} entries.", most=MOST))
        return self._show(visit, brought=[await self._one(visit, entry) for entry in found])

    async def _one(self, visit: Visit, entry: Portable) -> Brought:
        """One entry, by the command that people write; its further languages after it."""
        first = next(iter(entry.titles))
        args: dict[str, Any] = {
            "text": entry.titles[first],
            "plan": [*([entry.at] if entry.at else []), *(word for key in entry.groups for word in ("in", f"#{key}"))],
            "excepts": ",".join(entry.excepts),
            "audience": list(entry.audience),
            "language": first,
            "ask": "yes" if entry.ask else "",
            "idea": "yes" if entry.state == "idea" else "",
            "draft": "yes",
        }
        args |= {
            name: getattr(entry, name) for name in ("line", "zone", "rule", "embargo", "expires", "link", "credit")
        }
        args = {name: value for name, value in args.items() if value}
        done = await visit.ask("calendar", "add", args, queue="calendar:new", below=entry.words.get(first, ""))
        if done.failed:
            return Brought(entry.titles[first], said(done), failed=True)
        answers = [said(done)]
        async with visit.read() as conn:
            number = await records.newest_of(conn, visit.person.user)
        for language in [one for one in entry.titles if one != first and one in self.community.languages]:
            more = {"number": str(number), "text": entry.titles[language], "language": language}
            done = await visit.ask(
                "calendar", "edit", more, queue=f"calendar:{number}", below=entry.words.get(language, "")
            )
            answers += [said(done)] if done.failed else []
        return Brought(entry.titles[first], Markup("").join(answers), done.failed)


def _local(showing: Showing, ms: int | None) -> str:
    return moment(ms).astimezone(showing.zone).strftime("%Y-%m-%d %H:%M") if ms is not None else ""
