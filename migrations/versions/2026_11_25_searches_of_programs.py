"""A search says whether a program told of it over the API.

Adds a column with a constant default: an instant change on PostgreSQL 11 and later; SQLite rewrites nothing either.
Searches from before were all told by the page.

Revision ID: 0005
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("logged_search", sa.Column("by_program", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("logged_search") as table:
        table.drop_column("by_program")
