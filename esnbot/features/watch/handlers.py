"""Takes what sources bring, shows it to the animators once a day, and does what they press."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bridges.feeds import following
from bridges.feeds.bridge import NAME as FEEDS
from bridges.feeds.news import BACK, FOUND, GONE
from esnbot.commands.command import bare
from esnbot.commands.reactions import Reaction
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, Nudge, React, Say, Schedule, post, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.calendar import ENTRY_WANTED
from esnbot.features.calm import is_silenced
from esnbot.features.contract import Kit
from esnbot.features.hours import next_occasion
from esnbot.features.places import called, language_of
from esnbot.features.status import is_paused
from esnbot.features.watch import addresses, model, records, wording
from esnbot.features.watch.model import Press, State
from esnbot.features.watch.records import Find, Source
from esnbot.features.watch.settings import WatchSettings
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, escape, render
from esnbot.store import bindings, rooms

NAME: Final = "watch"
SHOW: Final = "finds"
"""The daily job, and its key."""
COMPARED: Final = timedelta(days=6)
"""Titles of so long ago are compared: what a source brings every week under one title is something new."""
STALE: Final = timedelta(days=60)
"""What stood in a new source for so long is not shown."""
WORDS_KEPT: Final = timedelta(days=30)
REMEMBERED: Final = timedelta(days=180)
"""So long it is known that something was there."""
DECIDED: Final = "org.esnbot.watch_decided"
"""Somebody decided about a find on the board; content: ``find`` (its number), ``press``, ``by``."""
ASKED: Final = "org.esnbot.watch_asked"
"""A command wants the next finds to be shown now."""


class WatchHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[WatchSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings

    # --- sources -------------------------------------------------------------------------------------------------

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Watch what the file declares, and show what is new at its hour."""
        await self._declare(ctx)
        await following.follow(ctx.conn, await records.followed(ctx.conn))
        due = await records.due_of(ctx.conn, NAME, SHOW)
        nudge = Nudge(machine=FEEDS)
        if due is not None and due <= milliseconds(ctx.now):
            # It is late, and comes all the same.
            return [nudge]
        return [self._show_at(next_occasion(ctx.now, self._community, self._settings.at)), nudge]

    async def _declare(self, ctx: Context) -> None:
        """What the file says about its sources holds; what people did with them in chat (a pause) stays."""
        known = {(one.url, one.line): one for one in await records.sources(ctx.conn)}
        for told in self._settings.sources:
            line = told.line or ""
            new = Source(
                url=told.url,
                line=line,
                name=told.name,
                language=told.language,
                take=list(told.take),
                leave=list(told.leave),
                origin=records.FILE,
                added=milliseconds(ctx.now),
            )
            before = known.pop((told.url, line), None)
            if before is None:
                await records.add(ctx.conn, new)
                continue
            stated = {key: getattr(new, key) for key in ("name", "language", "take", "leave", "origin")}
            await records.change(ctx.conn, before.id, **stated)
        for gone in known.values():
            if gone.origin == records.FILE:
                await records.remove(ctx.conn, gone.id)

    async def state(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A source can be read for the first time, cannot any more, or can again."""
        what, trouble = event.text("what"), event.text("trouble")
        url = event.text("feed")
        feeds = await following.health(ctx.conn, [url])
        effects: list[Effect] = []
        for one in await records.sources_of(ctx.conn, url):
            fine = what in (FOUND, BACK)
            if one.asked_room:
                voice = self._kit.speech.voice(one.asked_language)
                name = one.name or event.text("title") or wording.name_of(one, feeds)
                items = event.content.get("items")
                said = (
                    wording.first_look(voice, name, items if isinstance(items, int) else 0)
                    if fine
                    else wording.first_failure(voice, one, name, trouble, stays=what != GONE)
                )
                effects.append(_told(one, said))
                await records.change(ctx.conn, one.id, asked_room="", asked_thread="", asked_language="")
            elif not one.paused:
                await records.change(ctx.conn, one.id, trouble="" if fine else trouble)
        return effects

    # --- what comes in -------------------------------------------------------------------------------------------

    async def item(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Something new in a feed: it waits to be shown, unless nobody wants it or it is known already."""
        title, summary = event.text("title"), event.text("summary")
        link = addresses.shown(event.text("link"))
        if not title and not summary and not link:
            return []
        published = event.content.get("published")
        if event.content.get("old") and isinstance(published, int) and published < milliseconds(ctx.now - STALE):
            return []
        takers = [one for one in await records.sources_of(ctx.conn, event.text("feed")) if not one.paused]
        takers = [one for one in takers if self._wants(one, f"{title}\n{summary}")]
        if not takers:
            return []
        alike, gist = _alike(link), model.gist(title)
        known = await self._known(ctx, takers, link, alike, gist)
        if known is None:
            first = takers[0]
            new = Find(
                source=first.id,
                line=first.line,
                language=self._language(first.language or event.text("language")),
                title=title,
                summary=summary,
                link=link,
                alike=alike,
                gist=gist,
                published=published if isinstance(published, int) else None,
                found=milliseconds(ctx.now),
            )
            known = await records.keep(ctx.conn, new)
        for one in takers:
            await records.note_also(ctx.conn, known, one.id)
        return []

    def _wants(self, source: Source, text: str) -> bool:
        return source.filter.wants(text) and self._settings.filter_of(source.line).wants(text)

    async def _known(self, ctx: Context, takers: Sequence[Source], link: str, alike: str, gist: str) -> int | None:
        """The find that means the same, whatever became of it."""
        mine = {one.id for one in takers}
        for one in await records.with_link(ctx.conn, alike):
            # A feed's own items differ, or it would not have brought them: some have one page with many anchors.
            if one.source not in mine or not one.link or one.link == link:
                return one.id
        since = milliseconds(ctx.now - COMPARED)
        return model.same(gist, await records.titles_since(ctx.conn, since)) if gist else None

    def _language(self, told: str) -> str:
        language = told.strip().lower().replace("_", "-").partition("-")[0]
        return language if language in self._community.languages else ""

    # --- what is shown -------------------------------------------------------------------------------------------

    def _show_at(self, due: datetime) -> Schedule:
        return Schedule(key=SHOW, job=SHOW, due=due)

    async def due(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The hour at which the day's finds are shown."""
        again = self._show_at(next_occasion(ctx.now + timedelta(minutes=1), self._community, self._settings.at))
        allowed = next_occasion(ctx.now, self._community)
        if allowed > ctx.now:
            return [self._show_at(allowed)]
        if await is_paused(ctx.conn):
            return [again]
        return [*await self._show(ctx), again]

    async def asked(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """An animator wants the next ones now."""
        return await self._show(ctx)

    async def _show(self, ctx: Context) -> list[Effect]:
        key, conn = self._community.animators_room, ctx.conn
        room_id = await bindings.room_of(conn, key) if key else None
        if key is None or room_id is None or await is_silenced(conn, room_id, NAME):
            # What nobody would see is not used up.
            return []
        now = milliseconds(ctx.now)
        await records.expire(conn, milliseconds(ctx.now - self._settings.keep))
        await records.tidy(conn, milliseconds(ctx.now - WORDS_KEPT), milliseconds(ctx.now - REMEMBERED))
        queue = await records.queue(conn, now)
        chosen = model.batch(queue, self._settings.most, self._settings.of_one_source)
        sources = {one.id: one for one in await records.sources(conn)}
        ill = [one for one in sources.values() if one.trouble and not one.paused]
        if not chosen and not ill:
            return []
        feeds = await following.health(conn, [one.url for one in sources.values()])
        names = {id: wording.name_of(one, feeds) for id, one in sources.items()}
        voice = await self._voice(conn, key)
        troubles = [wording.trouble_line(voice, names[one.id], one.trouble) for one in ill]
        for one in ill:
            await records.change(conn, one.id, trouble="")
        finds = [await records.show(conn, id, now) for id in chosen]
        head_key = f"finds:{finds[0].id}:{finds[0].round}" if finds else f"finds:0:{now}"
        head = render(wording.head(voice, len(finds), len(queue) - len(finds), troubles))
        effects: list[Effect] = [Say(key=head_key, room=room(key), body=head.body, html=head.html)]
        for find in finds:
            said = render(self._said(voice, find, names, ctx.now))
            effects.append(Say(key=find.post, room=room(key), body=said.body, html=said.html, thread=post(head_key)))
            effects += [React(room=room(key), to=post(find.post), emoji=model.SHOWN_AS[press.value]) for press in Press]
        return effects

    def _said(self, voice: Voice, find: Find, names: Mapping[int, str], now: datetime) -> Markdown:
        also = [names[id] for id in find.also if id in names and names[id] != names.get(find.source)]
        name = names.get(find.source) or addresses.host_of(find.link)
        return wording.found(voice, find, name, list(dict.fromkeys(also)), self._community.zone, now)

    async def _voice(self, conn: AsyncConnection, key: str) -> Voice:
        place = await wanted.get(conn, key)
        return self._kit.speech.voice(language_of(place, await wanted.spaces(conn), self._community))

    # --- what is pressed -----------------------------------------------------------------------------------------

    async def reacted(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """An animator pressed a button below a find, or took that back."""
        press, key = model.pressed(reaction.emoji), self._community.animators_room
        find = await self._find_of(ctx.conn, reaction.post)
        if press is None or find is None or key is None or not (find.title or find.link):
            return []
        if reaction.room_id != await bindings.room_of(ctx.conn, key):
            return []
        if await rooms.membership(ctx.conn, reaction.room_id, reaction.sender) != "join":
            return []
        voice = await self._voice(ctx.conn, key)
        if reaction.taken_back:
            return await self._take_back(ctx, reaction, find, press, voice)
        done = await self._decide(ctx, find, press, reaction.sender, reaction.room_id, voice)
        return [] if done is None else [*done[0], self._edit(reaction, done[1])]

    async def decided(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The same, on the board; what stands in the room says so too."""
        number, key = event.content.get("find"), self._community.animators_room
        find = await records.get(ctx.conn, number) if isinstance(number, int) else None
        room_id = await bindings.room_of(ctx.conn, key) if key else None
        press = Press.__members__.get(event.text("press"))
        if find is None or press is None or key is None or room_id is None or not (find.title or find.link):
            return []
        voice = await self._voice(ctx.conn, key)
        done = await self._decide(ctx, find, press, event.text("by"), room_id, voice)
        if done is None:
            return []
        effects, said = done
        message = render(said)
        shown = [Say(room=room(key), body=message.body, html=message.html, replaces=post(find.post))]
        return [*effects, *(shown if find.round else [])]

    async def _decide(
        self, ctx: Context, find: Find, press: Press, by: str, room_id: str, voice: Voice
    ) -> tuple[list[Effect], Markdown] | None:
        """Write down what somebody decided; what follows from it, and what is said. None when it is decided already."""
        if not model.may(press, State(find.state)):
            return None
        before = [one.value for one in State if model.may(press, one)]
        due = self._back_at(ctx.now, find) if press is Press.later else None
        due_ms = None if due is None else milliseconds(due)
        if not await records.decide(ctx.conn, find.id, _AFTER[press], by, before, due_ms):
            return None
        match press:
            case Press.take:
                said = wording.picked(voice, find, await called(ctx.conn, room_id, by))
                return [await self._wish(ctx.conn, find, by)], said
            case Press.later:
                assert due is not None
                zone = self._community.zone
                day = voice.date(due.astimezone(zone).date(), ctx.now.astimezone(zone).date())
                return [], wording.put_off(voice, find, day)
            case Press.away:
                return [], wording.put_away(voice, find)

    async def _take_back(
        self, ctx: Context, reaction: Reaction, find: Find, press: Press, voice: Voice
    ) -> Sequence[Effect]:
        """Who put something off or away and takes that back has it as it was; a draft is the calendar's."""
        after = _AFTER[press]
        if press is Press.take or find.state != after.value or find.person != reaction.sender:
            return []
        if reaction.post != find.post or not await records.decide(ctx.conn, find.id, State.shown, "", [after.value]):
            return []
        names = await self._names(ctx.conn, find)
        return [self._edit(reaction, self._said(voice, find, names, ctx.now))]

    async def _names(self, conn: AsyncConnection, find: Find) -> dict[int, str]:
        known = [one for id in (find.source, *find.also) if (one := await records.source_of(conn, id)) is not None]
        feeds = await following.health(conn, [one.url for one in known])
        return {one.id: wording.name_of(one, feeds) for one in known}

    def _back_at(self, now: datetime, find: Find) -> datetime:
        later = now + model.put_off(find.round, self._settings.later)
        # At the hour of that day at which finds are shown.
        begin = later.astimezone(self._community.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return next_occasion(begin.astimezone(UTC), self._community, self._settings.at)

    async def _wish(self, conn: AsyncConnection, find: Find, by: str) -> Emit:
        """A draft is wanted, with its source credited."""
        names = await self._names(conn, find)
        content: dict[str, Any] = {
            "title": find.title or addresses.host_of(find.link),
            "words": str(escape(find.summary)),
            "line": find.line,
            "language": find.language,
            "targets": [],
            "link": find.link,
            "credit": names.get(find.source) or addresses.host_of(find.link),
            "by": by,
            "of": NAME,
        }
        return Emit(type=ENTRY_WANTED, content=content)

    def _edit(self, reaction: Reaction, said: Markdown) -> Say:
        message = render(said)
        return Say(room=reaction.room_id, body=message.body, html=message.html, replaces=reaction.target)

    async def _find_of(self, conn: AsyncConnection, key: str) -> Find | None:
        kind, _, rest = key.partition(":")
        number = rest.partition(":")[0]
        return await records.get(conn, int(number)) if kind == "find" and number.isdigit() else None

    # --- one person ----------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: the sources that they added, and what they decided."""
        return await records.of_person(conn, person)

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget who it was."""
        await records.forget(ctx.conn, person)
        return []


_AFTER: Final = {Press.take: State.picked, Press.later: State.later, Press.away: State.away}


def _alike(link: str) -> str:
    """What is compared of a link; that of a whole site says nothing about one of its texts."""
    found = addresses.alike(link)
    return found if "/" in found or "?" in found or "#" in found else ""


def told_key(source_id: int) -> str:
    """Key of the effect that tells how the first look at a source went."""
    return f"first:{source_id}"


def _told(one: Source, said: Markdown) -> Say:
    # In a direct chat nothing stands in a thread, and commands have no prefix.
    message = render(said if one.asked_thread else bare(said))
    return Say(
        key=told_key(one.id),
        room=one.asked_room,
        body=message.body,
        html=message.html,
        thread=one.asked_thread,
        answers=one.asked_thread,
    )
