"""Exactly once, on SQLite and PostgreSQL."""
