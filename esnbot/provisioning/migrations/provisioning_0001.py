"""What is wanted, how far it is, and what was asked of the reconciler."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "provisioning_0001"
down_revision = None
branch_labels = ("provisioning",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "desired_object",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("overrides", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("settled", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text),
    )
    op.create_table(
        "community_frame",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("spec", sa.Text, nullable=False),
    )
    op.create_table(
        "provisioned",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("created", sa.Boolean, nullable=False),
        sa.Column("ready", sa.BigInteger),
        sa.Column("listed", sa.Text, nullable=False),
    )
    op.create_table(
        "room_attempt",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("alias", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "media_upload",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
    )
    op.create_table(
        "sync_token",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
    )
    op.create_table(
        "apply_request",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("fresh", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("result", sa.Text),
    )
    op.create_table(
        "drift",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("wanted", sa.Text),
        sa.Column("found", sa.Text),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
    )
