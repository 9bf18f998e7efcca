"""Events that wait for a key are found without looking at the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None

PARKED = sa.text("state = 3")


def upgrade() -> None:
    """Make the index."""
    op.create_index("inbox_parked", "inbox", ["not_before"], sqlite_where=PARKED, postgresql_where=PARKED)
