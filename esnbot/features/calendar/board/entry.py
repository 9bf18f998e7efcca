"""One entry: how it will look, what was done to it, what can be done; written and changed by the commands' own way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.asked import Outcome
from esnbot.commands.people import name_of
from esnbot.community.group import Group, Kind
from esnbot.features.calendar import laying, model, records, recurrence, rule_words, wording
from esnbot.features.calendar.board.showing import ROOT, Showing, html, plain, said
from esnbot.features.calendar.model import Entry, State, What, may_be
from esnbot.provisioning import wanted
from esnbot.speech import Voice, escape, later, render
from esnbot.store import bindings
from esnbot.web.visit import BoardPage, Form, Visit

DOING: Final = ("approve", "submit", "return", "fit", "cancel", "withdraw", "undo")
_STEPS: Final = {
    "approve": (What.approved, later("Approve")),
    "submit": (What.submitted, later("Have it looked at")),
    "return": (What.returned, later("Send it back")),
    "fit": (What.moved, later("Find it a time")),
    "cancel": (What.cancelled, later("Cancel it")),
    "withdraw": (What.withdrawn, later("Withdraw it")),
}
_AT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Fields:
    """What the form of an entry has in it."""

    title: str = ""
    words: str = ""
    at: str = ""
    groups: tuple[str, ...] = ()
    line: str = ""
    rule: str = ""
    language: str = ""
    ask: bool = False
    link: str = ""


class EntryPages(Showing):
    """The pages."""

    def pages(self) -> tuple[BoardPage, ...]:
        """Every page with its address."""
        one = rf"{ROOT}/{{id:\d{{1,10}}}}"
        return (
            BoardPage(f"{ROOT}/new", self.new),
            BoardPage(f"{ROOT}/new", self.add, "POST"),
            BoardPage(f"{ROOT}/preview", self.preview, "POST"),
            BoardPage(one, self.show),
            BoardPage(one, self.do, "POST"),
            BoardPage(f"{one}/edit", self.edit),
            BoardPage(f"{one}/edit", self.save, "POST"),
            BoardPage(f"{one}/move", self.move, "POST"),
            BoardPage(f"{one}/undo", self.undo, "POST"),
        )

    async def _entry(self, visit: Visit, conn: AsyncConnection) -> Entry:
        self.let_in(visit)
        entry = await records.get(conn, int(visit.request.match_info["id"]))
        if entry is None:
            raise visit.missing()
        return entry

    # --- look at it ----------------------------------------------------------------------------------------------

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The entry, as it stands."""
        return await self._show(visit)

    async def _show(self, visit: Visit, outcome: Outcome | None = None, do: str = "") -> web.Response:
        voice = visit.voice
        async with visit.read() as conn:
            entry = await self._entry(visit, conn)
            ahead = await self.keeping.coming(self.ctx(visit, conn), entry, visit.now - self.keeping.settings.grace, 4)
            names = await self.names(conn, [entry])
            row = await self.row(visit, conn, entry, ahead[0].due if ahead else None, names)
            languages = await records.texts(conn, entry.id)
            previews = []
            for language in languages:
                worded = await self.words(visit, conn, entry.id, language)
                if worded is not None:
                    message = self.keeping.post(entry, worded)
                    previews.append({"language": language, "html": html_of(message.html, message.body)})
            room_id = await bindings.room_of(conn, self.community.animators_room or "") or ""
            changes = await records.changes(conn, entry.id)
            involved = {one.by for one in changes} | {entry.author, entry.reviewer, entry.approved_by}
            people = {user: await name_of(conn, room_id, user) or user for user in involved if user}
            history = wording.history(voice, changes, {user: escape(name) for user, name in people.items()}, self.zone)
            files = await self.keeping.files(self.ctx(visit, conn), entry.id)
            because = await self._because(visit, conn, entry)
            stands = await records.last_posted(conn, entry.id)
        further = [plain(voice.moment(one.due, self.zone, visit.now)) for one in ahead[1:]] if entry.recurs else []
        # What would change nothing is not offered.
        idle = {"fit"} if entry.state is State.scheduled and not entry.at else set()
        idle |= set() if stands else {"withdraw"}
        steps = [(key, label) for key, (what, label) in _STEPS.items() if may_be(what, entry.state) and key not in idle]
        return visit.show(
            "calendar/entry.html",
            row.title,
            row=row,
            entry=entry,
            further=further,
            previews=previews,
            history=html(history),
            because=because,
            author=people.get(entry.author, ""),
            reviewer=people.get(entry.approved_by or entry.reviewer, ""),
            files=[str(one.get("body", "")) for one in files],
            steps=steps,
            outcome=said(outcome) if outcome is not None and outcome.html else "",
            failed=outcome is not None and outcome.failed,
            asks=do if outcome is not None and outcome.asks else "",
        )

    async def _because(self, visit: Visit, conn: AsyncConnection, entry: Entry) -> list[dict[str, str]]:
        """What the planner says about its next times, and what keeps it from coming where it would be too much."""
        if entry.state is not State.scheduled:
            return []
        names, voice = await self.names(conn, [entry]), visit.voice
        layout = await laying.layout(self.keeping, conn, visit.now, keys=set(entry.targets))
        placed = [one for one in layout.placed if laying.entry_of(one) == entry.id][:4]
        left = [one for one in layout.left_out if laying.entry_of(one) == entry.id][:4]
        told = [(one.room, plain(voice.moment(one.at, self.zone, visit.now)), one.because) for one in placed]
        told += [(one.room, "", one.because) for one in left]
        return [
            {"where": names.get(room, room), "when": when, "why": plain(voice.say(because))}
            for room, when, because in told
        ]

    async def do(self, visit: Visit) -> web.StreamResponse:
        """One of the steps that an entry can go."""
        async with visit.read() as conn:
            entry = await self._entry(visit, conn)
        form = await visit.form()
        do = form.get("do", "")
        if do not in DOING:
            raise web.HTTPBadRequest
        outcome = await self._ask(visit, entry.id, do, {}, form, yes=form.get("yes") == "yes")
        return await self._show(visit, outcome, do)

    async def _ask(
        self,
        visit: Visit,
        id: int,
        verb: str,
        args: Mapping[str, Any],
        form: Form,
        *,
        yes: bool = False,
        below: str = "",
    ) -> Outcome:
        """Give a command about an entry, with what the visitor saw of it."""
        revision = form.get("revision", "")
        seen = {"revision": int(revision)} if re.fullmatch(r"[0-9]{1,9}", revision) else {}
        given = {"number": str(id), **args}
        return await visit.ask("calendar", verb, given, yes=yes, queue=f"calendar:{id}", below=below, **seen)

    # --- move it ---------------------------------------------------------------------------------------------------

    async def move(self, visit: Visit) -> web.StreamResponse:
        """Another time, by drag or by the form of the list."""
        async with visit.read() as conn:
            entry = await self._entry(visit, conn)
        form = await visit.form()
        at = form.get("at", "")
        if not _AT.fullmatch(at):
            outcome = Outcome(str(html(visit.voice.say("Say when: a day and a time."))), failed=True)
        else:
            outcome = await self._ask(visit, entry.id, "move", {"plan": [at.replace("T", " ")]}, form)
        return await self._answer(visit, entry.id, outcome)

    async def undo(self, visit: Visit) -> web.StreamResponse:
        """The last change undone."""
        async with visit.read() as conn:
            entry = await self._entry(visit, conn)
        return await self._answer(visit, entry.id, await self._ask(visit, entry.id, "undo", {}, await visit.form()))

    async def _answer(self, visit: Visit, id: int, outcome: Outcome) -> web.Response:
        """For a script the outcome, for a form the calendar or what is wrong."""
        if "application/json" in visit.request.headers.get("Accept", ""):
            async with visit.read() as conn:
                entry = await records.get(conn, id)
            why = _text_of(outcome.html)
            return web.json_response(
                {"why": why, "revision": entry.revision if entry else 0}, status=409 if outcome.failed else 200
            )
        return await self._show(visit, outcome) if outcome.failed else visit.go(f"{ROOT}/{id}")

    # --- write it --------------------------------------------------------------------------------------------------

    async def new(self, visit: Visit) -> web.StreamResponse:
        """An empty form."""
        self.let_in(visit)
        at = visit.request.query.get("at", "")[:16]
        return await self._form(visit, Fields(at=at if _is_time(at) else ""))

    async def add(self, visit: Visit) -> web.StreamResponse:
        """A new entry."""
        self.let_in(visit)
        fields = _fields(await visit.form())
        args: dict[str, Any] = {"text": fields.title, "plan": self._plan(fields)}
        args |= {name: value for name, value in _options(fields).items() if value}
        args |= {"ask": "yes"} if fields.ask else {}
        outcome = await visit.ask("calendar", "add", args, queue="calendar:new", below=fields.words)
        if outcome.failed:
            return await self._form(visit, fields, outcome=outcome)
        return visit.go(ROOT)

    async def edit(self, visit: Visit) -> web.StreamResponse:
        """The form with the entry in it."""
        async with visit.read() as conn:
            entry = await self._entry(visit, conn)
            asked = visit.request.query.get("language", "")
            language = asked if asked in self.community.languages else ""
            worded = await self.words(visit, conn, entry.id, language)
        spoken = language or (worded.language if worded else self.community.default_language)
        same = worded is not None and worded.language == spoken
        fields = Fields(
            title=worded.draft.title if worded and same else "",
            words=worded.draft.words if worded and same else "",
            at=entry.at,
            groups=entry.targets,
            line=entry.line,
            rule=entry.rule,
            language=spoken,
            ask=entry.ask,
            link=entry.link,
        )
        return await self._form(visit, fields, entry=entry)

    async def save(self, visit: Visit) -> web.StreamResponse:
        """What changed, each by its command, all of them for one revision of the entry."""
        async with visit.read() as conn:
            entry = await self._entry(visit, conn)
            form = await visit.form()
            fields = _fields(form)
            worded = await self.words(visit, conn, entry.id, fields.language)
        if form.get("revision", "") != str(entry.revision):
            sentence = visit.voice.say(
                "Somebody changed this entry meanwhile. What you wrote is below; what they did stands in its history."
            )
            return await self._form(visit, fields, entry=entry, outcome=Outcome(str(html(sentence)), failed=True))
        steps: list[tuple[str, dict[str, Any], str]] = []
        same = worded is not None and worded.language == (fields.language or worded.language)
        if fields.title and not (
            same and worded and (worded.draft.title, worded.draft.words.strip()) == (fields.title, fields.words.strip())
        ):
            steps.append(("edit", {"text": fields.title, "language": fields.language}, fields.words))
        if fields.at != entry.at or fields.groups != entry.targets:
            steps.append(("move", {"plan": self._plan(fields)}, ""))
        options = {
            name: value or "none"
            for name, value in _options(fields).items()
            if name != "language" and value != getattr(entry, name)
        }
        if fields.ask != entry.ask:
            options["set_ask"] = "yes" if fields.ask else "no"
        if options:
            steps.append(("set", options, ""))
        for verb, args, below in steps:
            done = await visit.ask(
                "calendar", verb, {"number": str(entry.id), **args}, queue=f"calendar:{entry.id}", below=below
            )
            if done.failed:
                async with visit.read() as conn:
                    entry = await self._entry(visit, conn)
                return await self._form(visit, fields, entry=entry, outcome=done)
        return visit.go(f"{ROOT}/{entry.id}")

    def _plan(self, fields: Fields) -> list[str]:
        """As `calendar move` reads it."""
        plan = [fields.at.replace("T", " ")] if fields.at else []
        for key in fields.groups:
            plan += ["in", f"#{key}"]
        return plan

    async def preview(self, visit: Visit) -> web.StreamResponse:
        """What is being written, as its readers will see it."""
        self.let_in(visit)
        fields = _fields(await visit.form())
        voice = self.keeping.kit.speech.voice(fields.language or self.community.default_language)
        shown = render(wording.post(voice, fields.title or "…", fields.words[: model.LONGEST_WORDS], fields.link, ""))
        return web.Response(text=str(html_of(shown.html, shown.body)), content_type="text/html", charset="utf-8")

    async def _form(
        self, visit: Visit, fields: Fields, *, entry: Entry | None = None, outcome: Outcome | None = None
    ) -> web.Response:
        voice = visit.voice
        async with visit.read() as conn:
            places = [
                one
                for one in await wanted.all_places(conn)
                if isinstance(one, Group) and not one.archived and one.kind is not Kind.animators
            ]
        title = voice.say("Edit an entry") if entry is not None else voice.say("A new entry")
        return visit.show(
            "calendar/edit.html",
            plain(title),
            entry=entry,
            fields=fields,
            groups=sorted(((one.key, one.name) for one in places), key=lambda pair: pair[1].casefold()),
            lines=[(key, one.name(voice.language)) for key, one in self.lines.items()],
            spoken=self.community.languages,
            rules=self._rules(fields, voice, visit.now),
            outcome=said(outcome) if outcome is not None and outcome.html else "",
            longest_title=model.LONGEST_TITLE,
            longest_words=model.LONGEST_WORDS,
            action=f"{ROOT}/{entry.id}/edit" if entry is not None else f"{ROOT}/new",
            back=f"{ROOT}/{entry.id}" if entry is not None else ROOT,
        )

    def _rules(self, fields: Fields, voice: Voice, now: datetime) -> list[tuple[str, str]]:
        """How often it can come: what one needs mostly, for its own weekday, and what it has."""
        first = (model.local(fields.at) if fields.at else None) or now.astimezone(self.zone)
        day = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[first.weekday()]
        usual = [
            "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
            f"FREQ=WEEKLY;BYDAY={day}",
            f"FREQ=WEEKLY;INTERVAL=2;BYDAY={day}",
            f"FREQ=MONTHLY;BYDAY={min((first.day - 1) // 7 + 1, 4)}{day}",
            f"FREQ=MONTHLY;BYDAY=-1{day}",
            "FREQ=YEARLY",
        ]
        try:
            own = [recurrence.proper(fields.rule, self.zone)] if fields.rule else []
        except recurrence.BadRule:
            own = []
        return [(rule, plain(rule_words.told(voice, rule))) for rule in dict.fromkeys([*usual, *own])]


def _is_time(text: str) -> bool:
    """Whether a form's time is one that there is."""
    try:
        return bool(_AT.fullmatch(text)) and model.local(text) is not None
    except ValueError:
        return False


def _fields(form: Form) -> Fields:
    at = form.get("at", "")[:16]
    return Fields(
        title=" ".join(form.get("title", "").split()),
        words=form.get("words", ""),
        at=at if _is_time(at) else "",
        groups=tuple(dict.fromkeys(one[:100] for one in form.all("groups")))[: model.MOST_TARGETS],
        line=form.get("line", "")[:100],
        rule=form.get("rule", "")[: recurrence.LONGEST],
        language=form.get("language", "")[:10],
        ask=form.get("ask") == "yes",
        link=form.get("link", "")[:2_000].strip(),
    )


def _options(fields: Fields) -> dict[str, str]:
    return {"line": fields.line, "rule": fields.rule, "language": fields.language, "link": fields.link}


def html_of(safe: str, body: str) -> Any:
    """A rendered message on a page."""
    return Markup(safe) if safe else Markup.escape(body)


def _text_of(safe: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", safe)).strip()
