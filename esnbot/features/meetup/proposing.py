"""What people say to propose a meet-up, to change it, to cancel it, and to write its recap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from esnbot.commands.command import Call, Offer
from esnbot.commands.reading import Problem
from esnbot.community.group import Group, Kind, Posting
from esnbot.community.person import Role
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit
from esnbot.features import calm
from esnbot.features.meetup import records, timing
from esnbot.features.meetup.codes import new_code
from esnbot.features.meetup.events import LOOK, PROPOSED, RECAPPED, STOPPED
from esnbot.features.meetup.finding import Finder, Refusal, is_private
from esnbot.features.meetup.handlers import cancel
from esnbot.features.meetup.records import Meetup
from esnbot.features.meetup.wording import Words
from esnbot.features.places import memberships, oversees
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, bold, later
from esnbot.store import bindings, rooms

LONGEST: Final = timedelta(days=3)
"""A meet-up lasts no longer than this."""
SOONEST_POLL: Final = timedelta(hours=2)
"""So far ahead the first of several dates has to lie: people need time to choose."""


class Proposing:
    """The commands of those who make meet-ups."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._settings = finder.settings

    # --- propose --------------------------------------------------------------------------------------------------

    async def propose(self, call: Call) -> Sequence[Effect]:
        """Write a meet-up down; its post is the answer."""
        group, room_id = await self._where(call)
        await self._may(call, group, room_id)
        args, conn, now = call.args, call.ctx.conn, call.ctx.now
        dates = self._dates(call, args["when"])
        words = Words(args["title"], args.get("place") or "", args.get("video") or "")
        seats, remote = capacities(args.get("seats"), args.get("remote"), words)
        if seats == 0 and remote == 0:
            raise Refusal(call.voice.say("Somebody has to be able to come: leave out `seats` or `remote`."))
        if len(dates) > 1:
            await self._can_choose(call, room_id, dates)
        series, dates = await self._series(call, dates)
        await records.prune(conn, milliseconds(now - self._settings.kept))
        new = Meetup(
            series=series,
            room_id=room_id,
            place=group.key,
            organiser=call.person.user,
            language=await self._finder.people.language_of_place(conn, group),
            created=milliseconds(now),
            state=records.DATING if len(dates) > 1 else records.OPEN,
            words=await self._finder.kept(call.ctx, room_id, words),
            start=None if len(dates) > 1 else milliseconds(dates[0]),
            dates=[milliseconds(date) for date in dates] if len(dates) > 1 else None,
            minutes=self._minutes(args.get("lasts")),
            seats=seats,
            remote=remote,
            revised=milliseconds(now),
            code=new_code(),
        )
        id = await records.add(conn, new)
        answers = "" if call.is_direct else call.event.event_id
        effects: list[Effect] = [Emit(type=PROPOSED, content={"meetup": id, "answers": answers}, room=room_id)]
        if call.is_direct:
            effects.append(call.answer(call.voice.say("I have proposed it in {group}.", group=bold(group.name))))
        return effects

    async def _where(self, call: Call) -> tuple[Group, str]:
        place = call.args.get("group") or call.place
        if not isinstance(place, Group):
            raise Refusal(call.voice.say("In which group? Say this in its room, or name it with `--group`."))
        room_id = await bindings.room_of(call.ctx.conn, place.key)
        if room_id is None:
            raise Refusal(call.voice.say("{group} has no room yet.", group=bold(place.name)))
        return place, room_id

    async def _may(self, call: Call, group: Group, room_id: str) -> None:
        conn, voice, user = call.ctx.conn, call.voice, call.person.user
        if group.archived:
            raise Refusal(voice.say("{group} is archived.", group=bold(group.name)))
        if await rooms.membership(conn, room_id, user) != "join":
            raise Refusal(
                voice.say(
                    "Come into {group} first: a meet-up is proposed by somebody who is there.", group=bold(group.name)
                )
            )
        there = await self._finder.people.person(conn, user, room_id, group, call.ctx.bot, call.ctx.now, None)
        roles = there.roles if there is not None else frozenset()
        barred = {
            Posting.everyone: False,
            Posting.owners: not (Role.owner in roles or oversees(roles)),
            Posting.animators: not oversees(roles),
        }
        if barred[group.posting]:
            raise Refusal(
                voice.say("In {group}, only those who may post can propose meet-ups.", group=bold(group.name))
            )
        since = milliseconds(call.ctx.now - timedelta(days=1))
        if await records.begun_since(conn, user, since) >= self._settings.a_day:
            raise Refusal(
                voice.plural(
                    "You have proposed a meet-up since yesterday. Let people answer it first.",
                    "You have proposed {n} meet-ups since yesterday. Let people answer those first.",
                    self._settings.a_day,
                )
            )

    def _dates(self, call: Call, dates: Sequence[datetime]) -> list[datetime]:
        latest = call.ctx.now + self._settings.ahead
        found = [date.astimezone(UTC) for date in dates]
        if any(date <= call.ctx.now for date in found):
            raise Refusal(call.voice.say("This date is in the past."))
        if any(date > latest for date in found):
            raise Refusal(
                call.voice.say(
                    "A meet-up can be planned for the next {time} at most.",
                    time=call.voice.duration(self._settings.ahead),
                )
            )
        return found

    async def _series(self, call: Call, dates: list[datetime]) -> tuple[int | None, list[datetime]]:
        every = call.args.get("every")
        if not every:
            return None, dates
        zone = self._finder.zone
        rule = timing.rule_of(every, dates[0].astimezone(zone))
        if rule is None:
            raise Refusal(
                call.voice.say(
                    'I do not understand how often: {text}. Say `every=week`, `every="two weeks"`, `every=month` or '
                    '`every="first Thursday"`.',
                    text=call.voice.quote(every[:100]),
                )
            )
        first = timing.occurrence(rule, dates[0], None, zone)
        if len(dates) > 1 or first is None:
            raise Refusal(call.voice.say("What comes again needs one first date."))
        return await records.begin_series(call.ctx.conn, rule, milliseconds(first)), [first]

    async def _can_choose(self, call: Call, room_id: str, dates: Sequence[datetime]) -> None:
        if dates[0] < call.ctx.now + SOONEST_POLL:
            raise Refusal(
                call.voice.say("People need time to choose: the first date is too soon. Name one date, or later ones.")
            )
        if await calm.is_silenced(call.ctx.conn, room_id, records.NAME):
            raise Refusal(
                call.voice.say(
                    "Meet-ups are silenced in this group, so I can ask nobody for a date there. Name one date only."
                )
            )

    def _minutes(self, lasts: timedelta | None) -> int:
        return max(5, round((lasts or self._settings.lasts).total_seconds() / 60))

    # --- the dialogue ---------------------------------------------------------------------------------------------

    async def is_direct(self, call: Call) -> bool:
        """Whether it has to be asked in which group."""
        return call.is_direct

    async def groups_offered(self, call: Call) -> Sequence[Offer]:
        """The groups that the person is in."""
        conn = call.ctx.conn
        mine = {key for key, one in (await memberships(conn, call.person.user)).items() if one == "join"}
        found = [
            entry.place
            for entry in await wanted.some(conn, mine)
            if isinstance(entry.place, Group) and not entry.archived and entry.place.kind is not Kind.animators
        ]
        return [Offer(f"#{place.alias or place.key}", place.name) for place in found]

    async def check_dates(self, call: Call, dates: Sequence[datetime]) -> None:
        """Raise ``Problem`` for dates that are too far away."""
        if any(date > call.ctx.now + self._settings.ahead for date in dates):
            time = call.voice.duration(self._settings.ahead)
            raise Problem(later("A meet-up can be planned for the next {time} at most.", time=time))

    # --- change ---------------------------------------------------------------------------------------------------

    async def change(self, call: Call) -> Sequence[Effect]:
        """Another time, place, link or capacity; those whom it concerns hear it."""
        meetup = await self._finder.changeable(call)
        if meetup.start is None:
            raise Refusal(call.voice.say("Its date is being chosen. It can be changed once the poll is closed."))
        meetup = await records.hold(call.ctx.conn, meetup.id) or meetup
        args, ctx = call.args, call.ctx
        before = self._finder.words(ctx, meetup)
        after = replace(before, **{name: args[name] for name in ("title", "place", "video") if args.get(name)})
        values: dict[str, Any] = {}
        what = {name for name in ("place", "video") if getattr(before, name) != getattr(after, name)}
        if args.get("when"):
            dates = self._dates(call, args["when"])
            if len(dates) != 1:
                raise Refusal(call.voice.say("Name one date."))
            values["start"] = milliseconds(dates[0])
        if args.get("lasts"):
            values["minutes"] = self._minutes(args["lasts"])
        values = {name: value for name, value in values.items() if value != getattr(meetup, name)}
        what |= {"start"} if values else set()
        revised = bool(values) or after != before
        seats = args.get("seats") or (meetup.seats if meetup.seats != 0 or before.place or not after.place else None)
        remote = args.get("remote") or (
            meetup.remote if meetup.remote != 0 or before.video or not after.video else None
        )
        if (seats, remote) != (meetup.seats, meetup.remote):
            values |= {"seats": seats, "remote": remote}
        if not revised and not values:
            raise Refusal(call.voice.say('Say what changes, such as `on="friday 7pm"` or `at="Room 12"`.'))
        if revised:
            values |= {
                "words": await self._finder.kept(ctx, meetup.room_id, after),
                "sequence": meetup.sequence + 1,
                "revised": milliseconds(ctx.now),
                "untold": sorted({*(meetup.untold or ()), *what}) or None,
            }
        await records.change(ctx.conn, meetup.id, **values)
        content = {"meetup": meetup.id, "details": True, "revised": revised}
        said = call.voice.say("Changed. I will tell those whom it concerns.") if what else call.voice.say("Changed.")
        return [call.answer(said), Emit(type=LOOK, content=content, room=f"{records.NAME}:{meetup.id}")]

    # --- cancel ---------------------------------------------------------------------------------------------------

    async def really(self, call: Call) -> str | None:
        """Ask before people are told that it does not take place."""
        try:
            meetup = await self._finder.changeable(call)
        except Refusal:
            return None
        people = len((await records.roster(call.ctx.conn, meetup)).entries)
        name = self._finder.name(call.voice, meetup, self._finder.words_at(call, meetup))
        whole = bool(call.args.get("series")) and meetup.series is not None
        if whole:
            return call.voice.say("Shall I cancel {meetup} and all further ones of its series?", meetup=name)
        return (
            call.voice.plural(
                "Shall I cancel {meetup}? One person is registered, and hears it.",
                "Shall I cancel {meetup}? {n} people are registered, and hear it.",
                people,
                meetup=name,
            )
            if people
            else call.voice.say("Shall I cancel {meetup}? Nobody is registered.", meetup=name)
        )

    async def cancel(self, call: Call) -> Sequence[Effect]:
        """It does not take place; everybody who was registered hears it once."""
        meetup = await self._finder.changeable(call)
        whole = bool(call.args.get("series"))
        meetup = await cancel(call.ctx, meetup, whole_series=whole)
        name = self._finder.name(call.voice, meetup, self._finder.words_at(call, meetup))
        goes_on = meetup.series is not None and await records.active_series(call.ctx.conn, meetup.series) is not None
        said = call.voice.say("{meetup} is cancelled.", meetup=name)
        if goes_on:
            more = call.voice.say("The next one of the series comes as planned; `--series` ends it.")
            said = Markdown(f"{said} {more}")
        stopped = Emit(type=STOPPED, content={"meetup": meetup.id}, room=f"{records.NAME}:{meetup.id}")
        return [call.answer(said), stopped]

    # --- recap ----------------------------------------------------------------------------------------------------

    async def recap(self, call: Call) -> Sequence[Effect]:
        """What is worth telling of it, in its thread, and as a draft for the calendar."""
        meetup = await self._finder.found(call, over=True)
        if meetup.state != records.HELD or meetup.card is None:
            raise Refusal(call.voice.say("A recap comes after the meet-up."))
        if not await self._finder.is_open_to(call.ctx, meetup, call.person.user):
            raise Refusal(call.voice.say("Only members of the group can do this."))
        text = str(call.args["text"])
        words = call.ctx.lock(text) if await is_private(call.ctx.conn, meetup.room_id) else text
        content = {"meetup": meetup.id, "by": call.person.user, "words": words}
        effects: list[Effect] = [Emit(type=RECAPPED, content=content, room=meetup.room_id)]
        said = call.voice.say("Thank you! The recap goes into the thread of the meet-up.")
        return [call.answer(said), *effects]


def capacities(seats: int | None, remote: int | None, words: Words) -> tuple[int | None, int | None]:
    """How many can come on site and remotely; None: as many as like to, 0: not at all.

    On site unless there is only a video link, remotely where there is a link or a number for it.
    """
    far = words.video or remote
    here = seats or words.place or not far
    return (seats if here else 0), (remote if far else 0)
