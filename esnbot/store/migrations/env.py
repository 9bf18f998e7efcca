"""Alembic's environment; ``esnbot.store.migrate`` configures it from inside, so nothing happens here."""
