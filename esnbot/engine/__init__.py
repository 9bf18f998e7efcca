"""Exactly once: inbox, dispatch, effects, outbox, schedule and dead letters; it never knows what an event means."""
