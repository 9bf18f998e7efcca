"""What people say about calm: no private words for me, and silence here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from esnbot.commands.command import Call, Names
from esnbot.community.person import Role
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.features.calm import model, records
from esnbot.features.calm.settings import CalmSettings
from esnbot.features.calm.silencing import Silencing
from esnbot.features.contract import Kit
from esnbot.features.places import called, oversees
from esnbot.speech import Markdown, bold, bullets, code, paragraphs
from esnbot.store import rooms

ALL: Final = Names(("everything", "all"), ("tout", "tous"))
"""What people call all features together."""


class Desk:
    """The commands."""

    def __init__(self, kit: Kit[CalmSettings], silencing: Silencing) -> None:
        self._settings = kit.settings
        self._zone = kit.community.zone
        self._silencing = silencing
        self.private: dict[str, Names] = {
            name: one.called for name, one in sorted(kit.declared.items()) if one.whispers and one.called is not None
        }
        """The features that have private words for people."""

    # --- for oneself -----------------------------------------------------------------------------------------------

    async def quiet(self, call: Call) -> Sequence[Effect]:
        """What the bot writes to the person unasked."""
        voice = call.voice
        off = await records.unwanted_by(call.ctx.conn, call.person.user)
        if model.EVERYTHING in off:
            return [
                call.answer(
                    paragraphs(
                        voice.say("**I write nothing to you unasked.**"),
                        voice.say("`!esn quiet off` lets me write to you again."),
                    )
                )
            ]
        lines = [
            voice.say("{what}: turned off", what=self._shown(call, name))
            if name in off
            else voice.say("{what}: turned on", what=self._shown(call, name))
            for name in self.private
        ]
        some = next(iter(self.private.values()), ALL).shown(voice.language)
        return [
            call.answer(
                paragraphs(
                    voice.plural(
                        "**I write to you unasked once a week at most.**",
                        "**I write to you unasked {n} times a week at most.**",
                        self._settings.a_week,
                    ),
                    bullets(lines) if lines else None,
                    voice.say(
                        "`!esn quiet on` turns all of it off; one word more, such as {word}, turns off just that. What "
                        "you ask me for always comes.",
                        word=code(some),
                    ),
                )
            )
        ]

    async def quiet_on(self, call: Call) -> Sequence[Effect]:
        """No private words for the person, or none of one feature."""
        what, now = self._what(call), milliseconds(call.ctx.now)
        await records.turn_off(call.ctx.conn, call.person.user, what, now)
        if what == model.EVERYTHING:
            return [
                call.answer(
                    call.voice.say(
                        "**Understood: I will not write to you unasked.** `!esn quiet off` lets me do it again."
                    )
                )
            ]
        voice, word = call.voice, _quoted(self.private[what].shown(call.voice.language))
        again = code(f"!rse tranquille non {word}" if voice.language == "fr" else f"!esn quiet off {word}")
        return [
            call.answer(
                voice.say(
                    "**Turned off for you: {what}.** {command} turns it on again.",
                    what=self._shown(call, what),
                    command=again,
                )
            )
        ]

    async def quiet_off(self, call: Call) -> Sequence[Effect]:
        """The person wants to hear something again."""
        voice, conn, user, what = call.voice, call.ctx.conn, call.person.user, self._what(call)
        off = await records.unwanted_by(conn, user)
        if what == model.EVERYTHING:
            await records.turn_on(conn, user, off)
        elif model.EVERYTHING in off:
            # All but this one stay turned off.
            await records.turn_on(conn, user, [model.EVERYTHING, what])
            for name in self.private.keys() - {what}:
                await records.turn_off(conn, user, name, milliseconds(call.ctx.now))
        else:
            await records.turn_on(conn, user, [what])
        if what == model.EVERYTHING:
            return [
                call.answer(
                    voice.plural(
                        "**I may write to you again**: once a week at most, when it may be of use to you.",
                        "**I may write to you again**: {n} times a week at most, when it may be of use to you.",
                        self._settings.a_week,
                    )
                )
            ]
        return [call.answer(voice.say("**Turned on for you: {what}.**", what=self._shown(call, what)))]

    # --- for a group -----------------------------------------------------------------------------------------------

    async def silence(self, call: Call) -> Sequence[Effect]:
        """Let a feature keep quiet in this group; without a word, show what is silenced."""
        refusal = await self._cannot_here(call)
        if refusal is not None:
            return [call.refuse(refusal)]
        if not call.args.get("what"):
            return await self.silences(call)
        what, conn, room_id = self._what(call), call.ctx.conn, call.event.room_id
        known = await records.silences(conn, room_id)
        firm = self._looks_after(call)
        covers = {what, model.EVERYTHING} & known.keys()
        if covers and (not firm or any(known[name].firm for name in covers)):
            return [call.answer(call.voice.say("This is silenced here already: {what}.", what=self._shown(call, what)))]
        one = model.Silence(what, call.person.user, firm, milliseconds(call.ctx.now))
        await records.put_silence(conn, room_id, one)
        await self._silencing.tell(conn, room_id)
        return [call.answer(self._silenced(call, what, firm=firm))]

    def _silenced(self, call: Call, what: str, *, firm: bool) -> Markdown:
        voice = call.voice
        word = (ALL if what == model.EVERYTHING else self._silencing.features[what]).shown(voice.language)
        done = voice.say("**Silenced in this group: {what}.** What you ask me for still comes.", what=word)
        command = code(
            f"!rse silence lever {_quoted(word)}" if voice.language == "fr" else f"!esn silence lift {_quoted(word)}"
        )
        who = (
            voice.say(
                "Owners and animators lift this again with {command}; after {time}, anybody here can.",
                command=command,
                time=voice.duration(self._settings.owners_word),
            )
            if firm
            else voice.say("Anybody here lifts this again with {command}.", command=command)
        )
        return Markdown(f"{done} {who}")

    async def silences(self, call: Call) -> Sequence[Effect]:
        """What is silenced in this group, and what else can be."""
        refusal = await self._cannot_here(call)
        if refusal is not None:
            return [call.refuse(refusal)]
        voice, conn, room_id = call.voice, call.ctx.conn, call.event.room_id
        known = await records.silences(conn, room_id)
        lines = []
        for name, one in known.items():
            since = voice.date(self._day(call, one.since), self._day(call))
            what = self._shown(call, name)
            if one.by:
                who = await called(conn, room_id, one.by)
                lines.append(voice.say("{what}: since {day}, by {person}", what=what, day=since, person=who))
            else:
                lines.append(voice.say("{what}: since {day}", what=what, day=since))
        left = self._silencing.features.keys() - self._silencing.covered(known)
        words = [code(self._silencing.features[name].shown(voice.language)) for name in sorted(left)]
        more = None
        if words:
            more = voice.say(
                "You can silence {words}: write it after `!esn silence`. {all} silences all of it.",
                words=voice.list(words, either=True),
                all=code(ALL.shown(voice.language)),
            )
        if not lines:
            return [call.answer(paragraphs(voice.say("**Nothing is silenced here.**"), more))]
        lifted = voice.say("`!esn silence lift` lifts all of it; with one word more, just that.")
        return [call.answer(paragraphs(voice.say("**Silenced here**"), bullets(lines), lifted, more))]

    async def lift(self, call: Call) -> Sequence[Effect]:
        """Let a feature speak in this group again."""
        refusal = await self._cannot_here(call)
        if refusal is not None:
            return [call.refuse(refusal)]
        voice, conn, room_id = call.voice, call.ctx.conn, call.event.room_id
        what = self._what(call)
        known = await records.silences(conn, room_id)
        meant = known.keys() if what == model.EVERYTHING else {what, model.EVERYTHING} & known.keys()
        if not meant:
            return [call.answer(voice.say("This is not silenced here: {what}.", what=self._shown(call, what)))]
        if not self._looks_after(call) and any(self._still_firm(call, known[name]) for name in meant):
            return [
                call.refuse(
                    voice.say(
                        "An owner or an animator has silenced this: for now, only they can lift it. After {time}, "
                        "anybody here can.",
                        time=voice.duration(self._settings.owners_word),
                    )
                )
            ]
        everything = known.get(model.EVERYTHING)
        await records.lift(conn, room_id, list(meant))
        if everything is not None and what != model.EVERYTHING:
            # All but this one stay silenced.
            for name in self._silencing.features.keys() - known.keys() - {what}:
                rest = model.Silence(name, everything.by, everything.firm, everything.since)
                await records.put_silence(conn, room_id, rest)
        await self._silencing.tell(conn, room_id)
        return [call.answer(voice.say("**No longer silenced here: {what}.**", what=self._shown(call, what)))]

    async def _cannot_here(self, call: Call) -> Markdown | None:
        """Why this cannot be said in this room."""
        if call.is_direct:
            return call.voice.say("Say this in the group itself: everybody there should see it.")
        if await rooms.membership(call.ctx.conn, call.event.room_id, call.person.user) != "join":
            return call.voice.say("Only members of this group can do this.")
        return None

    def _looks_after(self, call: Call) -> bool:
        return Role.owner in call.person.roles or oversees(call.person.roles)

    def _still_firm(self, call: Call, one: model.Silence) -> bool:
        return one.firm and milliseconds(call.ctx.now - self._settings.owners_word) < one.since

    # --- words -----------------------------------------------------------------------------------------------------

    def _what(self, call: Call) -> str:
        return str(call.args.get("what") or model.EVERYTHING)

    def _shown(self, call: Call, what: str) -> Markdown:
        names = self._silencing.features.get(what) or self.private.get(what) or ALL
        return bold(names.shown(call.voice.language))

    def _day(self, call: Call, ms: int | None = None) -> date:
        at = call.ctx.now if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
        return at.astimezone(self._zone).date()


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
