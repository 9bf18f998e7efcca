"""Wishes that were withdrawn; problems with a code, so that people hear them in their language."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "provisioning_0002"
down_revision = "provisioning_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and keep the problems that are known as ones without a code of their own."""
    op.create_table(
        "withdrawn",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    table = sa.table("desired_object", sa.column("key", sa.Text), sa.column("problem", sa.Text))
    connection = op.get_bind()
    known = connection.execute(sa.select(table.c.key, table.c.problem).where(table.c.problem.is_not(None))).all()
    for key, text in known:
        problem = json.dumps({"reason": text, "why": "other", "values": {}})
        connection.execute(sa.update(table).where(table.c.key == key).values(problem=problem))
