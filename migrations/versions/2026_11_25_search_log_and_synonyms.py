"""What people look for, and words that mean the same. New tables only: nothing waits for a lock.

Revision ID: 0002
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "logged_search",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("visitor", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_kind", sa.String(length=20), nullable=True),
        sa.Column("opened_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_position", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_people_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logged_search")),
    )
    with op.batch_alter_table("logged_search", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_logged_search_at"), ["at"], unique=False)
        batch_op.create_index("ix_logged_search_visitor", ["visitor", "id"], unique=False)
        batch_op.create_index("ix_logged_search_words", ["words", "locale"], unique=False)

    op.create_table(
        "popular_search",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("visitors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_popular_search")),
        sa.UniqueConstraint("locale", "words", name=op.f("uq_popular_search_locale_words")),
    )
    op.create_table(
        "closed_gap",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_closed_gap_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closed_gap")),
        sa.UniqueConstraint("kind", "words", "locale", name=op.f("uq_closed_gap_kind_words_locale")),
    )
    op.create_table(
        "synonym",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=True),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("is_one_way", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synonym")),
    )
    op.create_table(
        "synonym_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mark", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synonym_version")),
    )


def downgrade():
    op.drop_table("synonym_version")
    op.drop_table("synonym")
    op.drop_table("closed_gap")
    op.drop_table("popular_search")
    with op.batch_alter_table("logged_search", schema=None) as batch_op:
        batch_op.drop_index("ix_logged_search_words")
        batch_op.drop_index("ix_logged_search_visitor")
        batch_op.drop_index(batch_op.f("ix_logged_search_at"))

    op.drop_table("logged_search")
