"""The team's text blocks, what replies reused, which article a conversation is about, and exchanges in the forum.

The tables are new; the column of `article_use` comes without a value, an instant change on both databases.

Revision ID: 0028
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("article_use", sa.Column("way", sa.String(10), nullable=True))
    op.create_table(
        "reply_block",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("folder", sa.String(80), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("scope", sa.String(10), nullable=False),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("channel_id", ID, nullable=True),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("plain", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("archived_at", MOMENT, nullable=True),
        sa.Column("source_id", sa.String(100), nullable=True),
        sa.CheckConstraint("scope in ('mine', 'team', 'channel')", name=op.f("ck_reply_block_known_scope")),
        _to("reply_block", "owner_id", "user", "SET NULL"),
        _to("reply_block", "channel_id", "channel"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_block")),
        sa.UniqueConstraint("name", name=op.f("uq_reply_block_name")),
        sa.UniqueConstraint("source_id", name=op.f("uq_reply_block_source_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reply_block_owner_id"), "reply_block", ["owner_id"])
    op.create_table(
        "reply_block_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("block_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("comment", sa.String(300), nullable=False),
        _to("reply_block_version", "block_id", "reply_block"),
        _to("reply_block_version", "by_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_block_version")),
        sa.UniqueConstraint("block_id", "number", name=op.f("uq_reply_block_version_block_id_number")),
    )
    op.create_table(
        "reply_block_favourite",
        sa.Column("block_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _to("reply_block_favourite", "block_id", "reply_block"),
        _to("reply_block_favourite", "user_id", "user"),
        sa.PrimaryKeyConstraint("block_id", "user_id", name=op.f("pk_reply_block_favourite")),
    )
    op.create_table(
        "reply_block_use",
        sa.Column("id", ID, nullable=False),
        sa.Column("block_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        _to("reply_block_use", "block_id", "reply_block"),
        _to("reply_block_use", "message_id", "message"),
        _to("reply_block_use", "by_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_block_use")),
        sa.UniqueConstraint("block_id", "message_id", name=op.f("uq_reply_block_use_block_id_message_id")),
    )
    op.create_index(op.f("ix_reply_block_use_by"), "reply_block_use", ["by_id", "block_id"])
    op.create_index(op.f("ix_reply_block_use_message_id"), "reply_block_use", ["message_id"])
    op.create_table(
        "answer_use",
        sa.Column("id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        _to("answer_use", "post_id", "post"),
        _to("answer_use", "message_id", "message"),
        _to("answer_use", "by_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_use")),
        sa.UniqueConstraint("post_id", "message_id", name=op.f("uq_answer_use_post_id_message_id")),
    )
    op.create_index(op.f("ix_answer_use_message_id"), "answer_use", ["message_id"])
    op.create_table(
        "conversation_article",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.Column("relation", sa.String(10), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("relation in ('about', 'made')", name=op.f("ck_conversation_article_known_relation")),
        _to("conversation_article", "conversation_id", "conversation"),
        _to("conversation_article", "article_id", "article"),
        _to("conversation_article", "by_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_article")),
        sa.UniqueConstraint(
            "conversation_id", "article_id", name=op.f("uq_conversation_article_conversation_id_article_id")
        ),
    )
    op.create_index(op.f("ix_conversation_article_article_id"), "conversation_article", ["article_id"])
    op.create_table(
        "reply_topic",
        sa.Column("reply_id", ID, nullable=False),
        sa.Column("topic_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("has_consent", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        _to("reply_topic", "reply_id", "message"),
        _to("reply_topic", "topic_id", "topic"),
        _to("reply_topic", "post_id", "post"),
        _to("reply_topic", "by_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_reply_topic")),
    )
    op.create_index(op.f("ix_reply_topic_topic_id"), "reply_topic", ["topic_id"])


def downgrade() -> None:
    for table in (
        "reply_topic",
        "conversation_article",
        "answer_use",
        "reply_block_use",
        "reply_block_favourite",
        "reply_block_version",
        "reply_block",
    ):
        op.drop_table(table)
    op.drop_column("article_use", "way")


def _to(table: str, column: str, other: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)
