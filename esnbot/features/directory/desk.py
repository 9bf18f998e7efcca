"""What people can say: look for groups, look for people to ask, and say what they can be asked about themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from esnbot.commands.command import Call
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.features.directory import model, records, wording
from esnbot.features.directory.model import Listing, Pace, Query, Scope, Standing, UnusableSubject
from esnbot.features.directory.reading import Findings, Looker, Reading
from esnbot.features.places import link_to, memberships
from esnbot.speech import Markdown, Voice, bold, bullets, code, first_line, mention, paragraphs
from esnbot.store import bindings

TOPIC: Final = 100
OPTIONS: Final = {
    "kind": ("kind", "type"),
    "audience": ("for", "pour"),
    "pace": ("pace", "rythme"),
    "language": ("language", "langue"),
}
_ABOUT_A_PERSON: Final = re.compile(r"(?:is|are|est|sont)\s", re.IGNORECASE)
"""'who is Zoé'."""
_ARTICLE: Final = re.compile(r"(?:(?:the|an?|les?|la|des|du)\s+|l['’]\s*)", re.IGNORECASE)


class Desk:
    """The commands."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._community = reading.community
        self._settings = reading.settings

    # --- groups --------------------------------------------------------------------------------------------------

    async def groups(self, call: Call) -> Sequence[Effect]:
        """The groups that the person is looking for."""
        voice, args = call.voice, call.args
        query = Query(
            words=str(args.get("words") or ""),
            kind=str(args.get("kind") or ""),
            audience=str(args.get("for") or ""),
            pace=str(args.get("pace") or ""),
            language=str(args.get("language") or ""),
            page=int(args.get("page") or 1),
        )
        found = await self._reading.groups(call.ctx.conn, _looker(call), query, self._settings.listed_at_once)
        if not found.total:
            return [call.answer(self._no_group(voice, found, query))]
        return [
            call.answer(
                paragraphs(
                    self._headline(voice, found),
                    bullets(await self._lines(call, found)),
                    self._next_page(voice, query, found),
                    self._elsewhere(call),
                )
            )
        ]

    def _no_group(self, voice: Voice, found: Listing, query: Query) -> Markdown:
        nothing = voice.say("I found no such group. `!esn group create` makes one in a minute.")
        if not found.near:
            return nothing
        meant = voice.list((code(_command(voice, Query(words=word))) for word in found.near), either=True)
        return paragraphs(nothing, voice.say("Did you mean {names}?", names=meant))

    def _headline(self, voice: Voice, found: Listing) -> Markdown:
        head = voice.plural("**One group**", "**{n} groups**", found.total)
        if found.pages == 1:
            return head
        return voice.say("{head}, page {page} of {pages}", head=head, page=found.page, pages=found.pages)

    async def _lines(self, call: Call, found: Listing) -> list[Markdown]:
        voice, conn = call.voice, call.ctx.conn
        paces = await self._reading.paces_of(conn, found.entries)
        mine = await memberships(conn, call.person.user)
        lines = []
        for entry in found.entries:
            group = entry.group
            room_id = await bindings.room_of(conn, group.key)
            name = bold(group.name)
            if room_id is not None:
                name = await link_to(conn, room_id, group.name, self._reading.kit.server)
            inside = mine.get(group.key) == "join"
            details = wording.details(voice, entry, self._community, paces.get(group.key), inside=inside)
            topic = first_line(group.topic, TOPIC)
            lines.append(
                voice.say("{group} ({details}): {topic}", group=name, details=details, topic=topic)
                if topic
                else voice.say("{group} ({details})", group=name, details=details)
            )
        return lines

    def _next_page(self, voice: Voice, query: Query, found: Listing) -> Markdown | None:
        if found.page >= found.pages:
            return None
        return voice.say("{command} shows the next ones.", command=code(_command(voice, query, found.page + 1)))

    def _elsewhere(self, call: Call) -> Markdown | None:
        if call.is_direct:
            return None
        return call.voice.say("Others read along here. Write to me directly to see every group that you can see.")

    # --- people --------------------------------------------------------------------------------------------------

    async def who(self, call: Call) -> Sequence[Effect]:
        """Whom one can ask about something."""
        voice, words = call.voice, str(call.args["words"])
        found = await self._reading.people(
            call.ctx.conn, _looker(call), words, call.ctx.now, self._settings.listed_at_once
        )
        if not found.total:
            return [call.answer(self._nobody(call, words, found))]
        more = found.total - len(found.people)
        return [
            call.answer(
                paragraphs(
                    voice.say("**Whom to ask about {subject}**", subject=voice.quote(words)),
                    bullets(
                        voice.say(
                            "{person}: {subjects}",
                            person=mention(one.person, one.name),
                            subjects=wording.subjects(voice, one.subjects),
                        )
                        for one in found.people
                    ),
                    voice.plural(
                        "One more is not shown: add a word to shorten the list.",
                        "{n} more are not shown: add a word to shorten the list.",
                        more,
                    )
                    if more
                    else None,
                )
            )
        ]

    def _nobody(self, call: Call, words: str, found: Findings) -> Markdown:
        voice = call.voice
        if _ABOUT_A_PERSON.match(words):
            return voice.say(
                "I do not describe anybody: I only know what people say that one can ask them about. For example: "
                "`!esn who knows jigs`."
            )
        nobody = voice.say("I know of nobody to ask about {subject}.", subject=voice.quote(words))
        if found.near:
            near = voice.list((voice.quote(word) for word in found.near), either=True)
            return paragraphs(nobody, voice.say("Did you mean {names}?", names=near))
        subject = _ARTICLE.sub("", words) or words
        yours = voice.say("If you know about it, say so: {command}.", command=code(_ask_about(voice, subject)))
        return paragraphs(nobody, yours)

    # --- oneself -------------------------------------------------------------------------------------------------

    async def ask_about(self, call: Call) -> Sequence[Effect]:
        """Say what one can be asked about, take it back, or see it."""
        voice, conn, user = call.voice, call.ctx.conn, call.person.user
        text, remove = str(call.args.get("subjects") or ""), bool(call.args.get("remove"))
        if not text and not remove:
            return [call.answer(await self._mine(call))]
        if remove and not text:
            gone = await records.unstate(conn, user, [one.word for one in await self._all_of(call)])
            return [call.answer(self._removed(voice, gone))]
        try:
            named = model.subjects(text, self._settings.most_subjects, self._settings.longest_subject)
        except UnusableSubject as error:
            return [call.refuse(wording.unusable(voice, error, self._settings))]
        if remove:
            return [call.answer(self._removed(voice, await records.unstate(conn, user, [one.word for one in named])))]
        if not await records.state(conn, user, named, milliseconds(call.ctx.now), self._settings.most_subjects):
            return [call.refuse(wording.too_many(voice, self._settings))]
        return [
            call.answer(
                paragraphs(
                    voice.say(
                        "Noted: people can ask you about {subjects}.",
                        subjects=wording.subjects(voice, (one.text for one in named)),
                    ),
                    await self._scope(call),
                )
            )
        ]

    async def _all_of(self, call: Call) -> list[records.Stated]:
        user = call.person.user
        return (await records.stated_by_all(call.ctx.conn, [user])).get(user, [])

    async def _mine(self, call: Call) -> Markdown:
        voice = call.voice
        mine = await records.stated_by(call.ctx.conn, call.person.user)
        if not mine:
            return voice.say(
                "You have not said what people can ask you about. For example: `!esn me ask-about jigs, TIG welding`."
            )
        return paragraphs(
            voice.say("**You can be asked about**"),
            bullets(mine),
            await self._scope(call),
            voice.say("`!esn me ask-about --remove` takes all of it back, or one thing, when you name it."),
        )

    def _removed(self, voice: Voice, gone: Sequence[str]) -> Markdown:
        if not gone:
            return voice.say("Nothing of that was on your list. `!esn me ask-about` shows it.")
        return voice.say("Removed: {subjects}.", subjects=wording.subjects(voice, gone))

    async def _scope(self, call: Call) -> Markdown:
        scope = await records.scope_of(call.ctx.conn, call.person.user)
        said = wording.visible_to(call.voice, scope, self._standing(call))
        return Markdown(f"{said} {call.voice.say('`!esn me visible` changes that.')}")

    def _standing(self, call: Call) -> Standing:
        person = call.person
        return model.standing(self._community, person.user, person.audiences, self._reading.kit.server)

    async def visible(self, call: Call) -> Sequence[Effect]:
        """Choose to whom it is shown."""
        voice, conn, user = call.voice, call.ctx.conn, call.person.user
        chosen = call.args.get("scope")
        if chosen is not None:
            await records.show_to(conn, user, Scope(chosen), milliseconds(call.ctx.now))
        scope = await records.scope_of(conn, user)
        return [
            call.answer(
                paragraphs(
                    voice.say("**What you can be asked about**"),
                    wording.visible_to(voice, scope, self._standing(call)),
                    None
                    if chosen is not None
                    else voice.say(
                        "`!esn me visible company`, `!esn me visible partners` or `!esn me visible nobody` changes it."
                    ),
                )
            )
        ]


def _looker(call: Call) -> Looker:
    return Looker(call.person, alone=call.is_direct, room=call.place)


def _command(voice: Voice, query: Query, page: int = 1) -> str:
    """The command that looks for this."""
    french = voice.language == "fr"
    parts = ["!rse annuaire" if french else "!esn directory"]
    if query.words:
        parts.append(_argument(query.words))
    shown = {
        "kind": wording.KIND_NAMES[query.kind].shown(voice.language) if query.kind else "",
        "audience": query.audience,
        "pace": wording.PACE_NAMES[Pace(query.pace)].shown(voice.language) if query.pace else "",
        "language": query.language,
    }
    parts += [f"--{OPTIONS[name][french]} {_argument(value)}" for name, value in shown.items() if value]
    if page > 1:
        parts.append(f"--page {page}")
    return " ".join(parts)


def _ask_about(voice: Voice, words: str) -> str:
    return f"!rse moi savoirs {words}" if voice.language == "fr" else f"!esn me ask-about {words}"


def _argument(text: str) -> str:
    bare = text.replace('"', "").strip()
    return bare if bare.replace(" ", "").isalnum() and "  " not in bare and len(bare.split()) == 1 else f'"{bare}"'
