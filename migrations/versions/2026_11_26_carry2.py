"""What came in from elsewhere keeps its id; events go out to endpoints, and are logged; a person's words are erased.

New tables only, which nobody reads yet: nothing that is in use is locked.

Revision ID: 0030
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "carried_row",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("source_id", sa.String(100), nullable=False),
        sa.Column("row_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carried_row")),
        sa.UniqueConstraint("kind", "source_id", name=op.f("uq_carried_row_kind_source_id")),
    )
    op.create_index("ix_carried_row_row", "carried_row", ["kind", "row_id"])


def downgrade() -> None:
    op.drop_table("carried_row")
