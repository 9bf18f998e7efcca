"""Which prompt is due, and when that of a group is. Pure: days, times and keys in, instants and keys out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from hashlib import sha256

from esnbot.community.group import Group
from esnbot.community.model import Community, Occasion, Prompt
from esnbot.features.hours import Beat, public_holidays
from esnbot.features.prompt.learned import NOTHING, Learned
from esnbot.speech import Markdown


def beat_of(group: Group, community: Community) -> Beat | None:
    """The beat of a group; None without a tempo or when it is archived."""
    if group.tempo is None or not group.tempo.weekdays or group.archived:
        return None
    country = None if group.tempo.holidays else community.country
    quiet = group.tempo.quiet_hours or community.quiet_hours
    return Beat(group.tempo, community.zone, public_holidays(country), quiet)


def signature(group: Group, community: Community) -> str:
    """Changes whenever something changes that the next occurrence depends on."""
    tempo = group.tempo
    if tempo is None:
        return ""
    quiet = tempo.quiet_hours or community.quiet_hours
    hours = f"{_clock(quiet.begin)}-{_clock(quiet.end)}" if quiet else "none"
    days = "".join(map(str, sorted(tempo.weekdays)))
    gap = int(tempo.gap.total_seconds())
    where = "anyway" if tempo.holidays else community.country or "nowhere"
    return f"{days} {_clock(tempo.at)} {gap} {community.zone.key} {where} {hours}"


def _clock(at: time) -> str:
    return at.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Used:
    """A prompt that a group has had, in which round."""

    key: str
    round: int


def suited(group: Group, community: Community, language: str) -> list[Prompt]:
    """The prompts that a group can have: its template's own, and those for its kind, written in its language."""
    template = community.template_of(group)
    fit = [p for p in community.prompts if not p.kinds or group.kind in p.kinds]
    return [p for p in (*(template.prompts if template else ()), *fit) if p.texts.get(language, "").strip()]


@dataclass(frozen=True, slots=True)
class Moment:
    """When a prompt is chosen, and what is so then."""

    day: date
    """Local."""
    occasions: frozenset[Occasion] = frozenset()
    learned: Learned = NOTHING

    def allows(self, prompt: Prompt) -> bool:
        """Whether a prompt can appear."""
        return (
            (not prompt.months or self.day.month in prompt.months)
            and (not prompt.weekdays or self.day.weekday() in prompt.weekdays)
            and (prompt.occasion is None or prompt.occasion in self.occasions)
        )


def choose(group: str, prompts: Sequence[Prompt], used: Sequence[Used], moment: Moment | None = None) -> Used | None:
    """The next prompt of a group and its round; ``used`` in the order in which they appeared.

    Within a round none appears twice, and a new round begins when all have appeared that can at that moment. Those for
    an occasion that is there come first, then those of the group's template, then those of the season. Two of one
    family do not follow each other, and a round does not begin with what ended the last one, where there is a choice.
    Among families what worked here decides, by a draw; within one, a draw alone. Both are drawn from group and round,
    so that the order is the same whoever computes it.
    """
    able = [prompt for prompt in prompts if moment is None or moment.allows(prompt)]
    if not able:
        return None
    round_ = used[-1].round if used else 1
    had = {one.key for one in used if one.round == round_}
    left = [prompt for prompt in able if prompt.key not in had]
    if not left:
        round_, left, had = round_ + 1, able, set()
    last = used[-1].key if used else ""
    families = {prompt.key: prompt.family for prompt in prompts}
    family = families.get(last, "")
    learned = NOTHING if moment is None else moment.learned
    seed = f"{group}\n{round_}\n{len(had)}"
    shares = {one: -learned.draw(one, seed) for one in {prompt.family for prompt in left}}
    drawn = sorted(left, key=lambda one: (_rank(one), shares[one.family], _draw(group, round_, one.key)))
    others = [p for p in drawn if p.key != last and not (family and p.family == family)]
    others = others or [p for p in drawn if p.key != last] or drawn
    return Used(others[0].key, round_)


def _rank(prompt: Prompt) -> int:
    """What is only possible now goes before what can wait."""
    if prompt.occasion is not None:
        return 0
    if prompt.template:
        return 1
    return 2 if prompt.months else 3


def _draw(group: str, round_: int, key: str) -> bytes:
    return sha256(f"{group}\n{round_}\n{key}".encode()).digest()


def ahead(
    group: str, prompts: Sequence[Prompt], used: Sequence[Used], moments: Sequence[Moment | None]
) -> list[Used | None]:
    """What a group gets at each of the coming moments, in order; None where nothing can appear."""
    known = list(used)
    found: list[Used | None] = []
    for moment in moments:
        chosen = choose(group, prompts, known, moment)
        found.append(chosen)
        if chosen is not None:
            known.append(chosen)
    return found


def coming(group: str, prompts: Sequence[Prompt], used: Sequence[Used], count: int) -> list[Used]:
    """The next prompts of a group, in order, whatever the season."""
    return [one for one in ahead(group, prompts, used, [None] * count) if one is not None]


def headline(markdown: str) -> Markdown:
    """The prompt as it is posted: its first line bold and standing alone, what follows as it is written."""
    first, _, rest = markdown.strip().partition("\n")
    first = first.strip().lstrip("#").strip()
    bold = first if first.startswith("**") and first.endswith("**") else f"**{first.replace('**', '')}**"
    return Markdown(f"{bold}\n\n{rest.strip()}" if rest.strip() else bold)
