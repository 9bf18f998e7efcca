"""The board's pages: groups, one group, people, and what one can be asked about oneself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import People
from esnbot.community.group import Kind
from esnbot.features.directory import model, records, wording
from esnbot.features.directory.handlers import ASK_ABOUT, LET_ME_IN
from esnbot.features.directory.model import Entry, Listing, Pace, Query, Scope, UnusableSubject
from esnbot.features.directory.reading import Looker, Reading
from esnbot.features.places import memberships
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, later, render
from esnbot.speech.markup import visible
from esnbot.store import bindings, rooms
from esnbot.web.board import html
from esnbot.web.visit import BoardPage, Visit

LONGEST_QUERY: Final = 200
OWNERS_SHOWN: Final = 10
MATRIX_TO: Final = "https://matrix.to/#/"


class Pages:
    """The pages."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._community = reading.community
        self._settings = reading.settings
        self._people = People(reading.community, wanted)

    def all(self) -> tuple[BoardPage, ...]:
        """Every page with its address."""
        return (
            BoardPage("/directory", self.groups, menu=later("Groups")),
            BoardPage("/groups/{key}", self.group),
            BoardPage("/groups/{key}/join", self.join, "POST"),
            BoardPage("/people", self.people, menu=later("People")),
            BoardPage("/people/me", self.oneself),
            BoardPage("/people/me", self.change, "POST"),
        )

    # --- groups --------------------------------------------------------------------------------------------------

    async def groups(self, visit: Visit) -> web.StreamResponse:
        """The groups that the reader looks for."""
        asked = visit.request.query
        query = Query(
            words=_words(asked.get("q", "")),
            kind=asked.get("kind", "")[:LONGEST_QUERY],
            audience=asked.get("for", "")[:LONGEST_QUERY],
            pace=asked.get("pace", "")[:LONGEST_QUERY],
            language=asked.get("language", "")[:LONGEST_QUERY],
            page=_page(asked.get("page", "")),
        )
        async with visit.read() as conn:
            found = await self._reading.groups(conn, Looker(visit.person), query, self._settings.page_size)
            paces = await self._reading.paces_of(conn, found.entries)
            mine = await memberships(conn, visit.person.user)
        chosen = {
            "q": query.words,
            "kind": query.kind,
            "for": query.audience,
            "pace": query.pace,
            "language": query.language,
        }
        return visit.show(
            "directory/groups.html",
            _text(visit.voice.say(later("Groups"))),
            query=query,
            choices=self._choices(visit, found, query),
            filtered=any(chosen.values()),
            total=found.total,
            near=[{"text": word, "query": urlencode({"q": word})} for word in found.near],
            groups=[self._line(visit, entry, paces.get(entry.group.key), mine) for entry in found.entries],
            **_turning(chosen, found.page, found.pages),
        )

    def _line(self, visit: Visit, entry: Entry, pace: Pace | None, mine: Mapping[str, str]) -> dict[str, object]:
        group = entry.group
        inside = mine.get(group.key) == "join"
        return {
            "path": f"/groups/{quote(group.key, safe='')}",
            "name": _plain(group.name),
            "topic": _plain(group.topic.strip().partition("\n")[0]),
            "details": html(wording.details(visit.voice, entry, self._community, pace, inside=inside)),
        }

    def _choices(self, visit: Visit, found: Listing, query: Query) -> list[dict[str, object]]:
        """The filters, with what the reader's own groups leave to choose from."""
        voice = visit.voice
        audience = model.audience_named(query.audience, found.entries, self._community) or query.audience
        kinds = [(kind.value, _text(voice.say(wording.KINDS[kind]))) for kind in found.kinds]
        paces = [(pace.value, _text(voice.say(wording.PACES[pace]))) for pace in Pace]
        audiences = [(key, self._community.audiences[key].name) for key in found.audiences]
        languages = [(code, wording.language_name(voice, code)) for code in found.languages]
        shown = [
            _choice("kind", voice.say("Kind"), voice.say("All kinds"), kinds, query.kind),
            _choice("for", voice.say("Who it is for"), voice.say("All audiences"), audiences, audience),
            _choice("pace", voice.say("How lively it is"), voice.say("It does not matter"), paces, query.pace),
            _choice("language", voice.say("Language"), voice.say("All languages"), languages, query.language),
        ]
        # One choice is none; the one for liveliness is the same for everybody.
        return [one for one in shown if len(one["options"]) > 1 or one["chosen"]]

    async def group(self, visit: Visit) -> web.StreamResponse:
        """One group; for a key that the reader may not know of, the answer is that of one that does not exist."""
        voice, key = visit.voice, visit.request.match_info["key"]
        async with visit.read() as conn:
            entry = await self._reading.group(conn, visit.person, key)
            if entry is None:
                raise visit.missing()
            pace = (await self._reading.paces_of(conn, (entry,))).get(key)
            membership = (await memberships(conn, visit.person.user)).get(key, "leave")
            room_id = await bindings.room_of(conn, key)
            owners = await self._owners(conn, entry, room_id)
            address = await self._address(conn, room_id) if room_id else ""
        group = entry.group
        invited = membership != "join" and "invited" in visit.request.query and model.may_be_invited(group, "leave")
        facts = [(voice.say("Kind"), voice.say(wording.KINDS[group.kind]))]
        facts.append((voice.say("Who it is for"), wording.meant_for(voice, entry, self._community)))
        if pace is not None:
            facts.append((voice.say("How lively it is"), voice.say(wording.PACES[pace])))
        facts.append((voice.say("Language"), voice.plain(wording.language_name(voice, entry.language))))
        return visit.show(
            "directory/group.html",
            _plain(group.name),
            topic=_plain(group.topic),
            way_in=html(wording.invited(voice) if invited else wording.way_in(voice, group, membership)),
            can_ask=not invited and model.may_be_invited(group, membership),
            path_in=f"/groups/{quote(group.key, safe='')}/join",
            link=address,
            facts=[{"label": _text(label), "value": html(value)} for label, value in facts],
            owners=owners,
        )

    async def join(self, visit: Visit) -> web.StreamResponse:
        """Have oneself invited; whether that may be is looked at when it is done."""
        key = visit.request.match_info["key"]
        async with visit.read() as conn:
            if await self._reading.group(conn, visit.person, key) is None:
                raise visit.missing()
        await visit.act(LET_ME_IN, {"key": key}, queue=f"let-me-in:{visit.person.user}")
        return visit.go(f"/groups/{quote(key, safe='')}?invited=yes")

    async def _address(self, conn: AsyncConnection, room_id: str) -> str:
        content = await rooms.content(conn, room_id, "m.room.canonical_alias") or {}
        alias = content.get("alias")
        if isinstance(alias, str) and alias.startswith("#"):
            return MATRIX_TO + quote(alias, safe="#:._-=+")
        return f"{MATRIX_TO}{quote(room_id, safe='!:._-=+')}?via={quote(self._reading.kit.server)}"

    async def _owners(self, conn: AsyncConnection, entry: Entry, room_id: str | None) -> list[dict[str, str]]:
        if entry.group.kind is Kind.animators or room_id is None:
            return []
        owners = (await self._people.owners(conn, room_id, entry.group))[:OWNERS_SHOWN]
        names = await records.names(conn, owners)
        return [{"name": _plain(names.get(who, who)), "link": _person(who)} for who in owners]

    # --- people --------------------------------------------------------------------------------------------------

    async def people(self, visit: Visit) -> web.StreamResponse:
        """Whom one may ask about something."""
        words, page = _words(visit.request.query.get("q", "")), _page(visit.request.query.get("page", ""))
        async with visit.read() as conn:
            found = await self._reading.people(
                conn, Looker(visit.person), words, visit.now, self._settings.page_size, page
            )
        return visit.show(
            "directory/people.html",
            _text(visit.voice.say(later("People"))),
            words=words,
            total=found.total,
            near=[{"text": _plain(word), "query": urlencode({"q": word})} for word in found.near],
            people=[
                {"name": _plain(one.name), "link": _person(one.person), "subjects": list(map(_plain, one.subjects))}
                for one in found.people
            ],
            **_turning({"q": words}, found.page, found.pages),
        )

    async def oneself(self, visit: Visit) -> web.StreamResponse:
        """What one can be asked about, and who sees it."""
        return await self._oneself(visit)

    async def _oneself(self, visit: Visit, typed: str = "", mistake: Markdown | None = None) -> web.Response:
        voice, user = visit.voice, visit.person.user
        async with visit.read() as conn:
            mine = (await records.stated_by_all(conn, [user])).get(user, [])
            scope = await records.scope_of(conn, user)
        own = model.standing(self._community, user, visit.person.audiences, self._reading.kit.server)
        return visit.show(
            "directory/me.html",
            _text(voice.say("What one can ask you about")),
            mine=[{"word": one.word, "text": _plain(one.text)} for one in mine],
            scopes=[{"value": one.value, "label": html(wording.choice_of(voice, one, own))} for one in Scope],
            chosen=scope.value,
            typed=typed,
            mistake=None if mistake is None else html(mistake),
        )

    async def change(self, visit: Visit) -> web.StreamResponse:
        """Change it."""
        form, settings, user = await visit.form(), self._settings, visit.person.user
        content: dict[str, Any] = {}
        if "add" in form:
            try:
                named = model.subjects(form["add"], settings.most_subjects, settings.longest_subject)
            except UnusableSubject as error:
                return await self._oneself(visit, form["add"][:1_000], wording.unusable(visit.voice, error, settings))
            async with visit.read() as conn:
                mine = (await records.stated_by_all(conn, [user])).get(user, [])
            if len({one.word for one in mine} | {one.word for one in named}) > settings.most_subjects:
                return await self._oneself(visit, form["add"][:1_000], wording.too_many(visit.voice, settings))
            content["add"] = form["add"]
        if "remove" in form:
            content["remove"] = list(form.all("remove"))
        if form.get("shown_to") in list(Scope):
            content["shown_to"] = form["shown_to"]
        if content:
            await visit.act(ASK_ABOUT, content, queue=f"ask-about:{user}")
        return visit.go("/people/me")


