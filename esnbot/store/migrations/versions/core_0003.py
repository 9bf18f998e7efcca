"""What the bot sent is found by its event id: reactions and replies name it so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None

SENT = sa.text("event_id IS NOT NULL")


def upgrade() -> None:
    """Make the index."""
    op.create_index("outbox_sent", "outbox", ["event_id"], sqlite_where=SENT, postgresql_where=SENT)
