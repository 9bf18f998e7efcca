"""On PostgreSQL, the place of a document is a word among its others."""

from __future__ import annotations

from alembic import op

revision = "search_0002"
down_revision = "search_0001"
branch_labels = None
depends_on = None

PLACE_MASK = (1 << 30) - 1


def upgrade() -> None:
    """Give each document the word."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f"UPDATE search_document SET words = words || array_to_tsvector(ARRAY['@' || (id & {PLACE_MASK})])")
