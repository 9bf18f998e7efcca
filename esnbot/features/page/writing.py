"""Long texts in the direct chat: one writes messages until it is done, looks at the whole, and saves it with a ✅.

Nothing is saved over anything: what others saved meanwhile is put together with it, and where that cannot be, the
writer sees both and decides; until then their words are kept for them. Of an encrypted chat the messages are kept as
ciphertext.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from esnbot.commands import records as sent
from esnbot.commands.addressing import as_edited, original_of
from esnbot.commands.command import Call
from esnbot.commands.module import NAME as COMMANDS
from esnbot.commands.people import People
from esnbot.commands.questions import CANCEL, YES, word
from esnbot.commands.reactions import chosen
from esnbot.community.group import Place
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, React, Say, direct, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import text
from esnbot.features.page import linking, records, shelf, wording
from esnbot.features.page.keeping import Keeper, Refused, Saved, What
from esnbot.features.page.records import ASKED, CHAT, CONFLICT, OPEN, DraftRow
from esnbot.features.page.shelf import Page
from esnbot.features.text import merge
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, clean, paragraphs, render
from esnbot.store import bindings, rooms
from esnbot.store.database import savepoint

AWAKE: Final = timedelta(hours=2)
"""So long after the last word what somebody writes to the bot still belongs to their text."""
MOST_PARTS: Final = 100
SAVE: Final = "✅"
DROP: Final = "❌"
BOTH, MINE, THEIRS = "1\u20e3", "2\u20e3", "3\u20e3"
SIGNS: Final = frozenset([SAVE, DROP, BOTH, MINE, THEIRS])
DONE: Final = frozenset(["done", "finished", "fini", "termine", "c'est fini", "voila"])
_CHOICES: Final = {
    BOTH: frozenset(["1", "both", "les deux", "tout"]),
    MINE: frozenset(["2", "mine", "le mien", "la mienne", "moi"]),
    THEIRS: frozenset(["3", "theirs", "l'autre", "le sien", "la sienne"]),
}


class PreviewUnderway(Exception):
    """A reaction came before it is written down which post it may be about; the engine tries again."""


@dataclass(frozen=True, slots=True)
class Chat:
    """Where somebody writes, and what they just did there."""

    ctx: Context
    event: Event
    user: str
    voice: Voice

    def answer(self, markdown: Markdown, *, key: str = "") -> Say:
        """Words to them."""
        message = render(markdown)
        return Say(key=key, room=self.event.room_id, body=message.body, html=message.html, answers=self.event.event_id)


@dataclass(frozen=True, slots=True)
class Writing:
    """Leads those who write in their direct chat."""

    keeper: Keeper
    people: People

    async def begin(
        self, call: Call, place: Place, found: Page | None, *, name: str = "", parent: int = 0
    ) -> Sequence[Effect]:
        """Ask for the text of a page, in the direct chat. Raises ``Refused``."""
        ctx, voice, user = call.ctx, call.voice, call.person.user
        sealed = await shelf.is_sealed(ctx.conn, place)
        if sealed and not await self._chat_is_sealed(call):
            raise Refused(wording.CHAT_IS_OPEN)
        if sealed and found is None:
            raise Refused(wording.BEGIN_THERE)
        aside = [one for one in await records.drafts_of(ctx.conn, user, CHAT) if one.state != CONFLICT]
        for one in aside:
            await records.drop_draft(ctx.conn, one.id)
        title = found.title if found is not None else name
        draft = self._fresh(ctx, user, place, found, "" if sealed else title, parent)
        await records.put_draft(ctx.conn, draft)
        words = paragraphs(
            voice.say("I have put aside what you were writing before.") if any(one.parts for one in aside) else None,
            wording.invitation(voice, found, name, place),
            wording.source(voice, found.words) if found is not None and found.words else None,
        )
        message = render(words)
        if call.is_direct:
            return [call.answer(words)]
        elsewhere = call.answer(voice.say("I have written to you directly: there you can write as much as you like."))
        refused = call.answer(
            voice.say("I cannot write to you directly. Open a chat with me, and write `page edit` there.")
        )
        return [Say(room=direct(user), body=message.body, html=message.html, otherwise=refused), elsewhere]

    def _fresh(self, ctx: Context, user: str, place: Place, found: Page | None, name: str, parent: int) -> DraftRow:
        now = milliseconds(ctx.now)
        return DraftRow(
            person=user,
            way=CHAT,
            state=OPEN,
            place=place.key,
            page=found.id if found is not None else 0,
            base=found.number if found is not None else 0,
            name=name,
            parent=parent,
            touched=now,
            expires=now + round(self.keeper.settings.drafts_kept.total_seconds() * 1000),
        )

    async def _chat_is_sealed(self, call: Call) -> bool:
        room = call.event.room_id if call.is_direct else await bindings.room_of(call.ctx.conn, direct(call.person.user))
        return room is not None and await rooms.content(call.ctx.conn, room, "m.room.encryption") is not None

    async def resume(self, call: Call) -> Sequence[Effect] | None:
        """Go on with what somebody has not saved; None when there is nothing."""
        drafts = await records.drafts_of(call.ctx.conn, call.person.user)
        if not drafts:
            return None
        chat = Chat(call.ctx, call.event, call.person.user, call.voice)
        # What was written on the board goes on here.
        return await self._preview(chat, replace(drafts[0], way=CHAT, touched=milliseconds(call.ctx.now)))

    async def keep(self, call: Call, found: Page, words: str, base: int) -> None:
        """Keep what could not be saved, for its author to decide."""
        place = await wanted.get(call.ctx.conn, found.stand.place)
        if place is not None:
            draft = self._fresh(call.ctx, call.person.user, place, found, found.title, 0)
            await records.put_draft(call.ctx.conn, replace(draft, state=CONFLICT, words=words, base=base))

    # --- what people write ---------------------------------------------------------------------------------------

    async def take(self, call: Call) -> Sequence[Effect] | None:
        """A message in a direct chat, when its author is writing a page."""
        draft = next(iter(await records.drafts_of(call.ctx.conn, call.person.user, CHAT)), None)
        if draft is None or draft.touched < milliseconds(call.ctx.now - AWAKE):
            return None
        chat = Chat(call.ctx, call.event, call.person.user, call.voice)
        said = word(_body(call.event)[:100])
        if call.original:
            return await self._edited(chat, draft, call)
        if said in CANCEL:
            return await self._drop(chat, draft)
        if draft.state == CONFLICT:
            choice = next((sign for sign, words in _CHOICES.items() if said in words), None)
            return await self._decide(chat, draft, choice) if choice else None
        if draft.state == ASKED and said in YES:
            return await self._save(chat, draft)
        if said in DONE:
            return await self._preview(chat, draft)
        return await self._part(chat, draft, call.event)

    async def reacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A reaction may be a button under the preview."""
        target, emoji = chosen(event)
        draft = next((one for one in await records.drafts_of(ctx.conn, event.sender, CHAT) if one.asked), None)
        if draft is None or draft.state == OPEN:
            return []
        key = f"{COMMANDS}/{draft.post}"
        other = f"page/{draft.post}"
        posts = await sent.sent_as(ctx.conn, [key, other])
        if any(event_id is None for event_id in posts.values()):
            raise PreviewUnderway(f"a reaction in {event.room_id}")
        if not target or target not in posts.values():
            return []
        voice = self.keeper.speech.voice(await self.people.language(ctx.conn, event.sender))
        writing = Writing(replace(self.keeper, module="page"), self.people)
        chat = Chat(ctx, event, event.sender, voice)
        if emoji == DROP:
            return await writing._drop(chat, draft)
        if draft.state == ASKED and emoji == SAVE:
            return await writing._save(chat, draft)
        if draft.state == CONFLICT and emoji in _CHOICES:
            return await writing._decide(chat, draft, emoji)
        return []

    async def filed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody who writes a page sent a file: say how it gets there instead."""
        draft = next(iter(await records.drafts_of(ctx.conn, event.sender, CHAT)), None)
        if draft is None or draft.touched < milliseconds(ctx.now - AWAKE):
            return []
        if await self.people.is_direct(ctx.conn, event.room_id, event.sender, ctx.bot) is not True:
            return []
        chat = Chat(
            ctx,
            event,
            event.sender,
            self.keeper.speech.voice(await self.people.language(ctx.conn, event.sender)),
        )
        said = chat.voice.say(
            "I cannot read files here. Paste the text into messages, or bring the file in on the board, under *Pages*."
        )
        return [chat.answer(said)]

    async def taken_back(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A message of a text was removed by its author: it is no part of it any more."""
        for draft in await records.drafts_of(ctx.conn, event.sender, CHAT):
            left = tuple(part for part in draft.parts if event.redacts not in (part.event_id, original_of(part)))
            if len(left) < len(draft.parts):
                await records.put_draft(ctx.conn, replace(draft, parts=left, state=OPEN))
        return []

    async def _part(self, chat: Chat, draft: DraftRow, event: Event) -> Sequence[Effect]:
        place = await wanted.get(chat.ctx.conn, draft.place)
        if place is None or (event.sealed is None and await shelf.is_sealed(chat.ctx.conn, place)):
            return [chat.answer(chat.voice.say(wording.CHAT_IS_OPEN))]
        length = len(_words(chat.ctx, draft) or "") + len(_body(event))
        if length > self.keeper.settings.longest or len(draft.parts) >= MOST_PARTS:
            said = chat.voice.say(
                "This is more than fits into one page ({most} characters), so I have left out what you just wrote. "
                "`done` shows what I have.",
                most=self.keeper.settings.longest,
            )
            return [chat.answer(said)]
        now = milliseconds(chat.ctx.now)
        await records.put_draft(chat.ctx.conn, replace(draft, parts=(*draft.parts, event), state=OPEN, touched=now))
        return []

    async def _edited(self, chat: Chat, draft: DraftRow, call: Call) -> Sequence[Effect] | None:
        ids = [original_of(part) or part.event_id for part in draft.parts]
        if call.original not in ids:
            return None
        parts = tuple(call.event if id == call.original else part for id, part in zip(ids, draft.parts, strict=True))
        changed = replace(draft, parts=parts, touched=milliseconds(chat.ctx.now))
        if draft.state != OPEN:
            return await self._preview(chat, changed)
        await records.put_draft(chat.ctx.conn, changed)
        return []

    async def _drop(self, chat: Chat, draft: DraftRow) -> Sequence[Effect]:
        await records.drop_draft(chat.ctx.conn, draft.id)
        return [chat.answer(chat.voice.say("All right, I have put your text away: the page is as it was."))]

    async def _preview(self, chat: Chat, draft: DraftRow) -> Sequence[Effect]:
        """Show the whole, and ask whether to save it."""
        words = _words(chat.ctx, draft)
        if words is None:
            return await self._lost(chat, draft)
        if draft.state == CONFLICT:
            return await self._conflict(chat, draft)
        if not words.strip():
            await records.put_draft(chat.ctx.conn, replace(draft, touched=milliseconds(chat.ctx.now)))
            return [chat.answer(chat.voice.say("I have nothing from you yet. Write your text, then `done`."))]
        found = await shelf.page(chat.ctx, draft.page) if draft.page else None
        if draft.page and found is None:
            return await self._homeless(chat, draft, words)
        before = await self.keeper.version(chat.ctx, found, draft.base) if found is not None else None
        name = found.title if found is not None else draft.name
        shown = wording.preview(
            chat.voice, name, words, before.words if before is not None else None, await self._show(chat, draft, words)
        )
        return await self._ask(chat, replace(draft, state=ASKED), shown, (SAVE, DROP))

    async def _show(self, chat: Chat, draft: DraftRow, words: str) -> text.Show:
        """The page as its room will read it; whoever may not write there any more sees what they wrote."""
        place = await wanted.get(chat.ctx.conn, draft.place)
        if place is None or not await shelf.may_write(chat.ctx.conn, place, chat.user):
            return str
        return await linking.in_room(chat.ctx, place.key, words)

    async def _ask(self, chat: Chat, draft: DraftRow, shown: Markdown, buttons: Sequence[str]) -> Sequence[Effect]:
        asked = replace(draft, asked=draft.asked + 1, touched=milliseconds(chat.ctx.now))
        await records.put_draft(chat.ctx.conn, asked)
        key, room = asked.post, chat.event.room_id
        return [
            chat.answer(shown, key=key),
            *(React(key=f"{key}/{sign}", room=room, to=post(key), emoji=_button(sign)) for sign in buttons),
        ]

    async def _homeless(self, chat: Chat, draft: DraftRow, words: str) -> Sequence[Effect]:
        """The page was taken away meanwhile: what somebody wrote of it can be a new one, or is given back to them."""
        gone = chat.voice.say("This page is not there any more.")
        if draft.name:
            new = replace(draft, page=0, base=0, parent=0, state=OPEN)
            return [chat.answer(gone), *await self._preview(chat, new)]
        await records.drop_draft(chat.ctx.conn, draft.id)
        return [chat.answer(paragraphs(gone, wording.source(chat.voice, words)))]

    async def _lost(self, chat: Chat, draft: DraftRow) -> Sequence[Effect]:
        await records.drop_draft(chat.ctx.conn, draft.id)
        said = chat.voice.say("I can no longer read what you wrote, so nothing was saved. Please begin again.")
        return [chat.answer(said)]

    # --- saving --------------------------------------------------------------------------------------------------

    async def _save(self, chat: Chat, draft: DraftRow, words: str | None = None, base: int = 0) -> Sequence[Effect]:
        ctx = chat.ctx
        words = words if words is not None else _words(ctx, draft)
        if words is None:
            return await self._lost(chat, draft)
        try:
            async with savepoint(ctx.conn):
                saved = await self._kept(chat, draft, words, base or draft.base)
        except Refused as refusal:
            kept = chat.voice.say("What you wrote is kept for you: `page draft` brings it back.")
            return [chat.answer(paragraphs(chat.voice.say(refusal.sentence), kept))]
        if saved.what is What.conflict:
            return await self._conflict(chat, replace(draft, state=CONFLICT))
        await records.drop_draft(ctx.conn, draft.id)
        found = await shelf.page(ctx, saved.page)
        name = found.title if found is not None and found.title else draft.name
        return [*saved.effects, chat.answer(await wording.told(ctx, chat.voice, saved, name))]

    async def _kept(self, chat: Chat, draft: DraftRow, words: str, base: int) -> Saved:
        if draft.page:
            return await self.keeper.save(chat.ctx, draft.page, by=chat.user, base=base, words=words)
        place = await wanted.get(chat.ctx.conn, draft.place)
        if place is None:
            raise Refused(wording.NO_PLACE)
        return await self.keeper.create(
            chat.ctx, place, by=chat.user, name=draft.name, words=words, parent=draft.parent
        )

    async def _conflict(self, chat: Chat, draft: DraftRow) -> Sequence[Effect]:
        """Show both versions, and what they began from."""
        found = await shelf.page(chat.ctx, draft.page)
        words = _words(chat.ctx, draft)
        if words is None:
            return await self._lost(chat, draft)
        if found is None or found.draft is None:
            return await self._homeless(chat, draft, words)
        before = await self.keeper.version(chat.ctx, found, draft.base)
        merged = merge(before.words if before is not None else "", found.words, words)
        other = await wording.name_in(chat.ctx, found.stand.place, found.text.current.author)
        shown = wording.conflict(chat.voice, found.title, merged, other)
        return await self._ask(chat, replace(draft, state=CONFLICT), shown, (BOTH, MINE, THEIRS))

    async def _decide(self, chat: Chat, draft: DraftRow, choice: str) -> Sequence[Effect]:
        """Both, mine or theirs where both changed the same; all else of both stays in any case."""
        found = await shelf.page(chat.ctx, draft.page)
        words = _words(chat.ctx, draft)
        if words is None:
            return await self._lost(chat, draft)
        if found is None or found.draft is None:
            return await self._homeless(chat, draft, words)
        before = await self.keeper.version(chat.ctx, found, draft.base)
        merged = merge(before.words if before is not None else "", found.words, words)
        decided = merged.text if choice == BOTH else merged.chosen(first=choice == THEIRS)
        return await self._save(chat, draft, decided, found.number)


def _body(event: Event) -> str:
    return clean(as_edited(event).text("body"))


def _words(ctx: Context, draft: DraftRow) -> str | None:
    """All that was written; None when it cannot be read any more."""
    if draft.words is not None:
        return draft.words
    opened = [ctx.open(part) for part in draft.parts]
    parts = [_body(part).strip("\n") for part in opened if part is not None]
    return "\n\n".join(parts) if len(parts) == len(opened) else None


def _button(sign: str) -> str:
    return sign.replace("\u20e3", "\ufe0f\u20e3")
