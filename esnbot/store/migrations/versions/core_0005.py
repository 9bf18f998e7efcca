"""In which rooms somebody is, and what they are called there, is found without looking into every room."""

from __future__ import annotations

from alembic import op

revision = "core_0005"
down_revision = "core_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("room_state_key", "room_state", ["state_key", "type"])
