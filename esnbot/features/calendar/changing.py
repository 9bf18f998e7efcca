"""What animators can do to an entry: move, reword, approve, cancel, correct, withdraw; and undo any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from esnbot.commands.addressing import replied_to
from esnbot.commands.command import Call
from esnbot.commands.module import NAME as COMMANDS
from esnbot.commands.reading import KEEPERS
from esnbot.commands.words import fold
from esnbot.engine.effects import TEXT, Effect, Fetch, Say, room
from esnbot.features import text
from esnbot.features.calendar import model, records, values, wording
from esnbot.features.calendar.desk import Desk, Refusal, titled, unknown, unusable
from esnbot.features.calendar.handlers import ATTACH
from esnbot.features.calendar.keeping import (
    AGAIN,
    CORRECT,
    NAME,
    REDACT,
    REVIEW,
    UNRECAP,
    Keeping,
    changed,
    moment,
)
from esnbot.features.calendar.model import LIVE, OPEN, Change, Entry, State, What
from esnbot.features.calendar.publishing import reference
from esnbot.features.places import called
from esnbot.features.text import Draft
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, later, render

A_MOMENT: Final = timedelta(hours=1)
"""So long whoever changes an entry is told what somebody else did to it before."""
_TO: Final = frozenset({"to", "au", "a", "vers"})
_CANNOT: Final = {
    State.published: later(
        "Entry {number} is posted already: `!esn calendar edit` corrects it, `!esn calendar withdraw` takes it away."
    ),
    State.recapped: later(
        "Entry {number} is posted already: `!esn calendar edit` corrects it, `!esn calendar withdraw` takes it away."
    ),
    State.cancelled: later("Entry {number} is cancelled. `!esn calendar undo {number}` brings it back."),
    State.withdrawn: later("Entry {number} is withdrawn. `!esn calendar undo {number}` brings it back."),
}
_NOT_NOW: Final = later("This cannot be done to entry {number} as it stands: {state}.")


class Changing:
    """Changes, each with who and when."""

    def __init__(self, keeping: Keeping, desk: Desk) -> None:
        self._keeping = keeping
        self._desk = desk

    async def _open(self, call: Call, what: What) -> tuple[Entry, Markdown | None]:
        """The entry, which nobody else changes now, and what somebody else did to it a moment ago."""
        entry = await self._desk.found(call, lock=True)
        if not model.may_be(what, entry.state):
            number = wording.number(entry.id)
            cannot = _CANNOT.get(entry.state, _NOT_NOW)
            state = call.voice.say(wording.STATES[entry.state])
            raise Refusal(call.voice.say(cannot, number=number, state=state))
        return entry, await self._before(call, entry)

    async def _before(self, call: Call, entry: Entry) -> Markdown | None:
        done = [one for one in await records.changes(call.ctx.conn, entry.id) if one.by and not one.undone]
        last = done[-1] if done else None
        if last is None or last.by == call.person.user or last.what is What.added:
            return None
        at = moment(last.at)
        if call.ctx.now - at > A_MOMENT:
            return None
        person = await called(call.ctx.conn, call.event.room_id, last.by)
        ago = call.voice.relative(min(at, call.ctx.now), call.ctx.now)
        return wording.before(call.voice, last, person, self._keeping.zone(entry), ago)

    async def _done(
        self, call: Call, old: Entry, new: Entry, what: What, *acts: str, note: Markdown | None = None
    ) -> list[Effect]:
        new, number = await self._keeping.change(call.ctx, old, new, what, call.person.user)
        return [changed(new, *acts, number=number), await self._desk.answer(call, new, note)]

    async def _reviewed(self, call: Call, entry: Entry) -> tuple[Entry, list[str]]:
        """An entry that was changed, as far as it goes: somebody else looks at it first where that is so."""
        if entry.state in (State.idea, State.draft):
            return await self._desk.forward(call, entry, wants=True)
        if entry.state is State.scheduled:
            await self._desk.fits(call, entry)
            if not entry.approved_by and await self._keeping.asks_others(call.ctx.conn, entry):
                return replace(entry, state=State.review), [REVIEW]
        return entry, []

    # --- time, place, and the rest ----------------------------------------------------------------------------------

    async def move(self, call: Call) -> Sequence[Effect]:
        """Another time, other places, or both."""
        words = list(call.args["plan"])
        while words and fold(words[0]) in _TO and len(words) > 1:
            words.pop(0)
        if not words:
            raise Refusal(call.voice.say("Say when, or where: `!esn calendar move 12 on Friday 9am in #atelier`."))
        old, note = await self._open(call, What.moved)
        plan = await values.plan(words, self._desk.reading(call))
        new = await self._desk.with_plan(call, replace(old, confirmed=""), plan)
        new, acts = await self._reviewed(call, new)
        return await self._done(call, old, new, What.moved, *acts, note=note)

    async def fit(self, call: Call) -> Sequence[Effect]:
        """Let the planner find its time: when its first group bears it, and its line has its turn."""
        old, note = await self._open(call, What.moved)
        if not old.targets:
            raise Refusal(call.voice.say("Say first where it goes: `!esn calendar move 12 in #atelier`."))
        new = replace(old, at="", rule="", excepts=(), confirmed="", state=State.scheduled)
        await self._desk.fits(call, new)
        acts: list[str] = []
        if not old.approved_by and await self._keeping.asks_others(call.ctx.conn, old):
            new, acts = replace(new, state=State.review), [REVIEW]
        return await self._done(call, old, new, What.moved, *acts, note=note)

    async def set(self, call: Call) -> Sequence[Effect]:
        """Line, recurrence, reviewer, end and whatever else options say."""
        old, note = await self._open(call, What.changed)
        new = self._desk.with_values(call, old)
        for name in ("ask", "rouse"):
            if (given := call.args[f"set_{name}"]) is not None:
                new = replace(new, **{name: given == "yes"})
        new = await self._desk.with_plan(call, new, values.Plan(None, ()))
        if new == old:
            raise Refusal(
                call.voice.say('Say what to change, for example `repeat="every Monday"` or `expires="7 days"`.')
            )
        acts: list[str] = []
        if old.state is State.scheduled:
            new, acts = await self._reviewed(call, new)
        return await self._done(call, old, new, What.changed, *acts, note=note)

    # --- words ------------------------------------------------------------------------------------------------------

    async def edit(self, call: Call) -> Sequence[Effect]:
        """Other words; what is posted already is corrected in its rooms."""
        old, note = await self._open(call, What.worded)
        known = await records.texts(call.ctx.conn, old.id)
        language = call.args["language"] or next(iter(known), self._keeping.community.default_language)
        before = await self._keeping.worded(call.ctx, old.id, language)
        given = call.args["text"] or ""
        if not given.strip() and not call.below.strip():
            raise Refusal(call.voice.say("Write the new title on the same line, the new text on the lines below."))
        same = before is not None and before.language == language
        title, words = titled(call, given or (before.draft.title if before else ""), call.below)
        if same and before is not None and not words:
            words = before.draft.words
        draft = Draft(
            title=title,
            words=words,
            author=call.person.user,
            foot=before.draft.foot if same and before is not None else "",
        )
        numbers, effects = await self._write(call, old, language, draft)
        new = old
        acts = [CORRECT]
        if old.state in (State.scheduled, State.review) and await self._keeping.asks_others(call.ctx.conn, old):
            new = replace(old, approved_by="", state=State.review)
            acts.append(REVIEW)
        elif old.state in LIVE or old.state is State.scheduled:
            await self._desk.fits(call, new)
        new, number = await self._keeping.change(
            call.ctx,
            old,
            new,
            What.worded,
            call.person.user,
            before={"words": {language: numbers[0]}},
            after={"words": {language: numbers[1]}},
        )
        answer = await self._desk.answer(call, new, self._corrected(call, old), note)
        return [*effects, changed(new, *acts, number=number), answer]

    def _corrected(self, call: Call, entry: Entry) -> Markdown | None:
        return call.voice.say("I correct it where it is posted.") if entry.state in LIVE else None

    async def _write(
        self, call: Call, entry: Entry, language: str, draft: Draft
    ) -> tuple[tuple[int, int], list[Effect]]:
        """Keep words in a language; the versions before (0: none) and after, and what posts them."""
        ctx, known = call.ctx, await records.texts(call.ctx.conn, entry.id)
        voice = self._keeping.kit.speech.voice(language)
        try:
            if language in known:
                kept = await text.get(ctx.conn, known[language])
                if kept is not None and not kept.gone:
                    number, effects = await text.revise(ctx, kept.id, draft, voice=voice, module=COMMANDS)
                    return (kept.current.number, number), effects
            place = await self._keeping.room(ctx.conn)
            if place is None:
                raise Refusal(call.voice.say("There is no animators' room in which its words could stand."))
            draft = replace(draft, foot=str(wording.foot(voice, entry.id)))
            id, effects = await text.keep(ctx, text.ENTRY, place, draft, voice=voice, module=COMMANDS)
        except text.TooLong as error:
            raise Refusal(unusable(call.voice, "sealed")) from error
        await records.put_text(ctx.conn, entry.id, language, id)
        return (0, 1), effects

    async def attach(self, call: Call) -> Sequence[Effect]:
        """The file in the message that is replied to."""
        entry, _ = await self._open(call, What.attached)
        about = replied_to(call.event)
        if not about:
            raise Refusal(call.voice.say("Write this as a reply to the message that has the file."))
        payload = {
            "entry": entry.id,
            "by": call.person.user,
            "command": call.command,
            "thread": "" if call.is_direct and not call.in_thread else call.thread,
        }
        return [Fetch(room=call.event.room_id, event=about, job=ATTACH, of=NAME, payload=payload)]

    # --- yes and no -------------------------------------------------------------------------------------------------

    async def submit(self, call: Call) -> Sequence[Effect]:
        """Have somebody look at it."""
        old, note = await self._open(call, What.submitted)
        reviewer = call.args["reviewer"] or old.reviewer
        if (
            reviewer
            and await self._keeping.people.person(call.ctx.conn, reviewer, "", None, call.ctx.bot, call.ctx.now, None)
            is None
        ):
            person = await called(call.ctx.conn, call.event.room_id, reviewer)
            raise Refusal(call.voice.say("{person} is not one of us (any more). Name somebody else.", person=person))
        new = replace(old, state=State.review, reviewer=reviewer)
        return await self._done(call, old, new, What.submitted, REVIEW, note=note)

    async def approve(self, call: Call) -> Sequence[Effect]:
        """Say yes: it is scheduled."""
        user = call.person.user
        number = call.args["number"]
        entry = await records.get(call.ctx.conn, number, lock=True)
        keeper = bool(call.person.roles & KEEPERS)
        if entry is None or not (keeper or user == entry.reviewer):
            raise Refusal(unknown(call.voice, number))
        old, note = await self._open(call, What.approved)
        other = await self._keeping.asks_others(call.ctx.conn, old)
        if not model.may_approve(old, user, keeper=keeper, other=other):
            raise Refusal(wording.not_yours(call.voice))
        new = replace(old, approved_by=user)
        if not old.is_complete:
            return await self._done(call, old, replace(new, state=State.draft), What.approved, note=note)
        new = await self._desk.with_plan(call, new, values.Plan(None, ()))
        await self._desk.fits(call, new)
        return await self._done(call, old, replace(new, state=State.scheduled), What.approved, note=note)

    async def send_back(self, call: Call) -> Sequence[Effect]:
        """Ask for changes."""
        old, note = await self._open(call, What.returned)
        return await self._done(call, old, replace(old, state=State.draft), What.returned, note=note)

    async def cancel(self, call: Call) -> Sequence[Effect]:
        """It does not come any more."""
        old, note = await self._open(call, What.cancelled)
        return await self._done(call, old, replace(old, state=State.cancelled), What.cancelled, note=note)

    # --- after it was posted ----------------------------------------------------------------------------------------

    async def ask_withdraw(self, call: Call) -> str | None:
        """The question before something is taken away from everybody's eyes."""
        entry = await records.get(call.ctx.conn, call.args["number"])
        stands = await records.last_posted(call.ctx.conn, entry.id) if entry is not None else []
        if entry is None or not stands:
            return None
        return call.voice.plural(
            "**Shall I take entry {number} away?** It stands in one room, with what people answered around it.",
            "**Shall I take entry {number} away?** It stands in {n} rooms, with what people answered around it.",
            len(stands),
            number=wording.number(entry.id),
        )

    async def withdraw(self, call: Call) -> Sequence[Effect]:
        """Take away what was posted."""
        old, note = await self._open(call, What.withdrawn)
        stands = await records.last_posted(call.ctx.conn, old.id)
        if not stands:
            raise Refusal(call.voice.say("Nothing of it stands in a room: `!esn calendar cancel` stops it."))
        for posted in stands:
            await records.become(call.ctx.conn, posted, records.TAKEN)
        posts = [(posted.occurrence, posted.target) for posted in stands]
        new = old if old.state is State.scheduled else replace(old, state=State.withdrawn)
        new, number = await self._keeping.change(
            call.ctx, old, new, What.withdrawn, call.person.user, after={"posts": [list(post) for post in posts]}
        )
        answer = await self._desk.answer(call, new, note)
        return [changed(new, REDACT, posts=posts, number=number), answer]

    async def recap(self, call: Call) -> Sequence[Effect]:
        """Say in its thread what came of it."""
        old, note = await self._open(call, What.recapped)
        words = "\n\n".join(part.strip() for part in (call.args["text"] or "", call.below) if part.strip())
        stands = await records.last_posted(call.ctx.conn, old.id)
        new, number = await self._keeping.change(
            call.ctx, old, replace(old, state=State.recapped), What.recapped, call.person.user
        )
        effects: list[Effect] = [changed(new, number=number)]
        for posted in stands if words else ():
            place = await wanted.get(call.ctx.conn, posted.target)
            voice = await self._keeping.voice(call.ctx.conn, place)
            worded = await self._keeping.worded(call.ctx, old.id, voice.language)
            said = render(wording.recap(voice, worded.draft.title if worded else "", words))
            effects.append(
                Say(
                    key=f"recap:{posted.key}:{number}",
                    room=room(posted.target),
                    msgtype=TEXT,
                    body=said.body,
                    html=said.html,
                    thread=reference(posted),
                )
            )
        return [*effects, await self._desk.answer(call, new, note)]

    # --- undo -------------------------------------------------------------------------------------------------------

    async def undo(self, call: Call) -> Sequence[Effect]:
        """Give the last change back."""
        entry = await self._desk.found(call, lock=True)
        done = [
            one
            for one in await records.changes(call.ctx.conn, entry.id)
            if one.by and not one.undone and one.what is not What.undone
        ]
        if not done:
            raise Refusal(call.voice.say("There is nothing to undo."))
        last = done[-1]
        number = wording.number(entry.id)
        new = model.restored(entry, last) if last.what is not What.added else replace(entry, state=State.cancelled)
        late = entry.state not in OPEN and last.what in (What.moved, What.changed, What.attached, What.added)
        if new is None or late:
            raise Refusal(
                call.voice.say(
                    "Entry {number} has gone on since: what was done then cannot be undone any more.", number=number
                )
            )
        effects, acts, posts = await self._take_back(call, entry, last)
        if new.state is State.scheduled and not await self._keeping.coming(call.ctx, new):
            new = replace(new, state=State.draft)
        await records.mark_undone(call.ctx.conn, entry.id, last.number)
        new, own = await self._keeping.change(
            call.ctx, entry, new, What.undone, call.person.user, after={"change": last.number}
        )
        told = changed(new, *acts, posts=posts, number=own, undone=last.number)
        return [*effects, told, await self._desk.answer(call, new)]

    async def _take_back(
        self, call: Call, entry: Entry, last: Change
    ) -> tuple[list[Effect], list[str], list[tuple[str, str]]]:
        """What undoing a change needs besides its fields: effects, acts of the feature, and posts."""
        conn = call.ctx.conn
        match last.what:
            case What.worded:
                return await self._words_back(call, entry, last), [CORRECT], []
            case What.attached:
                await records.drop_file(conn, entry.id, last.number)
            case What.submitted:
                return [], [], []
            case What.recapped:
                return [], [UNRECAP], []
            case What.withdrawn:
                posts = [(str(one[0]), str(one[1])) for one in last.after.get("posts", [])]
                for posted in await records.occurrences(conn, entry.id):
                    if (posted.occurrence, posted.target) in posts and posted.state == records.TAKEN:
                        await records.become(conn, posted, records.POSTED, copy=posted.copy + 1)
                return [], [AGAIN], posts
        return [], [], []

    async def _words_back(self, call: Call, entry: Entry, last: Change) -> list[Effect]:
        effects: list[Effect] = []
        known = await records.texts(call.ctx.conn, entry.id)
        for language, number in dict(last.before.get("words", {})).items():
            kept = await text.get(call.ctx.conn, known[language]) if language in known else None
            if kept is None:
                continue
            if number == 0:
                await records.drop_text(call.ctx.conn, entry.id, language)
                effects += await text.withdraw(call.ctx, kept.id, reason="")
                continue
            versions = await text.versions(call.ctx.conn, kept.id)
            version = next((one for one in versions if one.number == number), None)
            draft = await text.opened(call.ctx, kept, version) if version is not None else None
            if draft is None:
                raise Refusal(call.voice.say("The words that it had before were taken away."))
            effects += (await self._write(call, entry, language, draft))[1]
        return effects
