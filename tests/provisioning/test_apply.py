"""Applying a declaration to a real homeserver, and planning again."""

from __future__ import annotations

from tests.provisioning.kit import Stage, a_community, a_group, a_space


async def test_after_apply_the_plan_is_empty(stage: Stage) -> None:
    community = a_community(
        a_space("company"),
        a_space("crafts", parent="company"),
        a_group("photo", parent="crafts", topic="Pictures", charter="Be kind."),
        a_group("welcome", parent="company"),
    )
    before = await stage.plan(community)
    assert before.count() == {"create": 4}

    await stage.apply(community)

    after = await stage.plan(community)
    assert after.changes == ()
    assert {key: len(rooms) for key, rooms in (await stage.rooms_made()).items()} == {
        "company": 1,
        "crafts": 1,
        "photo": 1,
        "welcome": 1,
    }
