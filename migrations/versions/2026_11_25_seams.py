"""Seams: for what an answer was accepted that is hidden, and changes that members suggest to what others wrote.

The column comes with a constant default: an instant change on PostgreSQL 11 and later. The table is new.

Revision ID: 0014
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("muting", sa.Column("accepted_label", sa.String(60), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("muting") as table:
        table.drop_column("accepted_label")
