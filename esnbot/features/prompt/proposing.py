"""People propose prompts, and animators take them into the library with a reaction, or leave them out."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.commands.reactions import Reaction
from esnbot.commands.reading import Kind, Problem, Reading
from esnbot.commands.values import Choice, GroupValue
from esnbot.commands.words import fold
from esnbot.community.group import Group, Place
from esnbot.community.group import Kind as GroupKind
from esnbot.community.model import Community, Prompt
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, React, Say, post, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import calm, rota, text
from esnbot.features.contract import Kit
from esnbot.features.group import KINDS
from esnbot.features.places import language_of, oversees
from esnbot.features.prompt import proposed
from esnbot.features.prompt.proposed import ACCEPTED, DECLINED, OPEN, WITHDRAWN, Proposal
from esnbot.features.prompt.settings import PromptSettings
from esnbot.provisioning import wanted
from esnbot.speech import Later, Markdown, Voice, bold, bullets, code, escape, later, paragraphs, render
from esnbot.store import bindings

NAME: Final = "prompt"
KIND: Final = "prompt"
"""Of the kept texts that have the words."""
PROPOSED: Final = "org.esnbot.prompt_proposed"
"""Of this feature alone: somebody proposed a prompt; content: ``proposal``, ``words`` (locked, if need be)."""
TAKE: Final = "✅"
LEAVE: Final = "🗑"
LONGEST: Final = 500
"""Characters of a proposal."""
FAMILY: Final = "proposed"
"""Of the prompts that people proposed."""
SHOWN: Final = 20
STATES: Final = {
    OPEN: later("waiting for the animators"),
    ACCEPTED: later("in the library"),
}


class ForWhom(Kind):
    """A group, or a kind of group: what somebody means by a word."""

    words = "longest"

    async def read(self, text: str, reading: Reading) -> Place | str:
        """The group, or the key of the kind; a group that is called so goes before."""
        try:
            return await GroupValue().read(text, reading)
        except Problem as problem:
            try:
                return await Choice({kind.value: names for kind, names in KINDS.items()}).read(text, reading)
            except Problem:
                raise problem from None

    def choices(self, language: str) -> tuple[str, ...]:
        """The kinds."""
        return tuple(names.shown(language) for names in KINDS.values())


def is_button(emoji: str) -> bool:
    """A cheap look: a reaction that is one of ours."""
    return emoji in (TAKE, LEAVE)


def folded(words: str) -> str:
    """Words as they are compared: whatever their case, accents, signs and spaces."""
    return "".join(char for char in fold(words) if char.isalnum()) or fold(words)


def is_in_library(words: str, community: Community) -> bool:
    """Whether the library has these words, whole or as a first line."""
    mine = {folded(words), folded(words.strip().partition("\n")[0])}
    prompts = (*community.prompts, *(one for template in community.templates.values() for one in template.prompts))
    spoken = (words for prompt in prompts for words in prompt.texts.values())
    return any(mine & {folded(one), folded(one.strip().partition("\n")[0])} for one in spoken)


class Proposing:
    """From the proposal to the library, and out of it again."""

    def __init__(self, kit: Kit[PromptSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings

    # --- commands ------------------------------------------------------------------------------------------------

    async def propose(self, call: Call) -> Sequence[Effect]:
        """Hand a prompt to the animators."""
        voice, conn, words = call.voice, call.ctx.conn, str(call.args["words"])
        if await self._room(conn) is None:
            return [call.refuse(voice.say("There is no animators' room to pass it on to."))]
        digest = sha256(folded(words).encode()).hexdigest()
        if is_in_library(words, self._community) or await proposed.is_known(conn, digest):
            return [call.refuse(voice.say("**The same prompt is there already**, or waits for the animators."))]
        if await proposed.open_of(conn, call.person.user) >= self._settings.proposals:
            return [
                call.refuse(voice.say("Several of your prompts wait for the animators. Let them look at those first."))
            ]
        whom = call.args["for"]
        language, kind, group = call.person.language, "", ""
        if isinstance(whom, Group):
            group, language = whom.key, language_of(whom, await wanted.spaces(conn), self._community)
        elif isinstance(whom, str):
            kind = whom
        id = await proposed.add(conn, call.person.user, language, kind, group, digest, milliseconds(call.ctx.now))
        said = call.ctx.lock(words) if call.event.sealed is not None else words
        return [
            Emit(type=PROPOSED, content={"proposal": id, "words": said}),
            call.answer(
                paragraphs(
                    voice.say("**Thank you, the animators will look at it.**"),
                    voice.say("You will hear what they say. `!esn prompt withdraw {number}` takes it back.", number=id),
                )
            ),
        ]

    async def withdraw(self, call: Call) -> Sequence[Effect]:
        """Take back one's own prompt; animators any of them."""
        voice, conn, id = call.voice, call.ctx.conn, int(call.args["number"])
        one = await proposed.get(conn, id)
        mine = one is not None and one.author == call.person.user
        if one is None or not (mine or oversees(call.person.roles)):
            return [call.refuse(voice.say("There is no prompt of yours with the number {number}.", number=id))]
        if not await proposed.decide(conn, id, one.state, WITHDRAWN, one.decided_by) or one.state == WITHDRAWN:
            return [call.answer(voice.say("It was taken back already."))]
        taken = await text.withdraw(call.ctx, one.text, reason="") if one.text is not None else []
        return [*taken, call.answer(voice.say("**Taken back.** It will not appear any more."))]

    async def listed(self, call: Call) -> Sequence[Effect]:
        """The prompts that wait or are in the library: one's own, and for animators among themselves all."""
        voice, conn = call.voice, call.ctx.conn
        among_us = call.is_direct or (isinstance(call.place, Group) and call.place.kind is GroupKind.animators)
        everything = among_us and oversees(call.person.roles)
        if not call.is_direct and not everything:
            return [call.refuse(voice.say("Ask me in a direct chat: there I show you your own."))]
        found = await proposed.in_states(conn, [OPEN, ACCEPTED], "" if everything else call.person.user)
        if not found:
            return [call.answer(voice.say("No prompt is proposed. `!esn prompt propose …` proposes one."))]
        lines = []
        for one in found[-SHOWN:]:
            words = await self._words(call.ctx, one)
            first = Markdown(words.partition("\n")[0]) if words is not None else voice.say(later("not readable"))
            lines.append(
                voice.say(
                    "{number}: {words}, {whom} ({state})",
                    number=bold(one.id),
                    words=first,
                    whom=await self._whom(conn, one, voice),
                    state=voice.say(STATES[one.state]),
                )
            )
        return [call.answer(paragraphs(voice.say("**Prompts that you all proposed**"), bullets(lines)))]

    # --- the animators' room -------------------------------------------------------------------------------------

    async def proposed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Show a proposal to the animators, with who proposed it, and the two buttons."""
        id = event.content.get("proposal")
        one = await proposed.get(ctx.conn, id) if isinstance(id, int) else None
        place = await self._room(ctx.conn)
        if one is None or one.state != OPEN or one.text is not None or place is None:
            return []
        try:
            words = ctx.unlock(event.content.get("words"))
        except ValueError:
            return []
        voice = await self._voice(ctx.conn, place)
        draft = text.Draft(
            title=str(voice.say(later("A prompt for the library?"))),
            # As it is written: nothing in it is taken for a heading, a link or a mention.
            words="\n".join(escape(line) for line in str(words).splitlines()),
            author=one.author,
            foot=str(self._foot(voice, one, await self._whom(ctx.conn, one, voice))),
        )
        kept, effects = await text.keep(ctx, KIND, place, draft, voice=voice, module=NAME)
        await proposed.kept_as(ctx.conn, one.id, kept)
        shown = next(effect for effect in effects if isinstance(effect, Say))
        buttons = [React(room=room(place.key), to=post(shown.key), emoji=emoji) for emoji in (TAKE, LEAVE)]
        return [*effects, *buttons]

    def _foot(self, voice: Voice, one: Proposal, whom: Markdown) -> Markdown:
        return paragraphs(
            voice.say("No. {number}, {whom}.", number=one.id, whom=whom),
            voice.say("{take} takes it into the library, {leave} leaves it out.", take=TAKE, leave=LEAVE),
        )

    async def reacted(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """An animator decides, or thinks again; whoever else reacts is not heard."""
        kind, _, rest = reaction.post.partition(":")
        number = rest.partition(":")[0]
        if kind != "text" or not number.isdigit() or not self._may_decide(reaction.sender):
            return []
        one = await proposed.of_text(ctx.conn, int(number))
        place = await self._room(ctx.conn)
        if one is None or place is None or await bindings.room_of(ctx.conn, place.key) != reaction.room_id:
            return []
        after = ACCEPTED if reaction.emoji == TAKE else DECLINED
        voice = await self._voice(ctx.conn, place)
        if reaction.taken_back:
            if one.decided_by != reaction.sender or not await proposed.decide(ctx.conn, one.id, after, OPEN, ""):
                return []
            return [self._under(reaction, voice.say("It waits again."))]
        if not await proposed.decide(ctx.conn, one.id, OPEN, after, reaction.sender):
            return []
        await rota.worked(ctx.conn, reaction.sender, "review", ctx.now)
        if after == ACCEPTED:
            said = voice.say("In the library. `!esn prompt withdraw {number}` takes it out again.", number=one.id)
            thanks = later("Thank you: your prompt is in the library, and will appear in its turn.")
        else:
            said = voice.say("Left out.")
            thanks = later("Thank you for your prompt. The animators leave it out this time; the next one is welcome.")
        return [self._under(reaction, said), *await self._thank(ctx, one, after, thanks)]

    def _may_decide(self, user: str) -> bool:
        roles = self._community.roles
        return user in roles.animators or user in roles.administrators

    def _under(self, reaction: Reaction, said: Markdown) -> Say:
        message = render(said)
        return Say(room=reaction.room_id, body=message.body, html=message.html, thread=reaction.target)

    async def _thank(self, ctx: Context, one: Proposal, after: str, words: Later) -> Sequence[Effect]:
        if not one.author:
            return []
        return await calm.whisper(ctx, one.author, NAME, words, about=f"proposal:{one.id}:{after}", useful=3)

    async def text_changed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A proposal was removed in the animators' room: it is taken back."""
        id = event.content.get("text")
        one = await proposed.of_text(ctx.conn, id) if isinstance(id, int) and event.text("what") == "gone" else None
        if one is not None and one.state != WITHDRAWN:
            await proposed.decide(ctx.conn, one.id, one.state, WITHDRAWN, one.decided_by)
        return []

    # --- the library ---------------------------------------------------------------------------------------------

    async def library(self, ctx: Context, group: Group, language: str) -> list[Prompt]:
        """The prompts that people proposed and animators took in, as far as a group can have them."""
        found: list[Prompt] = []
        for one in await proposed.in_states(ctx.conn, [ACCEPTED]):
            if one.language != language or one.kind not in ("", group.kind) or one.group_key not in ("", group.key):
                continue
            words = await self._words(ctx, one)
            if words is not None:
                found.append(Prompt(f"{FAMILY}/{one.id}", {language: words}, family=FAMILY))
        return found

    async def _words(self, ctx: Context, one: Proposal) -> str | None:
        kept = await text.get(ctx.conn, one.text) if one.text is not None else None
        draft = await text.opened(ctx, kept) if kept is not None else None
        return None if draft is None else draft.words

    async def _whom(self, conn: AsyncConnection, one: Proposal, voice: Voice) -> Markdown:
        if one.group_key:
            place = await wanted.get(conn, one.group_key)
            return voice.say("for {group}", group=bold(place.name if place is not None else one.group_key))
        if one.kind:
            names = KINDS.get(GroupKind(one.kind))
            return voice.say("for groups of the kind {kind}", kind=code(names.shown(voice.language) if names else ""))
        return voice.say("for every group")

    async def _room(self, conn: AsyncConnection) -> Group | None:
        """The animators' room, when it is there."""
        key = self._community.animators_room
        place = await wanted.get(conn, key) if key is not None else None
        if not isinstance(place, Group) or place.archived or await bindings.room_of(conn, place.key) is None:
            return None
        return place

    async def _voice(self, conn: AsyncConnection, place: Group) -> Voice:
        spaces = {} if place.language else await wanted.spaces(conn)
        return self._kit.speech.voice(language_of(place, spaces, self._community))

    # --- one person ----------------------------------------------------------------------------------------------

    async def of_person(self, conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
        """What a person proposed, and decided."""
        return await proposed.of_person(conn, person)

    async def forget(self, ctx: Context, person: str) -> list[Effect]:
        """What of theirs waits is taken away; what is in the library stays without their name."""
        effects: list[Effect] = []
        for one in await proposed.in_states(ctx.conn, [OPEN], person):
            await proposed.decide(ctx.conn, one.id, OPEN, WITHDRAWN, "")
            effects += await text.withdraw(ctx, one.text, reason="") if one.text is not None else []
        await proposed.forget(ctx.conn, person)
        return effects
