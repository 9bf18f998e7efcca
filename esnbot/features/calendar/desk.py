"""What animators can ask of the calendar: put an entry in, look at one, list what comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from esnbot.commands.command import Call
from esnbot.commands.module import NAME as COMMANDS
from esnbot.commands.reading import KEEPERS, Problem, Reading
from esnbot.community.group import Group
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Say
from esnbot.features import text
from esnbot.features.calendar import agenda, model, records, recurrence, values, wording
from esnbot.features.calendar.keeping import REVIEW, Keeping, changed, moment
from esnbot.features.calendar.model import Entry, State, What
from esnbot.features.calendar.publishing import file_of
from esnbot.features.places import called
from esnbot.features.text import Draft
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, bold, bullets, paragraphs
from esnbot.store.database import savepoint

AHEAD: Final = timedelta(days=28)
"""How far a list looks."""


class Refusal(Exception):
    """What was asked cannot be done; the sentence says why and what to do."""

    def __init__(self, sentence: Markdown) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


Doing = Callable[[Call], Awaitable[Sequence[Effect]]]


def refusing(doing: Doing) -> Doing:
    """A command that answers with what keeps it from being done."""

    async def do(call: Call) -> Sequence[Effect]:
        try:
            async with savepoint(call.ctx.conn):
                return await doing(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        except Problem as problem:
            return [call.refuse(said(call.voice, problem))]

    return do


def said(voice: Voice, problem: Problem) -> Markdown:
    """What is wrong with a value, and what may have been meant."""
    parts = [voice.say(problem.text)]
    if problem.near:
        parts.append(voice.say("Did you mean {names}?", names=voice.list(problem.near, either=True)))
    if problem.examples:
        parts.append(voice.say("For example: {examples}.", examples=voice.list(problem.examples)))
    return Markdown(" ".join(parts))


class Desk:
    """Adding and reading."""

    def __init__(self, keeping: Keeping) -> None:
        self.keeping = keeping
        self.settings = keeping.settings
        self.community = keeping.community

    # --- add --------------------------------------------------------------------------------------------------------

    async def add(self, call: Call) -> Sequence[Effect]:
        """Put an entry into the calendar."""
        conn, ctx, user = call.ctx.conn, call.ctx, call.person.user
        place = await self.keeping.room(conn)
        if place is None:
            raise Refusal(
                call.voice.say(
                    "Entries stand in the animators' room, and there is none. It is named in the configuration, as "
                    "`animators_room`."
                )
            )
        title, words = titled(call, call.args["text"], call.below)
        plan = await values.plan(call.args["plan"], self.reading(call))
        now_ms = milliseconds(ctx.now)
        entry = Entry(author=user, created=now_ms, changed=now_ms)
        entry = await self.with_plan(call, self.with_values(call, entry), plan)
        state = State.idea if call.args["idea"] else State.draft
        entry = await records.add(conn, replace(entry, state=state))
        effects = await self.keep_words(call, place, entry, title, words, call.args["language"] or "")
        number = await records.log(conn, entry.id, What.added, user, now_ms, {}, {"state": str(state)})
        entry, acts = await self.forward(call, entry, wants=not (call.args["idea"] or call.args["draft"]))
        await records.keep(conn, entry)
        return [*effects, changed(entry, *acts, number=number), await self.answer(call, entry)]

    async def forward(self, call: Call, entry: Entry, *, wants: bool) -> tuple[Entry, list[str]]:
        """The entry as far as it goes by itself: scheduled, or given to somebody to look at."""
        if not wants or not entry.is_complete or entry.state not in (State.idea, State.draft):
            return entry, []
        await self.fits(call, entry)
        if await self.keeping.asks_others(call.ctx.conn, entry) and not entry.approved_by:
            return replace(entry, state=State.review), [REVIEW]
        return replace(entry, state=State.scheduled), []

    async def keep_words(
        self, call: Call, place: Group, entry: Entry, title: str, words: str, language: str
    ) -> list[Effect]:
        """Keep the words of an entry as a message in the animators' room."""
        spoken = language or call.person.language
        if spoken not in self.community.languages:
            spoken = self.community.default_language
        voice = self.keeping.kit.speech.voice(spoken)
        foot = str(wording.foot(voice, entry.id))
        draft = Draft(title=title, words=words, author=call.person.user, foot=foot)
        try:
            id, effects = await text.keep(call.ctx, text.ENTRY, place, draft, voice=voice, module=COMMANDS)
        except text.TooLong as error:
            raise Refusal(unusable(call.voice, "sealed")) from error
        await records.put_text(call.ctx.conn, entry.id, spoken, id)
        return effects

    def with_values(self, call: Call, entry: Entry) -> Entry:
        """The entry with what options say of it."""
        given: dict[str, Any] = {}
        args = call.args
        for name in ("line", "rule", "excepts", "zone", "reviewer", "link", "credit"):
            if args.get(name) is not None:
                given[name] = args[name]
        if args.get("audience"):
            given["audience"] = tuple(key for key in dict.fromkeys(args["audience"]) if key)
        for name in ("ask", "rouse"):
            if args.get(name):
                given[name] = True
        if (embargo := args.get("embargo")) is not None:
            given["embargo"] = milliseconds(embargo) if embargo is not False else None
        if (expires := args.get("expires")) is not None:
            span = isinstance(expires, timedelta)
            given["expires_after"] = int(expires.total_seconds()) if span else None
            given["expires_at"] = milliseconds(expires) if not span and expires is not False else None
        if given.get("link") and not given["link"].startswith(("https://", "http://")):
            raise Refusal(call.voice.say("A link begins with `https://`."))
        return replace(entry, **given)

    async def with_plan(self, call: Call, entry: Entry, plan: values.Plan) -> Entry:
        """The entry with a time and places; says what cannot be."""
        if plan.at is not None:
            # It was read on the community's wall, and is meant on the readers'.
            entry = replace(entry, at=plan.at.astimezone(self.community.zone).strftime(model.LOCAL))
        if plan.groups:
            if len(plan.groups) > model.MOST_TARGETS:
                raise Refusal(call.voice.say("An entry goes to {most} groups at most.", most=model.MOST_TARGETS))
            entry = replace(entry, targets=tuple(group.key for group in plan.groups))
        for key in entry.targets:
            group = await wanted.get(call.ctx.conn, key)
            if isinstance(group, Group) and (others := await self.keeping.reaches_others(call.ctx.conn, entry, group)):
                names = [self.community.audiences[key].name for key in others if key in self.community.audiences]
                raise Refusal(
                    call.voice.say(
                        "{place} is also read by {others}, for whom this entry is not meant.",
                        place=bold(group.name),
                        others=call.voice.list(names),
                    )
                )
        await self._can_come(call, entry)
        return entry

    async def _can_come(self, call: Call, entry: Entry) -> None:
        """Refuse what never comes."""
        voice, zone = call.voice, self.keeping.zone(entry)
        first = entry.first
        if first is None:
            return
        if entry.rule and not recurrence.starts(entry.rule, first):
            raise Refusal(voice.say("With this rule it would never come: there is no such day."))
        if entry.expires_at is not None and entry.expires_at <= milliseconds(call.ctx.now):
            raise Refusal(voice.say("It would be over before it comes."))
        if await self.keeping.coming(call.ctx, entry):
            return
        if entry.embargo is not None and not entry.rule:
            told = voice.moment(moment(entry.embargo), zone, call.ctx.now)
            raise Refusal(voice.say("It may not be posted before {moment}: choose a later time.", moment=told))
        raise Refusal(voice.say("With this it would never come: what is said leaves no day."))

    async def fits(self, call: Call, entry: Entry) -> None:
        """Refuse to schedule what no room could take."""
        for language in await records.texts(call.ctx.conn, entry.id):
            worded = await self.keeping.worded(call.ctx, entry.id, language)
            if worded is not None and not self.keeping.fits(entry, worded):
                raise Refusal(unusable(call.voice, "long"))

    def reading(self, call: Call) -> Reading:
        """What values are read with."""
        return Reading(call.ctx, call.event, call.person, call.voice, self.community, wanted)

    # --- what is answered -------------------------------------------------------------------------------------------

    async def discreet(self, call: Call) -> bool:
        """Whether what is not public yet can be said here: between the two of us, and among animators."""
        place = await self.keeping.room(call.ctx.conn)
        return call.is_direct or (call.place is not None and place is not None and call.place.key == place.key)

    async def among_us(self, call: Call) -> None:
        """Refuse to show, in a group, what is not posted yet."""
        if not await self.discreet(call):
            raise Refusal(
                call.voice.say("What is not posted yet I show in the animators' room, or in a direct chat with me.")
            )

    async def answer(self, call: Call, entry: Entry, *more: Markdown | None) -> Say:
        """How an entry stands after what was done."""
        voice, conn = call.voice, call.ctx.conn
        name = await self.keeping.title(call.ctx, entry.id) if await self.discreet(call) else wording.name(entry.id, "")
        zone = self.keeping.zone(entry)
        ahead = await self.keeping.coming(call.ctx, entry)
        told = wording.when(voice, entry, zone, call.ctx.now, ahead[0].due if ahead else None)
        names = await wanted.names(conn, entry.targets)
        places = [names.get(key, key) for key in entry.targets]
        line = voice.say(
            "Entry {name}: {standing}", name=name, standing=wording.standing(voice, entry.state, told, places)
        )
        return call.answer(paragraphs(line, self._missing(voice, entry), *more))

    def _missing(self, voice: Voice, entry: Entry) -> Markdown | None:
        if entry.state not in (State.idea, State.draft):
            if entry.rule and recurrence.until_day(entry.rule) is None and recurrence.count(entry.rule) is None:
                return voice.say("It goes on until somebody cancels it.") if entry.state is State.scheduled else None
            return None
        number = wording.number(entry.id)
        if not entry.is_complete:
            return voice.say("`!esn calendar move {number} on … in #…` gives it a time and a place.", number=number)
        return voice.say("`!esn calendar approve {number}` schedules it.", number=number)

    async def found(self, call: Call, *, lock: bool = False) -> Entry:
        """The entry that is meant. Raises ``Refusal``."""
        entry = await records.get(call.ctx.conn, call.args["number"], lock=lock)
        if entry is None:
            raise Refusal(unknown(call.voice, call.args["number"]))
        seen = call.event.content.get("revision")
        if call.event.is_internal and isinstance(seen, int) and seen != entry.revision:
            # A page says what its reader saw when they decided.
            raise Refusal(call.voice.say("Somebody has changed this entry meanwhile. Look at it again, please."))
        return entry

    # --- read -------------------------------------------------------------------------------------------------------

    async def show(self, call: Call) -> Sequence[Effect]:
        """All about an entry."""
        await self.among_us(call)
        entry, conn, voice = await self.found(call), call.ctx.conn, call.voice
        zone = self.keeping.zone(entry)
        worded = await self.keeping.worded(call.ctx, entry.id)
        line = self.keeping.lines.get(entry.line)
        author = await called(conn, call.event.room_id, entry.author) if entry.author else None
        looks = entry.approved_by or entry.reviewer
        reviewer = await called(conn, call.event.room_id, looks) if looks else None
        facts = wording.facts(
            voice,
            entry,
            zone,
            line.name(voice.language) if line else "",
            author,
            reviewer,
            await records.texts(conn, entry.id),
            len(await records.files(conn, entry.id)),
        )
        ahead = await self.keeping.coming(call.ctx, entry, most=3)
        further = [voice.moment(one.due, zone, call.ctx.now) for one in ahead[1:]] if entry.recurs else []
        names = await wanted.names(conn, entry.targets)
        told = wording.when(voice, entry, zone, call.ctx.now, ahead[0].due if ahead else None)
        places = [names.get(key, key) for key in entry.targets]
        gone = voice.say("Its words were taken away in the animators' room.")
        return [
            call.answer(
                paragraphs(
                    wording.name(entry.id, worded.draft.title if worded else ""),
                    wording.standing(voice, entry.state, told, places),
                    voice.say("Then {moments}", moments=voice.list(further)) if further else None,
                    bullets(facts) if facts else None,
                    gone if worded is None else None,
                    self._missing(voice, entry),
                )
            )
        ]

    async def preview(self, call: Call) -> Sequence[Effect]:
        """An entry exactly as it will look."""
        await self.among_us(call)
        entry = await self.found(call)
        if not call.person.roles & KEEPERS and call.person.user != entry.reviewer:
            raise Refusal(unknown(call.voice, entry.id))
        worded = await self.keeping.worded(call.ctx, entry.id, call.args["language"] or "")
        if worded is None:
            raise Refusal(call.voice.say("Its words were taken away in the animators' room."))
        message = self.keeping.post(entry, worded)
        shown = as_posted(call, message.body, message.html)
        key = f"preview:{call.command}"
        files = await self.keeping.files(call.ctx, entry.id)
        return [
            shown,
            *(
                file_of(file, call.event.room_id, f"{key}:{n}", thread=shown.thread, answers=call.event.event_id)
                for n, file in enumerate(files)
            ),
        ]

    async def history(self, call: Call) -> Sequence[Effect]:
        """What was done to an entry, by whom, when."""
        await self.among_us(call)
        entry = await self.found(call)
        changes = await records.changes(call.ctx.conn, entry.id)
        people = {change.by for change in changes if change.by}
        names = {user: await called(call.ctx.conn, call.event.room_id, user) for user in people}
        told = wording.history(call.voice, changes, names, self.community.zone)
        return [call.answer(paragraphs(await self.keeping.title(call.ctx, entry.id), told))]

    async def listed(self, call: Call) -> Sequence[Effect]:
        """What comes, and what waits for somebody."""
        await self.among_us(call)
        voice, ctx = call.voice, call.ctx
        line, group = call.args.get("line"), call.args.get("group")
        place = group.key if isinstance(group, Group) else None
        planned = await agenda.between(self.keeping, ctx, ctx.now - self.settings.grace, ctx.now + AHEAD, line, place)
        others = await records.standing(ctx.conn, {State.review, State.draft, State.idea}, line=line)
        others = [one for one in others if place is None or place in one.targets]
        most = self.settings.listed
        lines = []
        names = await wanted.names(ctx.conn, {key for one in planned for key in one.entry.targets})
        for one in planned[:most]:
            title = await self.keeping.title(ctx, one.entry.id)
            places = voice.list([names.get(key, key) for key in one.entry.targets])
            when = voice.moment(one.due, self.keeping.zone(one.entry), ctx.now)
            lines.append(Markdown(wording.BETWEEN.join([when, title, places])))
        waiting = []
        for entry in others[:most]:
            title = await self.keeping.title(ctx, entry.id)
            waiting.append(Markdown(wording.BETWEEN.join([title, voice.say(wording.STATES[entry.state])])))
        if not lines and not waiting:
            return [call.answer(voice.say("Nothing is in the calendar. `!esn calendar add` puts something in."))]
        left = len(planned) - most
        return [
            call.answer(
                paragraphs(
                    voice.say("**The next four weeks**") if lines else voice.say("Nothing comes in four weeks."),
                    bullets(lines) if lines else None,
                    voice.plural("One more comes later.", "{n} more come later.", left) if left > 0 else None,
                    voice.say("**Not scheduled yet**") if waiting else None,
                    bullets(waiting) if waiting else None,
                )
            )
        ]


