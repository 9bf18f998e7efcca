"""Events that handlers have read from the homeserver: what counts, what is left out, and where it ends."""

from __future__ import annotations

from typing import Any, cast

import pytest

from esnbot.engine import fetching
from esnbot.engine.cipher import DeviceAway
from esnbot.engine.effects import Fetch
from esnbot.engine.event import FETCHED, Event
from esnbot.engine.feature import Context
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import Forbidden, NotMatrix, Refused, ServerTrouble, TokenRefused

ROOM = "!room"


def a_message(id: str, body: str = "x", sender: str = "@zoe:x", *, unsigned: Any = None) -> dict[str, Any]:
    return {
        "event_id": id,
        "type": "m.room.message",
        "sender": sender,
        "origin_server_ts": 1,
        "content": {"msgtype": "m.text", "body": body},
        "unsigned": unsigned or {},
    }


def edited(by: str, body: str) -> dict[str, Any]:
    edit = a_message("$edit", f"* {body}", by)
    edit["content"]["m.new_content"] = {"body": body}
    return {"m.replace": edit}


class Server:
    """A homeserver with one message, and a thread under it in pages of two."""

    def __init__(self, root: Any, *thread: dict[str, Any]) -> None:
        self.root = root
        self.thread = thread
        self.pages = 0

    async def event(self, room: str, event: str) -> Any:
        if isinstance(self.root, Exception):
            raise self.root
        return self.root

    async def relations(self, room: str, event: str, type: str, *, start: str | None, limit: int) -> dict[str, Any]:
        self.pages += 1
        at = int(start or 0)
        after = {"next_batch": str(at + 2)} if at + 2 < len(self.thread) else {}
        return {"chunk": list(self.thread[at : at + 2]), **after}


async def fetched(server: Server, **more: Any) -> fetching.Fetched:
    wanted = Fetch(room=ROOM, event="$root", job="read", **more)
    content = await fetching.fetch(cast("MatrixClient", server), ROOM, wanted)
    event = Event(event_id="fetched:1", room_id=ROOM, type=FETCHED, sender="", ts=1, content=content)
    return fetching.read(event)


async def test_a_thread_comes_whole_page_by_page_with_edits() -> None:
    root = a_message("$root", unsigned={"m.relations": {"m.thread": {"count": 3}}})
    thread = [a_message(f"${number}") for number in range(4)]
    thread.append(a_message("$5", unsigned={"m.relations": edited("@zoe:x", "better")}))
    server = Server(root, *thread)
    found = await fetched(server, thread=True)
    assert [one.event.event_id for one in found.thread] == ["$0", "$1", "$2", "$3", "$5"]
    assert found.whole
    assert server.pages == 3
    assert found.thread[4].edit is not None
    assert found.thread[4].edit.content["m.new_content"] == {"body": "better"}


async def test_only_as_much_as_is_wanted_is_read() -> None:
    root = a_message("$root", unsigned={"m.relations": {"m.thread": {"count": 3}}})
    thread = [a_message(f"${number}") for number in range(10)]
    some = await fetched(Server(root, *thread), thread=True, most=3)
    assert (len(some.thread), some.whole) == (3, False)
    huge = await fetched(Server(root, *(a_message(f"${n}", "x" * 60_000) for n in range(20))), thread=True)
    assert (len(huge.thread), huge.whole) == (6, False)
    alone = Server(root, *thread)
    assert (await fetched(alone)).thread == ()
    assert alone.pages == 0


async def test_an_edit_by_somebody_else_does_not_count() -> None:
    found = await fetched(Server(a_message("$root", unsigned={"m.relations": edited("@eve:x", "forged")})))
    assert found.root is not None
    assert found.root.edit is None


@pytest.mark.parametrize(
    "root",
    [
        None,
        Forbidden(403, "M_FORBIDDEN", ""),
        Refused(400, "M_INVALID_PARAM", ""),
        NotMatrix("nested too deep"),
        {"event_id": 5},
        {"content": "x"},
    ],
)
async def test_what_is_not_there_or_no_event_is_nothing(root: Any) -> None:
    assert (await fetched(Server(root))).root is None


async def test_trouble_of_the_homeserver_is_tried_again() -> None:
    with pytest.raises(ServerTrouble):
        await fetched(Server(ServerTrouble(502, "M_UNKNOWN", "")))
    with pytest.raises(TokenRefused):
        await fetched(Server(TokenRefused(401, "M_UNKNOWN_TOKEN", "")))


async def test_what_no_database_takes_is_replaced_and_what_was_redacted_is_known() -> None:
    root = a_message("$root", "a\x00b", unsigned={"redacted_because": {"type": "m.room.redaction"}})
    found = await fetched(Server(root))
    assert found.root is not None
    assert found.root.event.text("body") == "a\ufffdb"
    assert found.root.redacted


def test_words_of_an_encrypted_room_are_locked_or_not_kept() -> None:
    context = Context(conn=cast("Any", None), now=cast("Any", None), bot="@bot:x")
    with pytest.raises(DeviceAway):
        context.lock("the secret")
    assert context.unlock("plain") == "plain"
    assert context.unlock({"other": 1}) == {"other": 1}
    with pytest.raises(DeviceAway):
        context.unlock({"locked": "…"})
