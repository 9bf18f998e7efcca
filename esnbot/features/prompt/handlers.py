"""Keeps the plan of every group and posts what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.community.group import Group
from esnbot.community.model import Occasion, Prompt
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Say, Schedule, Unschedule, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import calm, life, tempo
from esnbot.features.contract import Kit
from esnbot.features.hours import Beat
from esnbot.features.places import language_of
from esnbot.features.prompt import learned, model, records
from esnbot.features.prompt.learned import Learned, Outcome
from esnbot.features.prompt.model import Moment
from esnbot.features.prompt.proposing import FAMILY, Proposing
from esnbot.features.prompt.settings import PromptSettings
from esnbot.features.prompt.talk import Talk
from esnbot.features.status import coming, is_paused
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, bold, bullets, first_line, later, paragraphs, render
from esnbot.store import bindings

POST: Final = "post"
SHOWN: Final = 90
"""Characters of a prompt in a list of those that come."""
WAITS: Final = timedelta(hours=3)
"""So long a prompt waits for people who are talking; then it is left out, and the next one comes at its time."""


class PromptHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[PromptSettings], talk: Talk, proposing: Proposing) -> None:
        self._kit = kit
        self._talk = talk
        self._proposing = proposing
        self._community = kit.community
        self._settings = kit.settings

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Plan for groups that were declared, changed or taken away while the process was off."""
        plans = await records.plans(ctx.conn)
        gone = set(plans)
        effects: list[Effect] = []
        async for group in wanted.each_place(ctx.conn):
            if not isinstance(group, Group):
                continue
            gone.discard(group.key)
            known = plans.get(group.key)
            if group.tempo is None and known is None:
                continue
            if known is None or not await self._stands(ctx, group, known):
                effects += await self._plan(ctx, group)
        for key in sorted(gone):
            effects += await self._drop(ctx.conn, key)
        return effects

    async def _stands(self, ctx: Context, group: Group, known: records.Planned) -> bool:
        """Whether a plan is the one that would be made now, or is due: then it is on its way.

        A plan that was made while the clock was wrong may lie years ahead.
        """
        beat = model.beat_of(group, self._community)
        if beat is None or known.signature != model.signature(group, self._community):
            return False
        if known.due is not None and known.due <= milliseconds(ctx.now):
            return True
        due = beat.next(ctx.now, await records.last_posted(ctx.conn, group.key))
        return known.due == (None if due is None else milliseconds(due))

    async def room_ready(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Plan for a group whose room is there now."""
        place = await wanted.get(ctx.conn, event.text("key"))
        if not isinstance(place, Group):
            return []
        known = await records.plan_of(ctx.conn, place.key)
        if known is not None and await self._stands(ctx, place, known):
            return []
        return await self._plan(ctx, place)

    async def room_archived(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """An archived group gets no more prompts."""
        return await self._drop(ctx.conn, event.text("key"))

    async def due(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Post what is due in a group, and plan what comes next whatever happened."""
        payload = event.content.get("payload")
        key = str(payload.get("group", "")) if isinstance(payload, dict) else ""
        place = await wanted.get(ctx.conn, key)
        if not isinstance(place, Group):
            return await self._drop(ctx.conn, key)
        due = event.content.get("due")
        due_ms = due if isinstance(due, int) else event.ts
        first = payload.get("first") if isinstance(payload, dict) else None
        due_ms = first if isinstance(first, int) else due_ms
        effects: list[Effect] = []
        if not event.content.get("missed"):
            verdict = await tempo.may_post(ctx, self._community, key, ctx.now, prompt=True)
            if verdict.rule is tempo.Rule.talk and verdict.until is not None:
                waiting = await self._wait(ctx, place, due_ms, verdict.until)
                if waiting is not None:
                    return [waiting]
            if verdict.free:
                effects += await self._post(ctx, place, due_ms)
        return [*effects, *await self._plan(ctx, place)]

    async def _post(self, ctx: Context, group: Group, due_ms: int) -> Sequence[Effect]:
        beat = model.beat_of(group, self._community)
        if beat is None or not beat.allows(ctx.now) or await is_paused(ctx.conn):
            return []
        room_id = await bindings.room_of(ctx.conn, group.key)
        if room_id is None:
            return []
        if await calm.is_silenced(ctx.conn, group.key, "prompt"):
            # A prompt that nobody would see is not used up.
            return []
        prompts, language = await self._suited(ctx, group)
        due = datetime.fromtimestamp(due_ms / 1000, UTC)
        moment = self._moment(due, await self._occasions(ctx, group), await records.outcomes(ctx.conn))
        chosen = model.choose(group.key, prompts, await records.had(ctx.conn, group.key), moment)
        if chosen is None:
            return []
        await records.keep_posted(ctx.conn, group.key, chosen, due_ms)
        await tempo.posted(ctx.conn, group.key, ctx.now, of="prompt", ref=str(due_ms))
        prompt = next(prompt for prompt in prompts if prompt.key == chosen.key)
        message = render(model.headline(prompt.texts[language]))
        key = f"post:{group.key}:{due_ms}"
        return [
            Say(key=key, room=room(group.key), msgtype=TEXT, body=message.body, html=message.html),
            *await self._talk.listen(ctx, room_id, key, prompt.family),
        ]

    async def _wait(self, ctx: Context, group: Group, due_ms: int, until: datetime) -> Effect | None:
        """Let a prompt wait until people have stopped talking; None when that would be too late for it."""
        if milliseconds(until) - due_ms > WAITS.total_seconds() * 1000:
            return None
        await records.keep_plan(ctx.conn, group.key, milliseconds(until), model.signature(group, self._community))
        return self._next(group, until, first=due_ms)

    def _moment(self, due: datetime, occasions: frozenset[Occasion], outcomes: Sequence[Outcome]) -> Moment:
        day = due.astimezone(self._community.zone).date()
        return Moment(day, occasions, learned.before(outcomes, day))

    async def _occasions(self, ctx: Context, group: Group) -> frozenset[Occasion]:
        """What is so in a group now."""
        found: set[Occasion] = set()
        heard = (await life.last_heard(ctx.conn, group.key)).get(group.key)
        if heard is not None and ctx.now - heard >= self._settings.silence:
            found.add(Occasion.silence)
        met = await records.met_at(ctx.conn, group.key)
        if met is not None and met >= milliseconds(ctx.now - self._settings.after_meetup):
            found.add(Occasion.meetup)
        return frozenset(found)

    async def met(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A group has met."""
        if isinstance(await wanted.get(ctx.conn, event.text("key")), Group):
            await records.keep_met(ctx.conn, event.text("key"), milliseconds(ctx.now))
        return []

    async def _plan(self, ctx: Context, group: Group) -> list[Effect]:
        """Put the next occurrence on the schedule, or take the job off it when there is none."""
        beat = model.beat_of(group, self._community)
        if beat is None:
            return await self._drop(ctx.conn, group.key)
        due = beat.next(ctx.now, await records.last_posted(ctx.conn, group.key))
        await records.keep_plan(
            ctx.conn, group.key, None if due is None else milliseconds(due), model.signature(group, self._community)
        )
        if due is None:
            return [Unschedule(key=_job(group.key))]
        return [self._next(group, due)]

    def _next(self, group: Group, due: datetime, **more: int) -> Schedule:
        return Schedule(
            key=_job(group.key),
            job=POST,
            due=due,
            payload={"group": group.key, **more, **coming(later("a prompt"), group.key)},
            if_late="skip",
            grace=int(self._settings.grace.total_seconds()),
        )

    async def _drop(self, conn: AsyncConnection, key: str) -> list[Effect]:
        await records.drop_plan(conn, key)
        return [Unschedule(key=_job(key))]

    async def _suited(self, ctx: Context, group: Group) -> tuple[list[Prompt], str]:
        spaces = {} if group.language else await wanted.spaces(ctx.conn)
        language = language_of(group, spaces, self._community)
        own = await self._proposing.library(ctx, group, language)
        return [*model.suited(group, self._community, language), *own], language

    # --- what animators see ------------------------------------------------------------------------------------------

    async def show_next(self, call: Call) -> Sequence[Effect]:
        """Which prompt comes when, in which group; for animators."""
        voice, conn, now = call.voice, call.ctx.conn, call.ctx.now
        groups = [place for place in await wanted.all_places(conn) if isinstance(place, Group)]
        asked = call.args.get("group")
        lines: list[tuple[datetime, Markdown]] = []
        silent: list[Markdown] = []
        plans = await records.plans(conn)
        outcomes = await records.outcomes(conn)
        for group in groups:
            if isinstance(asked, Group) and group.key != asked.key:
                continue
            beat = model.beat_of(group, self._community)
            if beat is None:
                continue
            planned = plans.get(group.key)
            prompts, language = await self._suited(call.ctx, group)
            if planned is None or planned.due is None:
                silent.append(bold(group.name))
                continue
            due = datetime.fromtimestamp(planned.due / 1000, UTC)
            dues = [due, *_first(beat, due, self._settings.shown - 1 if isinstance(asked, Group) else 0)]
            occasions = await self._occasions(call.ctx, group)
            moments = [self._moment(when, occasions, outcomes) for when in dues]
            chosen = model.ahead(group.key, prompts, await records.had(conn, group.key), moments)
            if not any(chosen):
                silent.append(bold(group.name))
                continue
            texts = {prompt.key: prompt.texts[language] for prompt in prompts}
            for when, one in zip(dues, chosen, strict=True):
                if one is None:
                    continue
                moment = voice.moment(when, self._community.zone, now)
                line = voice.say(
                    "{group}, {moment}: {prompt}", group=bold(group.name), moment=moment, prompt=_short(texts[one.key])
                )
                lines.append((when, line))
        if not lines and not silent:
            return [call.answer(voice.say("No group has a tempo, so no prompt is planned."))]
        lines.sort(key=lambda pair: pair[0])
        left = len(lines) - self._settings.shown
        return [
            call.answer(
                paragraphs(
                    voice.say("**What comes next**") if lines else None,
                    bullets(line for _, line in lines[: self._settings.shown]) if lines else None,
                    voice.plural("One more comes later.", "{n} more come later.", left) if left > 0 else None,
                    voice.say(
                        "Nothing can appear in {groups}: check the tempo, the quiet hours and the prompt library.",
                        groups=voice.list(silent),
                    )
                    if silent
                    else None,
                    voice.say("I am paused: prompts that fall within the pause are left out.")
                    if await is_paused(conn)
                    else None,
                )
            )
        ]

    async def show_worked(self, call: Call) -> Sequence[Effect]:
        """Which families of prompts started conversations, in the whole community."""
        voice = call.voice
        outcomes = await records.outcomes(call.ctx.conn)
        known = learned.before(outcomes)
        how = voice.say(
            "A prompt worked when, within two days, two people or more wrote three messages or more. "
            "Groups of fewer than five people do not count."
        )
        if not known.families:
            return [call.answer(paragraphs(voice.say("**Nothing is known yet about what works.**"), how))]
        families = sorted(
            known.families.items(), key=lambda one: (one[1].tried < learned.ENOUGH, -known.share(one[0]), one[0])
        )
        lines = [self._went(voice, family, known) for family, _ in families]
        return [
            call.answer(
                paragraphs(
                    voice.say("**What started conversations**"),
                    bullets(lines),
                    how,
                    voice.say("What worked until the month began comes a little earlier now; the rest is tried, too."),
                )
            )
        ]

    def _went(self, voice: Voice, family: str, known: Learned) -> Markdown:
        count, called = known.families[family], bold(self._called(voice, family))
        if count.tried < learned.ENOUGH:
            return voice.say("{family}: too early to say", family=called)
        return voice.say(
            "{family}: {worked} of {tried} started a conversation",
            family=called,
            worked=count.worked,
            tried=count.tried,
        )

    def _called(self, voice: Voice, family: str) -> str:
        if family == FAMILY:
            return str(voice.say(later("Proposed by you all")))
        if not family:
            return str(voice.say(later("All the others")))
        return self._community.families.get(family, {}).get(voice.language, family)

    # --- one person ----------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: what they proposed, and for two days where they wrote after a prompt."""
        return {
            "proposals": await self._proposing.of_person(conn, person),
            "counted": await self._talk.of_person(conn, person),
        }

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget a person."""
        await self._talk.forget(ctx.conn, person)
        return await self._proposing.forget(ctx, person)


def _first(beat: Beat, after: datetime, count: int) -> list[datetime]:
    found: list[datetime] = []
    while len(found) < count:
        due = beat.next(found[-1] if found else after, found[-1] if found else after)
        if due is None:
            break
        found.append(due)
    return found


def _short(markdown: str) -> str:
    return first_line(markdown.strip().partition("\n")[0].strip("#* "), SHOWN)


def _job(group: str) -> str:
    return f"next:{group}"
