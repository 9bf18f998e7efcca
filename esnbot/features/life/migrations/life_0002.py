"""When groups were last heard is the engine's to know; the feature keeps when they last answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "life_0002"
down_revision = "life_0001"
branch_labels = None
depends_on = "core_0006"


def upgrade() -> None:
    """Hand over what was heard."""
    op.execute(
        "UPDATE room_clock SET spoken = (SELECT heard FROM life_heard WHERE life_heard.room_id = room_clock.room_id)"
        " WHERE spoken = 0 AND room_id IN (SELECT room_id FROM life_heard)"
    )
    op.create_table(
        "life_rest",
        sa.Column("room_id", sa.Text, primary_key=True),
        sa.Column("rested", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO life_rest (room_id, rested) SELECT room_id, rested FROM life_heard")
    op.drop_table("life_heard")
