"""What a page of the board is, as a feature declares it, and one visit to it by somebody who is signed in."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.asked import ASKED, Outcome, outcome_of
from esnbot.commands.reading import Person
from esnbot.community.person import Role
from esnbot.engine import inbox
from esnbot.engine.clock import now_ms
from esnbot.engine.tables import State, dead_letter
from esnbot.engine.tables import inbox as inbox_table
from esnbot.speech import Later, Voice, later
from esnbot.speech.markup import visible
from esnbot.web.board import Entry
from esnbot.web.guard import Refusal
from esnbot.web.sessions import Session

if TYPE_CHECKING:
    from esnbot.web.reception import Reception

INTERNAL: Final = "org.esnbot."
ACT_WITHIN: Final = 10.0
"""Seconds that a page waits for what it asked the engine for."""
MOST_FIELDS: Final = 300

NOT_YET: Final = later("This takes longer than usual. It is not lost: please look again in a moment.")
NOT_DONE: Final = later("This could not be done; it has been written to the log. Please try again later.")
TOO_MANY: Final = later("This form has too many fields.")


@dataclass(frozen=True, slots=True)
class BoardPage:
    """One address of the board, for people who are signed in."""

    path: str
    """Below the board's root, such as ``/notes/{id}`` (aiohttp's syntax)."""
    handle: Callable[[Visit], Awaitable[web.StreamResponse]]
    method: str = "GET"
    """For POST, the form's token has been checked before ``handle`` runs."""
    menu: Later | None = None
    """Label in the navigation; None: it is not in it."""
    menu_for: frozenset[Role] = frozenset()
    """Roles of those who have it there; everybody, where none is named. The page itself must look at who comes."""


def navigation(pages: Iterable[BoardPage]) -> list[Entry]:
    """The lines of the navigation that pages ask for."""
    return [Entry(page.path, page.menu, page.menu_for) for page in pages if page.menu is not None]


@dataclass(frozen=True, slots=True)
class Form(Mapping[str, str]):
    """Posted fields, without invisible characters and with plain line ends. Of a repeated field, the last counts."""

    fields: Mapping[str, tuple[str, ...]]

    def __getitem__(self, name: str) -> str:
        return self.fields[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a repeated field."""
        return self.fields.get(name, ())


async def read_form(request: web.Request) -> Form:
    """The fields of a posted form; its size is bounded by the frame. Files are not among them."""
    found: dict[str, tuple[str, ...]] = {}
    for count, (name, value) in enumerate((await request.post()).items()):
        if count >= MOST_FIELDS:
            raise Refusal(TOO_MANY, 400)
        if isinstance(value, str):
            text = visible(value.replace("\r\n", "\n").replace("\r", "\n"))
            found[name] = (*found.get(name, ()), text)
    return Form(found)


@dataclass(slots=True)
class Visit:
    """One request of somebody who is signed in."""

    request: web.Request
    person: Person
    """User, language, audiences, and roles in the whole community."""
    voice: Voice
    """Speaks the reader's language."""
    now: datetime
    """The clock's instant, aware, in UTC."""
    session: Session
    reception: Reception = field(repr=False)
    _form: Form | None = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading."""
        async with self.reception.database.read() as conn:
            yield conn

    async def act(self, type: str, content: Mapping[str, Any], *, room_id: str = "", queue: str = "") -> str:
        """Enter an internal event (``org.esnbot.…``), wait until it is handled, and return its event id.

        The content gets ``by``: the visitor. Events of one ``queue`` (a room, else what is named, else those of this
        person) are handled in their order. Raises a response that says so when it is not handled in time.
        """
        if not type.startswith(INTERNAL):
            raise ValueError(f"'{type}' is no internal event")
        user, database = self.person.user, self.reception.database
        id = f"board:{secrets.token_hex(16)}"

        async def enter(conn: AsyncConnection) -> None:
            now = now_ms(self.reception.system)
            await inbox.put_internal(
                conn, id, type, {**content, "by": user}, now, room_id=room_id, queue=queue or room_id or f"board:{user}"
            )

        await database.write(enter)
        self.reception.wake()
        await self._handled(id)
        return id

    async def ask(
        self,
        noun: str,
        verb: str,
        args: Mapping[str, str | Sequence[str]],
        *,
        yes: bool = False,
        queue: str = "",
        **seen: Any,
    ) -> Outcome:
        """Give a command for the visitor, by the keys of its noun and verb, and what became of it.

        ``yes`` answers what it would ask first. ``seen`` goes into the event for the command's handler, such as what
        the visitor saw when they decided; ``queue`` is as in ``act``.
        """
        asked = {**seen, "noun": noun, "verb": verb, "args": dict(args), "yes": yes, "language": self.voice.language}
        event = await self.act(ASKED, asked, queue=queue)
        async with self.read() as conn:
            return await outcome_of(conn, event)

    async def _handled(self, id: str) -> None:
        """Look at the inbox itself: on PostgreSQL, another process may be the one that handles it."""
        state = select(inbox_table.c.state).where(inbox_table.c.event_id == id)
        letters = select(dead_letter.c.id).where(dead_letter.c.kind == "event", dead_letter.c.key == id)
        pause = 0.01
        try:
            async with asyncio.timeout(ACT_WITHIN):
                while True:
                    async with self.read() as conn:
                        if (await conn.execute(state)).scalar_one_or_none() != State.waiting:
                            failed = (await conn.execute(letters.limit(1))).first() is not None
                            break
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, 0.25)
        except TimeoutError:
            raise Refusal(NOT_YET, 503) from None
        if failed:
            raise Refusal(NOT_DONE, 500)

    async def form(self) -> Form:
        """The posted fields."""
        if self._form is None:
            self._form = await read_form(self.request)
        return self._form

    def show(self, template: str, title: str | Later, **values: Any) -> web.Response:
        """A page from a template, such as ``note/list.html``; ``title`` is its heading, in the reader's language.

        Templates have ``say``, ``plain``, ``plural``, ``voice``, ``url``, ``csrf`` and ``visit`` beside ``values``.
        """
        return self.reception.show(self, template, title, values)

    def go(self, path: str) -> web.Response:
        """Send the browser to a page of the board, after a form."""
        return self.reception.board.go(self.request, path)

    def missing(self) -> web.HTTPException:
        """What to raise for what is not there and, just so, for what the visitor may not see."""
        return web.HTTPNotFound()
