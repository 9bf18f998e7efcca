"""What can be found, how common its words are, and which questions were asked."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa
from alembic import op

revision = "search_0001"
down_revision = None
branch_labels = ("search",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# Words that begin alike are neighbours, in whatever order the server puts texts otherwise.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
QUESTIONS = "kind = 'question'"
OTHERS = "kind <> 'question'"


def upgrade() -> None:
    """Make the tables, and the full-text indexes of whichever database it is."""
    op.create_table(
        "search_document",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False, index=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("head", sa.Text, nullable=False),
        sa.Column("marks", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "search_word",
        sa.Column("word", WORD, primary_key=True),
        sa.Column("kept", sa.BigInteger, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "search_question",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False, index=True),
        sa.Column("sender", sa.Text, nullable=False, index=True),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("correction", sa.Text, nullable=False, index=True),
    )
    op.create_table(
        "search_choice",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("questions", sa.Boolean),
        sa.Column("hints", sa.Boolean),
        sa.Column("hinted", sa.BigInteger, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgres()


def _sqlite() -> None:
    # Questions are many and short, the rest is few and long: each has an index of its own. Words come folded, with
    # spaces between; 'ascii' leaves every other letter as it is. Triggers keep index and table together.
    for name, condition, prefix in (
        ("search_kept", "{}." + OTHERS, "prefix = '2 3', "),
        ("search_asked", "{}." + QUESTIONS, ""),
    ):
        op.execute(
            f"CREATE VIRTUAL TABLE {name} USING fts5(head, marks, body, content = 'search_document', "
            f"content_rowid = 'id', {prefix}tokenize = 'ascii')"
        )
        if sqlite3.sqlite_version_info >= (3, 42):
            # What is taken out leaves nothing behind; before 3.42 its stems go when segments are merged.
            op.execute(f"INSERT INTO {name} ({name}, rank) VALUES ('secure-delete', 1)")
        op.execute(
            f"CREATE TRIGGER {name}_in AFTER INSERT ON search_document WHEN {condition.format('new')} BEGIN "
            f"INSERT INTO {name} (rowid, head, marks, body) VALUES (new.id, new.head, new.marks, new.body); END"
        )
        op.execute(
            f"CREATE TRIGGER {name}_out AFTER DELETE ON search_document WHEN {condition.format('old')} BEGIN "
            f"INSERT INTO {name} ({name}, rowid, head, marks, body) "
            f"VALUES ('delete', old.id, old.head, old.marks, old.body); END"
        )


def _postgres() -> None:
    op.execute("ALTER TABLE search_document ADD COLUMN words tsvector NOT NULL")
    # Ranking reads the words of each match: they stay in the row, whatever else is moved out of a long one.
    op.execute("ALTER TABLE search_document ALTER COLUMN words SET STORAGE MAIN")
    op.execute("ALTER TABLE search_document SET (toast_tuple_target = 8160)")
    # What is new must not wait in a list that every search reads through: no pending list.
    for name, condition in (("search_kept", OTHERS), ("search_asked", QUESTIONS)):
        op.execute(f"CREATE SEQUENCE {name}_number")
        op.execute(
            f"CREATE INDEX {name} ON search_document USING gin (words) WITH (fastupdate = off) WHERE {condition}"
        )
