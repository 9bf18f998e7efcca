"""Values of a plan as short text, and the plan as a tree for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from esnbot.provisioning.compare import Action, Change
from esnbot.provisioning.plan import Plan, in_tree_order

LONGEST: Final = 80
_NOTHING: Final = "nothing"

_MARKS: Final = {
    Action.create: ("+", "green"),
    Action.change: ("~", "yellow"),
    Action.adopt: ("&", "cyan"),
    Action.archive: ("-", "magenta"),
    Action.revive: ("+", "green"),
    Action.accept: ("<", "cyan"),
    Action.remake: ("!", "red"),
    Action.conflict: ("!", "red"),
    Action.unenforceable: ("?", "red"),
}
_WORDS: Final = {
    Action.accept: "accept",
    Action.remake: "replace",
    Action.conflict: "conflict",
    Action.unenforceable: "not enforceable",
}


def brief(value: Any, names: Mapping[str, str] | None = None) -> str:
    """A value in a few words; room ids as the names that are known."""
    if value is None or value == {} or value == []:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        if "join_rule" in value:
            return _rule(value, names or {})
        return ", ".join(f"{key} {brief(entry, names)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(brief(entry, names) for entry in value)
    text = (names or {}).get(str(value), str(value)).replace("\n", " ")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _rule(value: Mapping[str, Any], names: Mapping[str, str]) -> str:
    spaces = [entry.get("room_id") for entry in value.get("allow") or () if isinstance(entry, dict)]
    where = ", ".join(brief(space, names) for space in spaces)
    return f"{value['join_rule']}{f' to members of {where}' if where else ''}"


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ: path, old, new; only dictionaries are looked into."""
    if isinstance(old, dict) and isinstance(new, dict) and "join_rule" not in old:
        for key in [*old, *(key for key in new if key not in old)]:
            if old.get(key) != new.get(key):
                yield from differences(old.get(key), new.get(key), f"{path} {key}".strip())
    else:
        yield path, old, new


def difference_text(old: Any, new: Any, names: Mapping[str, str] | None = None) -> str:
    """The same in one line: ``old → new``, for each place where they differ."""
    return "; ".join(
        f"{f'{path} ' if path else ''}{brief(was, names)} → {brief(now, names)}"
        for path, was, now in differences(old, new)
    )


def plan_tree(plan: Plan) -> RenderableType:
    """The plan as a tree by space, with a summary under it."""
    limits = plan.limits
    if plan.empty and not limits:
        return Text("Nothing to do: everything is as declared.")
    names = {room_id: plan.rooms[key].place.name for key, room_id in plan.view.ids.items()}
    names |= {f"key:{key}": room.place.name for key, room in plan.rooms.items()}
    by_key: dict[str, list[Change]] = {}
    for change in plan.changes:
        by_key.setdefault(change.key, []).append(change)
    shown = {space for key in {**by_key, **limits} for space in plan.path(key)} | by_key.keys() | limits.keys()
    tops: list[Tree] = []
    branches: dict[str, Tree] = {}
    for key in in_tree_order(plan.rooms):
        if key not in shown:
            continue
        branch = Tree(_heading(plan, key, by_key.get(key, [])), guide_style="dim")
        for change in by_key.get(key, []):
            if (line := _line(change, names)) is not None:
                branch.add(line)
        for sentence in limits.get(key, ()):
            branch.add(Text(f"i {sentence}", style="dim"))
        branches[key] = branch
        path = plan.path(key)
        if path and path[-1] in branches:
            branches[path[-1]].add(branch)
        else:
            tops.append(branch)
    return Lines(*tops, Text(), Text(summary(plan), style="bold"))


def _heading(plan: Plan, key: str, changes: list[Change]) -> Text:
    place = plan.rooms[key].place
    kind = "space" if plan.rooms[key].is_space else "group"
    whole = next((change for change in changes if change.action not in (Action.change, Action.accept)), None)
    action = whole.action if whole is not None else Action.change
    if not changes:
        return Text.assemble((f"  {place.name}", "dim"), (f"  {kind} {key}", "dim"))
    mark, style = _MARKS[action]
    line = Text.assemble((f"{mark} {place.name}", style), (f"  {kind} {key}", "dim"))
    if action in (Action.create, Action.adopt, Action.archive, Action.revive):
        line.append(f"  {action.value}", style=f"bold {style}")
        if whole is not None and isinstance(whole.new, str):
            line.append(f" {whole.new}")
    return line


def _line(change: Change, names: Mapping[str, str]) -> Text | None:
    if change.action in (Action.create, Action.adopt, Action.archive, Action.revive):
        return Text(change.why, style="dim") if change.why else None
    mark, style = _MARKS[change.action]
    line = Text.assemble((f"{mark} ", style), _WORDS.get(change.action, ""))
    if change.action in _WORDS:
        line.append(" ")
    line.append(f"{change.what}: ")
    line.append(difference_text(change.old, change.new, names))
    if change.by:
        line.append(f"  (set by {change.by})", style="dim")
    if change.why:
        line.append(f"  {change.why}", style="dim")
    return line


_SUMMARY: Final = {
    Action.create: "{n} to create",
    Action.adopt: "{n} to adopt",
    Action.change: "{n} to change",
    Action.archive: "{n} to archive",
    Action.revive: "{n} to revive",
    Action.accept: "{n} to accept",
    Action.remake: "{n} to replace by hand",
    Action.conflict: "{n} in conflict",
    Action.unenforceable: "{n} not enforceable",
}


def summary(plan: Plan) -> str:
    """How much of each kind."""
    count = plan.count()
    parts = [text.format(n=count[action.value]) for action, text in _SUMMARY.items() if action.value in count]
    return f"Plan: {', '.join(parts)}." if parts else "Nothing to do: everything is as declared."