def _choice(
    name: str, label: Markdown, everything: Markdown, options: Iterable[tuple[str, str]], chosen: str
) -> dict[str, Any]:
    shown = [{"value": value, "label": text} for value, text in options]
    known = chosen if any(one["value"] == chosen for one in shown) else ""
    return {"name": name, "label": _text(label), "all": _text(everything), "options": shown, "chosen": known}


def _turning(query: Mapping[str, str], page: int, pages: int) -> dict[str, object]:
    kept = {name: value for name, value in query.items() if value}
    return {
        "page": page,
        "pages": pages,
        # Relative to the page itself, wherever the board stands.
        "before": f"?{urlencode({**kept, 'page': page - 1})}" if page > 1 else "",
        "after": f"?{urlencode({**kept, 'page': page + 1})}" if page < pages else "",
    }


def _page(text: str) -> int:
    return min(int(text), 1_000_000) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _words(text: str) -> str:
    return _plain(text[: 10 * LONGEST_QUERY])[:LONGEST_QUERY]


def _plain(text: str) -> str:
    """What people wrote, on one line and without what is not seen; templates escape it."""
    return " ".join(visible(text).split())


def _text(markdown: Markdown) -> str:
    return render(markdown).body


def _person(user: str) -> str:
    return MATRIX_TO + quote(user, safe="@:._-=+")
