"""What people say about themselves, shown to them and forgotten when they ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.directory import stated_by, take_back
from esnbot.features.person import model, records
from esnbot.features.person.model import Belonging
from esnbot.features.person.settings import PersonSettings
from esnbot.speech import Later, Markdown, bold, bullets, later, paragraphs


class PersonHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[PersonSettings]) -> None:
        self._community = kit.community
        self._settings = kit.settings

    async def show(self, call: Call) -> Sequence[Effect]:
        """All that is kept about whoever asks."""
        voice = call.voice
        said = await records.said_by(call.ctx.conn, call.person.user)
        where = model.whereabouts(self._community, call.person.user, said)
        today = call.ctx.now.astimezone(self._community.zone).date()
        audiences = sorted(self._community.audiences_of(call.person.user, today))
        lines = [
            voice.say("Site: {names}", names=self._named(call, Belonging.site, where.sites))
            if where.sites
            else voice.say(later("Site: none")),
            voice.say("Teams: {names}", names=self._named(call, Belonging.team, where.teams))
            if where.teams
            else voice.say(later("Teams: none")),
            voice.say(
                "Language: {language}", language=voice.say(LANGUAGES.get(call.person.language, later("English")))
            ),
        ]
        subjects = await stated_by(call.ctx.conn, call.person.user)
        if subjects:
            lines.append(voice.say("One can ask you about: {subjects}", subjects=voice.list(map(bold, subjects))))
        if audiences:
            names = voice.list(self._community.audiences[key].name for key in audiences)
            lines.append(voice.say("You belong to: {audiences}", audiences=names))
        return [
            call.answer(
                paragraphs(
                    voice.say("**What I know about you**"),
                    bullets(lines),
                    voice.say(
                        "`!esn me site`, `!esn me team`, `!esn me ask-about` and `!esn language` change it; `!esn me "
                        "forget` erases what you told me. What you write in rooms stays in the rooms."
                    ),
                )
            )
        ]

    def _named(self, call: Call, kind: Belonging, keys: frozenset[str]) -> Markdown:
        known = model.declared(self._community, kind)
        return call.voice.list(bold(name) for name in sorted(known[key].name for key in keys))

    async def site(self, call: Call) -> Sequence[Effect]:
        """Say where one works."""
        return await self._say(call, Belonging.site)

    async def team(self, call: Call) -> Sequence[Effect]:
        """Say with whom one works."""
        return await self._say(call, Belonging.team)

    async def _say(self, call: Call, kind: Belonging) -> Sequence[Effect]:
        known = model.declared(self._community, kind)
        if not known:
            return [call.answer(call.voice.say(NOTHING_DECLARED[kind]))]
        text, remove = str(call.args.get("name") or ""), bool(call.args.get("remove"))
        where = model.whereabouts(
            self._community, call.person.user, await records.said_by(call.ctx.conn, call.person.user)
        )
        mine = where.sites if kind is Belonging.site else where.teams
        if not text:
            if not remove:
                return [self._choices(call, kind)]
            return await self._keep(call, kind, frozenset())
        key = model.find(known, text)
        if key is None:
            return [self._unknown(call, kind, text)]
        if remove:
            return await self._keep(call, kind, mine - {key})
        if kind is Belonging.site:
            return await self._keep(call, kind, frozenset({key}))
        if len(mine | {key}) > self._settings.most_teams:
            return [
                call.answer(
                    call.voice.say(
                        "That is more than {most} teams. Remove one first: `!esn me team NAME --remove`.",
                        most=self._settings.most_teams,
                    )
                )
            ]
        return await self._keep(call, kind, mine | {key})

    async def _keep(self, call: Call, kind: Belonging, keys: frozenset[str]) -> Sequence[Effect]:
        await records.say(call.ctx.conn, call.person.user, kind, keys, milliseconds(call.ctx.now))
        if not keys:
            return [call.answer(call.voice.say(NONE_NOW[kind]))]
        return [call.answer(call.voice.say(KEPT[kind], names=self._named(call, kind, keys)))]

    def _choices(self, call: Call, kind: Belonging) -> Effect:
        names = sorted(site.name for site in model.declared(self._community, kind).values())
        return call.answer(call.voice.say(CHOICES[kind], names=call.voice.list(map(bold, names))))

    def _unknown(self, call: Call, kind: Belonging, text: str) -> Effect:
        voice, known = call.voice, model.declared(self._community, kind)
        near = model.meant(known, text)
        names = near or sorted(site.name for site in known.values())
        head = voice.say(UNKNOWN[kind], text=voice.quote(text[:60]))
        offered = voice.list(map(bold, names), either=bool(near))
        tail = (
            voice.say("Did you mean {names}?", names=offered) if near else voice.say("I know {names}.", names=offered)
        )
        return call.answer(Markdown(f"{head} {voice.say(tail, names=offered)}"))

    async def ask_forget(self, call: Call) -> str | None:
        """The question before everything is forgotten."""
        conn, user = call.ctx.conn, call.person.user
        if not await records.said_by(conn, user) and not await stated_by(conn, user):
            return None
        return call.voice.say("**Shall I forget your site, your teams and what one can ask you about?**")

    async def forget(self, call: Call) -> Sequence[Effect]:
        """Forget what a person told about themselves."""
        conn, user = call.ctx.conn, call.person.user
        if not await records.forget(conn, user) + await take_back(conn, user):
            return [call.answer(call.voice.say("You have not told me anything that I could forget."))]
        return [call.answer(call.voice.say("Forgotten: all that you told me about you is erased."))]

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person."""
        said = await records.said_by(conn, person)
        where = model.whereabouts(self._community, person, said)
        return {
            "said": [{"kind": kind, "key": key} for kind, key in said],
            "sites": sorted(where.sites),
            "teams": sorted(where.teams),
        }

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget a person; what the file declares stays in the file."""
        await records.forget(ctx.conn, person)
        return []


LANGUAGES: Mapping[str, Later] = {"fr": later("French"), "en": later("English")}
NOTHING_DECLARED: Mapping[Belonging, Later] = {
    Belonging.site: later("No sites are declared in this community. The animators can have some added."),
    Belonging.team: later("No teams are declared in this community. The animators can have some added."),
}
CHOICES: Mapping[Belonging, Later] = {
    Belonging.site: later("Where do you work? I know {names}."),
    Belonging.team: later("Which teams do you work with? I know {names}."),
}
UNKNOWN: Mapping[Belonging, Later] = {
    Belonging.site: later("I do not know any site called {text}."),
    Belonging.team: later("I do not know any team called {text}."),
}
KEPT: Mapping[Belonging, Later] = {
    Belonging.site: later("Noted: your site is {names}."),
    Belonging.team: later("Noted: your teams are {names}."),
}
NONE_NOW: Mapping[Belonging, Later] = {
    Belonging.site: later("Noted: there is no site next to your name."),
    Belonging.team: later("Noted: there is no team next to your name."),
}
