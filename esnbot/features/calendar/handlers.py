"""Follows what is decided about entries, in rooms: questions, corrections, redactions; and what others ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.module import NAME as COMMANDS
from esnbot.commands.reactions import Reaction
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, React, Redact, Say, post, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.engine.fetching import read
from esnbot.features import calm, rota, text
from esnbot.features.calendar import feeds, laying, model, records, wording
from esnbot.features.calendar.keeping import (
    AGAIN,
    CORRECT,
    NAME,
    REDACT,
    REVIEW,
    UNRECAP,
    Keeping,
    changed,
)
from esnbot.features.calendar.model import Entry, State, What
from esnbot.features.calendar.publishing import CHANGES, NO, STRUCTURE, YES, Publishing, reference
from esnbot.features.calendar.records import POSTED
from esnbot.features.places import called
from esnbot.features.text import Draft
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, later, render
from esnbot.store.database import savepoint

ATTACH: Final = "attach"
"""The job that takes a file from the message that was read."""
FILES: Final = frozenset({"m.image", "m.file", "m.video", "m.audio"})
_CUT: Final = 20_000
"""Characters of a text that another feature brings and that does not fit."""


def is_ours(event: Event) -> bool:
    """A cheap look: a message that says which entry it is."""
    return STRUCTURE in event.content


def is_redaction(event: Event) -> bool:
    """A cheap look: something was taken away."""
    return bool(event.redacts)


def is_leaving(event: Event) -> bool:
    """A cheap look: somebody goes, or is gone."""
    return event.text("membership") in ("leave", "ban")


def is_answer(emoji: str) -> bool:
    """A cheap look: one of the buttons."""
    return emoji in (YES, NO, CHANGES.replace("\ufe0f", ""))


class Handlers:
    """The feature at work."""

    def __init__(self, keeping: Keeping, publishing: Publishing) -> None:
        self._keeping = keeping
        self._publishing = publishing

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Plan anew what was planned otherwise: by another configuration, or while the clock was wrong."""
        effects: list[Effect] = []
        for entry in await records.standing(ctx.conn, {State.scheduled}):
            if entry.due is not None and entry.due <= milliseconds(ctx.now):
                # It is on its way: being late is for its job to find out.
                continue
            if not self._keeping.stands(ctx, entry):
                entry, planned = await self._keeping.plan(ctx, entry)
                await laying.tell(self._keeping, ctx, entry)
                effects += planned
        return effects

    async def resumed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """What waited for the end of the pause does not wait any longer."""
        waiting = await records.standing(ctx.conn, {State.scheduled}, until=milliseconds(ctx.now))
        return [self._keeping.job(entry, ctx.now, {"told": True}) for entry in waiting]

    # --- what was decided -------------------------------------------------------------------------------------------

    async def changed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """An entry was changed: put its next time on the schedule, and do in rooms what follows."""
        id, acts = event.content.get("entry"), event.content.get("acts")
        entry = await records.get(ctx.conn, id, lock=True) if isinstance(id, int) else None
        if entry is None or not isinstance(acts, list):
            return []
        number = event.content.get("number")
        number = number if isinstance(number, int) else 0
        entry, effects = await self._keeping.plan(ctx, entry)
        await laying.tell(self._keeping, ctx, entry)
        posts = [tuple(one) for one in event.content.get("posts", [])]
        if REVIEW in acts and entry.state is State.review:
            effects += await self._review(ctx, entry, number)
        if CORRECT in acts:
            effects += await self._correct(ctx, entry, number)
        for posted in await records.occurrences(ctx.conn, entry.id) if posts else ():
            if (posted.occurrence, posted.target) not in posts:
                continue
            if REDACT in acts:
                effects += await self._publishing.redactions(ctx, posted)
            worded = await self._keeping.worded(ctx, entry.id, posted.language) if AGAIN in acts else None
            if worded is not None:
                effects += await self._publishing.posts(ctx, entry, posted, worded)
        if UNRECAP in acts:
            for posted in await records.last_posted(ctx.conn, entry.id):
                recapped = post(f"recap:{posted.key}:{event.content.get('undone')}", of=COMMANDS)
                effects.append(Redact(room=room(posted.target), event=recapped))
        return effects

    async def _review(self, ctx: Context, entry: Entry, number: int) -> list[Effect]:
        conn = ctx.conn
        place = await self._keeping.room(conn)
        voice = await self._keeping.voice(conn, place)
        zone = self._keeping.zone(entry)
        told = wording.standing(
            voice,
            entry.state,
            wording.when(voice, entry, zone, ctx.now, None),
            await self._publishing.names(conn, entry.targets),
        )
        title = await self._keeping.title(ctx, entry.id)
        author = await called(conn, "", entry.author) if entry.author else None
        asks = await self._reviewer(ctx, entry)
        reviewer = await called(conn, "", asks) if asks else None
        here = bool(asks) and await self._keeping.in_there(conn, asks)
        key = f"review:{entry.id}:{number}"
        said = wording.review(voice, title, told, author, reviewer)
        asked = await self._keeping.tell(conn, said, key, mentions=(asks,) if here else ())
        if asked and place is not None:
            asked += [React(room=room(place.key), to=post(key), emoji=emoji) for emoji in (YES, CHANGES)]
        if asks and not here:
            word = later(
                "Would you look at entry {number} of the calendar? `!esn calendar preview {number}` shows it, "
                "`!esn calendar approve {number}` approves it.",
                number=wording.number(entry.id),
            )
            asked += await calm.whisper(ctx, asks, NAME, word, about=f"review:{entry.id}", useful=1)
        return asked

    async def _reviewer(self, ctx: Context, entry: Entry) -> str:
        """Who is asked to look at an entry: whoever is named, or who stands in while they are away; '' for all."""
        if not entry.reviewer:
            return ""
        community = self._keeping.community
        return await rota.stand_in(ctx.conn, community, entry.reviewer, ctx.now) or entry.reviewer

    async def _correct(self, ctx: Context, entry: Entry, number: int) -> list[Effect]:
        """Edit what stands in rooms, where its words are others now."""
        effects: list[Effect] = []
        for posted in await records.last_posted(ctx.conn, entry.id, POSTED):
            place = await wanted.get(ctx.conn, posted.target)
            voice = await self._keeping.voice(ctx.conn, place)
            worded = await self._keeping.worded(ctx, entry.id, voice.language)
            if worded is None:
                continue
            message = self._keeping.post(entry, worded)
            effects.append(
                Say(
                    key=f"{posted.key}:edit:{number}",
                    room=room(posted.target),
                    msgtype=TEXT,
                    body=message.body,
                    html=message.html,
                    replaces=reference(posted),
                )
            )
        return effects

    # --- answers by reaction ----------------------------------------------------------------------------------------

    async def reacted(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """Somebody pressed a button under one of our questions."""
        what, _, rest = reaction.post.partition(":")
        number, _, name = rest.partition(":")
        if what not in ("review", "ask") or not number.isdigit():
            return []
        entry = await records.get(ctx.conn, int(number), lock=True)
        if entry is None:
            return []
        if what == "ask":
            return await self._answered(ctx, entry, name, reaction)
        return [] if reaction.taken_back else await self._looked_at(ctx, entry, reaction)

    async def _answered(self, ctx: Context, entry: Entry, name: str, reaction: Reaction) -> Sequence[Effect]:
        if entry.state is not State.scheduled or entry.next != name:
            return []
        if not await self._keeping.is_keeper(ctx, reaction.sender):
            return []
        if reaction.taken_back:
            if reaction.emoji == YES and entry.confirmed == name:
                await records.keep(ctx.conn, replace(entry, confirmed=""))
            return []
        if reaction.emoji == YES:
            await records.keep(ctx.conn, replace(entry, confirmed=name))
            return []
        if reaction.emoji != NO:
            return []
        entry = replace(entry, confirmed="")
        return await self._publishing.over(ctx, entry, What.declined)

    async def _looked_at(self, ctx: Context, entry: Entry, reaction: Reaction) -> Sequence[Effect]:
        if entry.state is not State.review:
            return []
        user, conn = reaction.sender, ctx.conn
        keeper = await self._keeping.is_keeper(ctx, user)
        other = await self._keeping.asks_others(conn, entry)
        if reaction.emoji == YES:
            if not model.may_approve(entry, user, keeper=keeper, other=other):
                voice = await self._keeping.voice(conn, await self._keeping.room(conn))
                said = render(wording.not_yours(voice))
                own = Say(room=reaction.room_id, body=said.body, html=said.html, thread=reaction.target)
                return [own] if keeper else []
            return await self.approve(ctx, entry, user)
        if reaction.emoji == CHANGES.replace("\ufe0f", "") and (keeper or user == entry.reviewer):
            _, number = await self._keeping.change(ctx, entry, replace(entry, state=State.draft), What.returned, user)
            return [changed(entry, number=number)]
        return []

    async def approve(self, ctx: Context, entry: Entry, user: str) -> list[Effect]:
        """Somebody says yes to an entry: it is scheduled, or stays a draft while something is missing."""
        yes = replace(entry, approved_by=user)
        ready = entry.is_complete and bool(await self._keeping.coming(ctx, yes))
        yes = replace(yes, state=State.scheduled if ready else State.draft)
        yes, number = await self._keeping.change(ctx, entry, yes, What.approved, user)
        voice = await self._keeping.voice(ctx.conn, await self._keeping.room(ctx.conn))
        title = await self._keeping.title(ctx, entry.id)
        said = wording.approved(voice, entry.id, title, ready=ready, complete=entry.is_complete)
        told = await self._keeping.tell(ctx.conn, said, f"approved:{entry.id}:{number}")
        return [changed(yes, number=number), *told]

    # --- what others bring ------------------------------------------------------------------------------------------

    async def wanted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Another feature has something for the calendar: it becomes a draft."""
        place = await self._keeping.room(ctx.conn)
        if place is None:
            return []
        community = self._keeping.community
        language = event.text("language")
        voice = self._keeping.kit.speech.voice(
            language if language in community.languages else community.default_language
        )
        title = " ".join(event.text("title").split()) or event.text("words").strip().partition("\n")[0]
        if len(title) > model.LONGEST_TITLE:
            title = title[: model.LONGEST_TITLE - 1].rstrip() + "…"
        keys = event.content.get("targets")
        targets = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
        groups = {one.key for one in await wanted.all_places(ctx.conn) if hasattr(one, "kind")}
        line = event.text("line")
        now_ms = milliseconds(ctx.now)
        entry = Entry(
            author=event.text("by"),
            line=line if line in self._keeping.lines else "",
            targets=tuple(dict.fromkeys(key for key in targets if key in groups))[: model.MOST_TARGETS],
            link=event.text("link") if event.text("link").startswith(("https://", "http://")) else "",
            credit=" ".join(event.text("credit").split())[:200],
            source=event.text("of"),
            created=now_ms,
            changed=now_ms,
        )
        entry = await records.add(ctx.conn, entry)
        words = event.text("words")[: model.LONGEST_WORDS]
        foot = str(wording.foot(voice, entry.id))
        draft = Draft(title=title, words=words, author=entry.author, foot=foot)
        try:
            async with savepoint(ctx.conn):
                id, effects = await text.keep(ctx, text.ENTRY, place, draft, voice=voice, module=NAME)
        except text.TooLong:
            # An encrypted room takes no file in the clear: the beginning, and the link has the rest.
            draft = replace(draft, words=f"{words[: _CUT // 4].rstrip()} …")
            id, effects = await text.keep(ctx, text.ENTRY, place, draft, voice=voice, module=NAME)
        await records.put_text(ctx.conn, entry.id, voice.language, id)
        await records.log(ctx.conn, entry.id, What.added, entry.author, now_ms, {}, {"words": {voice.language: 1}})
        return effects

    async def attach(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The message that somebody replied to was read: its file belongs to an entry now."""
        fetched = read(event)
        id, user = fetched.payload.get("entry"), fetched.payload.get("by")
        entry = await records.get(ctx.conn, id, lock=True) if isinstance(id, int) else None
        if entry is None or not isinstance(user, str):
            return []
        voice = self._keeping.kit.speech.voice(await self._keeping.people.language(ctx.conn, user))
        found = ctx.open(fetched.root.event) if fetched.root is not None and not fetched.root.redacted else None
        content = found.content if found is not None else {}
        problem = self._unfit(content)
        if problem is None and len(await records.files(ctx.conn, entry.id)) >= model.MOST_FILES:
            problem = later("An entry takes {most} files at most.", most=model.MOST_FILES)
        if problem is None and not model.may_be(What.attached, entry.state):
            problem = later("Files are attached before an entry is posted.")
        thread = fetched.payload.get("thread")
        answer: Markdown
        if problem is not None:
            answer = voice.say(problem)
        else:
            kept = ctx.lock(content) if found is not None and found.sealed is not None else content
            _, number = await self._keeping.change(ctx, entry, entry, What.attached, user)
            await records.add_file(ctx.conn, entry.id, number, kept)
            answer = voice.say(
                "Attached to entry {number}: {file}",
                number=wording.number(entry.id),
                file=str(content.get("body", ""))[:100],
            )
        said = render(answer)
        return [
            Say(
                key=f"attached:{fetched.payload.get('command')}",
                room=event.room_id,
                body=said.body,
                html=said.html,
                thread=thread if isinstance(thread, str) else "",
                answers=str(fetched.payload.get("command", "")),
            )
        ]

    def _unfit(self, content: Mapping[str, Any]) -> Any:
        """Why a message gives no file, or None."""
        info = content.get("info")
        size = info.get("size") if isinstance(info, dict) else None
        sealed = content.get("file")
        url = sealed.get("url") if isinstance(sealed, dict) else content.get("url")
        if content.get("msgtype") not in FILES or not isinstance(url, str) or not url.startswith("mxc://"):
            return later("There is no file in this message, or I cannot read it. Reply to the message that has it.")
        most = self._keeping.settings.largest_file
        if isinstance(size, int) and size > most:
            return later(
                "This file has {size} MB, and the homeserver takes {most} MB at most. Make it smaller, or link to it.",
                size=-(-size // 1_000_000),
                most=most // 1_000_000,
            )
        return None

    # --- what happens in rooms --------------------------------------------------------------------------------------

    async def posted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A post of ours is in its room: it can be corrected for as long as it stands there."""
        about = event.content.get(STRUCTURE)
        if event.sender != ctx.bot or not isinstance(about, dict):
            return []
        match about:
            case {"entry": int(id), "occurrence": str(name), "target": str(target)}:
                await records.arrived(ctx.conn, id, name, target, event.event_id)
        return []

    async def redacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """What is taken away in a room is not corrected any more."""
        posted = await records.posted_as(ctx.conn, event.redacts)
        if posted is not None and posted.state != records.TAKEN:
            await records.become(ctx.conn, posted, records.TAKEN)
        return []

    async def left(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody left the animators' room who was to look at entries: others can do it."""
        place = await self._keeping.room(ctx.conn)
        here = await wanted.place_of(ctx.conn, event.room_id)
        user = event.state_key or ""
        if place is None or here is None or here.key != place.key or not user:
            return []
        waiting = await records.reviewed_by(ctx.conn, user)
        if not waiting:
            return []
        for entry in waiting:
            await records.keep(ctx.conn, replace(entry, reviewer=""))
        voice = await self._keeping.voice(ctx.conn, place)
        titles = [await self._keeping.title(ctx, entry.id) for entry in waiting]
        said = wording.left(voice, await called(ctx.conn, event.room_id, user), titles)
        return await self._keeping.tell(ctx.conn, said, f"left:{event.event_id}")

    # --- one person -------------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What a person wrote, looked at and did. Their words are among the kept texts."""
        return {**await records.of_person(conn, person), "feeds": await feeds.of_person(conn, person)}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget who it was; what was posted for the community stays."""
        await records.forget(ctx.conn, person)
        await feeds.forget(ctx.conn, person)
        return []
