"""The tempo: what a room bears of posts that nobody asked for, and the planner that lays out the coming weeks.

Public: ``may_post`` and ``posted`` (before and while something is posted unasked), ``wish``, ``unwish``,
``unwish_under`` and ``weigh`` (what is to come), ``plan`` (the layout of the coming weeks), and ``planner`` (the same,
pure).
"""

from esnbot.features.tempo import planner
from esnbot.features.tempo.model import Rule, Verdict
from esnbot.features.tempo.planner import Layout, LeftOut, Placed, Wish
from esnbot.features.tempo.plans import plan
from esnbot.features.tempo.verdicts import may_post, posted, unwish, unwish_under, weigh, wish

__all__ = [
    "Layout",
    "LeftOut",
    "Placed",
    "Rule",
    "Verdict",
    "Wish",
    "may_post",
    "plan",
    "planner",
    "posted",
    "unwish",
    "unwish_under",
    "weigh",
    "wish",
]
