"""The animators' rota: who is on this week, who is away, and what one hands to the next.

Public: ``on_duty`` and ``stand_in`` say who takes what comes up; ``worked`` logs a post or a review for whoever did it.
"""

from esnbot.features.rota.records import worked
from esnbot.features.rota.standing import on_duty, stand_in

__all__ = ["on_duty", "stand_in", "worked"]
