"""The planner: wishes and what rooms bear in, the coming weeks out. Pure, and the same for the same input."""

from esnbot.features.tempo.planner.layout import lay_out
from esnbot.features.tempo.planner.wishes import Layout, LeftOut, Placed, Wish

__all__ = ["Layout", "LeftOut", "Placed", "Wish", "lay_out"]
