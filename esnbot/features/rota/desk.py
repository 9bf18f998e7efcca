"""What animators say about their rota, and what they note of their own work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from esnbot.commands.command import Call
from esnbot.community.group import Group, Kind
from esnbot.community.person import UserID
from esnbot.engine.effects import TEXT, Effect, Say, room
from esnbot.features.contract import Kit
from esnbot.features.places import called, language_of
from esnbot.features.rota import model, records
from esnbot.features.rota.model import WEEK, Absence, week_of
from esnbot.features.rota.records import JOIN, TAKE, Done, Work
from esnbot.features.rota.settings import RotaSettings
from esnbot.provisioning import wanted
from esnbot.speech import Later, Markdown, Voice, bold, bullets, later, paragraphs, render
from esnbot.store import bindings

SHOWN_WORK: Final = timedelta(days=28)
LONGEST_WORD: Final = 4_000
"""Characters of a handover."""
NOT_HERE: Final = later("That is the animators' business: ask me in their room, or in a direct chat.")
ALONE: Final = later("I keep that for you alone: ask me in a direct chat.")


class Desk:
    """The commands."""

    def __init__(self, kit: Kit[RotaSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings

    def _today(self, call: Call) -> date:
        return call.ctx.now.astimezone(self._community.zone).date()

    def _among_us(self, call: Call) -> bool:
        """Whether only animators read along."""
        return call.is_direct or (isinstance(call.place, Group) and call.place.kind is Kind.animators)

    # --- who is on -----------------------------------------------------------------------------------------------

    async def show(self, call: Call) -> Sequence[Effect]:
        """Who is on, this week and the next ones."""
        if not self._among_us(call):
            return [call.refuse(call.voice.say(NOT_HERE))]
        rota, today, voice = await records.rota(call.ctx.conn), self._today(call), call.voice
        lines = []
        for number in range(self._settings.shown):
            week = week_of(today) + number * WEEK
            crew = rota.crew(week)
            names = voice.list([await self._name(call, person) for person in crew])
            nobody = voice.say(later("nobody yet"))
            lines.append(voice.say("{week}: {who}", week=bold(self._week(call, week)), who=names if crew else nobody))
        away = [
            voice.say("{person}, {span}", person=await self._name(call, one.person), span=self._span(call, one))
            for one in rota.absences
            if one.last >= today
        ]
        return [
            call.answer(
                paragraphs(
                    voice.say("**Who is on**"),
                    bullets(lines),
                    voice.say("**Away**") if away else None,
                    bullets(away) if away else None,
                    voice.say("`!esn rota order @… @…` says in which order you take turns.")
                    if not rota.crews
                    else None,
                )
            )
        ]

    async def order(self, call: Call) -> Sequence[Effect]:
        """The order in which animators take turns, from this week on; without names, there is none any more."""
        people: Sequence[UserID] = call.args["people"]
        size = call.args["together"] or 1
        strangers = [one for one in people if one not in self._community.roles.animators]
        if strangers:
            names = call.voice.list([await self._name(call, one) for one in dict.fromkeys(strangers)])
            return [call.refuse(call.voice.say("Only animators take turns; not among them: {names}.", names=names))]
        crews = model.in_crews(people, size)
        await records.keep_order(call.ctx.conn, crews, week_of(self._today(call)))
        if not crews:
            return [
                call.answer(call.voice.say("**Nobody takes turns any more.** Weeks that somebody took stay theirs."))
            ]
        names_of = [call.voice.list([await self._name(call, one) for one in crew]) for crew in crews]
        return [
            call.answer(
                paragraphs(
                    call.voice.say("**From this week on, you take turns like this:**"),
                    bullets(names_of),
                    call.voice.say("The animators' room hears on Mondays who is on."),
                )
            )
        ]

    async def take(self, call: Call) -> Sequence[Effect]:
        """Take a week, whoever's turn it is."""
        return await self._change(call, TAKE, later("**You are on: {week}.**"))

    async def join(self, call: Call) -> Sequence[Effect]:
        """Come along in a week."""
        return await self._change(call, JOIN, later("**You come along: {week}.**"))

    async def _change(self, call: Call, what: str, said: Later) -> Sequence[Effect]:
        week = self._asked_week(call)
        await records.keep_change(call.ctx.conn, week, call.person.user, what)
        return [call.answer(call.voice.say(said, week=self._week(call, week)))]

    async def leave(self, call: Call) -> Sequence[Effect]:
        """Give back a week that one took, or in which one came along."""
        week, user = self._asked_week(call), call.person.user
        if await records.drop_change(call.ctx.conn, week, user):
            return [call.answer(call.voice.say("**Given back: {week}.**", week=self._week(call, week)))]
        rota = await records.rota(call.ctx.conn)
        if user in rota.crew(week):
            return [
                call.answer(
                    call.voice.say(
                        "It is your turn then. Somebody else can take it (`!esn rota take`), or you say that you are "
                        "away (`!esn rota away`)."
                    )
                )
            ]
        return [call.answer(call.voice.say("You are not on then."))]

    def _asked_week(self, call: Call) -> date:
        asked = call.args["day"]
        day = asked.astimezone(self._community.zone).date() if isinstance(asked, datetime) else self._today(call)
        return week_of(day)

    # --- absence -------------------------------------------------------------------------------------------------

    async def away(self, call: Call) -> Sequence[Effect]:
        """Be away, the last day included; reviews and reminders go to somebody else meanwhile."""
        zone, today = self._community.zone, self._today(call)
        asked, until = call.args["day"], call.args["until"]
        first = asked.astimezone(zone).date() if isinstance(asked, datetime) else today
        last = until.astimezone(zone).date() if isinstance(until, datetime) else first
        if last < first:
            return [call.refuse(call.voice.say("The last day comes before the first."))]
        absence = Absence(call.person.user, first, last)
        await records.keep_absence(call.ctx.conn, absence)
        rota = await records.rota(call.ctx.conn)
        instead = rota.stand_in(call.person.user, max(first, today), self._community.roles.animators)
        voice = call.voice
        return [
            call.answer(
                paragraphs(
                    voice.say("**You are away: {span}.**", span=self._span(call, absence)),
                    voice.say("Meanwhile, what waits for you goes to {person}.", person=await self._name(call, instead))
                    if instead is not None
                    else voice.say("Nobody else is there then: what waits for you stays until you are back."),
                )
            )
        ]

    async def back(self, call: Call) -> Sequence[Effect]:
        """Be back earlier, or not leave at all."""
        gone = await records.drop_absences(call.ctx.conn, call.person.user, self._today(call))
        said = call.voice.say("**Welcome back.**") if gone else call.voice.say("I had not noted that you are away.")
        return [call.answer(said)]

    # --- handing over --------------------------------------------------------------------------------------------

    async def hand_over(self, call: Call) -> Sequence[Effect]:
        """Leave word for those who are on next."""
        key, voice = self._community.animators_room, call.voice
        place = await wanted.get(call.ctx.conn, key) if key is not None else None
        if key is None or place is None:
            return [call.refuse(voice.say("There is no animators' room to leave word in."))]
        rota, week = await records.rota(call.ctx.conn), week_of(self._today(call)) + WEEK
        following = [one for one in rota.on_duty(week) if one != call.person.user]
        names = voice.list([await self._name(call, one) for one in following])
        said = (
            voice.say("**Noted for {names}**, who will find it on Monday.", names=names)
            if following
            else voice.say("**Noted** for whoever is on next; it is shown on Monday.")
        )
        if not call.is_direct and call.place is not None and call.place.key == key:
            # It stands in the room already.
            await records.keep_handover(call.ctx.conn, call.person.user, call.command, call.ctx.now)
            return [call.answer(said)]
        if not call.is_direct:
            return [call.refuse(voice.say(NOT_HERE))]
        posted = f"handover:{call.command}"
        await records.keep_handover(call.ctx.conn, call.person.user, posted, call.ctx.now)
        room_voice = await self._voice_of(call, key)
        author = await called(call.ctx.conn, await bindings.room_of(call.ctx.conn, key) or "", call.person.user)
        message = render(paragraphs(room_voice.say("**{person} hands over**", person=author), call.args["words"]))
        return [
            Say(key=posted, room=room(key), msgtype=TEXT, body=message.body, html=message.html),
            call.answer(said),
        ]

    # --- one's own work ------------------------------------------------------------------------------------------

    async def log(self, call: Call) -> Sequence[Effect]:
        """Note time that one spent on the network, for oneself."""
        if not call.is_direct:
            return [call.refuse(call.voice.say(ALONE))]
        if call.args["undo"]:
            gone = await records.take_back_time(call.ctx.conn, call.person.user)
            if gone is None:
                return [call.answer(call.voice.say("There is no time of yours to take back."))]
            span = call.voice.duration(timedelta(minutes=gone))
            return [call.answer(call.voice.say("**Taken back: {span}.**", span=span))]
        spent = call.args["time"]
        if spent is None:
            return [call.refuse(call.voice.say("How much time? For example `!esn rota log 45 minutes`."))]
        minutes = round(spent.total_seconds() / 60)
        await records.worked(call.ctx.conn, call.person.user, Work.time, call.ctx.now, minutes)
        return [
            call.answer(
                call.voice.say(
                    "**Noted: {span}.** Nobody else sees it: `!esn rota work` shows it, `!esn rota work --share` tells "
                    "the other animators.",
                    span=call.voice.duration(timedelta(minutes=minutes)),
                )
            )
        ]

    async def work(self, call: Call) -> Sequence[Effect]:
        """What one did lately, for oneself; shared with the other animators only by one's own wish."""
        if not call.is_direct:
            return [call.refuse(call.voice.say(ALONE))]
        user, key = call.person.user, self._community.animators_room
        done = await records.done_by(call.ctx.conn, user, call.ctx.now - SHOWN_WORK)
        own = paragraphs(call.voice.say("**Your last four weeks**"), _summed_up(done, call.voice))
        if not call.args["share"] or key is None:
            tail = call.voice.say("Nobody else sees this. `!esn rota work --share` tells the other animators.")
            return [call.answer(paragraphs(own, tail))]
        name = await called(call.ctx.conn, await bindings.room_of(call.ctx.conn, key) or "", user)
        room_voice = await self._voice_of(call, key)
        head = room_voice.say("**{person} shares the last four weeks**", person=name)
        message = render(paragraphs(head, _summed_up(done, room_voice)))
        return [
            Say(room=room(key), msgtype=TEXT, body=message.body, html=message.html),
            call.answer(paragraphs(own, call.voice.say("The other animators see this now."))),
        ]

    # --- words ---------------------------------------------------------------------------------------------------

    async def _voice_of(self, call: Call, key: str) -> Voice:
        """Speaks the language of a room."""
        places = {place.key: place for place in await wanted.all_places(call.ctx.conn)}
        return self._kit.speech.voice(language_of(places.get(key), places, self._community))

    async def _name(self, call: Call, person: UserID) -> Markdown:
        room_id = await bindings.room_of(call.ctx.conn, self._community.animators_room or "") or call.event.room_id
        return await called(call.ctx.conn, room_id, person)

    def _week(self, call: Call, week: date) -> Markdown:
        this = week_of(self._today(call))
        if week == this:
            return call.voice.say(later("this week"))
        if week == this + WEEK:
            return call.voice.say(later("next week"))
        return call.voice.say(later("week of {day}"), day=call.voice.date(week, self._today(call), weekday=False))

    def _span(self, call: Call, absence: Absence) -> Markdown:
        today, voice = self._today(call), call.voice
        first = voice.date(absence.first, today)
        if absence.first == absence.last:
            return first
        return voice.say(later("{first} → {last}"), first=first, last=voice.date(absence.last, today))


def _summed_up(done: Done, voice: Voice) -> Markdown:
    return bullets(
        [
            voice.plural("one post published", "{n} posts published", done.posts),
            voice.plural("one post reviewed", "{n} posts reviewed", done.reviews),
            voice.say("time noted: {span}", span=voice.duration(timedelta(minutes=done.minutes))),
        ]
    )
