"""The index of the PostgreSQL engine. New tables only, and only on PostgreSQL: nothing waits for a lock.

Rows are kept narrow: what is longer than a few words lies outside of them, because ranking reads many rows and few texts.

Revision ID: 0004
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SORTED_IN_AT_ONCE = {"postgresql_using": "gin", "postgresql_with": {"fastupdate": "off"}}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.create_table(
        "search_index",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_index")),
    )
    op.create_table(
        "search_document",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("index_id", sa.Integer(), nullable=False),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("facets", sa.BigInteger(), nullable=False),
        sa.Column("own_length", sa.Integer(), nullable=False),
        sa.Column("asked_length", sa.Integer(), nullable=False),
        sa.Column("inside_length", sa.Integer(), nullable=False),
        sa.Column("weight", sa.REAL(), nullable=False),
        sa.Column("audience", sa.SmallInteger(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=False),
        sa.Column("answers", sa.Boolean(), nullable=False),
        sa.Column("locale", sa.String(2), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sketch", postgresql.BIT(varying=True), nullable=False),
        sa.Column("terms", postgresql.TSVECTOR(), nullable=False),
        sa.Column("inside", postgresql.TSVECTOR(), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("passages", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_document")),
    )
    op.execute("ALTER TABLE search_document SET (toast_tuple_target = 128)")
    for name in ("record", "words", "passages"):  # numbers that look random: packing them only takes time
        op.execute(f"ALTER TABLE search_document ALTER COLUMN {name} SET STORAGE EXTERNAL")
    for name in ("kind", "author", "category", "tags", "sketch"):  # what many rows are asked for stays in them
        op.execute(f"ALTER TABLE search_document ALTER COLUMN {name} SET STORAGE MAIN")
    op.create_index("uq_search_document_ref", "search_document", ["kind", "ref_id", "index_id"], unique=True)
    op.create_index("ix_search_document_terms", "search_document", ["terms"], **_SORTED_IN_AT_ONCE)
    op.create_index("ix_search_document_inside", "search_document", ["inside"], **_SORTED_IN_AT_ONCE)
    op.create_index("ix_search_document_created", "search_document", ["created"])
    op.create_table(
        "search_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("index_id", sa.Integer(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_change")),
    )
    op.create_index(op.f("ix_search_change_index_id"), "search_change", ["index_id"])
    op.create_table(
        "search_switch",
        sa.Column("engine", sa.String(20), nullable=False),
        sa.Column("is_built", sa.Boolean(), nullable=False),
        sa.Column("serving_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("engine", name=op.f("pk_search_switch")),
    )
    op.create_table(
        "search_late_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("engine", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_late_note")),
    )
    op.create_index(op.f("ix_search_late_note_engine"), "search_late_note", ["engine"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in ("search_late_note", "search_switch", "search_change", "search_document", "search_index"):
            op.drop_table(name)
