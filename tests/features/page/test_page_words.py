"""Whatever people do at once, in transactions of their own: every word is in the page or kept for who wrote it."""

from __future__ import annotations

import asyncio
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.page import records, shelf
from esnbot.features.page.acts import Acts
from esnbot.features.page.keeping import Keeper, What
from esnbot.features.page.settings import PageSettings
from tests.features.house import ALI, BOT, MAX, ZOE, House

NUMBERS = count(1)
PEOPLE = (ZOE, ALI, MAX)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A text of lines, and what three people make of it: a word of their own in one place each, and one line less."""
    lines = draw(st.lists(st.sampled_from(["bread", "water salt", "", "wait for an hour"]), min_size=1, max_size=6))
    made = []
    for number in range(len(PEOPLE)):
        own = list(lines)
        at = draw(st.integers(0, len(own) - 1))
        own[at] = f"{own[at]} word{number}".strip() if draw(st.booleans()) else f"word{number}"
        if draw(st.integers(0, 3)) == 0:
            own.pop(draw(st.integers(0, len(own) - 1)))
        own.insert(draw(st.integers(0, len(own))), f"more{number}")
        made.append("\n".join(own))
    return "\n".join(["start", *lines]), [f"start\n{text}" for text in made]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits())
async def test_every_word_is_in_the_page_or_kept_for_who_wrote_it(
    any_house: House, edit: tuple[str, list[str]]
) -> None:
    base, made = edit
    community = any_house.community
    acts = Acts(Keeper(community, PageSettings(), any_house.speech, "page"))

    async def act(user: str, **content: object) -> dict[str, object]:
        async def job(conn: AsyncConnection) -> dict[str, object]:
            id = f"test:{next(NUMBERS)}"
            event = Event(
                event_id=id, room_id="", type="x", sender="", ts=0, content={"by": user, "language": "en", **content}
            )
            _, outcome = await acts.do(Context(conn=conn, now=any_house.clock.now(), bot=BOT), event)
            return outcome

        return await any_house.write(job)

    page = (await act(ZOE, do="create", place="cafe", name=f"page {next(NUMBERS)}", words=base))["page"]
    done = await asyncio.gather(
        *(act(user, do="save", page=page, base=1, words=text) for user, text in zip(PEOPLE, made, strict=True))
    )

    async def job(conn: AsyncConnection) -> tuple[str, dict[str, str]]:
        found = await shelf.page(conn, int(str(page)))
        assert found is not None
        drafts = {
            user: " ".join(one.words or "" for one in await records.drafts_of(conn, user) if one.page == page)
            for user in PEOPLE
        }
        return found.words, drafts

    words, drafts = await any_house.write(job)
    for number, (user, text, outcome) in enumerate(zip(PEOPLE, made, done, strict=True)):
        if outcome["what"] == What.conflict:
            assert drafts[user] == text.strip("\n")
        else:
            own = [word for word in (f"word{number}", f"more{number}") if word in text]
            assert all(word in words for word in own), (words, text, outcome)
