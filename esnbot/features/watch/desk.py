"""What animators ask of the watch: sources in and out, and how they are doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

from bridges.feeds import following
from bridges.feeds.bridge import NAME as FEEDS
from bridges.feeds.following import Followed
from bridges.outside import is_outside, literal
from esnbot.commands import trail
from esnbot.commands.command import Call, Kind
from esnbot.commands.reading import Problem, Reading
from esnbot.commands.words import fold, near
from esnbot.community.group import Group
from esnbot.community.group import Kind as GroupKind
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, Nudge
from esnbot.features.calm import is_silenced
from esnbot.features.contract import Kit
from esnbot.features.places import called
from esnbot.features.watch import records, wording
from esnbot.features.watch.addresses import NoAddress, given
from esnbot.features.watch.handlers import ASKED, NAME, told_key
from esnbot.features.watch.model import LONGEST_WORDS, MOST_WORDS, listed
from esnbot.features.watch.records import Source
from esnbot.features.watch.settings import WatchSettings
from esnbot.settings.values import slug
from esnbot.speech import Markdown, Quoted, bold, clean, code, later, paragraphs
from esnbot.store import bindings

NOTHING: Final = frozenset({"-", "nothing", "none", "all", "rien", "aucun", "aucune", "tout"})
"""Words for no words, and for no line."""


class Address(Kind):
    """The address of a feed, or of a web page that names one."""

    async def read(self, text: str, reading: Reading) -> str:
        """The address, ready to be asked for."""
        try:
            return given(clean(text))
        except NoAddress as error:
            if error.has_password:
                raise Problem(
                    later("This address has a password in it, which everybody here would read. I need one without.")
                ) from None
            wrong = later("I need the address of a feed or of a web page here, not {text}.", text=Quoted(text[:100]))
            raise Problem(wrong, examples=("https://example.org/feed.xml",)) from None


class WordList(Kind):
    """Words and phrases, set apart by commas."""

    words: ClassVar[Literal["one", "longest", "all"]] = "all"

    async def read(self, text: str, reading: Reading) -> tuple[str, ...]:
        """The words; none for a word that says so."""
        if fold(text) in NOTHING:
            return ()
        try:
            found = listed(clean(text))
        except ValueError:
            raise Problem(
                later("At most {most} words or phrases of {n} characters fit here.", most=MOST_WORDS, n=LONGEST_WORDS)
            ) from None
        if not found:
            raise Problem(later("I need words here, set apart by commas."))
        return found


class Line(Kind):
    """The key of an editorial line."""

    async def read(self, text: str, reading: Reading) -> str:
        """The key; '' for a word that says that there is none."""
        if fold(text) in NOTHING:
            return ""
        found = slug(clean(text).lstrip("#"))
        if not found:
            raise Problem(later("I need a line here, such as {line}.", line=code("metier")))
        return found


class NotHere(Exception):
    """It is refused; the sentence says why."""

    def __init__(self, sentence: Markdown) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


class Desk:
    """The commands of one community."""

    def __init__(self, kit: Kit[WatchSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings

    # --- in and out ----------------------------------------------------------------------------------------------

    async def add(self, call: Call) -> Sequence[Effect]:
        """Watch a source."""
        voice, conn, args = call.voice, call.ctx.conn, call.args
        try:
            self._among_us(call)
            self._reachable(call, args["address"])
            have = await records.sources(conn)
            if len(have) >= self._settings.most_sources:
                sentence = voice.say("I watch {n} sources already, and more are not allowed here.", n=len(have))
                raise NotHere(sentence)
        except NotHere as error:
            return [call.refuse(error.sentence)]
        feed = (await following.health(conn, [args["address"]])).get(args["address"])
        is_known = feed is not None and feed.followed and (feed.fine is not None or bool(feed.trouble))
        new = Source(
            url=args["address"],
            line=args.get("line") or "",
            name=args.get("name") or "",
            take=args.get("take") or (),
            leave=args.get("leave") or (),
            person=call.person.user,
            added=milliseconds(call.ctx.now),
            asked_room="" if is_known else call.event.room_id,
            asked_thread="" if is_known or (call.is_direct and not call.in_thread) else call.thread,
            asked_language=voice.language,
        )
        added = await records.add(conn, new)
        if added is None:
            there = next(one for one in have if (one.url, one.line) == (new.url, new.line))
            called_so = bold(wording.name_of(there, {}))
            said = voice.say("I watch {source} already: it is number {n}.", source=called_so, n=there.id)
            return [call.answer(said)]
        await self._follow(call)
        if not is_known:
            await trail.promise(conn, call.command, [f"{NAME}/{told_key(added.id)}"])
        name = wording.name_of(added, {feed.url: feed} if feed is not None else {})
        said = voice.say("**I watch {source} from now on**, as number {n}.", source=name, n=added.id)
        if new.line:
            said = voice.say(
                "**I watch {source} from now on**, as number {n}, for the line {line}.",
                source=name,
                n=added.id,
                line=code(new.line),
            )
        then = (
            voice.say("It is known already: {state}.", state=wording.state(voice, added, feed, call.ctx.now))
            if is_known
            else voice.say("I look at it now, and tell you here in a moment whether I can read it.")
        )
        return [call.answer(paragraphs(said, then, self._without_room(call))), Nudge(machine=FEEDS)]

    def _reachable(self, call: Call, url: str) -> None:
        """Refuse what is plainly inside; names are looked at when they are looked up."""
        address = literal(urlsplit(url).hostname or "")
        if address is None or is_outside(address) or any(address in one for one in self._settings.inside):
            return
        raise NotHere(
            call.voice.say(
                "This address is inside an internal network, and I do not ask those. An administrator can allow some "
                "in the configuration, under {key}.",
                key=code("features: watch: inside"),
            )
        )

    async def remove(self, call: Call) -> Sequence[Effect]:
        """Watch a source no more."""
        try:
            one, feeds = await self._meant(call)
            self._ours_to_change(call, one)
        except NotHere as error:
            return [call.refuse(error.sentence)]
        await records.remove(call.ctx.conn, one.id)
        await self._follow(call)
        name = wording.name_of(one, feeds)
        said = call.voice.say("**I do not watch {source} any more.** What you have picked of it stays.", source=name)
        return [call.answer(said)]

    async def change(self, call: Call) -> Sequence[Effect]:
        """Change what is taken of a source, its line, or its name."""
        voice, args = call.voice, call.args
        values = {key: args[key] for key in ("line", "name", "take", "leave") if args.get(key) is not None}
        try:
            one, _ = await self._meant(call)
            self._ours_to_change(call, one)
            if not values:
                raise NotHere(voice.say("Say what to change: the line, the name, the words to take or to leave."))
            others = await records.sources_of(call.ctx.conn, one.url)
            if any(other.id != one.id and other.line == values.get("line", one.line) for other in others):
                raise NotHere(voice.say("This source is watched for that line already."))
        except NotHere as error:
            return [call.refuse(error.sentence)]
        kept = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
        await records.change(call.ctx.conn, one.id, **kept)
        changed = await records.source_of(call.ctx.conn, one.id) or one
        return [call.answer(paragraphs(voice.say("**Done.** From now on:"), await self._told(call, changed)))]

    async def pause(self, call: Call) -> Sequence[Effect]:
        """Watch a source no more, for a while."""
        return await self._pause(call, paused=True)

    async def resume(self, call: Call) -> Sequence[Effect]:
        """Watch it again."""
        return await self._pause(call, paused=False)

    async def _pause(self, call: Call, *, paused: bool) -> Sequence[Effect]:
        try:
            one, feeds = await self._meant(call)
        except NotHere as error:
            return [call.refuse(error.sentence)]
        await records.change(call.ctx.conn, one.id, paused=paused, trouble="")
        await self._follow(call)
        name = wording.name_of(one, feeds)
        if paused:
            said = call.voice.say(
                "**{source} is paused**: I do not look at it until you write `!esn watch resume {number}`.",
                source=name,
                number=one.id,
            )
        else:
            said = call.voice.say("**I watch {source} again.**", source=name)
        return [call.answer(said), Nudge(machine=FEEDS)]

    # --- looking -------------------------------------------------------------------------------------------------

    async def listed(self, call: Call) -> Sequence[Effect]:
        """All sources, and how they are doing."""
        try:
            self._among_us(call)
        except NotHere as error:
            return [call.refuse(error.sentence)]
        sources = await records.sources(call.ctx.conn)
        if not sources:
            said = call.voice.say(
                "I watch nothing yet. `!esn watch add` begins it, with the address of a feed or of a site that has one."
            )
            return [call.answer(paragraphs(said, self._without_room(call)))]
        feeds = await following.health(call.ctx.conn, [one.url for one in sources])
        said = wording.listing(call.voice, sources, feeds, call.ctx.now)
        return [call.answer(paragraphs(said, self._without_room(call)))]

    async def show(self, call: Call) -> Sequence[Effect]:
        """One source."""
        try:
            one, _ = await self._meant(call)
        except NotHere as error:
            return [call.refuse(error.sentence)]
        return [call.answer(await self._told(call, one))]

    async def more(self, call: Call) -> Sequence[Effect]:
        """The next finds, now."""
        voice, conn, key = call.voice, call.ctx.conn, self._community.animators_room
        room_id = await bindings.room_of(conn, key) if key is not None else None
        if key is None or room_id is None:
            return [call.refuse(self._without_room(call) or voice.say("The animators' room is not there yet."))]
        if await is_silenced(conn, room_id, NAME):
            said = voice.say("Finds are silenced in the animators' room. `!esn silence` there shows how to lift that.")
            return [call.refuse(said)]
        if not await records.queue(conn, milliseconds(call.ctx.now)):
            return [call.answer(voice.say("Nothing waits: you have seen all that is new."))]
        come = Emit(type=ASKED, content={"what": "more"})
        if call.event.room_id == room_id:
            return [call.answer(voice.say("Here they come.")), come]
        return [call.answer(voice.say("They come into the animators' room.")), come]

    async def _told(self, call: Call, one: Source) -> Markdown:
        conn = call.ctx.conn
        feed = (await following.health(conn, [one.url])).get(one.url)
        who = await called(conn, call.event.room_id, one.person) if one.person else None
        waiting = await records.waiting(conn, one.id)
        return wording.shown(call.voice, one, feed, who, waiting, self._community.zone, call.ctx.now)

    # --- what they share -----------------------------------------------------------------------------------------

    def _among_us(self, call: Call) -> None:
        """What we watch is our own business: it is named where only animators read."""
        place = call.place
        is_ours = isinstance(place, Group) and (
            place.kind is GroupKind.animators or place.key == self._community.animators_room
        )
        if not call.is_direct and not is_ours:
            raise NotHere(
                call.voice.say(
                    "Please ask me this in the animators' room, or in a direct chat: others read along here."
                )
            )

    def _ours_to_change(self, call: Call, one: Source) -> None:
        if one.origin == records.FILE:
            raise NotHere(
                call.voice.say(
                    "{source} is declared in the community's file, under {key}: it is changed there. "
                    "`!esn watch pause {number}` works all the same.",
                    source=bold(wording.name_of(one, {})),
                    key=code("features: watch: sources"),
                    number=one.id,
                )
            )

    def _without_room(self, call: Call) -> Markdown | None:
        if self._community.animators_room is not None:
            return None
        return call.voice.say(
            "No animators' room is declared, so I cannot show what I find. An administrator sets it in the "
            "configuration, as {key}.",
            key=code("animators_room"),
        )

    async def _meant(self, call: Call) -> tuple[Source, dict[str, Followed]]:
        """The source that somebody names, by number, name, address or site."""
        self._among_us(call)
        text: Any = call.args["source"]
        sources = await records.sources(call.ctx.conn)
        feeds = await following.health(call.ctx.conn, [one.url for one in sources])
        named = text.strip().lstrip("#n°").strip()
        if named.isascii() and named.isdigit():
            found = [one for one in sources if one.id == int(named[:9])]
        else:
            try:
                url = given(text)
            except NoAddress:
                url = ""
            names = {one.id: fold(wording.name_of(one, feeds)) for one in sources}
            found = [one for one in sources if one.url == url or names[one.id] == fold(text)]
            found = found or [one for one in sources if fold(text) in names[one.id] or fold(text) in fold(one.url)]
        if len(found) == 1:
            return found[0], feeds
        voice = call.voice
        if found:
            several = [
                voice.say("{n} ({source})", n=one.id, source=wording.name_of(one, feeds))
                for one in found[: wording.MOST_LISTED]
            ]
            raise NotHere(
                voice.say("Several sources fit: {sources}. Please give the number.", sources=voice.list(several))
            )
        meant = near(text, [wording.name_of(one, feeds) for one in sources])
        if meant:
            raise NotHere(
                voice.say(
                    "I watch no source {text}. Do you mean {names}?",
                    text=Quoted(text[:100]),
                    names=voice.list([bold(name) for name in meant], either=True),
                )
            )
        raise NotHere(voice.say("I watch no source {text}. `!esn watch list` shows them all.", text=Quoted(text[:100])))

    async def _follow(self, call: Call) -> None:
        await following.follow(call.ctx.conn, await records.followed(call.ctx.conn))