def as_posted(call: Call, body: str, html: str) -> Say:
    """An answer that looks as a post does."""
    return Say(
        room=call.event.room_id,
        msgtype=TEXT,
        body=body,
        html=html,
        thread=call.thread if not call.is_direct or call.in_thread else "",
        answers=call.event.event_id,
    )


def titled(call: Call, given: str, below: str) -> tuple[str, str]:
    """Title and words of what somebody wrote: the first line, and the rest. Raises ``Refusal``."""
    head, _, rest = given.strip().partition("\n")
    title = " ".join(head.split())
    words = "\n\n".join(part.strip() for part in (rest, below) if part.strip())
    if not title or len(title) > model.LONGEST_TITLE:
        raise Refusal(unusable(call.voice, "title"))
    if len(words) > model.LONGEST_WORDS:
        raise Refusal(unusable(call.voice, "words"))
    return title, words


def unknown(voice: Voice, id: int) -> Markdown:
    """What is said of an entry that there is not, and of one that is not for whoever asks: the same."""
    return voice.say("I do not know any entry {number}.", number=wording.number(id))


def unusable(voice: Voice, what: str) -> Markdown:
    """Why a text cannot be an entry's."""
    most = model.LONGEST_TITLE if what == "title" else model.LONGEST_WORDS
    return voice.say(wording.UNUSABLE[what], most=most)
