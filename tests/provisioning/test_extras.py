"""What rooms show besides being rooms: put there, kept in step and taken away like everything that is declared."""

from __future__ import annotations

from typing import Any

from esnbot.community.group import Group, Place
from esnbot.provisioning.compare import Change
from esnbot.provisioning.desired import Extra
from esnbot.provisioning.seen import COMMAND, WIDGET
from esnbot.testing.homeserver import Homeserver
from tests.provisioning.kit import Stage, a_community, a_group, a_space, an_audience

COMMUNITY = a_community(
    a_space("company", audiences=("staff",)),
    a_group("photo", parent="company", language="fr"),
    a_group("site", parent="company", audiences=("staff", "partners")),
    audiences={
        "staff": an_audience("staff", "*"),
        "partners": an_audience("partners", "partner.example", external=True),
    },
)


class Showing:
    """What rooms should show; a test changes it like a new version or another setting would."""

    def __init__(self, **commands: str) -> None:
        self.commands = commands
        self.asked: dict[str, tuple[str, bool]] = {}

    def __call__(self, place: Place, language: str, external: bool) -> tuple[Extra, ...]:
        self.asked[place.key] = (language, external)
        if not isinstance(place, Group) or not self.commands:
            return ()
        found = [Extra(COMMAND, key, {"command": text}) for key, text in self.commands.items()]
        return (*found, Extra(WIDGET, "esnbot", {"type": "m.custom", "url": "https://board.example/widget"}))


async def apply(stage: Stage, showing: Showing) -> None:
    reconciler = stage.reconciler(extras=showing)
    await reconciler.declare(stage.own(COMMUNITY))
    assert (await reconciler.apply()).failures == {}


async def planned(stage: Stage, showing: Showing) -> dict[str, list[Change]]:
    plan = await stage.reconciler(extras=showing).plan(stage.own(COMMUNITY), look_up=False)
    return {key: plan.of(key) for key in plan.rooms if plan.of(key)}


async def shown(stage: Stage, key: str, *commands: str) -> list[dict[str, Any] | None]:
    return [await stage.state(key, COMMAND, command) for command in commands]


async def test_new_rooms_show_it_from_the_start(stage_on_each: Stage) -> None:
    stage, showing = stage_on_each, Showing(a="one", b="two")
    await apply(stage, showing)
    assert await planned(stage, showing) == {}
    assert await shown(stage, "photo", "a", "b") == [{"command": "one"}, {"command": "two"}]
    assert await stage.state("photo", WIDGET, "esnbot") == {"type": "m.custom", "url": "https://board.example/widget"}
    assert await shown(stage, "company", "a") == [None]


async def test_it_is_kept_in_step_and_a_plan_shows_one_line_for_many(stage_on_each: Stage) -> None:
    stage = stage_on_each
    await apply(stage, Showing())

    async def line(showing: Showing) -> dict[str, Any]:
        changes = (await planned(stage, showing))["photo"]
        await apply(stage, showing)
        assert await planned(stage, showing) == {}
        return {change.what: change.new for change in changes}

    assert await line(Showing(a="one", b="two", c="three")) == {
        "published commands": "3 new",
        "widget": "https://board.example/widget",
    }
    assert await line(Showing(a="one", b="2", d="four")) == {"published commands": "1 new, 1 changed, 1 gone"}
    assert await shown(stage, "photo", "a", "b", "c", "d") == [
        {"command": "one"},
        {"command": "2"},
        {},
        {"command": "four"},
    ]
    assert await line(Showing()) == {"published commands": "3 gone", "widget": None}
    assert await shown(stage, "photo", "a", "b", "c", "d") == [{}, {}, {}, {}]
    assert await stage.state("photo", WIDGET, "esnbot") == {}


async def test_what_others_show_is_left_alone(stage: Stage, homeserver: Homeserver) -> None:
    await apply(stage, Showing(a="one"))
    other = await homeserver.person("other")
    room = await stage.room("photo")
    await stage.client.invite(room, other.id)
    await other.join(room)
    levels = await stage.state("photo", "m.room.power_levels") or {}
    await stage.client.set_state(room, "m.room.power_levels", "", {**levels, "state_default": 0})
    await other.set_state(room, COMMAND, {"command": "theirs"}, "their-key")
    await other.set_state(room, WIDGET, {"url": "https://theirs.example"}, "theirs")
    await apply(stage, Showing())
    assert await shown(stage, "photo", "their-key", "a") == [{"command": "theirs"}, {}]
    assert await stage.state("photo", WIDGET, "theirs") == {"url": "https://theirs.example"}


async def test_it_depends_on_language_and_on_who_reads_along(stage: Stage) -> None:
    showing = Showing(a="one")
    await planned(stage, showing)
    assert showing.asked == {"company": ("en", False), "photo": ("fr", False), "site": ("en", True)}
