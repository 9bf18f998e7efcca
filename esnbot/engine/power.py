"""Power levels by difference: what a room has, merged with what is to change."""

from __future__ import annotations

from typing import Any

from esnbot.engine.effects import AdjustPower


def adjusted(found: dict[str, Any], change: AdjustPower) -> dict[str, Any]:
    """The content of ``m.room.power_levels`` with the change merged in; everything else stays as it was."""
    wanted = {**found, **change.levels}
    for name, entries in (("users", change.users), ("events", change.events)):
        if entries:
            before = found.get(name)
            after = dict(before) if isinstance(before, dict) else {}
            for key, level in entries.items():
                if level is None:
                    after.pop(key, None)
                else:
                    after[key] = level
            wanted[name] = after
    return wanted
