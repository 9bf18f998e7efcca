"""The week that the demo plays: seven days of a small company; what should happen is checked on the homeserver."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from esnbot.demo import animating, keeping
from esnbot.demo.narrator import Narrator
from esnbot.demo.town import Town
from esnbot.testing.person import MatrixRefusal, Person, Seen

Found = TypeVar("Found")
ZONE: Final = ZoneInfo("Europe/Paris")
MONDAY: Final = datetime(2024, 4, 29, 7, 50, tzinfo=ZONE)
"""A week with a public holiday in it, Wednesday 1 May; in the past, so that everybody is new to the bot."""
TALKING: Final = 30.0
"""Community seconds in a real one while people talk: a minute in two seconds."""
RUNNING: Final = 4 * 3600.0
"""While nobody is there: four hours a second."""
SOON: Final = 20.0
"""Real seconds within which an answer must come."""


@dataclass(slots=True)
class Week:
    """The people and what they do."""

    town: Town
    tell: Narrator
    people: dict[str, Person] = field(default_factory=dict)
    _rooms: dict[str, str] = field(default_factory=dict)
    """Room id to the name that is shown."""

    # --- the days -----------------------------------------------------------------------------------------------

    async def play(self) -> None:
        """From Monday morning to Sunday evening."""
        for name, day in (
            ("Monday", self.monday),
            ("Tuesday", self.tuesday),
            ("Wednesday", self.wednesday),
            ("Thursday", self.thursday),
            ("Friday", self.friday),
            ("the weekend", self.weekend),
        ):
            await self.tell.expect(f"{name} went through: everybody who asked was answered", day())

    async def monday(self) -> None:
        """People come in, talk, are asked something, and make a group."""
        self.tell.chapter("people come in")
        for localpart, name in (("camille", "Camille"), ("alex", "Alex"), ("sacha", "Sacha"), ("lou", "Lou")):
            await self.arrives(localpart, name)
        await self.says("alex", "cafe", "Bonjour à toutes et à tous ! Qui a vu la clé de 15 de l'atelier ?")
        await self.says("sacha", "cafe", "Dans le tiroir du haut, comme d'habitude. Bon lundi !")
        talk = len(await self.bot_messages("cafe"))
        await self.until(0, "08:40")
        await self.tell.expect("nothing is asked before its time", self.silent("cafe", talk))
        await self.until(0, "08:46")
        await self.tell.expect("a prompt appears at 08:45 on Monday", self.prompted("cafe", talk))
        await self.says("lou", "cafe", "Bonne question ! J'y réponds à la pause, photo à l'appui.")

        self.tell.note("Sacha wants a room for those who take pictures, and needs nobody's leave.")
        asked = await self.asks("sacha", "cafe", '!rse groupe créer "Club photo" --type loisir')
        await self.tell.expect(
            "the group stands, its owner is invited, its room is in its space", self.group_made("sacha", "Club photo")
        )
        await self.answered("sacha", "cafe", asked)
        await self.says("sacha", "Club photo", "Premier thème : la lumière du matin dans l'atelier.")
        await animating.an_entry_is_planned(self)

    async def tuesday(self) -> None:
        """Somebody has the same idea again; somebody is new."""
        await self.until(1, "09:30")
        self.tell.chapter("the same idea again, and somebody new")
        asked = await self.asks("lou", "cafe", '!rse groupe créer "Photo club" --type loisir')
        answer = await self.answered("lou", "cafe", asked)
        await self.tell.expect("the group that exists already is pointed out first", says(answer, "Club photo"))
        await self.people["lou"].react(self.room("cafe"), answer.id, "❌")
        self.tell.says("Lou", self.shown("cafe"), "❌")
        asked = await self.asks("lou", "cafe", '!rse groupe rejoindre "Club photo"')
        await self.answered("lou", "cafe", asked)
        await self.tell.expect("Lou comes into the group that exists", self.comes_in("lou", "Club photo"))
        await self.says("lou", "Club photo", "Me voilà ! J'allais créer le même.")
        await keeping.a_page_is_edited_by_two(self)
        await self.arrives("noa", "Noa")
        await self.tell.expect("Noa is welcomed in person, in French", self.welcomed("noa"))
        await animating.a_meet_up_is_proposed(self)
        await animating.the_entry_appears(self)

    async def wednesday(self) -> None:
        """A public holiday."""
        before = len(await self.bot_messages("cafe"))
        await self.until(2, "07:00")
        self.tell.chapter("1 May, a public holiday")
        await self.until(2, "21:00")
        await self.tell.expect("nothing is asked on a public holiday", self.silent("cafe", before))

    async def thursday(self) -> None:
        """A supplier joins, from their own homeserver."""
        await self.until(3, "09:00")
        self.tell.chapter("a supplier comes in, from their own homeserver")
        rui = self.people["rui"] = await self.town.person("rui", "Rui", partner=True)
        asked = "groupe rejoindre comptoir"
        chat = await rui.direct_chat(self.town.bot)
        self._rooms[chat] = "(direct chat)"
        await self.tell.expect("the bot comes into Rui's chat, over federation", self.bot_in(rui, chat))
        self.tell.says("Rui", "(direct chat)", asked)
        await rui.say(chat, asked)
        await self.tell.expect("Rui comes into the partners' group", self.comes_in("rui", "comptoir"))
        await self.joins("alex", "comptoir")
        await self.says("rui", "comptoir", "Bonjour, Rui, des Forges de Lormont. Les manchons partent vendredi.")
        await self.says("alex", "comptoir", "Bienvenue Rui ! Vendredi, c'est parfait.")
        await self.tell.expect("they hear each other across two homeservers", self.hears("rui", "comptoir", "parfait"))
        await self.tell.expect("Rui can neither join nor see into the staff's spaces", self.shut_out(rui))
        self.tell.says("Rui", "(direct chat)", "groupe liste")
        await rui.say(chat, "groupe liste")
        await self.tell.expect("the list of groups that Rui gets names the partners' only", self.listed(rui, chat))
        before = len(await self.bot_messages("entraide"))
        await self.until(3, "14:01")
        await self.tell.expect("Thursday's prompt appears at 14:00", self.prompted("entraide", before))

    async def friday(self) -> None:
        """The animator looks how things are, and asks for quiet; a project begins, and a thread is worth keeping."""
        await self.until(4, "08:00")
        self.tell.chapter("a project, and a note")
        await keeping.a_project_is_born(self)
        await keeping.a_note_is_kept(self)
        self.tell.chapter("the animator at work")
        await animating.a_prompt_is_proposed(self)
        asked = await self.asks("camille", "animation", "!rse état")
        await self.answered("camille", "animation", asked)
        asked = await self.asks("alex", "cafe", "!rse pause")
        refusal = await self.answered("alex", "cafe", asked)
        await self.tell.expect("who is no animator is told who can", says(refusal, "anim"))
        await self.confirmed("camille", "animation", "!rse pause")
        before = len(await self.bot_messages("cafe"))
        await self.until(4, "19:00")
        await self.tell.expect("nothing is asked during the pause", self.silent("cafe", before))
        await self.confirmed("camille", "animation", "!rse reprendre")

    async def weekend(self) -> None:
        """The bot speaks again; the week ends."""
        before = len(await self.bot_messages("cafe"))
        await self.until(5, "08:46")
        self.tell.chapter("the bot speaks again")
        await self.tell.expect("Saturday's prompt appears at 08:45", self.prompted("cafe", before))
        await self.until(6, "20:00")
        self.tell.chapter("the week in a word")
        await self.tell.expect("no question was asked twice", self.never_twice())
        await self.tell.expect("nothing waits and nothing was set aside", self.all_done())

    # --- what people do -----------------------------------------------------------------------------------------

    async def arrives(self, localpart: str, name: str) -> None:
        """Somebody logs in for the first time and joins the company's space and its groups."""
        person = self.people[localpart] = await self.town.person(localpart, name)
        self.tell.note(f"{name} logs in, and comes into the company's space.")
        await person.join(self.room("maison"))
        await person.join(self.room("terrasse"))
        await person.join(self.room("cafe"))
        if localpart == "camille":
            await self.joins(localpart, "animation")

    async def joins(self, who: str, where: str) -> None:
        """Somebody comes in who may, invited by the bot where it takes that."""
        person, room = self.people[who], self.room(where)
        try:
            await person.join(room)
        except MatrixRefusal:
            await self.town.app.client.invite(room, person.id)
            await person.join(room)

    async def says(self, who: str, where: str, text: str) -> str:
        """Somebody says something."""
        self.tell.says(who.capitalize(), self.shown(where), text)
        return await self.people[who].say(self.room(where), text)

    async def asks(self, who: str, where: str, command: str) -> str:
        """Somebody gives the bot a command; returns the event."""
        return await self.says(who, where, command)

    async def says_in_thread(self, who: str, where: str, root: str, text: str) -> str:
        """Somebody says something in a thread."""
        self.tell.says(who.capitalize(), f"{self.shown(where)} (fil)", text)
        return await self.people[who].say_in_thread(self.room(where), root, text)

    def enters(self, name: str, room: str) -> None:
        """A room is known by its name from now on."""
        self._rooms[room] = name

    async def invited_to(self, person: Person, name: str) -> str:
        """The room of that name that a person is invited to."""

        def is_meant(state: dict[str, dict[str, object]]) -> bool:
            # A group of several rooms stands in a space of the same name.
            is_space = state.get("m.room.create", {}).get("type") == "m.space"
            return state.get("m.room.name", {}).get("name") == name and not is_space

        return await self.invitation(person, is_meant)

    async def answered(self, who: str, where: str, asked: str) -> Seen:
        """The bot's answer, in the thread under the question."""

        def is_answer(event: Seen) -> bool:
            return event.sender == self.town.bot and event.type == "m.room.message" and event.thread == asked

        answer = await self.people[who].wait_for(is_answer, SOON, room=self.room(where))
        self.tell.says("esnbot", self.shown(where), answer.body)
        return answer

    async def confirmed(self, who: str, where: str, command: str) -> None:
        """A command that asks back, answered with the reaction that it offers."""
        asked = await self.asks(who, where, command)
        question = await self.answered(who, where, asked)
        await self.people[who].react(self.room(where), question.id, "✅")
        self.tell.says(who.capitalize(), self.shown(where), "✅")

        def is_done(event: Seen) -> bool:
            mine = event.sender == self.town.bot and event.type == "m.room.message" and event.id != question.id
            return mine and event.thread == asked

        done = await self.people[who].wait_for(is_done, SOON, room=self.room(where))
        self.tell.says("esnbot", self.shown(where), done.body)

    # --- what must be so ----------------------------------------------------------------------------------------

    async def prompted(self, where: str, before: int) -> None:
        """The bot has said one thing more, to everybody, since there were ``before``."""
        said = await self.eventually(lambda: self._more(where, before))
        self.tell.says("esnbot", self.shown(where), said.body)
        if said.content.get("msgtype") != "m.text":
            raise AssertionError("it is a notice: greyed text starts no conversation")

    async def _more(self, where: str, before: int) -> Seen | None:
        said = await self.bot_messages(where)
        return said[before] if len(said) > before else None

    async def silent(self, where: str, before: int) -> None:
        """The bot has said nothing more since there were ``before``."""
        said = await self.bot_messages(where)
        if len(said) != before:
            raise AssertionError(f"it said: {said[-1].body}")

    async def group_made(self, owner: str, name: str) -> None:
        """The room that a person asked for: they are invited and own it, and the space lists it."""
        person = self.people[owner]
        room = await self.invited_to(person, name)
        await person.join(room)
        self.enters(name, room)
        found = await person.state(room, "m.room.name") or {}
        if found.get("name") != name:
            raise AssertionError(f"the room is called {found.get('name')!r}")
        powers = await person.state(room, "m.room.power_levels") or {}
        if powers.get("users", {}).get(person.id) != 50:
            raise AssertionError(f"the owner has power {powers.get('users', {}).get(person.id)}")
        if not (await person.state(self.room("terrasse"), "m.space.child", room) or {}).get("via"):
            raise AssertionError("the space does not list it")

    async def comes_in(self, who: str, name: str) -> None:
        """A person who was invited joins."""
        person = self.people[who]
        room = await person.wait_for_invite(self.room(name), SOON)

        async def joined() -> bool:
            # An invitation reaches another homeserver a moment before the one that sent it has written it down.
            return not await refused(lambda: person.join(room, via=self.town.company.server_name))

        await self.eventually(joined)

    async def bot_in(self, person: Person, room: str) -> bool:
        """The bot has accepted an invitation."""

        async def joined() -> bool:
            return (await person.members(room)).get(self.town.bot) == "join"

        return await self.eventually(joined)

    async def welcomed(self, who: str) -> None:
        """A person got a direct chat with a greeting in it."""
        person = self.people[who]
        chat = await self.invitation(person, lambda state: "m.room.name" not in state)
        await person.join(chat)
        self._rooms[chat] = "(direct chat)"
        said = await person.wait_for_text("Bienvenue", SOON, room=chat)
        self.tell.says("esnbot", "(direct chat)", said.body)

    async def invitation(self, person: Person, wanted: Callable[[dict[str, dict[str, object]]], bool]) -> str:
        """The room of an invitation whose state, type to content, is as wanted."""

        async def found() -> str | None:
            await person.sync(0.2)
            for room, events in person.invites.items():
                if wanted({event["type"]: event["content"] for event in events}):
                    return room
            return None

        return await self.eventually(found)

    async def hears(self, who: str, where: str, text: str) -> None:
        """A person's client received a message."""
        await self.people[who].wait_for_text(text, SOON, room=self.room(where))

    async def shut_out(self, person: Person) -> None:
        """The staff's rooms refuse a partner, whatever they try."""
        via = self.town.company.server_name
        for key in ("maison", "terrasse", "cafe", "entraide", "animation"):
            room = self.room(key)
            for what, attempt in (
                ("join", lambda room=room: person.join(room, via=via)),
                ("read", lambda room=room: person.history(room)),
                ("look into", lambda room=room: person.request("GET", f"/_matrix/client/v1/rooms/{room}/hierarchy")),
            ):
                if not await refused(attempt):
                    raise AssertionError(f"a partner could {what} {self.shown(key)}")

    async def listed(self, person: Person, chat: str) -> None:
        """The bot's list of groups has the partners' group in it, and none of the staff's."""

        def is_list(event: Seen) -> bool:
            return event.sender == self.town.bot and "Le comptoir (" in event.body and "- " in event.body

        answer = await person.wait_for(is_list, SOON, room=chat)
        self.tell.says("esnbot", "(direct chat)", answer.body)
        for key in ("Club photo", self.shown("cafe"), self.shown("entraide"), self.shown("animation")):
            if key in answer.body:
                raise AssertionError(f"it names {key}")

    async def never_twice(self) -> None:
        """All prompts of the week in one group differ."""
        said = [event.body for event in await self.bot_messages("cafe")]
        if len(set(said)) != len(said):
            raise AssertionError("a prompt came twice")

    async def all_done(self) -> None:
        """The engine has nothing left, and no dead letters."""

        async def done() -> bool:
            backlog = await self.town.app.engine.backlog()
            return not (backlog.inbox or backlog.outbox or backlog.letters)

        await self.eventually(done)

    # --- help ---------------------------------------------------------------------------------------------------

    async def until(self, day: int, at: str) -> None:
        """Let time run to a local time of a day of the week (0 is Monday)."""
        hour, minute = map(int, at.split(":"))
        instant = (MONDAY + timedelta(days=day)).replace(hour=hour, minute=minute)
        # The last minutes pass slowly, so that what is due appears when it is due.
        self.town.clock.speed = RUNNING
        await self.town.clock.wait_until(instant - timedelta(minutes=15))
        self.town.clock.speed = 20 * TALKING
        await self.town.clock.wait_until(instant)
        self.town.clock.speed = TALKING

    async def bot_messages(self, where: str) -> list[Seen]:
        """What the bot said to everybody in a room (answers to one person stand in threads), from the homeserver."""
        witness = self.people["camille" if "camille" in self.people else "alex"]
        if self.room(where) not in await witness.joined_rooms():
            await self.joins("camille", where)
        said = await witness.messages(self.room(where))
        return [
            event
            for event in said
            if event.sender == self.town.bot and event.thread is None and "m.new_content" not in event.content
        ]

    def room(self, name: str) -> str:
        """A declared room by its key, or one that was made in chat by its name."""
        made = {shown: room for room, shown in self._rooms.items()}
        return self.town.rooms.get(name) or made[name]

    def shown(self, name: str) -> str:
        """A room as the narrator names it."""
        place = self.town.app.settings.community.place(name)
        return place.name if place is not None else name

    async def eventually(self, condition: Callable[[], Awaitable[Found | None]]) -> Found:
        """The first true value of a condition; fails when there is none soon."""
        deadline = asyncio.get_running_loop().time() + SOON
        while not (found := await condition()):
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"not so after {SOON:.0f} s")
            await asyncio.sleep(0.1)
        return found


async def says(event: Seen, words: str) -> bool:
    """Whether a message has some words in it."""
    return words.casefold() in event.body.casefold()


async def refused(attempt: Callable[[], Awaitable[object]]) -> bool:
    """Whether the homeserver says no."""
    try:
        await attempt()
    except MatrixRefusal as refusal:
        return refusal.status in (403, 404)
    return False
