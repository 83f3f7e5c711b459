"""Since when a channel is connected as it is: whoever listens with what it signed in with before lets go.

A column without a value, an instant change on both databases.

Revision ID: 0040
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channel_course", sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("channel_course", "begun_at")
