"""Greets newcomers to a space, once, in their language."""
