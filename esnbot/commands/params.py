"""Parameters that commands of many features have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from esnbot.commands.command import Call, Names, Offer, Param
from esnbot.commands.values import GroupValue
from esnbot.speech import Later, later

GROUP: Final = Names(("group",), ("groupe",))


def which_group(
    help: Later | None = None,
    *,
    name: str = "group",
    names: Names = GROUP,
    kind: GroupValue | None = None,
    archived: bool = False,
    spaces: bool = False,
    required: bool = False,
    option: bool = False,
    question: Later | None = None,
    skipped: Later | None = None,
    offers: Callable[[Call], Awaitable[Sequence[Offer]]] | None = None,
    check: Callable[[Call, Any], Awaitable[None]] | None = None,
) -> Param:
    """The parameter for the group that is meant; ``Call.args[name]`` is a ``Place``, or None where it is not named.

    ``archived`` and ``spaces`` say what counts besides groups that are open; ``kind`` is there for one that refuses in
    words of its own. ``question`` and what follows are those of ``Param``, for a dialogue.
    """
    return Param(
        name=name,
        names=names,
        kind=kind or GroupValue(archived=archived, spaces=spaces),
        help=help or later("Which group; if you name none, the one whose room you are in."),
        required=required,
        option=option,
        question=question,
        skipped=skipped,
        offers=offers,
        check=check,
    )
