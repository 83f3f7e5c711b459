"""Indexes of what is done, of the most pressing, of what articles were used in; and which messages say the same.

The index over state and priority goes: it held everything that was ever done, each change of a priority was written
into it, and SQLite took it for the list of what is done, all of which it then sorted. In its place come a small one
over what is open and one over what is done. On PostgreSQL building them keeps writers waiting (a SHARE lock on
conversation, and on article_use), about a second for a million rows; readers read on. Dropping takes a moment's
exclusive lock. The table of messages that say the same is new and empty; the worker fills it within a minute.

Revision ID: 0030
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

IS_OPEN = "state not in ('solved', 'no_answer')"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_DONE = f"not ({IS_OPEN})"


def upgrade() -> None:
    for name, columns, words in (
        ("ix_conversation_done", ["last_message_at", "id"], IS_DONE),
        ("ix_conversation_open_first", ["priority", "id"], IS_OPEN),
    ):
        where = sa.text(words)
        op.create_index(name, "conversation", columns, sqlite_where=where, postgresql_where=where)
    op.drop_index("ix_conversation_priority", "conversation")
    op.create_index("ix_article_use_where", "article_use", ["where_kind", "where_id"])
    op.create_table(
        "alike_message",
        sa.Column("message_id", ID, autoincrement=False, nullable=False),
        sa.Column("cluster", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_alike_message_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_alike_message")),
    )


def downgrade() -> None:
    op.drop_table("alike_message")
    op.drop_index("ix_article_use_where", "article_use")
    op.create_index("ix_conversation_priority", "conversation", ["state", "priority", "id"])
    op.drop_index("ix_conversation_open_first", "conversation")
    op.drop_index("ix_conversation_done", "conversation")
