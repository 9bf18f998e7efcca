"""The frame of the board: health, readiness, metrics, and the pages that features declare."""
