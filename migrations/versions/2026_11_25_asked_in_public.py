"""An article's use says whether what had been asked could be read by everybody.

Adds a column with a constant default: an instant change on PostgreSQL 11 and later; SQLite rewrites nothing either.
Uses from before count as private.

Revision ID: 0003
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "article_use", sa.Column("asked_in_public", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    with op.batch_alter_table("article_use") as table:
        table.drop_column("asked_in_public")
