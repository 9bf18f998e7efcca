"""Meet-ups, who takes part in them, series, and calendar feeds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "meetup_0001"
down_revision = None
branch_labels = ("meetup",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "meetup",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("series", NUMBER, index=True),
        sa.Column("room_id", sa.Text, nullable=False, index=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("organiser", sa.Text, nullable=False, index=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False, index=True),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("start", sa.BigInteger, index=True),
        sa.Column("dates", sa.Text),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("seats", sa.Integer),
        sa.Column("remote", sa.Integer),
        sa.Column("turns", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("revised", sa.BigInteger, nullable=False),
        sa.Column("untold", sa.Text),
        sa.Column("card", sa.Text, index=True),
        sa.Column("shown", sa.Text),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("arrived", sa.Integer),
        sa.Column("became", sa.Text, index=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "meetup_person",
        sa.Column("meetup", NUMBER, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("standing", sa.Text, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("reaction", sa.Text, nullable=False),
        sa.Column("here", sa.Boolean, nullable=False),
    )
    op.create_index("meetup_person_person", "meetup_person", ["person"])
    op.create_index("meetup_person_reaction", "meetup_person", ["reaction"])
    op.create_table(
        "meetup_series",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "meetup_feed",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False, unique=True),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
