"""When people last said something in a room stands beside the time of its last event."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "core_0006"
down_revision = "core_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("room_clock", sa.Column("spoken", sa.BigInteger, nullable=False, server_default="0"))
