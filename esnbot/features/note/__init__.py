"""Notes: what is worth keeping of a conversation, written down, taken from a message, or from a whole thread.

Others meet notes through search, and through the kept texts that they are (``esnbot.features.text``).
"""
