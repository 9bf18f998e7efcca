"""The animators' order, changes in it, absences, handovers and notes of their own work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "rota_0001"
down_revision = None
branch_labels = ("rota",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rota_order",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("crew", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
    )
    op.create_table(
        "rota_change",
        sa.Column("week", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("what", sa.Text, nullable=False),
    )
    op.create_table(
        "rota_absence",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("first", sa.Text, nullable=False),
        sa.Column("last", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rota_handover",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("written", sa.BigInteger, nullable=False),
        sa.Column("post", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table("rota_announced", sa.Column("week", sa.Text, primary_key=True))
    op.create_table(
        "rota_work",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("rota_work_person", "rota_work", ["person", "done"])
